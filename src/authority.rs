//! The hostname that a request is for, out of its `:authority` or `Host` (contract §4.2).

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr};

use crate::hostname::{canonical_address, dns_name};

/// Returns the hostname of an `:authority` or `Host` value: lower-cased, without port and one
/// trailing dot; an IPv6 address in its canonical text.
#[must_use]
pub fn hostname(authority: &[u8]) -> Cow<'_, [u8]> {
    if let Some(address) = ipv6_literal(authority) {
        return Cow::Owned(address.to_string().into_bytes());
    }
    let host = name_part(authority);
    if host.iter().any(u8::is_ascii_uppercase) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

/// Whether every origin reads `authority` the same way: it is a DNS name, an IPv4 address or a
/// bracketed IPv6 address, with a port or without.
///
/// Envoy lets much else pass (`a@b`, `a,b` for two `Host` headers, `%61`, `127.1`), of which
/// origins make different hostnames.
#[must_use]
pub fn is_unambiguous(authority: &[u8]) -> bool {
    let is_name = |host: &str| host.parse::<Ipv4Addr>().is_ok() || dns_name(host).is_ok();
    ipv6_literal(authority).is_some() || str::from_utf8(name_part(authority)).is_ok_and(is_name)
}

fn name_part(authority: &[u8]) -> &[u8] {
    let host = without_port(authority);
    host.strip_suffix(b".").unwrap_or(host)
}

/// `[2001:db8::1]`, with or without a port behind it.
fn ipv6_literal(host: &[u8]) -> Option<IpAddr> {
    let rest = host.strip_prefix(b"[")?;
    let end = rest.iter().position(|byte| *byte == b']')?;
    let (literal, port) = (rest.get(..end)?, rest.get(end + 1..)?);
    let port_follows = port.is_empty()
        || port
            .strip_prefix(b":")
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_digit));
    if port_follows {
        let address = str::from_utf8(literal).ok()?.parse().ok()?;
        Some(canonical_address(IpAddr::V6(address)))
    } else {
        None
    }
}

fn without_port(host: &[u8]) -> &[u8] {
    // Only a port is cut off: `evil:x.example.com` must still match `*.example.com`, as it does in
    // Envoy's routes.
    let last_of_name = host.iter().rposition(|byte| !byte.is_ascii_digit());
    let before_digits = last_of_name.and_then(|last| host.get(..=last));
    before_digits
        .and_then(|name| name.strip_suffix(b":"))
        .unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::{hostname, is_unambiguous};

    #[test]
    fn authorities_are_normalised() {
        for (authority, expected) in [
            ("api.example.com", "api.example.com"),
            ("API.Example.COM:8443", "api.example.com"),
            ("api.example.com.", "api.example.com"),
            ("api.example.com.:443", "api.example.com"),
            ("api.example.com..", "api.example.com."),
            ("api.example.com:", "api.example.com"),
            ("user:pass@api.example.com:443", "user:pass@api.example.com"),
            ("[::1]", "::1"),
            ("[::FFFF:1.2.3.4]:443", "1.2.3.4"),
            ("[::ffff:102:304]", "1.2.3.4"),
            ("[2001:DB8:0:0::1]:443", "2001:db8::1"),
            ("[::1]x", "[::1]x"),
            ("[not-an-address]:443", "[not-an-address]"),
            ("evil:x.example.com", "evil:x.example.com"),
            ("127.0.0.1:80", "127.0.0.1"),
            ("8080", "8080"),
            ("8080:80", "8080"),
            ("", ""),
            (":443", ""),
            (".", ""),
        ] {
            assert_eq!(
                String::from_utf8_lossy(&hostname(authority.as_bytes())),
                expected,
                "{authority}"
            );
        }
        assert_eq!(&*hostname(b"\xff\xfe:80"), b"\xff\xfe");
    }

    #[test]
    fn names_and_addresses_with_or_without_a_port_are_unambiguous() {
        for authority in [
            "api.example.com",
            "API.example.com:443",
            "api.example.com.",
            "api.example.com.:443",
            "api.example.com:",
            "my_host",
            "xn--bcher-kva.example",
            "0xcafe.example",
            "127.0.0.1:80",
            "[::1]",
            "[2001:DB8::1]:443",
        ] {
            assert!(is_unambiguous(authority.as_bytes()), "{authority}");
        }
    }

    #[test]
    fn what_origins_may_read_differently_is_ambiguous() {
        for authority in [
            "",
            ":443",
            ".",
            ".api.example.com",
            "api..example.com",
            "api.example.com..",
            "api.example.com:80:443",
            "api.example.com:443x",
            "user@api.example.com",
            "api.example.com@example.org",
            "api.example.com,example.org",
            "example.org, api.example.com",
            "%61pi.example.com",
            "api.example.com%00",
            "api.example.com ",
            "api.example.com/",
            "api.example.com;x",
            "*.example.com",
            "bücher.example",
            "::1",
            "2001:db8::a",
            "[::1",
            "[::1]x",
            "[::1%25lo]",
            "127.1",
            "0x7f.0.0.1",
            "2130706433",
            "0177.0.0.1",
            "127.0.0.1.1",
        ] {
            assert!(!is_unambiguous(authority.as_bytes()), "{authority}");
        }
        assert!(!is_unambiguous(b"\xffapi.example.com"));
    }
}
