//! The hostname of a setting: a DNS name, an IP address, or a wildcard (contract §3).

use std::fmt;
use std::net::IpAddr;

use super::name::{Problem, canonical_address, dns_name};
use super::slip;

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
    /// Reads a setting's `hostname` in its canonical form.
    ///
    /// # Errors
    /// Says why `text` is neither a DNS name, nor an IP address, nor one of these behind `*.`,
    /// nor `*`, and which hostname was likely meant.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::read(text).map_err(|problem| {
            let hint = Self::likely(text).map(|near| format!(", did you mean {near:?}?"));
            let problem = slip::reason(text).unwrap_or(problem.reason());
            format!(
                "{:?} is not a DNS name, an IP address, \"*.\" before a DNS name, or \"*\": \
                 {problem}{}",
                text,
                hint.unwrap_or_default()
            )
        })
    }

    /// Returns the hostname that `text` was likely meant to be, if it is another one.
    fn likely(text: &str) -> Option<String> {
        let hostname = Self::read(&slip::repaired(text)?).ok()?.to_string();
        (hostname != text).then_some(hostname)
    }

    fn read(text: &str) -> Result<Self, Problem> {
        if text == "*" {
            return Ok(Self::Any);
        }
        if let Some(name) = text.strip_prefix("*.") {
            return Ok(Self::Wildcard(format!(".{}", dns_name(name)?)));
        }
        let unbracketed = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let address = match unbracketed {
            Some(literal) => literal.parse().ok().map(IpAddr::V6),
            None => text.parse().ok(),
        };
        match address {
            Some(address) => Ok(Self::Exact(canonical_address(address).to_string())),
            None => dns_name(text).map(Self::Exact),
        }
    }

    /// Whether this is an IP address.
    #[must_use]
    pub fn is_address(&self) -> bool {
        matches!(self, Self::Exact(name) if name.parse::<IpAddr>().is_ok())
    }
}

/// The canonical text, which [`HostnamePattern::parse`] reads back.
impl fmt::Display for HostnamePattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => formatter.write_str(name),
            Self::Wildcard(suffix) => write!(formatter, "*{suffix}"),
            Self::Any => formatter.write_str("*"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::HostnamePattern;

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
                "::ffff:192.0.2.1",
                HostnamePattern::Exact("192.0.2.1".into()),
            ),
            (
                "[::FFFF:c000:201]",
                HostnamePattern::Exact("192.0.2.1".into()),
            ),
            ("::192.0.2.1", HostnamePattern::Exact("::c000:201".into())),
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
            ("", "it is empty"),
            ("*.", "in front of a dot"),
            (
                "*example.com",
                "in front of a dot, did you mean \"*.example.com\"?",
            ),
            (
                "a.*.example.com",
                "in front of a dot, did you mean \"*.example.com\"?",
            ),
            (
                "api-*.example.com",
                "in front of a dot, did you mean \"*.example.com\"?",
            ),
            (
                ".example.com",
                "each label has 1 to 63 bytes, did you mean \"*.example.com\"?",
            ),
            (
                "example.com.",
                "trailing dot, did you mean \"example.com\"?",
            ),
            (
                "example.com:443",
                "leave out the port, did you mean \"example.com\"?",
            ),
            ("[::1]:443", "leave out the port, did you mean \"::1\"?"),
            (
                "1.2.3.4:443",
                "leave out the port, did you mean \"1.2.3.4\"?",
            ),
            (
                "example.com/a",
                "leave out the path, did you mean \"example.com\"?",
            ),
            ("1.2.3.0/24", "path, did you mean \"1.2.3.0\"?"),
            (
                "me@example.com",
                "leave out what stands before @, did you mean",
            ),
            (
                " example.com ",
                "leave out the spaces, did you mean \"example.com\"?",
            ),
            ("a..b", "label"),
            ("bücher.example", "xn--"),
            ("exa mple.com", "leave out the spaces"),
            (
                "https://Example.com:8443/x",
                "leave out the scheme, did you mean \"example.com\"?",
            ),
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
