//! Contract §4.5 as a small state machine over observations from outside.
//!
//! A request enters the filter between its sending and its arrival at the origin, and an answer
//! passes the filter between the moments when the origin gives it and the client receives it. One
//! process observes all of these by one clock. So for each connection and setting two things are
//! known at any time: whether a certificate has certainly been delivered (a client has the answer),
//! and whether it possibly has (the origin has begun to answer). In between only the filter knows,
//! and either behaviour is right.

use std::{collections::HashMap, time::Instant};

/// The mode of a request's hostname in the configuration in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// There is a setting, which does not forward.
    Off,
    /// The certificate goes out until it was delivered.
    First,
    /// It goes out always.
    Every,
}

/// One request, as it was seen.
#[derive(Clone, Debug)]
pub(crate) struct Observed {
    pub(crate) number: usize,
    pub(crate) connection: usize,
    /// The setting by its hostname, where there is one.
    pub(crate) setting: Option<(&'static str, Mode)>,
    /// Not later than the request entered.
    pub(crate) sent: Instant,
    /// Not earlier than the request entered.
    pub(crate) entered: Instant,
    /// When the origin began to give the last of its answers.
    pub(crate) answered: Option<Instant>,
    /// When the client had the head of the origin's answer.
    pub(crate) received: Option<Instant>,
    /// Whether the certificate was on it when it left the filter.
    pub(crate) carried: bool,
}

/// The delivery state of the connection for the setting, as far as it is known.
#[derive(Clone, Copy, Default)]
struct DeliveryState {
    possibly: bool,
    certainly: bool,
}

/// In the order in which simultaneous events are processed: the one that claims less comes first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Sent,
    Answered,
    Entered,
    Received,
}

/// Returns the violations in `requests`, in any order; empty if a correct filter can have done
/// this.
pub(crate) fn violations(requests: &[Observed]) -> Vec<String> {
    let mut events: Vec<(Instant, Event, usize)> = Vec::new();
    for (index, request) in requests.iter().enumerate() {
        let moments = [
            (Some(request.sent), Event::Sent),
            (Some(request.entered), Event::Entered),
            (request.answered, Event::Answered),
            (request.received, Event::Received),
        ];
        for (moment, event) in moments {
            events.extend(moment.map(|moment| (moment, event, index)));
        }
    }
    events.sort();

    let mut deliveries: HashMap<(usize, &str), DeliveryState> = HashMap::new();
    let mut certain_when_sent = vec![false; requests.len()];
    let mut violations = Vec::new();
    for (_, event, index) in events {
        let request = &requests[index];
        let Some((setting, mode)) = request.setting else {
            if event == Event::Entered && request.carried {
                violations.push(violation(request, "carries, and has no setting"));
            }
            continue;
        };
        let state = deliveries.entry((request.connection, setting)).or_default();
        match event {
            Event::Sent => certain_when_sent[index] = state.certainly,
            Event::Entered => {
                let wrong = match (mode, request.carried) {
                    (Mode::Off, true) => Some("carries, and its setting does not forward"),
                    (Mode::Every, false) => Some("carries nothing where every request has to"),
                    (Mode::First, true) if certain_when_sent[index] => {
                        Some("repeats what was delivered before it was sent")
                    }
                    (Mode::First, false) if !state.possibly => {
                        Some("carries nothing, and nothing had been delivered when it arrived")
                    }
                    _ => None,
                };
                violations.extend(wrong.map(|wrong| violation(request, wrong)));
            }
            Event::Answered => state.possibly |= request.carried,
            // Settings that forward on every request have no delivery state.
            Event::Received => state.certainly |= request.carried && mode == Mode::First,
        }
    }
    violations
}

fn violation(request: &Observed, what: &str) -> String {
    format!(
        "request {} on connection {} for {:?} {what}",
        request.number, request.connection, request.setting
    )
}

#[cfg(test)]
mod tests {
    use std::{
        sync::LazyLock,
        time::{Duration, Instant},
    };

    use super::{Mode, Observed, violations};

    /// A request that is sent, enters, is answered and is received at these milliseconds.
    fn request(moments: [u64; 4], setting: (&'static str, Mode), carried: bool) -> Observed {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        let [sent, entered, answered, received] =
            moments.map(|moment| *START + Duration::from_millis(moment));
        Observed {
            number: 0,
            connection: 0,
            setting: Some(setting),
            sent,
            entered,
            answered: Some(answered),
            received: Some(received),
            carried,
        }
    }

    const FIRST: (&str, Mode) = ("a", Mode::First);

    #[test]
    fn the_first_carries_and_the_next_does_not() {
        let first = request([0, 1, 2, 3], FIRST, true);
        let [repeated, next] = [true, false].map(|carried| request([4, 5, 6, 7], FIRST, carried));
        assert!(violations(&[first.clone(), next]).is_empty());
        assert_eq!(violations(&[first, repeated]).len(), 1);
    }

    #[test]
    fn what_overlaps_with_the_delivery_may_do_either() {
        let first = request([0, 1, 4, 9], FIRST, true);
        for carried in [true, false] {
            let overlapping = request([5, 6, 7, 8], FIRST, carried);
            assert!(violations(&[first.clone(), overlapping]).is_empty());
        }
        let too_early = request([2, 3, 5, 6], FIRST, false);
        assert_eq!(violations(&[first, too_early]).len(), 1);
    }

    #[test]
    fn what_was_not_answered_or_is_of_another_setting_or_connection_counts_for_nothing() {
        let unanswered = Observed {
            answered: None,
            received: None,
            ..request([0, 1, 2, 3], FIRST, true)
        };
        let other_setting = request([0, 1, 2, 3], ("b", Mode::First), true);
        let other_connection = Observed {
            connection: 1,
            ..request([0, 1, 2, 3], FIRST, true)
        };
        for earlier in [unanswered, other_setting, other_connection] {
            let lost = request([4, 5, 6, 7], FIRST, false);
            assert_eq!(violations(&[earlier.clone(), lost]).len(), 1);
            let carrying = request([4, 5, 6, 7], FIRST, true);
            assert!(violations(&[earlier, carrying]).is_empty());
        }
    }

    #[test]
    fn nothing_goes_where_nothing_is_forwarded_and_all_goes_where_all_is() {
        for (mode, right) in [(Mode::Off, false), (Mode::Every, true)] {
            let requests =
                [0, 10].map(|at| request([at, at + 1, at + 2, at + 3], ("a", mode), right));
            assert!(violations(&requests).is_empty(), "{mode:?}");
            let wrong = requests.map(|request| Observed {
                carried: !right,
                ..request
            });
            assert_eq!(violations(&wrong).len(), 2, "{mode:?}");
        }
        let without_setting = Observed {
            setting: None,
            ..request([0, 1, 2, 3], FIRST, true)
        };
        assert_eq!(violations(&[without_setting]).len(), 1);
    }
}
