//! The certificates that may call a hostname (contract §4.11).

use std::collections::HashSet;

use crate::certificate::names::Names;
use crate::config::findings::Findings;
use crate::config::identifiers;
use crate::config::path::Place;
use crate::config::schema::AllowedCertificate;
use crate::hostname::dns_name;

/// The compiled `allow_client_certificates`.
#[derive(Debug, Default)]
pub struct AllowList {
    /// Entries that have no key but `sha256`.
    fingerprints: HashSet<[u8; 32]>,
    entries: Vec<Entry>,
}

/// Matches a certificate that matches each condition. Never empty.
#[derive(Debug)]
struct Entry(Vec<Condition>);

#[derive(Debug, PartialEq, Eq)]
enum Condition {
    Sha256([u8; 32]),
    SubjectDn(Box<str>),
    IssuerDn(Box<str>),
    Dns(Box<str>),
    /// `*.example.com`, kept as `.example.com`.
    DnsBelow(Box<str>),
    Uri(Box<str>),
    /// `spiffe://example.org/ns/*`, kept without the `*`.
    UriBelow(Box<str>),
    Email(Box<str>),
}

impl AllowList {
    /// Whether the certificate matches at least one entry.
    #[must_use]
    pub fn allows(&self, names: &Names<'_>) -> bool {
        self.fingerprints.contains(&names.sha256)
            || self.entries.iter().any(|entry| entry.matches(names))
    }

    /// Compiles the entries of a setting, `place` being that of the array.
    pub(super) fn compile(
        allowed: &[AllowedCertificate],
        place: &Place<'_>,
        findings: &mut Findings,
    ) -> Self {
        let mut list = Self::default();
        for (number, allowed) in allowed.iter().enumerate() {
            let place = place.index(number);
            let conditions = conditions(allowed, &place, findings);
            match *conditions {
                [] if *allowed == AllowedCertificate::default() => findings.error(&place, NO_KEY),
                [] => {}
                [Condition::Sha256(sha256)] => drop(list.fingerprints.insert(sha256)),
                _ => list.entries.push(Entry(conditions)),
            }
        }
        list
    }
}

const NO_KEY: &str = "allows nothing: give \"sha256\", \"subject_dn\", \"issuer_dn\", \"san_dns\", \
     \"san_uri\" or \"san_email\"";

type Parse = fn(&str) -> Result<Condition, String>;

/// Checks each key. An entry with an error loses a condition, so its configuration must not be
/// used.
fn conditions(
    allowed: &AllowedCertificate,
    place: &Place<'_>,
    findings: &mut Findings,
) -> Vec<Condition> {
    let keys: [(&str, &Option<String>, Parse); 6] = [
        ("sha256", &allowed.sha256, |text| {
            identifiers::sha256(text).map(Condition::Sha256)
        }),
        ("subject_dn", &allowed.subject_dn, |text| {
            identifiers::distinguished_name(text).map(|()| Condition::SubjectDn(text.into()))
        }),
        ("issuer_dn", &allowed.issuer_dn, |text| {
            identifiers::distinguished_name(text).map(|()| Condition::IssuerDn(text.into()))
        }),
        ("san_dns", &allowed.san_dns, dns),
        ("san_uri", &allowed.san_uri, uri),
        ("san_email", &allowed.san_email, |text| {
            identifiers::email(text).map(|()| Condition::Email(text.into()))
        }),
    ];
    let mut conditions = Vec::new();
    for (key, text, parse) in keys {
        match text.as_deref().map(parse) {
            Some(Ok(condition)) => conditions.push(condition),
            Some(Err(reason)) => findings.error(&place.key(key), reason),
            None => {}
        }
    }
    conditions
}

fn dns(text: &str) -> Result<Condition, String> {
    let pattern = identifiers::dns_pattern(text)?;
    Ok(match pattern.strip_prefix('*') {
        Some(suffix) => Condition::DnsBelow(suffix.into()),
        None => Condition::Dns(pattern.into()),
    })
}

fn uri(text: &str) -> Result<Condition, String> {
    identifiers::uri_pattern(text)?;
    Ok(match text.strip_suffix('*') {
        Some(prefix) => Condition::UriBelow(prefix.into()),
        None => Condition::Uri(text.into()),
    })
}

impl Entry {
    fn matches(&self, names: &Names<'_>) -> bool {
        self.0.iter().all(|condition| condition.matches(names))
    }
}

impl Condition {
    fn matches(&self, names: &Names<'_>) -> bool {
        match self {
            Self::Sha256(sha256) => names.sha256 == *sha256,
            Self::SubjectDn(text) => *names.subject_dn == **text,
            Self::IssuerDn(text) => *names.issuer_dn == **text,
            Self::Dns(name) => names
                .san_dns
                .iter()
                .any(|san| san.eq_ignore_ascii_case(name)),
            Self::DnsBelow(suffix) => names.san_dns.iter().any(|san| is_below(san, suffix)),
            Self::Uri(uri) => names.san_uri.contains(&&**uri),
            Self::UriBelow(prefix) => names.san_uri.iter().any(|san| has_prefix(san, prefix)),
            Self::Email(email) => names
                .san_email
                .iter()
                .any(|san| is_same_mailbox(san, email)),
        }
    }
}

/// Whether `san` is a DNS name (no wildcard, no empty label, no dot at the end) below `suffix`.
fn is_below(san: &str, suffix: &str) -> bool {
    let name = dns_name(san).unwrap_or_default();
    name.strip_suffix(suffix)
        .is_some_and(|front| !front.is_empty())
}

/// Whether `san` goes on behind `prefix` with a path that no one reads as another: no empty or dot
/// segment, no percent-encoding (none of which a SPIFFE ID has), no query, fragment or backslash.
fn has_prefix(san: &str, prefix: &str) -> bool {
    let Some(rest) = san.strip_prefix(prefix).filter(|rest| !rest.is_empty()) else {
        return false;
    };
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"%?#\\".contains(&byte);
    // The segment that the prefix ends in counts: `/ns/prod.*` must not take `/ns/prod..`'s like.
    let open = prefix.rsplit(['/', ':']).next().unwrap_or_default();
    let first = format!("{open}{}", rest.split('/').next().unwrap_or_default());
    let is_segment = |segment: &str| !matches!(segment, "" | "." | "..");
    rest.bytes().all(is_plain) && is_segment(&first) && rest.split('/').skip(1).all(is_segment)
}

/// RFC 5280 §7.5: the local part exactly, the domain in any case.
fn is_same_mailbox(san: &str, email: &str) -> bool {
    match (san.split_once('@'), email.split_once('@')) {
        (Some((local, domain)), Some((same_local, same_domain))) => {
            local == same_local && domain.eq_ignore_ascii_case(same_domain)
        }
        _ => false,
    }
}

#[cfg(test)]
#[path = "allow_list_tests.rs"]
mod tests;
