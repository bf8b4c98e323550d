//! The operator's base configuration: zones, accounts, and everything that Cloudflare's bodies
//! can't express.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use client_cert_forwarder::config::ConfigError;
use client_cert_forwarder::config::schema::read_object;
use client_cert_forwarder::hostname::HostnamePattern;
use serde::Deserialize;

use super::crl_source::{self, CrlSource};
use super::resource_template::ResourceTemplate;
use super::scope::Scope;
use crate::error::Error;

/// The ECDS resource of zones that name none.
const DEFAULT_RESOURCE: &str = "client_cert_forwarder";

/// The base configuration, valid.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Base {
    /// By zone id: at most 32 letters and digits (Cloudflare's are 32 hexadecimal digits).
    pub(crate) zones: BTreeMap<String, Zone>,
    /// By account id.
    #[serde(default)]
    pub(crate) accounts: BTreeMap<String, Account>,
    /// By ECDS resource name, which is the filter's `name` in Envoy's `http_filters`.
    pub(crate) resources: BTreeMap<String, ResourceTemplate>,
    /// CRLs whose entries join `revoked_certificates` of every resource.
    #[serde(default)]
    pub(crate) crls: Vec<CrlSource>,
    /// The time of the file's last change.
    #[serde(skip, default = "SystemTime::now")]
    pub(crate) modified: SystemTime,
}

/// A zone: a set of domains whose hostnames are set together.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Zone {
    /// The zone's hostnames are these and all below them; `*` stands for any hostname.
    pub(crate) domains: Vec<String>,
    /// The ECDS resource that receives the zone's settings.
    #[serde(default = "default_resource")]
    pub(crate) resource: String,
}

fn default_resource() -> String {
    DEFAULT_RESOURCE.to_owned()
}

/// An account: its settings apply to its zones' hostnames, after the zones' own settings.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Account {
    /// Ids of the zones.
    pub(crate) zones: Vec<String>,
}

impl Base {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// The first mistake and its JSON path, or the reason for which the file can't be read.
    pub(crate) fn load(path: &Path) -> Result<Self, Error> {
        let json = fs::read(path).map_err(|error| Self::error(path, error))?;
        let mut base = Self::from_json(&json).map_err(|error| Self::error(path, error))?;
        let modified = fs::metadata(path).and_then(|file| file.modified());
        base.modified = modified.map_err(|error| Self::error(path, error))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        for source in &mut base.crls {
            source.resolve(folder);
        }
        Ok(base)
    }

    /// Builds the error of a file that can't be used.
    pub(crate) fn error(path: &Path, why: impl fmt::Display) -> Error {
        Error::new("base configuration", path.display(), why)
    }

