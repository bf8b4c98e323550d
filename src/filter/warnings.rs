//! Logs warnings for operators, each once per configuration.

use std::cell::Cell;

use crate::config::Config;
use crate::config::compiled::VerifiedBy;
use crate::decision::Warning;
use crate::hostcalls::{Hostcalls, Level};

/// Most warnings of a configuration that are logged: 10,000 settings with one each would write
/// 10,000 lines.
const MAX_LOGGED: usize = 10;

/// The cases that this worker has met under one configuration.
#[derive(Debug, Default)]
pub(crate) struct Warnings {
    source_missing: Cell<bool>,
    unverified: Cell<bool>,
    revoked: Cell<bool>,
    not_allowed: Cell<bool>,
    no_server_name: Cell<bool>,
}

impl Warnings {
    /// Logs `warning`, unless a worker has done so under this configuration.
    pub(crate) fn log(&self, envoy: &impl Hostcalls, config: &Config, warning: Warning) {
        let met = match warning {
            Warning::SourceMissing => &self.source_missing,
            // With "listener" nothing is unverified for want of the attribute.
            Warning::Unverified if config.verified_by == VerifiedBy::Listener => return,
            Warning::Unverified => &self.unverified,
            Warning::Revoked => &self.revoked,
            Warning::NotAllowed => &self.not_allowed,
            Warning::NoServerName => &self.no_server_name,
        };
        if !met.replace(true) && first_in_process(envoy, config, warning.key()) {
            envoy.log(Level::Warn, warning.text());
        }
    }
}

/// Logs the configuration's own warnings and the line of its start, once in the process.
pub(crate) fn loaded(envoy: &impl Hostcalls, config: &Config, no_configuration: bool) {
    if !first_in_process(envoy, config, "loaded") {
        return;
    }
    let (version, revision) = (
        env!("CARGO_PKG_VERSION"),
        env!("CLIENT_CERT_FORWARDER_REVISION"),
    );
    let settings = config.settings.len();
    if no_configuration {
        envoy.log(
            Level::Warn,
            "the plugin configuration is empty: nothing is forwarded, managed headers are still \
             removed",
        );
    }
    for warning in config.warnings.iter().take(MAX_LOGGED) {
        envoy.log(Level::Warn, &warning.to_string());
    }
    let more = config.warnings.len().saturating_sub(MAX_LOGGED);
    if more > 0 {
        envoy.log(
            Level::Warn,
            &format!("{more} more warnings are not logged: `ccf check` lists all of them"),
        );
    }
    envoy.log(
        Level::Info,
        &format!(
            "client-cert-forwarder {version} (revision {revision}) serves {settings} settings"
        ),
    );
}

/// Whether no worker of the process has logged `key` under this configuration.
fn first_in_process(envoy: &impl Hostcalls, config: &Config, key: &str) -> bool {
    let id = u64::from_be_bytes(config.id);
    envoy.first_in_process(&format!("client_cert_forwarder.{id:016x}.{key}"))
}

#[cfg(test)]
mod tests {
    use super::{MAX_LOGGED, loaded};
    use crate::config::Config;
    use crate::hostcalls::mock::MockEnvoy;

    /// The lines at the load of `count` settings with a warning each.
    fn logged(count: usize) -> Vec<String> {
        let setting =
            |number| format!(r#"{{"hostname":"h{number}.example","forward_on":"every_request"}}"#);
        let settings: Vec<String> = (0..count).map(setting).collect();
        let json = format!(r#"{{"settings":[{}]}}"#, settings.join(","));
        let envoy = MockEnvoy::default();
        let config = Config::from_json(json.as_bytes()).unwrap();
        assert_eq!(config.warnings.len(), count);
        loaded(&envoy, &config, false);
        envoy.logged.take()
    }

    #[test]
    fn the_first_warnings_are_logged_and_the_number_of_the_others() {
        assert_eq!(logged(MAX_LOGGED).len(), MAX_LOGGED + 1);
        let lines = logged(10_000);
        assert_eq!(lines.len(), MAX_LOGGED + 2);
        for (number, line) in lines.iter().take(MAX_LOGGED).enumerate() {
            let path = format!("settings[{number}].forward_on: ");
            assert!(line.starts_with(&path), "{line}");
        }
        assert!(
            lines[MAX_LOGGED].starts_with("9990 more warnings"),
            "{lines:?}"
        );
    }
}
