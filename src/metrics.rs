//! One counter per setting and outcome (contract §4.9), named from the configuration alone.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::config::Config;
use crate::hostcalls::Hostcalls;

/// What the filter did with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The origin was sent the certificate and answered.
    Forwarded,
    /// A request that carried the certificate was never answered by the origin.
    Undelivered,
    /// The certificate was not verified, so it was not sent.
    Unverified,
    /// The encoded certificate is over the limit: only its hash was sent.
    TooLarge,
    /// A certificate was presented, but no source gives it.
    SourceMissing,
    /// The client presented no certificate.
    NoCertificate,
    /// Answered 403: the setting requires a verified certificate; or 400: whether one is required can't be told from the hostname.
    Denied,
    /// Answered 421: the connection was opened for another hostname.
    Misdirected,
    /// A managed header of the client's own was removed.
    SpoofStripped,
    /// Answered 400: the client sent a managed header.
    SpoofRejected,
}

impl Outcome {
    /// As metrics and `explain` spell it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Forwarded => "forwarded",
            Self::Undelivered => "undelivered",
            Self::Unverified => "unverified",
            Self::TooLarge => "too_large",
            Self::SourceMissing => "source_missing",
            Self::NoCertificate => "no_certificate",
            Self::Denied => "denied",
            Self::Misdirected => "misdirected",
            Self::SpoofStripped => "spoof_stripped",
            Self::SpoofRejected => "spoof_rejected",
        }
    }
}

/// The `hostname` label of requests that no setting is for; no hostname is spelled so.
const NO_SETTING: &str = "(none)";

/// The counters that were needed so far. They are defined when first counted: 10,000 settings would else define 100,000 counters at
/// every load, most of them never used.
#[derive(Debug, Default)]
pub struct Metrics {
    ids: RefCell<HashMap<(Option<usize>, Outcome), u32>>,
}

impl Metrics {
    /// Counts `outcome` for the setting of that number in `config`.
    pub fn count(
        &self,
        envoy: &impl Hostcalls,
        config: &Config,
        setting: Option<usize>,
        outcome: Outcome,
    ) {
        let mut ids = self.ids.borrow_mut();
        let id = ids.get(&(setting, outcome)).copied().or_else(|| {
            let hostname = setting
                .and_then(|number| config.settings.get(number))
                .map_or(NO_SETTING, |setting| &setting.hostname);
            let id = envoy.define_counter(&counter_name(hostname, outcome))?;
            ids.insert((setting, outcome), id);
            Some(id)
        });
        if let Some(id) = id {
            envoy.increment_counter(id);
        }
    }
}

/// Envoy has no labels for a filter's counters: `stats_tags` in the bootstrap cut the two pairs out of this name and make labels of them.
fn counter_name(hostname: &str, outcome: Outcome) -> String {
    format!(
        "client_cert_forwarder.hostname={hostname};.outcome={};.requests",
        outcome.name()
    )
}

#[cfg(test)]
mod tests {
    use super::{Outcome, counter_name};

    #[test]
    fn a_counters_name_carries_its_labels() {
        assert_eq!(
            counter_name("*.example.com", Outcome::TooLarge),
            "client_cert_forwarder.hostname=*.example.com;.outcome=too_large;.requests"
        );
    }
}
