//! The contract for each request of a connection: the status, whether the origin gets the
//! certificate, and the counted outcome.

use std::collections::BTreeMap;

use crate::plan::{Fate, Forwards, Host, Plan, Step, Who};

/// Counters of the filter by setting and outcome.
pub(crate) type Counters = BTreeMap<(String, String), u64>;

/// Whether the origin has to see the certificate, or the fields of it, in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certificate {
    /// It has to.
    Sent,
    /// It must not.
    Held,
    /// Of requests that are sent at once any may carry it while none was delivered, and one has to.
    Either,
}

/// The expected result of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    /// The status that the client gets; `None` when it doesn't wait for it.
    pub(crate) status: Option<u16>,
    /// The expected request at the origin, if it arrives there.
    pub(crate) certificate: Certificate,
    /// The outcome that is counted, if the certificate was sent or had to be held back.
    pub(crate) outcome: Option<&'static str>,
}

/// The delivery state of a connection.
pub(crate) struct Model {
    who: Who,
    server_name: &'static str,
    delivered: Vec<&'static str>,
}

impl Model {
    pub(crate) fn new(plan: &Plan) -> Model {
        Model {
            who: plan.who,
            server_name: plan.server_name,
            delivered: Vec::new(),
        }
    }

    /// Returns the expected result of the next request or requests.
    pub(crate) fn expect(&self, step: &Step) -> Expected {
        let host = step.host;
        if let Some((status, outcome)) = self.refusal(host) {
            return Expected {
                status: Some(status),
                certificate: Certificate::Held,
                outcome: Some(outcome),
            };
        }
        let status = match step.fate {
            Fate::Answered => Some(200),
            Fate::LocalReply => Some(418),
            Fate::Refused | Fate::NoUpstream | Fate::Reset => Some(503),
            Fate::Abandoned => None,
        };
        let due = match host.forwards {
            Forwards::Never => false,
            Forwards::Every | Forwards::Fields => true,
            Forwards::First => !self.delivered.contains(&host.setting),
        };
        let (certificate, outcome) = match (due, self.withheld()) {
            (false, _) => (Certificate::Held, None),
            (true, Some(outcome)) => (Certificate::Held, Some(outcome)),
            (true, None) if step.fate != Fate::Answered => (Certificate::Sent, Some("undelivered")),
            (true, None) => {
                let certificate = if step.at_once > 1 && host.forwards == Forwards::First {
                    Certificate::Either
                } else {
                    Certificate::Sent
                };
                (certificate, Some(self.sent()))
            }
        };
        Expected {
            status,
            certificate,
            outcome,
        }
    }

    /// The requests are over, and came out so.
    pub(crate) fn done(&mut self, step: &Step, expected: Expected) {
        let delivered = step.fate == Fate::Answered && expected.certificate != Certificate::Held;
        if delivered && !self.delivered.contains(&step.host.setting) {
            self.delivered.push(step.host.setting);
        }
    }

    /// Whether the filter refuses requests for that host.
    pub(crate) fn refuses(&self, host: &Host) -> bool {
        self.refusal(host).is_some()
    }

    fn refusal(&self, host: &Host) -> Option<(u16, &'static str)> {
        if !host.requires {
            None
        } else if self.server_name != host.name {
            Some((421, "misdirected"))
        } else {
            self.withheld().map(|_| (403, "denied"))
        }
    }

    /// Why the certificate is not sent, if it isn't.
    fn withheld(&self) -> Option<&'static str> {
        match self.who {
            Who::Anonymous => Some("no_certificate"),
            Who::Untrusted => Some("unverified"),
            Who::Client | Who::Other | Who::Huge => None,
        }
    }

    /// Whether the client's certificate is over the limit.
    pub(crate) fn is_too_large(&self) -> bool {
        self.who == Who::Huge
    }

    fn sent(&self) -> &'static str {
        if self.is_too_large() {
            "too_large"
        } else {
            "forwarded"
        }
    }
}
