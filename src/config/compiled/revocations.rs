//! Certificates that count as not verified, whatever the TLS connection says (contract §4.11).

use std::collections::HashSet;

use sha2::{Digest, Sha256};

use crate::config::identifiers::plain_serial;
use crate::config::read::Revoked;

/// The compiled `revoked_certificates`: 33 bytes an entry, at most 7/8 of the table in use.
///
/// A sorted list would save memory, but code for sorting takes 30 kB of the module.
#[derive(Debug, Default)]
pub struct Revocations {
    fingerprints: HashSet<[u8; 32]>,
    /// Digests of issuer and serial number.
    serials: HashSet<[u8; 32]>,
}

/// The entry that names a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevokedBy {
    /// `sha256`
    Fingerprint,
    /// `issuer_dn` and `serial`
    Serial,
    /// Some entry names an issuer and a serial number, and the certificate's can't be read: it may
    /// be the one.
    Unreadable,
}

impl RevokedBy {
    /// Names the keys of the entry, for logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fingerprint => "sha256",
            Self::Serial => "issuer_dn and serial",
            Self::Unreadable => "issuer_dn or serial is unreadable",
        }
    }
}

impl Revocations {
    /// Whether and by which entry a certificate is revoked.
    ///
    /// `sha256` is of its DER, `issuer_dn` and `serial` are as the fields `certIssuerDN` and
    /// `certSerial` have them, `None` where the certificate can't be read.
    #[must_use]
    pub fn contains(
        &self,
        sha256: &[u8; 32],
        issuer_dn: Option<&str>,
        serial: Option<&str>,
    ) -> Option<RevokedBy> {
        if self.fingerprints.contains(sha256) {
            return Some(RevokedBy::Fingerprint);
        }
        if self.serials.is_empty() {
            return None;
        }
        let (Some(issuer_dn), Some(serial)) = (issuer_dn, serial) else {
            return Some(RevokedBy::Unreadable);
        };
        let digest = digest(issuer_dn, &plain_serial(serial));
        self.serials.contains(&digest).then_some(RevokedBy::Serial)
    }

    /// Keeps the digest of an entry, not its text.
    pub(crate) fn add(&mut self, revoked: &Revoked<'_>) {
        match revoked {
            Revoked::Sha256(sha256) => self.fingerprints.insert(*sha256),
            Revoked::Serial { issuer_dn, serial } => self.serials.insert(digest(issuer_dn, serial)),
        };
    }

    /// Number of entries, each once.
    #[must_use]
    pub fn len(&self) -> usize {
        self.fingerprints.len() + self.serials.len()
    }

    /// Whether no certificate is revoked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// `serial` is in the form of [`plain_serial`], in which no separator can stand.
fn digest(issuer_dn: &str, serial: &str) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(serial);
    hash.update([0]);
    hash.update(issuer_dn);
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::RevokedBy;
    use crate::config::Config;

    fn config(entries: &str) -> Config {
        let json = format!(r#"{{"settings":[],"revoked_certificates":[{entries}]}}"#);
        Config::from_json(json.as_bytes()).expect(entries)
    }

    #[test]
    fn a_certificate_is_revoked_by_its_fingerprint_whatever_else_is_readable() {
        let revoked = config(&format!(r#"{{"sha256":"{}"}}"#, "AB:".repeat(31) + "ab")).revocations;
        let by = Some(RevokedBy::Fingerprint);
        assert_eq!(revoked.contains(&[0xab; 32], None, None), by);
        assert_eq!(revoked.contains(&[0xab; 32], Some("CN=CA"), Some("01")), by);
        assert_eq!(revoked.contains(&[0xac; 32], None, None), None);
    }

    #[test]
    fn a_certificate_is_revoked_by_its_issuer_and_serial_number_together() {
        let revoked = config(
            r#"{"issuer_dn":"CN=CA","serial":"00:93:6e"},{"issuer_dn":"CN=CA","serial":"-0080"},
               {"issuer_dn":"CN=CA","serial":"0"},{"issuer_dn":"CN=CA 2","serial":"02"}"#,
        )
        .revocations;
        for (issuer_dn, serial, is_revoked) in [
            ("CN=CA", "936E", true),
            ("CN=CA", "00936E", true),
            ("CN=CA", "-80", true),
            ("CN=CA", "00", true),
            ("CN=CA", "-936E", false),
            ("CN=CA", "80", false),
            ("CN=CA", "936E00", false),
            ("CN=CA", "02", false),
            ("CN=ca", "936E", false),
            ("CN=CA 2", "936E", false),
            ("CN=CA 2", "2", true),
            ("", "936E", false),
        ] {
            let by = revoked.contains(&[0; 32], Some(issuer_dn), Some(serial));
            assert_eq!(
                by,
                is_revoked.then_some(RevokedBy::Serial),
                "{issuer_dn} {serial}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_may_be_the_one_that_an_issuer_revoked() {
        let by_serial = config(r#"{"issuer_dn":"CN=CA","serial":"01"}"#).revocations;
        let unreadable = Some(RevokedBy::Unreadable);
        assert_eq!(by_serial.contains(&[0; 32], None, None), unreadable);
        assert_eq!(
            by_serial.contains(&[0; 32], Some("CN=CA"), None),
            unreadable
        );
        assert_eq!(by_serial.contains(&[0; 32], None, Some("02")), unreadable);
        assert_eq!(config("").revocations.contains(&[0; 32], None, None), None);
    }

    #[test]
    fn entries_given_twice_count_once() {
        let entry = r#"{"issuer_dn":"CN=CA","serial":"01"}"#;
        let again = r#"{"issuer_dn":"CN=CA","serial":"1"}"#;
        assert_eq!(
            config(&[entry, again, entry].join(",")).revocations.len(),
            1
        );
    }

    #[test]
    fn fifty_thousand_entries_are_read_in_a_moment() {
        let fingerprints = (0..25_000).map(|number| format!(r#"{{"sha256":"{number:064x}"}}"#));
        let serials = (0..25_000).map(|number| {
            format!(r#"{{"issuer_dn":"CN=Managed CA,O=Example,C=US","serial":"{number:040X}"}}"#)
        });
        let entries: Vec<String> = fingerprints.chain(serials).collect();
        let entries = entries.join(",");
        let start = Instant::now();
        let revoked = config(&entries).revocations;
        assert_eq!(revoked.len(), 50_000);
        let issuer = Some("CN=Managed CA,O=Example,C=US");
        assert_eq!(
            revoked.contains(&[1; 32], issuer, Some("61A7")),
            Some(RevokedBy::Serial)
        );
        assert_eq!(revoked.contains(&[1; 32], issuer, Some("61A8")), None);
        assert!(
            start.elapsed().as_secs() < 20,
            "a debug build on a busy machine"
        );
    }
}
