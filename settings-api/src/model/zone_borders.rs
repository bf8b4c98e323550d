//! Keeps wildcards inside their zone: as at Cloudflare, a zone that is split off from another one
//! (eu.example.com from example.com) is not touched by the other one's settings.

use std::collections::BTreeMap;

use client_cert_forwarder::hostname::HostnamePattern;

use super::base::Base;
use super::entry::Entry;
use super::scope::Scope;

/// A setting of the API, with its zone or account.
pub(super) type Owned<'a> = (&'a Scope, &'a Entry);

/// A hostname or wildcard that a foreign wildcard would serve.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Border<'a> {
    /// The domain of the other zone, or the wildcard of all names below it.
    pub(super) hostname: String,
    /// The setting that serves it instead: a wildcard of an account that has the other zone.
    /// Without one it is served as if the API had no settings.
    pub(super) entry: Option<&'a Entry>,
}

/// Finds the domains that some wildcard of `chosen` would serve without belonging to its owner.
///
/// `candidates` are all settings of the resource; `chosen`, by hostname, those that are in force.
pub(super) fn find<'a>(
    base: &Base,
    candidates: &[Owned<'a>],
    chosen: &BTreeMap<&str, Owned<'a>>,
) -> Vec<Border<'a>> {
    let mut borders = Vec::new();
    for (zone, domain) in base.domains_of_zones() {
        for hostname in [domain.to_owned(), format!("*.{domain}")] {
            let is_valid = HostnamePattern::parse(&hostname).is_ok();
            if !is_valid || chosen.contains_key(hostname.as_str()) {
                continue;
            }
            let in_force = most_specific(chosen.values().copied(), &hostname);
            let Some((owner, _)) = in_force else {
                continue;
            };
            if !base.has_zone(owner, zone) {
                let own = candidates.iter().copied();
                let own = own.filter(|(scope, _)| base.has_zone(scope, zone));
                let entry = most_specific(own, &hostname).map(|(_, entry)| entry);
                borders.push(Border { hostname, entry });
            }
        }
    }
    borders
}

/// Finds the wildcard that would serve the hostname if it had no setting of its own.
fn most_specific<'a>(
    entries: impl Iterator<Item = Owned<'a>>,
    hostname: &str,
) -> Option<Owned<'a>> {
    entries
        .filter(|(_, entry)| covers(&entry.hostname, hostname))
        .max_by_key(|(_, entry)| entry.hostname.len())
}

/// Tells whether the wildcard matches names that `hostname` matches, and is not `hostname` itself.
fn covers(wildcard: &str, hostname: &str) -> bool {
    let Some(suffix) = wildcard.strip_prefix('*') else {
        return false;
    };
    let name = hostname.strip_prefix("*.").unwrap_or(hostname);
    wildcard != hostname && name.ends_with(suffix)
}

#[cfg(test)]
mod tests {
    use super::covers;

    #[test]
    fn a_wildcard_covers_the_names_below_it() {
        for (wildcard, hostname, expected) in [
            ("*", "a.example", true),
            ("*", "*.example", true),
            ("*", "*", false),
            ("*.example.com", "eu.example.com", true),
            ("*.example.com", "*.eu.example.com", true),
            ("*.example.com", "*.example.com", false),
            ("*.example.com", "example.com", false),
            ("*.example.com", "notexample.com", false),
            ("a.example.com", "b.a.example.com", false),
        ] {
            assert_eq!(
                covers(wildcard, hostname),
                expected,
                "{wildcard} {hostname}"
            );
        }
    }
}
