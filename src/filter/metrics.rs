//! One counter per setting and outcome (contract §4.9), named from the configuration alone.

use std::cell::RefCell;
use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use crate::config::Config;
use crate::hostcalls::Hostcalls;
use crate::outcome::Outcome;

/// Label for requests that match no setting. Not a valid hostname, so it cannot collide.
const NO_SETTING: &str = "(none)";

/// The counters counted so far under one configuration.
///
/// A counter is defined when first counted: 10,000 settings would otherwise define 100,000 counters
/// at every load, most of them never used.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    ids: RefCell<HashMap<(Option<usize>, Outcome), u32, FxBuildHasher>>,
}

impl Metrics {
    /// Counts `outcome` for setting number `setting` of `config`.
    pub(crate) fn count(
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

/// Names a counter so that `stats_tags` in the bootstrap can cut labels out of it: Envoy gives a
/// filter's counters none.
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
