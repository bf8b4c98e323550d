//! The operator's base configuration: which zones there are, and everything about the filter that Cloudflare's bodies can't say.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use client_cert_forwarder::config::schema::{HostnameSettings, PluginConfig, read_object};
use client_cert_forwarder::config::{Config, ConfigError};
use client_cert_forwarder::hostname::HostnamePattern;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Error;

/// The name of the ECDS resource of zones that don't name one.
const DEFAULT_RESOURCE: &str = "client_cert_forwarder";

/// Whose settings: as in the API's paths.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// `/zones/{id}`
    Zone(String),
    /// `/accounts/{id}`
    Account(String),
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zone(id) => write!(formatter, "zones/{id}"),
            Self::Account(id) => write!(formatter, "accounts/{id}"),
        }
    }
}

/// The base configuration, checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Base {
    /// By zone id (Cloudflare's have 32 hexadecimal digits, any name of at most 32 letters and digits will do).
    pub zones: BTreeMap<String, Zone>,
    /// By account id.
    #[serde(default)]
    pub accounts: BTreeMap<String, Account>,
    /// By ECDS resource name: the `name` of the filter in Envoy's `http_filters`.
    pub resources: BTreeMap<String, Resource>,
}

/// A zone.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Zone {
    /// Its hostnames are these, and all below them; `*` is any.
    pub domains: Vec<String>,
    /// The ECDS resource that its settings go to.
    #[serde(default = "default_resource")]
    pub resource: String,
}

fn default_resource() -> String {
    DEFAULT_RESOURCE.to_owned()
}

/// An account: its settings are for the hostnames of its zones, and a zone's own setting for the same hostname goes before.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// Ids of the zones.
    pub zones: Vec<String>,
}

/// What Envoy's wasm filter gets under one ECDS resource name.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Resource {
    /// Path of the filter's module, on the machines where Envoy runs.
    pub wasm_filename: PathBuf,
    /// The plugin configuration that the API's settings are merged into, with settings of its own.
    pub plugin: PluginConfig,
    /// What a hostname of the API gets that none of the plugin's own settings covers: keys of a setting, such as `forward_on`.
    #[serde(default)]
    hostname_defaults: Map<String, Value>,
    /// The same, read.
    #[serde(skip)]
    pub defaults: HostnameSettings,
}

/// What a setting takes from the API, so that no default makes sense.
const SET_BY_THE_API: [&str; 3] = ["hostname", "china_network", "client_certificate_forwarding"];

impl Base {
    /// Reads and checks the file.
    ///
    /// # Errors
    /// Where and why it can't be used.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let failed = |why: &dyn fmt::Display| Error::new("base configuration", path.display(), why);
        let json = fs::read(path).map_err(|error| failed(&error))?;
        Self::from_json(&json).map_err(|error| failed(&error))
    }

    /// Reads and checks the file's text.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        let mut base: Self = read_object(json)?;
        for (name, resource) in &mut base.resources {
            check_resource_name(name)?;
            resource.check(&format!("resources.{name}"))?;
        }
        for (id, zone) in &mut base.zones {
            check_id(id, "zones")?;
            zone.check(&format!("zones.{id}"), &base.resources)?;
        }
        base.check_that_domains_have_one_zone()?;
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

    /// Whether there is such a zone or account.
    #[must_use]
    pub fn knows(&self, scope: &Scope) -> bool {
        match scope {
            Scope::Zone(id) => self.zones.contains_key(id),
            Scope::Account(id) => self.accounts.contains_key(id),
        }
    }

    /// The zone of a hostname or wildcard (lower-case): the one with the longest domain that it is, or is below.
    #[must_use]
    pub fn zone_of(&self, hostname: &str) -> Option<(&str, &Zone)> {
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

    /// Whether that zone or account may set that hostname.
    #[must_use]
    pub fn may_set(&self, scope: &Scope, hostname: &str) -> bool {
        let Some((owner, _)) = self.zone_of(hostname) else {
            return false;
        };
        match scope {
            Scope::Zone(id) => id == owner,
            Scope::Account(id) => self
                .accounts
                .get(id)
                .is_some_and(|account| account.zones.iter().any(|zone| zone == owner)),
        }
    }

    /// The domains of a zone, or of all zones of an account, for messages.
    #[must_use]
    pub fn domains(&self, scope: &Scope) -> Vec<&str> {
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

    /// The ECDS resources that the settings of a zone or account may go to.
    #[must_use]
    pub fn resources_of(&self, scope: &Scope) -> Vec<&str> {
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
        resources: &BTreeMap<String, Resource>,
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

impl Resource {
    /// Reads the defaults, and makes sure that the filter takes the plugin configuration with them.
    fn check(&mut self, path: &str) -> Result<(), ConfigError> {
        let mut defaults = self.hostname_defaults.clone();
        if let Some(key) = SET_BY_THE_API
            .into_iter()
            .find(|key| defaults.contains_key(*key))
        {
            let reason = "comes from the API and can't have a default";
            return Err(ConfigError::new(
                format!("{path}.hostname_defaults.{key}"),
                reason,
            ));
        }
        // Any hostname that no setting of the plugin has: it is replaced when the defaults are used.
        defaults.insert("hostname".into(), "hostname-defaults.invalid".into());
        self.defaults = read_object(Value::Object(defaults).to_string().as_bytes())
            .map_err(|error| below(&format!("{path}.hostname_defaults"), error))?;
        let mut plugin = self.plugin.clone();
        compile(&plugin).map_err(|error| below(&format!("{path}.plugin"), error))?;
        plugin.settings.push(self.defaults.clone());
        compile(&plugin).map_err(|error| below(&format!("{path}.hostname_defaults"), error))?;
        Ok(())
    }
}

/// The filter's own check; gives the plugin configuration's JSON.
///
/// # Errors
/// Why the filter would refuse it.
pub fn compile(plugin: &PluginConfig) -> Result<String, ConfigError> {
    let json = serde_json::to_string(plugin)
        .map_err(|error| ConfigError::new("plugin configuration", error.to_string()))?;
    Config::from_json(json.as_bytes())?;
    Ok(json)
}

fn below(path: &str, error: ConfigError) -> ConfigError {
    ConfigError::new(format!("{path}.{}", error.place), error.reason)
}

/// Ids stand in paths: RFC 3986's unreserved characters only.
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

/// Names are names of files too.
fn check_resource_name(name: &str) -> Result<(), ConfigError> {
    let fits = (1..=100).contains(&name.len())
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'/');
    if fits {
        return Ok(());
    }
    let reason = "a resource name has 1 to 100 visible ASCII characters, no / and no . in front";
    Err(ConfigError::new(format!("resources.{name}"), reason))
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
    use super::{Base, Scope};

    #[test]
    fn the_example_is_valid() {
        let base = Base::from_json(include_bytes!("../base.example.json")).unwrap();
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
}
