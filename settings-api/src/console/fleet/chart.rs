//! How long the version in force took to reach the Envoys, as the points of a chart.

use std::time::{Duration, SystemTime};

use crate::console::statuses::{ResourceStatus, State};

/// The size of the plot, in units of the picture.
const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 90.0;

/// A chart: the share of Envoys that accepted the version, over the time since it was published.
#[derive(Debug, PartialEq)]
pub(super) struct Chart {
    /// The points of the curve: `x,y x,y …`
    pub(super) points: String,
    /// The time at the right end.
    pub(super) longest: String,
    /// The sentence that says the same.
    pub(super) summary: String,
}

impl Chart {
    /// Draws the chart; none without an Envoy that was connected when the version was published
    /// and has accepted it since.
    pub(super) fn of(status: &ResourceStatus) -> Option<Self> {
        let published = time(&status.published)?;
        let was_there = |connected: &str| time(connected).is_some_and(|it| it <= published);
        let there = status
            .subscribers
            .iter()
            .filter(|it| was_there(&it.connected));
        let total = there.clone().count();
        let accepted = there.filter(|it| it.state == State::Accepted);
        let mut times: Vec<Duration> = accepted
            .filter_map(|it| time(&it.since)?.duration_since(published).ok())
            .collect();
        times.sort_unstable();
        let longest = *times.last()?;
        let words = match times.len() == total {
            true => "reached all",
            false => "has reached",
        };
        Some(Self {
            points: points(&times, total),
            longest: text(longest),
            summary: format!(
                "The last change {words} {} of {total} Envoys in {}.",
                times.len(),
                text(longest)
            ),
        })
    }
}

/// Draws steps from the left bottom: each Envoy is one step up.
fn points(times: &[Duration], total: usize) -> String {
    let longest = times.last().map_or(1.0, Duration::as_secs_f64).max(1e-3);
    let height = |count: usize| HEIGHT - HEIGHT * as_f64(count) / as_f64(total.max(1));
    let mut points = format!("0,{HEIGHT}");
    for (number, time) in times.iter().enumerate() {
        let x = WIDTH * time.as_secs_f64() / longest;
        points += &format!(
            " {x:.1},{:.1} {x:.1},{:.1}",
            height(number),
            height(number + 1)
        );
    }
    points
}

fn as_f64(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn time(text: &str) -> Option<SystemTime> {
    humantime::parse_rfc3339(text).ok()
}

fn text(time: Duration) -> String {
    match time.as_millis() {
        milliseconds if milliseconds < 1000 => format!("{milliseconds} ms"),
        _ => format!("{:.1} s", time.as_secs_f64()),
    }
}