    /// Parses and checks the file's text.
    ///
    /// # Errors
    /// The first mistake and its JSON path.
    pub(crate) fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        let mut base: Self = read_object(json)?;
        for (name, resource) in &mut base.resources {
            resource.check(name)?;
        }
        for (id, zone) in &mut base.zones {
            check_id(id, "zones")?;
            zone.check(&format!("zones.{id}"), &base.resources)?;
        }
        base.check_that_domains_have_one_zone()?;
        crl_source::check(&base.crls)?;
        for (id, account) in &base.accounts {
            check_id(id, "accounts")?;
            if let Some(unknown) = account
                .zones
                .iter()
                .find(|zone| !base.zones.contains_key(*zone))
            {
                let reason = format!("{unknown:?} is none of \"zones\"");
                return Err(ConfigError::new(format!("accounts.{id}.zones"), reason));
            }
        }
        Ok(base)
    }

    /// Tells whether the zone or account exists.
    pub(crate) fn knows(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Zone(id) => self.zones.contains_key(id),
            Scope::Account(id) => self.accounts.contains_key(id),
        }
    }

    /// Finds the zone of a lower-case hostname or wildcard: the longest covering domain wins.
    pub(crate) fn zone_of(&self, hostname: &str) -> Option<(&str, &Zone)> {
        let name = hostname.strip_prefix("*.").unwrap_or(hostname);
        let candidates = self.zones.iter().flat_map(|(id, zone)| {
            zone.domains
                .iter()
                .filter(|domain| covers(domain, name))
                .map(move |domain| (specificity(domain), id, zone))
        });
        let (_, id, zone) = candidates.max_by_key(|(length, ..)| *length)?;
        Some((id, zone))
    }

    /// Tells whether the zone or account may set the hostname.
    pub(crate) fn may_set(&self, scope: &Scope, hostname: &str) -> bool {
        let Some((owner, _)) = self.zone_of(hostname) else {
            return false;
        };
        self.has_zone(scope, owner)
    }

    /// Lists each domain with its zone's id, but for `*`, which has no names outside it.
    pub(super) fn domains_of_zones(&self) -> impl Iterator<Item = (&str, &str)> {
        let zones = self.zones.iter();
        let domains = zones.flat_map(|(id, zone)| zone.domains.iter().map(move |it| (id, it)));
        domains
            .filter(|(_, domain)| *domain != "*")
            .map(|(id, domain)| (id.as_str(), domain.as_str()))
    }

    /// Tells whether the zone is `scope`, or one of its zones.
    pub(crate) fn has_zone(&self, scope: &Scope, zone: &str) -> bool {
        match scope {
            Scope::Zone(id) => id == zone,
            Scope::Account(id) => {
                let account = self.accounts.get(id);
                account.is_some_and(|account| account.zones.iter().any(|own| own == zone))
            }
        }
    }

    /// Lists the domains of a zone, or of all zones of an account, for messages.
    pub(crate) fn domains(&self, scope: &Scope) -> Vec<&str> {
        let zone = |id: &String| self.zones.get(id).map(|zone| zone.domains.iter());
        let domains: Vec<_> = match scope {
            Scope::Zone(id) => zone(id).into_iter().flatten().collect(),
            Scope::Account(id) => {
                let zones = self.accounts.get(id).map(|account| account.zones.iter());
                zones
                    .into_iter()
                    .flatten()
                    .filter_map(zone)
                    .flatten()
                    .collect()
            }
        };
        domains.into_iter().map(String::as_str).collect()
    }

    /// Lists the ECDS resources that receive settings of the zone or account.
    pub(crate) fn resources_of(&self, scope: &Scope) -> Vec<&str> {
        let zones: Vec<&String> = match scope {
            Scope::Zone(id) => vec![id],
            Scope::Account(id) => self
                .accounts
                .get(id)
                .map(|account| account.zones.iter().collect())
                .unwrap_or_default(),
        };
        let mut names: Vec<&str> = zones
            .into_iter()
            .filter_map(|id| self.zones.get(id))
            .map(|zone| zone.resource.as_str())
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn check_that_domains_have_one_zone(&self) -> Result<(), ConfigError> {
        let mut owners = BTreeMap::new();
        for (id, zone) in &self.zones {
            for domain in &zone.domains {
                if let Some(other) = owners.insert(domain, id) {
                    let reason = format!("{domain:?} is a domain of zone {other:?} already");
                    return Err(ConfigError::new(format!("zones.{id}.domains"), reason));
                }
            }
        }
        Ok(())
    }
}

impl Zone {
    fn check(
        &mut self,
        path: &str,
        resources: &BTreeMap<String, ResourceTemplate>,
    ) -> Result<(), ConfigError> {
        for (number, domain) in self.domains.iter_mut().enumerate() {
            let refuse = |reason| ConfigError::new(format!("{path}.domains[{number}]"), reason);
            match HostnamePattern::parse(domain).map_err(refuse)? {
                HostnamePattern::Wildcard(_) => {
                    return Err(refuse(format!(
                        "{domain:?}: leave out the \"*.\", a domain stands for all names below it too"
                    )));
                }
                pattern => *domain = pattern.to_string(),
            }
        }
        if !resources.contains_key(&self.resource) {
            let reason = format!("{:?} is none of \"resources\"", self.resource);
            return Err(ConfigError::new(format!("{path}.resource"), reason));
        }
        Ok(())
    }
}

/// Restricts ids, which stand in paths, to unreserved characters of RFC 3986.
fn check_id(id: &str, path: &str) -> Result<(), ConfigError> {
    let fits = (1..=32).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if fits {
        return Ok(());
    }
    let reason = "an id has 1 to 32 letters, digits, - and _";
    Err(ConfigError::new(format!("{path}.{id}"), reason))
}

