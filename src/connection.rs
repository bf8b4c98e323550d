//! What Envoy keeps with a downstream connection for this filter, and frees with it: two properties of connection-wide filter state.
//!
//! Both outlive a configuration update, so each says for what it holds: the delivered settings by their own ids, the certificate's
//! record by the id of the configuration that computed it.

use crate::certificate::Verification;
use crate::config::compiled::Id;

/// The ids of the settings that the certificate was delivered for, one after the other.
pub const DELIVERED: &str = "client_cert_forwarder.delivered";
/// The [`Record`] of the connection's certificate.
pub const CERTIFICATE: &str = "client_cert_forwarder.certificate";

/// Whether the `DELIVERED` property's value holds `setting`.
#[must_use]
pub fn is_delivered(delivered: &[u8], setting: &Id) -> bool {
    delivered.as_chunks::<8>().0.contains(setting)
}

/// What one connection's certificate gives to headers, computed once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What is known of the certificate.
    pub presented: Presented,
    /// Whether the encoded leaf is over the limit.
    pub too_large: bool,
    /// The SNI of the connection, empty when the client sent none; `None` on plain text.
    pub server_name: Option<Vec<u8>>,
    /// The values of the configuration's fields, in its order; empty where there is no certificate.
    pub values: Vec<Vec<u8>>,
}

/// Whether the client presented a certificate, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presented {
    /// None was presented: plain text, or TLS without a client certificate.
    No,
    /// One was presented, but no source gives it (spec §4.3).
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

impl Record {
    /// The `CERTIFICATE` property's value: the configuration's id, three facts as a byte each (the last: whether there is TLS), then the
    /// SNI and every value, each behind its length as a little-endian `u32`.
    #[must_use]
    pub fn encode(&self, config: &Id) -> Vec<u8> {
        let mut bytes = config.to_vec();
        bytes.extend([
            self.presented as u8,
            u8::from(self.too_large),
            u8::from(self.server_name.is_some()),
        ]);
        let server_name = self.server_name.as_deref().unwrap_or_default();
        for text in std::iter::once(server_name).chain(self.values.iter().map(Vec::as_slice)) {
            bytes.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(text);
        }
        bytes
    }

    /// Reads [`Self::encode`]'s bytes; `None` when another configuration wrote them.
    #[must_use]
    pub fn decode(bytes: &[u8], config: &Id) -> Option<Self> {
        let rest = bytes.strip_prefix(config)?;
        let ([presented, too_large, tls], mut rest) = rest.split_first_chunk::<3>()?;
        let presented = match presented {
            0 => Presented::No,
            1 => Presented::SourceMissing,
            2 => Presented::Unverified,
            3 => Presented::Verified,
            _ => return None,
        };
        let server_name = split_text(&mut rest)?;
        let mut values = Vec::new();
        while !rest.is_empty() {
            values.push(split_text(&mut rest)?);
        }
        Some(Self {
            presented,
            too_large: *too_large != 0,
            server_name: (*tls != 0).then_some(server_name),
            values,
        })
    }
}

fn split_text(bytes: &mut &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (text, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    *bytes = rest;
    Some(text.to_vec())
}

#[cfg(test)]
mod tests {
    use super::{Presented, Record, is_delivered};

    const CONFIG: [u8; 8] = *b"config 1";

    fn record(presented: Presented) -> Record {
        let server_name = Some(b"api.example.com".to_vec());
        Record {
            presented,
            too_large: true,
            server_name,
            values: vec![b"MIIB".to_vec(), Vec::new()],
        }
    }

    #[test]
    fn a_record_comes_back_as_it_was() {
        for presented in [
            Presented::No,
            Presented::SourceMissing,
            Presented::Unverified,
            Presented::Verified,
        ] {
            let record = record(presented);
            assert_eq!(
                Record::decode(&record.encode(&CONFIG), &CONFIG),
                Some(record.clone())
            );
            let plain_text = Record {
                server_name: None,
                ..record
            };
            assert_eq!(
                Record::decode(&plain_text.encode(&CONFIG), &CONFIG),
                Some(plain_text)
            );
        }
    }

    #[test]
    fn another_configurations_record_does_not_count() {
        assert_eq!(
            Record::decode(&record(Presented::Verified).encode(&CONFIG), b"config 2"),
            None
        );
    }

    #[test]
    fn a_record_that_was_cut_anywhere_is_not_taken_for_a_whole_one() {
        let whole = record(Presented::Verified);
        let bytes = whole.encode(&CONFIG);
        for length in 0..bytes.len() {
            assert_ne!(
                Record::decode(&bytes[..length], &CONFIG).as_ref(),
                Some(&whole),
                "cut to {length} bytes"
            );
        }
    }

    #[test]
    fn delivery_is_known_per_setting_and_never_across_the_border_of_two_ids() {
        let delivered = [*b"setting1", *b"setting2"].concat();
        assert!(is_delivered(&delivered, b"setting1"));
        assert!(is_delivered(&delivered, b"setting2"));
        assert!(!is_delivered(&delivered, b"setting3"));
        assert!(!is_delivered(&delivered, b"ting1set"));
        assert!(!is_delivered(b"", b"setting1"));
    }
}
