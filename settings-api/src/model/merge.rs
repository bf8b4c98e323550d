//! Merges the base configuration and the API's settings into plugin configurations.

use std::collections::BTreeMap;

use client_cert_forwarder::config::ConfigError;
use client_cert_forwarder::config::schema::{HostnameSettings, PluginConfig, RevokedCertificate};
use client_cert_forwarder::hostname::{HostnamePattern, HostnameTable};

use super::base::Base;
use super::entry::{Entry, Settings};
use super::resource_template::{ResourceTemplate, compile};
use super::scope::Scope;
use super::zone_borders::{self, Owned};

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
    revoked: &[RevokedCertificate],
    settings: &Settings,
) -> Result<String, ConfigError> {
    let candidates = candidates(base, name, settings);
    let chosen = choose(&candidates);
    let mut merger = Merger::new(resource);
    for (_, entry) in chosen.values() {
        merger.set(&entry.hostname, entry);
    }
    for border in zone_borders::find(base, &candidates, &chosen) {
        match border.entry {
            Some(entry) => merger.set(&border.hostname, entry),
            None => merger.keep(&border.hostname),
        }
    }
    let mut plugin = merger.plugin;
    plugin.revoked_certificates.extend_from_slice(revoked);
    compile(&plugin)
}

/// Lists the API's settings that belong to a resource.
pub(super) fn candidates<'a>(
    base: &Base,
    resource: &str,
    settings: &'a Settings,
) -> Vec<Owned<'a>> {
    settings
        .iter()
        .flat_map(|(scope, entries)| entries.iter().map(move |entry| (scope, entry)))
        .filter(|(scope, entry)| base.may_set(scope, &entry.hostname))
        .filter(|(_, entry)| {
            let zone = base.zone_of(&entry.hostname);
            zone.is_some_and(|(_, zone)| zone.resource == resource)
        })
        .collect()
}

/// Chooses one setting per hostname: the zone's own, else the first account's.
pub(super) fn choose<'a>(candidates: &[Owned<'a>]) -> BTreeMap<&'a str, Owned<'a>> {
    let mut chosen: BTreeMap<&str, Owned<'a>> = BTreeMap::new();
    for (scope, entry) in candidates {
        let is_zones_own = matches!(scope, Scope::Zone(_));
        if is_zones_own || !chosen.contains_key(entry.hostname.as_str()) {
            chosen.insert(&entry.hostname, (scope, entry));
        }
    }
    chosen
}

/// Adds the API's settings to the operator's plugin configuration.
pub(super) struct Merger<'a> {
    template: &'a ResourceTemplate,
    /// The operator's settings, by number.
    patterns: HostnameTable,
    pub(super) plugin: PluginConfig,
}

impl<'a> Merger<'a> {
    /// Starts with the operator's settings.
    pub(super) fn new(template: &'a ResourceTemplate) -> Self {
        let mut patterns = HostnameTable::default();
        for (number, setting) in template.plugin.settings.iter().enumerate() {
            if let Ok(pattern) = HostnamePattern::parse(&setting.hostname) {
                patterns.insert(&pattern, number);
            }
        }
        Self {
            template,
            patterns,
            plugin: template.plugin.clone(),
        }
    }

    /// Sets a hostname as `entry` says.
    ///
    /// It inherits its other keys (`require_client_certificate`, `request_headers`, …) from the
    /// setting that would serve it without the API, so adding a hostname never loosens a rule.
    pub(super) fn set(&mut self, hostname: &str, entry: &Entry) {
        let covering = self.covering(hostname);
        let inherited = covering.map_or(&self.template.defaults, |(_, setting)| setting);
        let setting = HostnameSettings {
            hostname: hostname.to_owned(),
            china_network: entry.china_network,
            client_certificate_forwarding: entry.client_certificate_forwarding,
            ..inherited.clone()
        };
        let own = covering.filter(|(_, covering)| is_same(&covering.hostname, hostname));
        match own.and_then(|(number, _)| self.plugin.settings.get_mut(number)) {
            Some(place) => *place = setting,
            None => self.plugin.settings.push(setting),
        }
    }

