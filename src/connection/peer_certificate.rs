//! The encoded form of a connection's certificate, as Envoy keeps it with the connection.
//!
//! It outlives a configuration update, so it holds the id of the configuration that computed it.

use crate::certificate::PeerCertificateStatus;
use crate::config::compiled::Id;

/// A connection's client certificate, reduced to the values that headers carry.
///
/// Computed once per connection and configuration, then read in place from the bytes that Envoy
/// keeps: the configuration's id, three facts of a byte each (status, too large, TLS), then the
/// SNI, the admissions and every value, each behind its length as a little-endian `u32`. An
/// admission is such a number too: twice a setting's, plus 1 where the setting allows the
/// certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// Whether a certificate was presented, and whether it may be trusted.
    pub status: PeerCertificateStatus,
    /// Whether the encoded leaf exceeds `max_certificate_bytes`.
    pub too_large: bool,
    over_tls: bool,
    bytes: Vec<u8>,
}

const FACTS: usize = 3;
const TEXTS_START: usize = size_of::<Id>() + FACTS;

impl PeerCertificate {
    /// Encodes the certificate under the configuration with the id `config`.
    ///
    /// `server_name` is the SNI, empty when the client sent none and `None` on plain text;
    /// `values` are the configuration's fields in its order, none where there is no certificate.
    #[must_use]
    pub(super) fn new(
        config: &Id,
        status: PeerCertificateStatus,
        too_large: bool,
        server_name: Option<&[u8]>,
        values: &[String],
    ) -> Self {
        let over_tls = server_name.is_some();
        let mut bytes = config.to_vec();
        bytes.extend([status as u8, u8::from(too_large), u8::from(over_tls)]);
        let values = values.iter().map(String::as_bytes);
        for text in [server_name.unwrap_or_default(), b""]
            .into_iter()
            .chain(values)
        {
            bytes.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(text);
        }
        Self {
            status,
            too_large,
            over_tls,
            bytes,
        }
    }

    /// Decodes `bytes`; `None` when another configuration wrote them.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>, config: &Id) -> Option<Self> {
        let rest = bytes.strip_prefix(config)?;
        let ([status, too_large, over_tls], mut texts) = rest.split_first_chunk::<FACTS>()?;
        let status = *PeerCertificateStatus::ALL.get(usize::from(*status))?;
        let (too_large, over_tls) = (*too_large != 0, *over_tls != 0);
        split_text(&mut texts)?;
        split_text(&mut texts)?;
        while !texts.is_empty() {
            split_text(&mut texts)?;
        }
        Some(Self {
            status,
            too_large,
            over_tls,
            bytes,
        })
    }

    /// Returns the encoded form, the value of the connection's property.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Returns the connection's SNI: empty when the client sent none, `None` on plain text.
    #[must_use]
    pub fn server_name(&self) -> Option<&[u8]> {
        self.texts().next().filter(|_| self.over_tls)
    }

    /// Returns the value of the configuration's field number `slot`; empty where there is none.
    #[must_use]
    pub fn value(&self, slot: usize) -> &[u8] {
        self.texts().skip(2).nth(slot).unwrap_or_default()
    }

    /// Whether setting number `setting` allows the certificate; `None` before `Self::admit`.
    #[must_use]
    pub fn is_admitted(&self, setting: usize) -> Option<bool> {
        let [refused, admitted] = admission(setting);
        let admissions = self.texts().nth(1).unwrap_or_default().chunks_exact(4);
        admissions
            .filter(|found| *found == refused || *found == admitted)
            .map(|found| *found == admitted)
            .next()
    }

    /// Records whether setting number `setting` allows the certificate.
    pub(crate) fn admit(&mut self, setting: usize, is_allowed: bool) {
        let server_name = self.texts().next().map_or(0, <[u8]>::len);
        let length_at = TEXTS_START + 4 + server_name;
        let length = self.texts().nth(1).map_or(0, <[u8]>::len);
        let [refused, allowed] = admission(setting);
        let added = if is_allowed { allowed } else { refused };
        let longer = u32::try_from(length + added.len()).unwrap_or(u32::MAX);
        let end = length_at + 4 + length;
        if end <= self.bytes.len() {
            self.bytes.splice(end..end, added);
            self.bytes
                .splice(length_at..length_at + 4, longer.to_le_bytes());
        }
    }

    fn texts(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.bytes.get(TEXTS_START..).unwrap_or_default();
        std::iter::from_fn(move || split_text(&mut rest))
    }
}

/// The two forms of a setting's admission: refused, allowed.
fn admission(setting: usize) -> [[u8; 4]; 2] {
    let number = u32::try_from(setting)
        .unwrap_or(u32::MAX / 2)
        .wrapping_mul(2);
    [number, number | 1].map(u32::to_le_bytes)
}

fn split_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (text, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    *bytes = rest;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::PeerCertificate;
    use crate::certificate::PeerCertificateStatus;

    const CONFIG: [u8; 8] = *b"config 1";

    fn record(status: PeerCertificateStatus, server_name: Option<&[u8]>) -> PeerCertificate {
        let values = ["MIIB".to_owned(), String::new(), "x".to_owned()];
        PeerCertificate::new(&CONFIG, status, true, server_name, &values)
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        for status in PeerCertificateStatus::ALL {
            for server_name in [None, Some(&b""[..]), Some(b"api.example.com")] {
                let record = record(status, server_name);
                let read =
                    PeerCertificate::from_bytes(record.as_bytes().to_vec(), &CONFIG).unwrap();
                assert_eq!(read, record);
                assert_eq!((read.status, read.too_large), (status, true));
                assert_eq!(read.server_name(), server_name);
                let values = [0, 1, 2, 3].map(|slot| read.value(slot));
                assert_eq!(values, [&b"MIIB"[..], b"", b"x", b""]);
            }
        }
    }

    #[test]
    fn admissions_are_kept_beside_everything_else() {
        let mut certificate = record(PeerCertificateStatus::Verified, Some(b"api.example.com"));
        assert_eq!(certificate.is_admitted(0), None);
        certificate.admit(0, true);
        certificate.admit(70_000, false);
        let read = PeerCertificate::from_bytes(certificate.as_bytes().to_vec(), &CONFIG).unwrap();
        assert_eq!(read, certificate);
        let admitted = [0, 70_000, 1].map(|setting| read.is_admitted(setting));
        assert_eq!(admitted, [Some(true), Some(false), None]);
        assert_eq!(read.server_name(), Some(&b"api.example.com"[..]));
        assert_eq!(
            [0, 1, 2].map(|slot| read.value(slot)),
            [&b"MIIB"[..], b"", b"x"]
        );
    }

    #[test]
    fn another_configurations_record_does_not_count() {
        let bytes = record(PeerCertificateStatus::Verified, None)
            .as_bytes()
            .to_vec();
        assert_eq!(PeerCertificate::from_bytes(bytes, b"config 2"), None);
    }

    #[test]
    fn a_record_that_was_cut_anywhere_is_not_taken_for_a_whole_one() {
        let whole = record(PeerCertificateStatus::Verified, Some(b"api.example.com"));
        for length in 0..whole.as_bytes().len() {
            let cut = whole.as_bytes()[..length].to_vec();
            assert_ne!(
                PeerCertificate::from_bytes(cut, &CONFIG).as_ref(),
                Some(&whole),
                "cut to {length} bytes"
            );
        }
    }
}
