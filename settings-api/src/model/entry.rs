//! One hostname's settings, and the upsert of a PUT.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use super::scope::Scope;

/// All settings, by zone or account, each in the order in which its hostnames were added.
pub(crate) type Settings = BTreeMap<Scope, Vec<Entry>>;

/// One hostname's settings: Cloudflare's three members, in the order of its answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// Stored for Cloudflare's clients; has no effect.
    #[serde(default)]
    pub(crate) china_network: bool,
    /// Send `Cf-Client-Cert-Der-Base64` and `Cf-Client-Cert-Sha256` to the origin.
    #[serde(default)]
    pub(crate) client_certificate_forwarding: bool,
    /// Lower-case; may be a wildcard, as in the plugin configuration.
    pub(crate) hostname: String,
}

impl Entry {
    /// Tells whether this removes the hostname. Cloudflare's API has no other way to remove one.
    pub(crate) fn is_removal(&self) -> bool {
        !self.china_network && !self.client_certificate_forwarding
    }
}

/// Applies a PUT: known hostnames change in place, new ones are appended, all-false ones go.
pub(crate) fn apply(entries: &[Entry], changes: &[Entry]) -> Vec<Entry> {
    let mut by_hostname: HashMap<&str, &Entry> = changes
        .iter()
        .map(|entry| (entry.hostname.as_str(), entry))
        .collect();
    let kept = entries
        .iter()
        .map(|entry| by_hostname.remove(entry.hostname.as_str()).unwrap_or(entry));
    let mut outcome: Vec<Entry> = kept.cloned().collect();
    let new = changes
        .iter()
        .filter(|entry| by_hostname.contains_key(entry.hostname.as_str()));
    outcome.extend(new.cloned());
    outcome.retain(|entry| !entry.is_removal());
    outcome
}

/// Builds an entry for tests.
#[cfg(test)]
pub(crate) fn entry(
    hostname: &str,
    china_network: bool,
    client_certificate_forwarding: bool,
) -> Entry {
    Entry {
        china_network,
        client_certificate_forwarding,
        hostname: hostname.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::{apply, entry};

    #[test]
    fn a_put_upserts_and_all_false_removes() {
        let before = [
            entry("a.example", false, true),
            entry("b.example", false, true),
        ];
        let changes = [
            entry("c.example", true, false),
            entry("a.example", true, true),
            entry("b.example", false, false),
            entry("d.example", false, false),
        ];
        assert_eq!(
            apply(&before, &changes),
            [
                entry("a.example", true, true),
                entry("c.example", true, false)
            ]
        );
        assert_eq!(apply(&before, &[]), before);
    }
}