    /// Serves a hostname as if the API had no settings.
    fn keep(&mut self, hostname: &str) {
        let covering = self.covering(hostname).map(|(_, setting)| setting);
        if covering.is_some_and(|setting| is_same(&setting.hostname, hostname)) {
            return;
        }
        let setting = HostnameSettings {
            hostname: hostname.to_owned(),
            ..covering.cloned().unwrap_or_default()
        };
        self.plugin.settings.push(setting);
    }

    /// Finds the operator's setting that serves a hostname, with its number.
    pub(super) fn covering(&self, hostname: &str) -> Option<(usize, &'a HostnameSettings)> {
        let number = self.patterns.lookup(hostname.as_bytes())?;
        Some((number, self.template.plugin.settings.get(number)?))
    }
}

fn is_same(one: &str, other: &str) -> bool {
    HostnamePattern::parse(one) == HostnamePattern::parse(other)
}

#[cfg(test)]
mod tests {
    use client_cert_forwarder::config::schema::{ForwardOn, PluginConfig};

    use super::plugin_config;
    use crate::model::base::Base;
    use crate::model::entry::{Entry, Settings, entry};
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
        let json = plugin_config(&base, name, &base.resources[name], &[], &by_scope).unwrap();
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

    #[test]
    fn a_wildcard_does_not_reach_into_another_zone() {
        let wildcard = (zone("main"), "*.example.com", true);
        let name = "client_cert_forwarder";
        let forwarding = |settings: &[(Scope, &str, bool)]| {
            let config = merged(name, settings);
            let config = config.settings.into_iter();
            let api = config.skip(2).map(|setting| {
                let forwards = setting.client_certificate_forwarding;
                (setting.hostname, forwards, setting.forward_unverified)
            });
            api.collect::<Vec<_>>()
        };
        let named =
            |hostname: &str, forwards, has_defaults| (hostname.to_owned(), forwards, has_defaults);
        assert_eq!(
            forwarding(&[wildcard]),
            [
                named("*.example.com", true, true),
                named("eu.example.com", false, false),
                named("*.eu.example.com", false, false),
            ]
        );
        // The account has both zones, so its wildcard may serve both.
        let accounts = (account("all"), "*.example.com", true);
        assert_eq!(
            forwarding(std::slice::from_ref(&accounts)),
            [named("*.example.com", true, true)]
        );
        let main_opts_out = (zone("main"), "*.example.com", false);
        assert_eq!(
            forwarding(&[accounts, main_opts_out]),
            [
                named("*.example.com", false, true),
                named("eu.example.com", true, true),
                named("*.eu.example.com", true, true),
            ]
        );
    }

    #[test]
    fn beyond_a_zones_border_the_operators_own_settings_apply() {
        let text = BASE
            .replace("*.internal.example.com", "*.EXAMPLE.com")
            .replace(r#", "resource": "europe""#, "");
        let base = Base::from_json(text.as_bytes()).unwrap();
        let mut settings = Settings::new();
        let wildcard = entry("*.example.com", false, true);
        let own = entry("a.eu.example.com", false, true);
        settings.insert(zone("main"), vec![wildcard]);
        settings.insert(zone("sub"), vec![own]);
        let name = "client_cert_forwarder";
        let json = plugin_config(&base, name, &base.resources[name], &[], &settings).unwrap();
        let config = PluginConfig::from_json(json.as_bytes()).unwrap();
        let found: Vec<_> = config
            .settings
            .iter()
            .map(|it| {
                let forwards = it.client_certificate_forwarding;
                (
                    it.hostname.as_str(),
                    forwards,
                    it.require_client_certificate,
                )
            })
            .collect();
        assert_eq!(
            found,
            [
                ("secure.example.com", true, false),
                ("*.example.com", true, true),
                ("a.eu.example.com", true, true),
                ("eu.example.com", false, true),
                ("*.eu.example.com", false, true),
            ]
        );
    }
}
