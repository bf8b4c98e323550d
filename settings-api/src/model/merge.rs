//! Merges the base configuration and the API's settings into plugin configurations.

use std::collections::BTreeMap;

use client_cert_forwarder::config::ConfigError;
use client_cert_forwarder::config::schema::{HostnameSettings, PluginConfig};
use client_cert_forwarder::hostname::{HostnamePattern, HostnameTable};

use super::base::Base;
use super::entry::{Entry, Settings};
use super::resource_template::{ResourceTemplate, compile};
use super::scope::Scope;

/// Builds the plugin configuration (JSON) of one ECDS resource.
///
/// Leaves out hostnames that their zone or account may no longer set.
///
/// # Errors
/// The reason for which the filter would refuse it.
pub(super) fn plugin_config(
    base: &Base,
    name: &str,
    resource: &ResourceTemplate,
    settings: &Settings,
) -> Result<String, ConfigError> {
    let entries = settings
        .iter()
        .flat_map(|(scope, entries)| entries.iter().map(move |entry| (scope, entry)))
        .filter(|(scope, entry)| base.may_set(scope, &entry.hostname))
        .filter(|(_, entry)| {
            base.zone_of(&entry.hostname)
                .is_some_and(|(_, zone)| zone.resource == name)
        });
    let mut chosen: BTreeMap<&str, (&Scope, &Entry)> = BTreeMap::new();
    for (scope, entry) in entries {
        let zone_goes_before = matches!(scope, Scope::Zone(_));
        if zone_goes_before || !chosen.contains_key(entry.hostname.as_str()) {
            chosen.insert(&entry.hostname, (scope, entry));
        }
    }
    compile(&with_entries(
        resource,
        chosen.into_values().map(|(_, entry)| entry),
    ))
}

/// Adds the API's entries to the plugin configuration.
///
/// An entry inherits its other keys (`require_client_certificate`, `request_headers`, …) from the
/// setting that would serve the hostname without it, so adding a hostname never loosens a rule.
fn with_entries<'a>(
    resource: &ResourceTemplate,
    entries: impl Iterator<Item = &'a Entry>,
) -> PluginConfig {
    let mut plugin = resource.plugin.clone();
    let own = &resource.plugin.settings;
    let mut patterns = HostnameTable::default();
    for (number, setting) in own.iter().enumerate() {
        if let Ok(pattern) = HostnamePattern::parse(&setting.hostname) {
            patterns.insert(&pattern, number);
        }
    }
    for entry in entries {
        let covering = patterns.lookup(entry.hostname.as_bytes());
        let (number, inherited) = match covering.and_then(|number| Some((number, own.get(number)?)))
        {
            Some((number, setting)) => (Some(number), setting),
            None => (None, &resource.defaults),
        };
        let setting = HostnameSettings {
            hostname: entry.hostname.clone(),
            china_network: entry.china_network,
            client_certificate_forwarding: entry.client_certificate_forwarding,
            ..inherited.clone()
        };
        let same_hostname =
            HostnamePattern::parse(&inherited.hostname) == HostnamePattern::parse(&entry.hostname);
        match number
            .filter(|_| same_hostname)
            .and_then(|number| plugin.settings.get_mut(number))
        {
            Some(place) => *place = setting,
            None => plugin.settings.push(setting),
        }
    }
    plugin
}

#[cfg(test)]
mod tests {
    use client_cert_forwarder::config::schema::{ForwardOn, PluginConfig};

    use super::plugin_config;
    use crate::model::base::Base;
    use crate::model::entry::{Entry, Settings};
    use crate::model::scope::Scope;