fn covers(domain: &str, name: &str) -> bool {
    domain == "*"
        || name
            .strip_suffix(domain)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn specificity(domain: &str) -> usize {
    if domain == "*" { 0 } else { domain.len() }
}

#[cfg(test)]
mod tests {
    use super::Base;
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

    #[test]
    fn the_example_is_valid() {
        let base = Base::from_json(include_bytes!("../../base.example.json")).unwrap();
        assert_eq!(base.zones.len(), 2);
    }

    #[test]
    fn a_hostname_belongs_to_the_zone_with_the_longest_domain() {
        let json = r#"{
            "zones": {
                "rest": { "domains": ["*"], "resource": "r" },
                "main": { "domains": ["Example.com", "192.0.2.1"], "resource": "r" },
                "sub": { "domains": ["eu.example.com"], "resource": "r" }
            },
            "accounts": { "two": { "zones": ["main", "sub"] } },
            "resources": { "r": { "wasm_filename": "/f.wasm", "plugin": { "settings": [] } } }
        }"#;
        let base = Base::from_json(json.as_bytes()).unwrap();
        for (hostname, owner) in [
            ("example.com", "main"),
            ("a.b.example.com", "main"),
            ("*.example.com", "main"),
            ("eu.example.com", "sub"),
            ("*.a.eu.example.com", "sub"),
            ("neu.example.com", "main"),
            ("notexample.com", "rest"),
            ("com", "rest"),
            ("*", "rest"),
            ("192.0.2.1", "main"),
        ] {
            assert_eq!(base.zone_of(hostname).unwrap().0, owner, "{hostname}");
            for zone in ["rest", "main", "sub"] {
                let may_set = base.may_set(&Scope::Zone(zone.into()), hostname);
                assert_eq!(may_set, zone == owner, "{zone} {hostname}");
            }
            let may_set = base.may_set(&Scope::Account("two".into()), hostname);
            assert_eq!(may_set, owner != "rest", "{hostname}");
        }
    }

    #[test]
    fn bad_base_configurations_are_refused_with_the_place() {
        for (from, to, expected) in [
            (r#""zones": {"#, r#""zone": {"#, "zone: unknown key"),
            (
                r#""europe": {"#,
                r#""../europe": {"#,
                "resources.../europe: a resource name has",
            ),
            (r#""main": {"#, r#""a/b": {"#, "zones.a/b: an id has"),
            (
                r#""resource": "europe""#,
                r#""resource": "asia""#,
                "zones.sub.resource: \"asia\" is none of",
            ),
            (
                r#"["eu.example.com"]"#,
                r#"["example.com"]"#,
                "zones.sub.domains: \"example.com\" is a domain of zone \"main\" already",
            ),
            (
                r#"["eu.example.com"]"#,
                r#"["*.example.com"]"#,
                "zones.sub.domains[0]: \"*.example.com\": leave out",
            ),
            (
                r#"["eu.example.com"]"#,
                r#"["a b"]"#,
                "zones.sub.domains[0]: \"a b\" is not a DNS name",
            ),
            (
                r#"["main", "sub"]"#,
                r#"["other"]"#,
                "accounts.all.zones: \"other\" is none of",
            ),
            (
                r#""verified_by": "listener", "#,
                "",
                "resources.client_cert_forwarder.plugin.settings[1].require_client_certificate: needs",
            ),
            (
                r#""forward_unverified": true"#,
                r#""forward_on": "sometimes""#,
                "resources.client_cert_forwarder.hostname_defaults.forward_on: unknown value",
            ),
            (
                r#""forward_unverified": true"#,
                r#""hostname": "x""#,
                "hostname_defaults.hostname: comes from the API",
            ),
            (
                r#""X-Serial""#,
                r#""Host""#,
                "hostname_defaults.settings[2].request_headers.Host: this header",
            ),
        ] {
            let text = BASE.replace(from, to);
            assert_ne!(text, BASE, "{from}");
            let error = Base::from_json(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{to}: {error}");
        }
    }
}
