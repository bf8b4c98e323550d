//! Which setting a hostname belongs to: the patterns of the settings, and the table that finds the most specific one (contract §3).

use std::collections::HashMap;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest name that DNS can carry, in bytes without the trailing dot (RFC 1035 §2.3.4).
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// The hostname of a setting.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum HostnamePattern {
    /// `api.example.com`, or an IP address in its canonical text.
    Exact(String),
    /// `*.example.com`, kept as `.example.com`: any depth below the name, not the name itself.
    Wildcard(String),
    /// `*`.
    Any,
}

impl HostnamePattern {
    /// Reads a setting's `hostname`, lower-casing it.
    ///
    /// # Errors
    /// Says why `text` is neither a DNS name, nor an IP address, nor one of these behind `*.`, nor `*`.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if let Some(name) = text.strip_prefix("*.") {
            return Ok(Self::Wildcard(format!(".{}", dns_name(text, name)?)));
        }
        if let Ok(address) = text.parse::<Ipv4Addr>() {
            return Ok(Self::Exact(address.to_string()));
        }
        let unbracketed = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
            .unwrap_or(text);
        if let Ok(address) = unbracketed.parse::<Ipv6Addr>() {
            return Ok(Self::Exact(address.to_string()));
        }
        dns_name(text, text).map(Self::Exact)
    }
}

/// The canonical text: what [`HostnamePattern::parse`] reads it from, in lower case.
impl fmt::Display for HostnamePattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => formatter.write_str(name),
            Self::Wildcard(suffix) => write!(formatter, "*{suffix}"),
            Self::Any => formatter.write_str("*"),
        }
    }
}

/// Lower-cases `name`, which is `text` or the part of it behind `*.`.
pub(crate) fn dns_name(text: &str, name: &str) -> Result<String, String> {
    let problem = if !text.is_ascii() {
        "use its ASCII form (xn--…)"
    } else if name.ends_with('.') {
        "leave out the trailing dot"
    } else if name.len() > MAX_NAME {
        "longer than 253 bytes"
    } else if name.rsplit('.').next().is_none_or(is_number) || name.matches(':').count() > 1 {
        "not an IP address"
    } else if name.contains(':') {
        "leave out the port"
    } else if name
        .split('.')
        .any(|label| label.is_empty() || label.len() > MAX_LABEL)
    {
        "each label has 1 to 63 bytes"
    } else if name
        .split('.')
        .any(|label| label.starts_with('-') || label.ends_with('-'))
    {
        "no label starts or ends with -"
    } else if !name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    {
        "only letters, digits, - and _ between the dots"
    } else {
        return Ok(name.to_ascii_lowercase());
    };
    Err(format!(
        "{text:?} is not a DNS name, an IP address, \"*.\" before a DNS name, or \"*\": {problem}"
    ))
}

/// Whether a name whose last label this is would be read as an IPv4 address, well-formed or not (WHATWG URL, "ends in a number").
fn is_number(label: &str) -> bool {
    let (digits, is_digit): (_, fn(&u8) -> bool) =
        match label.strip_prefix("0x").or(label.strip_prefix("0X")) {
            Some(digits) => (digits, u8::is_ascii_hexdigit),
            None => (label, u8::is_ascii_digit),
        };
    digits.as_bytes().iter().all(is_digit)
}

/// Finds the most specific pattern for a hostname: exact, then the longest wildcard, then `*`, as Envoy's virtual hosts do.
#[derive(Debug, Default)]
pub struct HostnameTable {
    exact: HashMap<Box<[u8]>, usize>,
    wildcards: HashMap<Box<[u8]>, usize>,
    longest_wildcard: usize,
    any: Option<usize>,
}

impl HostnameTable {
    /// Adds a pattern with the number it stands for; gives back the number of an equal pattern that was there before.
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

    /// The number of the most specific pattern that `hostname` (as [`crate::authority::hostname`] gives it) matches.
    #[must_use]
    pub fn lookup(&self, hostname: &[u8]) -> Option<usize> {
        if let Some(number) = self.exact.get(hostname) {
            return Some(*number);
        }
        if !self.wildcards.is_empty() {
            // Only suffixes that a pattern could equal are looked up: the time does not grow with the square of what a client sends.
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
    use super::{HostnamePattern, HostnameTable};

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

    #[test]
    fn patterns_are_read_in_their_canonical_form() {
        for (text, pattern) in [
            ("*", HostnamePattern::Any),
            (
                "*.Example.com",
                HostnamePattern::Wildcard(".example.com".into()),
            ),
            (
                "API.example.com",
                HostnamePattern::Exact("api.example.com".into()),
            ),
            ("my_host", HostnamePattern::Exact("my_host".into())),
            (
                "xn--bcher-kva.example",
                HostnamePattern::Exact("xn--bcher-kva.example".into()),
            ),
            ("192.0.2.1", HostnamePattern::Exact("192.0.2.1".into())),
            (
                "[2001:DB8::0:1]",
                HostnamePattern::Exact("2001:db8::1".into()),
            ),
            ("2001:db8::1", HostnamePattern::Exact("2001:db8::1".into())),
        ] {
            assert_eq!(HostnamePattern::parse(text), Ok(pattern), "{text}");
        }
    }

    #[test]
    fn what_is_no_hostname_is_refused_with_the_reason() {
        let long_label = format!("{}.example", "a".repeat(64));
        let long_name = format!("{}example", "a.".repeat(130));
        for (text, reason) in [
            ("", "not an IP address"),
            ("*.", "not an IP address"),
            ("*example.com", "only letters"),
            ("a.*.example.com", "only letters"),
            ("example.com.", "trailing dot"),
            ("example.com:443", "port"),
            ("a..b", "label"),
            ("bücher.example", "xn--"),
            ("exa mple.com", "only letters"),
            ("https://example.com", "port"),
            ("-a.example", "starts or ends with -"),
            ("a-.example", "starts or ends with -"),
            ("1.2.3.4.5", "not an IP address"),
            ("1::2::3", "not an IP address"),
            ("127.1", "not an IP address"),
            ("0x7f.1", "not an IP address"),
            ("example.0x7F", "not an IP address"),
            (&long_label, "label"),
            (&long_name, "253"),
        ] {
            let error = HostnamePattern::parse(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