    const BASE: &str = r#"{
        "zones": {
            "main": { "domains": ["example.com"] },
            "sub": { "domains": ["eu.example.com"], "resource": "europe" }
        },
        "accounts": { "all": { "zones": ["main", "sub"] } },
        "resources": {
            "client_cert_forwarder": {
                "wasm_filename": "/filter.wasm",
                "plugin": { "verified_by": "listener", "settings": [
                    { "hostname": "secure.example.com", "forward_on": "every_request", "client_certificate_forwarding": true },
                    { "hostname": "*.internal.example.com", "require_client_certificate": true }
                ] },
                "hostname_defaults": { "forward_unverified": true, "request_headers": { "X-Serial": "certSerial" } }
            },
            "europe": { "wasm_filename": "/filter.wasm", "plugin": { "settings": [] } }
        }
    }"#;

    fn merged(name: &str, settings: &[(Scope, &str, bool)]) -> PluginConfig {
        let base = Base::from_json(BASE.as_bytes()).unwrap();
        let mut by_scope = Settings::new();
        for (scope, hostname, client_certificate_forwarding) in settings {
            by_scope.entry(scope.clone()).or_default().push(Entry {
                china_network: !client_certificate_forwarding,
                client_certificate_forwarding: *client_certificate_forwarding,
                hostname: (*hostname).into(),
            });
        }
        let json = plugin_config(&base, name, &base.resources[name], &by_scope).unwrap();
        PluginConfig::from_json(json.as_bytes()).unwrap()
    }

    fn hostnames(config: &PluginConfig) -> Vec<&str> {
        config
            .settings
            .iter()
            .map(|setting| setting.hostname.as_str())
            .collect()
    }

    fn zone(id: &str) -> Scope {
        Scope::Zone(id.into())
    }

    fn account(id: &str) -> Scope {
        Scope::Account(id.into())
    }

    #[test]
    fn a_new_hostname_gets_the_defaults() {
        let config = merged(
            "client_cert_forwarder",
            &[(zone("main"), "api.example.com", true)],
        );
        let setting = &config.settings[2];
        assert_eq!(setting.hostname, "api.example.com");
        assert!(setting.client_certificate_forwarding && setting.forward_unverified);
        assert_eq!(setting.request_headers.0.len(), 1);
    }

    #[test]
    fn a_hostname_of_the_file_keeps_what_the_api_cannot_say() {
        let config = merged(
            "client_cert_forwarder",
            &[(zone("main"), "secure.example.com", false)],
        );
        assert_eq!(
            hostnames(&config),
            ["secure.example.com", "*.internal.example.com"]
        );
        assert!(!config.settings[0].client_certificate_forwarding);
        assert_eq!(config.settings[0].forward_on, ForwardOn::EveryRequest);
    }

    #[test]
    fn a_new_hostname_below_a_wildcard_of_the_file_still_requires_a_certificate() {
        for hostname in [
            "a.internal.example.com",
            "*.b.internal.example.com",
            "*.internal.example.com",
        ] {
            let config = merged("client_cert_forwarder", &[(zone("main"), hostname, true)]);
            let setting = config
                .settings
                .iter()
                .find(|setting| setting.hostname == hostname)
                .unwrap();
            assert!(
                setting.require_client_certificate && setting.client_certificate_forwarding,
                "{hostname}"
            );
        }
    }

    #[test]
    fn each_zone_has_its_own_resource() {
        let settings = [
            (zone("main"), "api.example.com", true),
            (zone("sub"), "api.eu.example.com", true),
        ];
        assert_eq!(
            hostnames(&merged("europe", &settings)),
            ["api.eu.example.com"]
        );
        assert!(
            !hostnames(&merged("client_cert_forwarder", &settings)).contains(&"api.eu.example.com")
        );
    }

    #[test]
    fn an_accounts_setting_goes_to_its_zone_and_yields_to_the_zones_own() {
        let accounts_own = [(account("all"), "api.eu.example.com", true)];
        assert_eq!(
            hostnames(&merged("europe", &accounts_own)),
            ["api.eu.example.com"]
        );
        let both = [
            (account("all"), "api.eu.example.com", true),
            (zone("sub"), "api.eu.example.com", false),
        ];
        let config = merged("europe", &both);
        assert_eq!(hostnames(&config), ["api.eu.example.com"]);
        assert!(!config.settings[0].client_certificate_forwarding);
    }

    #[test]
    fn a_hostname_that_is_no_longer_the_zones_is_left_out() {
        assert!(hostnames(&merged("europe", &[(zone("sub"), "api.example.org", true)])).is_empty());
    }
}
