//! The hostnames of settings: patterns, and the table that finds the most specific (contract §3).

mod slip;
mod table;

use std::fmt;
use std::net::IpAddr;

pub use table::HostnameTable;

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
    /// Reads a setting's `hostname` in its canonical form.
    ///
    /// # Errors
    /// Says why `text` is neither a DNS name, nor an IP address, nor one of these behind `*.`,
    /// nor `*`, and which hostname was likely meant.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::read(text).map_err(|problem| {
            let hint = slip::repaired(text).map(|near| format!(", did you mean {near:?}?"));
            let problem = slip::reason(text).unwrap_or(problem.reason());
            format!(
                "{:?} is not a DNS name, an IP address, \"*.\" before a DNS name, or \"*\": \
                 {problem}{}",
                text,
                hint.unwrap_or_default()
            )
        })
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

/// Returns the DNS name `name` in lower case.
pub(crate) fn dns_name(name: &str) -> Result<String, Problem> {
    let labels = || name.split('.');
    let is_label = |label: &str| (1..=MAX_LABEL).contains(&label.len());
    let is_hyphenated = |label: &str| label.starts_with('-') || label.ends_with('-');
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    Err(if !name.is_ascii() {
        Problem::NotAscii
    } else if name.ends_with('.') {
        Problem::TrailingDot
    } else if name.len() > MAX_NAME {
        Problem::TooLong
    } else if labels().next_back().is_none_or(is_number) || name.matches(':').count() > 1 {
        Problem::Number
    } else if name.contains(':') {
        Problem::Port
    } else if !labels().all(is_label) {
        Problem::Label
    } else if labels().any(is_hyphenated) {
        Problem::Hyphen
    } else if !name.bytes().all(is_allowed) {
        Problem::Character
    } else {
        return Ok(name.to_ascii_lowercase());
    })
}

/// Why a text is no DNS name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Problem {
    NotAscii,
    TrailingDot,
    TooLong,
    Number,
    Port,
    Label,
    Hyphen,
    Character,
}

impl Problem {
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::NotAscii => "use its ASCII form (xn--…)",
            Self::TrailingDot => "leave out the trailing dot",
            Self::TooLong => "longer than 253 bytes",
            Self::Number => "not an IP address",
            Self::Port => "leave out the port",
            Self::Label => "each label has 1 to 63 bytes",
            Self::Hyphen => "no label starts or ends with -",
            Self::Character => "only letters, digits, - and _ between the dots",
        }
    }
}

/// Returns the one form of an address: an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) is the IPv4
/// address, which origins and Envoy's own matchers reach by either.
#[must_use]
pub fn canonical_address(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Whether a name with this last label is read as an IPv4 address, well-formed or not (WHATWG URL,
/// *ends in a number*).
fn is_number(label: &str) -> bool {
    let (digits, is_digit): (_, fn(&u8) -> bool) =
        match label.strip_prefix("0x").or(label.strip_prefix("0X")) {
            Some(digits) => (digits, u8::is_ascii_hexdigit),
            None => (label, u8::is_ascii_digit),
        };
    digits.as_bytes().iter().all(is_digit)
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
