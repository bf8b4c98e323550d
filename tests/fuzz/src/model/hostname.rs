//! Hostnames: of requests, of settings, and which setting a request gets (contract §3, §4.2).

use std::net::Ipv6Addr;

/// The hostname of an `:authority`: no port, no dot at the end, lower case, IPv6 addresses as RFC
/// 5952 has them.
#[must_use]
pub fn normalised(authority: &[u8]) -> Vec<u8> {
    match bracketed(authority) {
        Some(address) => address.into_bytes(),
        None => without_port_and_dot(authority).to_ascii_lowercase(),
    }
}

/// Whether every origin reads the same host out of `authority`.
#[must_use]
pub fn is_unambiguous(authority: &[u8]) -> bool {
    let name = without_port_and_dot(authority);
    bracketed(authority).is_some() || is_ipv4(&name) || is_dns_name(&name)
}

/// The canonical text of a setting's hostname; `None` when it is not one.
#[must_use]
pub fn pattern(text: &[u8]) -> Option<String> {
    let lower = String::from_utf8(text.to_ascii_lowercase()).ok()?;
    let is_name = is_ipv4(text) || is_dns_name(text);
    if text == b"*" || is_name || (text.starts_with(b"*.") && is_dns_name(&text[2..])) {
        return Some(lower);
    }
    let is_in_brackets = lower.starts_with('[') && lower.ends_with(']') && lower.len() > 1;
    let address = if is_in_brackets {
        &lower[1..lower.len() - 1]
    } else {
        &lower
    };
    address.parse().ok().map(canonical)
}

/// The place of the canonical pattern in `patterns` that serves `hostname`: every one is tried.
#[must_use]
pub fn best(hostname: &[u8], patterns: &[String]) -> Option<usize> {
    let mut best = None;
    for (place, pattern) in patterns.iter().enumerate() {
        let weight = if pattern.as_bytes() == hostname {
            Some(usize::MAX)
        } else if pattern == "*" {
            Some(0)
        } else if let Some(suffix) = pattern.strip_prefix('*') {
            // Something stands before the dot.
            let fits = hostname.len() > suffix.len() && hostname.ends_with(suffix.as_bytes());
            fits.then_some(suffix.len())
        } else {
            None
        };
        if weight.is_some() && weight > best.map(|(_, weight)| weight) {
            best = weight.map(|weight| (place, weight));
        }
    }
    best.map(|(place, _)| place)
}

/// The address of `[…]` or `[…]:port`.
fn bracketed(authority: &[u8]) -> Option<String> {
    let text = String::from_utf8(authority.to_vec()).ok()?;
    let (address, behind) = text.strip_prefix('[')?.split_once(']')?;
    let port = behind.strip_prefix(':');
    if !behind.is_empty() && !port?.chars().all(|character| character.is_ascii_digit()) {
        return None;
    }
    address.parse().ok().map(canonical)
}

/// RFC 5952's text; an IPv4-mapped address is the IPv4 address.
fn canonical(address: Ipv6Addr) -> String {
    match address.octets() {
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d] => format!("{a}.{b}.{c}.{d}"),
        _ => address.to_string(),
    }
}

fn without_port_and_dot(authority: &[u8]) -> Vec<u8> {
    let mut name = authority.to_vec();
    let digits = name
        .iter()
        .rev()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    if name.len() > digits && name[name.len() - digits - 1] == b':' {
        name.truncate(name.len() - digits - 1);
    }
    if name.ends_with(b".") {
        name.pop();
    }
    name
}

/// Four decimal numbers up to 255 without leading zeros.
fn is_ipv4(name: &[u8]) -> bool {
    let numbers: Vec<&[u8]> = name.split(|byte| *byte == b'.').collect();
    let is_octet =
        |text: &&[u8]| (0..256).any(|number: u32| number.to_string().as_bytes() == *text);
    numbers.len() == 4 && numbers.iter().all(is_octet)
}

/// Labels of 1 to 63 letters, digits, `-` and `_`, no `-` at either end of one, 253 bytes in all;
/// the last is no number.
fn is_dns_name(name: &[u8]) -> bool {
    let labels: Vec<&[u8]> = name.split(|byte| *byte == b'.').collect();
    let is_label = |label: &&[u8]| {
        (1..64).contains(&label.len())
            && label[0] != b'-'
            && label[label.len() - 1] != b'-'
            && label.iter().all(|byte| {
                b"abcdefghijklmnopqrstuvwxyz0123456789-_".contains(&byte.to_ascii_lowercase())
            })
    };
    let last = labels[labels.len() - 1].to_ascii_lowercase();
    let is_number = match last.strip_prefix(b"0x") {
        Some(digits) => digits.iter().all(|byte| b"0123456789abcdef".contains(byte)),
        None => last.iter().all(|byte| b"0123456789".contains(byte)),
    };
    name.len() < 254 && labels.iter().all(is_label) && !is_number
}
