//! Hostnames: the input's first line is an `:authority`, every other line a hostname of a setting.

use client_cert_forwarder::authority;
use client_cert_forwarder::hostname::{HostnamePattern, HostnameTable};

use super::lines;
use crate::model::hostname;

pub(crate) const WORDS: &[&str] = &[
    "*.",
    "\n*\n",
    "\n*.example.com\n",
    "example.com",
    "www.",
    ".",
    ":443",
    ":",
    "[::1]",
    "[",
    "]",
    "2001:db8::1",
    "::ffff:192.0.2.1",
    "192.0.2.1",
    "127.1",
    "0x7f",
    "xn--bcher-kva",
    "_",
    "-",
    "@",
    ",",
    "%61",
    "\u{fc}",
];

pub(crate) fn check(data: &[u8]) {
    let mut lines = lines(data);
    let authority = lines.next().unwrap_or_default();
    let hostname = authority::hostname(authority);
    assert_eq!(
        &*hostname,
        hostname::normalised(authority),
        "{}",
        authority.escape_ascii()
    );
    let is_unambiguous = authority::is_unambiguous(authority);
    assert_eq!(
        is_unambiguous,
        hostname::is_unambiguous(authority),
        "{}",
        authority.escape_ascii()
    );
    if is_unambiguous {
        let text = str::from_utf8(&hostname).expect("an unambiguous hostname is ASCII");
        let own = HostnamePattern::parse(text).expect("an unambiguous hostname can have a setting");
        assert_eq!(own, HostnamePattern::Exact(text.to_owned()));
    }

    let mut table = HostnameTable::default();
    let mut patterns: Vec<String> = Vec::new();
    for line in lines {
        let Some(pattern) = pattern(line) else {
            continue;
        };
        let known = patterns
            .iter()
            .position(|known| *known == pattern.to_string());
        if known.is_none() {
            let number = patterns.len();
            assert_eq!(table.insert(&pattern, number), None, "{pattern}");
            patterns.push(pattern.to_string());
        }
    }
    let found = table.lookup(&hostname);
    assert_eq!(
        found,
        hostname::best(&hostname, &patterns),
        "{} in {patterns:?}",
        hostname.escape_ascii()
    );
}

fn pattern(line: &[u8]) -> Option<HostnamePattern> {
    let text = str::from_utf8(line).ok()?;
    let read = HostnamePattern::parse(text);
    let canonical = read.as_ref().ok().map(ToString::to_string);
    assert_eq!(canonical, hostname::pattern(line), "{text:?}");
    match read {
        Ok(pattern) => {
            let again = HostnamePattern::parse(&pattern.to_string());
            assert_eq!(again.as_ref(), Ok(&pattern), "{text:?}");
            Some(pattern)
        }
        Err(reason) => {
            assert!(
                !reason.is_empty() && !reason.contains(char::is_control),
                "{reason:?}"
            );
            None
        }
    }
}
