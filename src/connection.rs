//! What a connection's certificate gives to headers, kept by Envoy with the downstream connection and freed with it.
//!
//! It outlives a configuration update, so it holds the id of the configuration that computed it.

use crate::certificate::Verification;
use crate::config::compiled::Id;

/// The connection-wide property that holds a connection's [`PeerCertificate`].
pub const CERTIFICATE: &str = "client_cert_forwarder.certificate";

/// What one connection's certificate gives to headers: computed once, and from then on read in place from the bytes that Envoy keeps.
///
/// They are the configuration's id, three facts as a byte each (the last: whether there is TLS), then the SNI and every value, each
/// behind its length as a little-endian `u32`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerCertificate {
    /// What is known of the certificate.
    pub presented: Presented,
    /// Whether the encoded leaf is over the limit.
    pub too_large: bool,
    over_tls: bool,
    bytes: Vec<u8>,
}

/// Whether the client presented a certificate, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// None was presented: plain text, or TLS without a client certificate.
    No,
    /// One was presented, but no source gives it (contract §4.3).
    SourceMissing,
    /// One was presented, and nothing says that it was verified.
    Unverified,
    /// One was presented and verified.
    Verified,
}

impl Presented {
    /// The same in the words of the certificate's status fields.
    #[must_use]
    pub fn verification(self) -> Verification {
        match self {
            Self::No => Verification::NotPresented,
            Self::SourceMissing | Self::Unverified => Verification::Failed,
            Self::Verified => Verification::Verified,
        }
    }
}

const FACTS: usize = 3;
const TEXTS_START: usize = size_of::<Id>() + FACTS;

impl PeerCertificate {
    /// The record under the configuration of that id: the connection's SNI (empty when the client sent none, `None` on plain text), and
    /// the values of the configuration's fields in its order, none where there is no certificate.
    #[must_use]
    pub fn new(
        config: &Id,
        presented: Presented,
        too_large: bool,
        server_name: Option<&[u8]>,
        values: &[String],
    ) -> Self {
        let over_tls = server_name.is_some();
        let mut bytes = config.to_vec();
        bytes.extend([presented as u8, u8::from(too_large), u8::from(over_tls)]);
        let values = values.iter().map(String::as_bytes);
        for text in std::iter::once(server_name.unwrap_or_default()).chain(values) {
            bytes.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(text);
        }
        Self {
            presented,
            too_large,
            over_tls,
            bytes,
        }
    }

    /// The record that these bytes are; `None` when another configuration wrote them.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>, config: &Id) -> Option<Self> {
        let rest = bytes.strip_prefix(config)?;
        let ([presented, too_large, over_tls], mut texts) = rest.split_first_chunk::<FACTS>()?;
        let presented = match presented {
            0 => Presented::No,
            1 => Presented::SourceMissing,
            2 => Presented::Unverified,
            3 => Presented::Verified,
            _ => return None,
        };
        let (too_large, over_tls) = (*too_large != 0, *over_tls != 0);
        split_text(&mut texts)?;
        while !texts.is_empty() {
            split_text(&mut texts)?;
        }
        Some(Self {
            presented,
            too_large,
            over_tls,
            bytes,
        })
    }

    /// The `CERTIFICATE` property's value.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The SNI of the connection, empty when the client sent none; `None` on plain text.
    #[must_use]
    pub fn server_name(&self) -> Option<&[u8]> {
        self.texts().next().filter(|_| self.over_tls)
    }

    /// The value of the configuration's field of that number; empty where there is none.
    #[must_use]
    pub fn value(&self, slot: usize) -> &[u8] {
        self.texts().skip(1).nth(slot).unwrap_or_default()
    }

    fn texts(&self) -> impl Iterator<Item = &[u8]> {
        let mut rest = self.bytes.get(TEXTS_START..).unwrap_or_default();
        std::iter::from_fn(move || split_text(&mut rest))
    }
}

fn split_text<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (text, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    *bytes = rest;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::{PeerCertificate, Presented};

    const CONFIG: [u8; 8] = *b"config 1";

    fn record(presented: Presented, server_name: Option<&[u8]>) -> PeerCertificate {
        let values = ["MIIB".to_owned(), String::new(), "x".to_owned()];
        PeerCertificate::new(&CONFIG, presented, true, server_name, &values)
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        for presented in [
            Presented::No,
            Presented::SourceMissing,
            Presented::Unverified,
            Presented::Verified,
        ] {
            for server_name in [None, Some(&b""[..]), Some(b"api.example.com")] {
                let record = record(presented, server_name);
                let read =
                    PeerCertificate::from_bytes(record.as_bytes().to_vec(), &CONFIG).unwrap();
                assert_eq!(read, record);
                assert_eq!((read.presented, read.too_large), (presented, true));
                assert_eq!(read.server_name(), server_name);
                let values = [0, 1, 2, 3].map(|slot| read.value(slot));
                assert_eq!(values, [&b"MIIB"[..], b"", b"x", b""]);
            }
        }
    }

    #[test]
    fn another_configurations_record_does_not_count() {
        let bytes = record(Presented::Verified, None).as_bytes().to_vec();
        assert_eq!(PeerCertificate::from_bytes(bytes, b"config 2"), None);
    }

    #[test]
    fn a_record_that_was_cut_anywhere_is_not_taken_for_a_whole_one() {
        let whole = record(Presented::Verified, Some(b"api.example.com"));
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
