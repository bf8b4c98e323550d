//! The hostnames of a zone or account with their merged settings, and where each value comes from.

use std::collections::BTreeMap;

use client_cert_forwarder::config::schema::HostnameSettings;
use client_cert_forwarder::hostname::HostnamePattern;
use serde_json::{Map, Value};

use super::base::Base;
use super::entry::{Entry, Settings};
use super::merge::{Merger, candidates, choose};
use super::scope::Scope;

/// A hostname that a zone or account has a setting for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListedHostname {
    /// The hostname, which may be a wildcard.
    pub(crate) hostname: String,
    /// Its zone.
    pub(crate) zone: String,
    /// The value of `client_certificate_forwarding`.
    pub(crate) forwarding: bool,
    /// The zone or account whose API setting this is; without one it comes from the base
    /// configuration.
    pub(crate) set_by: Option<Scope>,
}

/// The origin of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The API's setting of this zone or account.
    Api(Scope),
    /// This place of the base configuration.
    Base(String),
    /// The filter's default.
    Default,
}

/// A key of a merged setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MergedValue {
    /// The key.
    pub(crate) key: String,
    /// The value, as JSON.
    pub(crate) value: String,
    /// Where it comes from.
    pub(crate) origin: Origin,
}

/// Keys that the API sets.
const SET_BY_THE_API: [&str; 2] = ["china_network", "client_certificate_forwarding"];

/// Lists the hostnames of a zone, of the API and of the base configuration, or those that an
/// account has set; in alphabetical order.
pub(crate) fn hostnames(base: &Base, settings: &Settings, scope: &Scope) -> Vec<ListedHostname> {
    match scope {
        Scope::Zone(id) => hostnames_of_zone(base, settings, id),
        Scope::Account(_) => {
            let entries = settings.get(scope).map(Vec::as_slice).unwrap_or_default();
            let listed = entries.iter().filter_map(|entry| {
                let (zone, _) = base.zone_of(&entry.hostname)?;
                Some(of_api(zone, scope, entry))
            });
            let mut listed: Vec<_> = listed.collect();
            listed.sort_by(|one, other| one.hostname.cmp(&other.hostname));
            listed
        }
    }
}

fn hostnames_of_zone(base: &Base, settings: &Settings, id: &str) -> Vec<ListedHostname> {
    let is_own = |hostname: &str| base.zone_of(hostname).is_some_and(|(zone, _)| zone == id);
    let Some(zone) = base.zones.get(id) else {
        return Vec::new();
    };
    let mut listed = BTreeMap::new();
    let template = base.resources.get(&zone.resource);
    for setting in template
        .iter()
        .flat_map(|template| &template.plugin.settings)
    {
        let Ok(pattern) = HostnamePattern::parse(&setting.hostname) else {
            continue;
        };
        let hostname = pattern.to_string();
        if is_own(&hostname) {
            let own = ListedHostname {
                hostname: hostname.clone(),
                zone: id.to_owned(),
                forwarding: setting.client_certificate_forwarding,
                set_by: None,
            };
            listed.insert(hostname, own);
        }
    }
    let candidates = candidates(base, &zone.resource, settings);
    for (hostname, (scope, entry)) in choose(&candidates) {
        if is_own(hostname) {
            listed.insert(hostname.to_owned(), of_api(id, scope, entry));
        }
    }
    listed.into_values().collect()
}

fn of_api(zone: &str, scope: &Scope, entry: &Entry) -> ListedHostname {
    ListedHostname {
        hostname: entry.hostname.clone(),
        zone: zone.to_owned(),
        forwarding: entry.client_certificate_forwarding,
        set_by: Some(scope.clone()),
    }
}

/// Merges the setting of a hostname; none if it has no zone, or neither the API nor the base
/// configuration has a setting of that hostname. Keys without a value are left out.
pub(crate) fn merged(base: &Base, settings: &Settings, hostname: &str) -> Option<Vec<MergedValue>> {
    let (_, zone) = base.zone_of(hostname)?;
    let template = base.resources.get(&zone.resource)?;
    let candidates = candidates(base, &zone.resource, settings);
    let chosen = choose(&candidates).remove(hostname);
    let mut merger = Merger::new(template);
    let covering = merger.covering(hostname);
    let place = match covering {
        Some((number, _)) => format!("resources.{}.plugin.settings[{number}]", zone.resource),
        None => format!("resources.{}.hostname_defaults", zone.resource),
    };
    if let Some((_, entry)) = chosen {
        merger.set(hostname, entry);
    }
    let pattern = HostnamePattern::parse(hostname).ok()?;
    let mut all = merger.plugin.settings.iter();
    let setting = all.find(|it| HostnamePattern::parse(&it.hostname).as_ref() == Ok(&pattern))?;
    let defaults = object(&HostnameSettings::default());
    let origin = |key: &str, value: &Value| match chosen {
        Some((scope, _)) if SET_BY_THE_API.contains(&key) => Origin::Api(scope.clone()),
        _ if defaults.get(key) == Some(value) => Origin::Default,
        _ => Origin::Base(place.clone()),
    };
    let values = object(setting)
        .into_iter()
        .filter(|(key, _)| key != "hostname");
    let values = values.map(|(key, value)| MergedValue {
        origin: origin(&key, &value),
        value: value.to_string(),
        key,
    });
    Some(values.collect())
}

