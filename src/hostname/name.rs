//! DNS names and IP addresses in their one form.

use std::net::IpAddr;

/// The longest name that DNS can carry, in bytes without the trailing dot (RFC 1035 §2.3.4).
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

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
