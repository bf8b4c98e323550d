//! The table of hostnames: finds the setting of the most specific pattern.

use std::collections::HashMap;

use rustc_hash::FxBuildHasher;

use super::pattern::HostnamePattern;

/// Finds the most specific pattern for a hostname: exact, then the longest wildcard, then `*`, as
/// Envoy's virtual hosts do.
#[derive(Debug, Default)]
pub struct HostnameTable {
    exact: ByName,
    wildcards: ByName,
    longest_wildcard: usize,
    any: Option<usize>,
}

/// Hashed without a secret: requests only look up, and the names are the configuration's own. The
/// standard hasher, which has no secret in a wasm module either, costs a request 600 instructions.
type ByName = HashMap<Box<[u8]>, usize, FxBuildHasher>;

impl HostnameTable {
    /// Adds a pattern with the number it stands for; gives back the number of an equal pattern that
    /// was there before.
    pub fn insert(&mut self, pattern: &HostnamePattern, number: usize) -> Option<usize> {
        match pattern {
            HostnamePattern::Exact(name) => self.exact.insert(name.as_bytes().into(), number),
            HostnamePattern::Wildcard(suffix) => {
                self.longest_wildcard = self.longest_wildcard.max(suffix.len());
                self.wildcards.insert(suffix.as_bytes().into(), number)
            }
            HostnamePattern::Any => self.any.replace(number),
        }
    }

    /// The number of the most specific pattern that `hostname` (as [`crate::authority::hostname`]
    /// gives it) matches.
    #[must_use]
    pub fn lookup(&self, hostname: &[u8]) -> Option<usize> {
        if let Some(number) = self.exact.get(hostname) {
            return Some(*number);
        }
        if !self.wildcards.is_empty() {
            // Only suffixes that a pattern could equal are looked up: the time does not grow with
            // the square of what a client sends.
            let start = hostname.len().saturating_sub(self.longest_wildcard).max(1);
            let suffixes = (start..hostname.len())
                .filter_map(|at| hostname.get(at..))
                .filter(|suffix| suffix.starts_with(b"."));
            if let Some(number) = suffixes
                .filter_map(|suffix| self.wildcards.get(suffix))
                .next()
            {
                return Some(*number);
            }
        }
        self.any
    }
}

#[cfg(test)]
mod tests {
    use super::super::{HostnamePattern, HostnameTable};

    fn table(patterns: &[&str]) -> HostnameTable {
        let mut table = HostnameTable::default();
        for (number, pattern) in patterns.iter().enumerate() {
            assert_eq!(
                table.insert(&HostnamePattern::parse(pattern).unwrap(), number),
                None
            );
        }
        table
    }

    #[test]
    fn the_most_specific_pattern_wins() {
        let table = table(&[
            "*",
            "*.example.com",
            "*.eu.example.com",
            "api.eu.example.com",
        ]);
        for (hostname, expected) in [
            ("api.eu.example.com", 3),
            ("www.eu.example.com", 2),
            ("a.b.eu.example.com", 2),
            ("eu.example.com", 1),
            ("a.b.c.example.com", 1),
            ("example.com", 0),
            ("notexample.com", 0),
            (".example.com", 0),
            ("example.org", 0),
            ("", 0),
        ] {
            assert_eq!(
                table.lookup(hostname.as_bytes()),
                Some(expected),
                "{hostname}"
            );
        }
    }

    #[test]
    fn without_a_match_there_is_no_setting() {
        let table = table(&["api.example.com", "*.example.org"]);
        for hostname in [
            "",
            "example.com",
            "www.api.example.com",
            "example.org",
            "api.example.com.evil.test",
        ] {
            assert_eq!(table.lookup(hostname.as_bytes()), None, "{hostname}");
        }
    }

    #[test]
    fn a_name_longer_than_dns_allows_still_matches_its_wildcard() {
        let table = table(&["*.example.com"]);
        let hostname = format!("{}example.com", "a.".repeat(30_000));
        assert_eq!(table.lookup(hostname.as_bytes()), Some(0));
    }
}