fn object(setting: &HostnameSettings) -> Map<String, Value> {
    match serde_json::to_value(setting) {
        Ok(Value::Object(map)) => map,
        // A setting is an object of plain values.
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::{ListedHostname, Origin, hostnames, merged};
    use crate::model::base::Base;
    use crate::model::entry::{Settings, entry};
    use crate::model::scope::Scope;

    const BASE: &str = r#"{
        "zones": {
            "main": { "domains": ["example.com"], "resource": "r" },
            "other": { "domains": ["example.org"], "resource": "r" }
        },
        "accounts": { "all": { "zones": ["main", "other"] } },
        "resources": { "r": {
            "wasm_filename": "/f.wasm",
            "plugin": { "verified_by": "listener", "settings": [
                { "hostname": "Static.example.com", "client_certificate_forwarding": true },
                { "hostname": "*.example.com", "forward_on": "every_request" }
            ] },
            "hostname_defaults": { "forward_unverified": true }
        } }
    }"#;

    fn fixture() -> (Base, Settings) {
        let base = Base::from_json(BASE.as_bytes()).unwrap();
        let mut settings = Settings::new();
        settings.insert(
            Scope::Zone("main".into()),
            vec![
                entry("b.example.com", true, false),
                entry("a.example.com", false, true),
            ],
        );
        settings.insert(
            Scope::Account("all".into()),
            vec![
                entry("b.example.com", false, true),
                entry("x.example.org", false, true),
            ],
        );
        (base, settings)
    }

    #[test]
    fn a_zone_lists_what_serves_it_and_an_account_what_it_set() {
        let (base, settings) = fixture();
        let of = |scope: &Scope| -> Vec<_> {
            let all = hostnames(&base, &settings, scope).into_iter();
            all.map(
                |ListedHostname {
                     hostname,
                     forwarding,
                     set_by,
                     ..
                 }| { (hostname, forwarding, set_by) },
            )
            .collect()
        };
        let (zone, account) = (Scope::Zone("main".into()), Scope::Account("all".into()));
        assert_eq!(
            of(&zone),
            [
                ("*.example.com".into(), false, None),
                ("a.example.com".into(), true, Some(zone.clone())),
                ("b.example.com".into(), false, Some(zone.clone())),
                ("static.example.com".into(), true, None),
            ]
        );
        assert_eq!(
            of(&account),
            [
                ("b.example.com".into(), true, Some(account.clone())),
                ("x.example.org".into(), true, Some(account.clone())),
            ]
        );
    }

    #[test]
    fn each_value_has_its_origin() {
        let (base, settings) = fixture();
        let origin = |hostname: &str, key: &str| {
            let values = merged(&base, &settings, hostname).unwrap();
            let found = values.into_iter().find(|value| value.key == key).unwrap();
            (found.value, found.origin)
        };
        let zone = Origin::Api(Scope::Zone("main".into()));
        let forwarding = "client_certificate_forwarding";
        assert_eq!(origin("a.example.com", forwarding), ("true".into(), zone));
        assert_eq!(
            origin("a.example.com", "forward_on"),
            (
                r#""every_request""#.into(),
                Origin::Base("resources.r.plugin.settings[1]".into())
            )
        );
        let default = ("false".into(), Origin::Default);
        assert_eq!(origin("a.example.com", "forward_unverified"), default);
        assert_eq!(
            origin("x.example.org", "forward_unverified"),
            (
                "true".into(),
                Origin::Base("resources.r.hostname_defaults".into())
            )
        );
        assert_eq!(
            origin("static.example.com", forwarding),
            (
                "true".into(),
                Origin::Base("resources.r.plugin.settings[0]".into())
            )
        );
        assert_eq!(merged(&base, &settings, "new.example.com"), None);
        assert_eq!(merged(&base, &settings, "example.net"), None);
    }
}
