//! The client certificate: from the PEM that Envoy gives to the values that headers carry.
//!
//! Bytes in, values out: nothing here knows of Envoy. OpenSSL is the oracle for names, serials and
//! dates, and `x509-cert` a second one.

pub mod field;
pub mod names;
pub mod pem;
pub mod status;
pub mod xfcc;

mod extensions;
mod hex;
mod name;
mod oid;
mod san;
mod serial;
mod time;
mod tlv;
mod x509;

#[cfg(test)]
mod tests;

use crate::rfc9440;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use field::Field;
use sha1::Sha1;
use sha2::{Digest, Sha256};
pub use status::PeerCertificateStatus;
use x509::X509;

/// The longest certificates that headers carry, in base64 characters. The colons and separators of
/// RFC 9440 don't count, so that every field that carries the certificate has the same limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest leaf certificate. Names and other text of the certificate that are longer than this
    /// many bytes are not sent either.
    pub max_certificate_bytes: usize,
    /// Longest chain: the base64 of all certificates but the leaf together.
    pub max_certificate_chain_bytes: usize,
}

/// A client certificate and the chain that came with it.
pub struct Certificate {
    der: Vec<u8>,
    chain: Vec<Vec<u8>>,
}

impl Certificate {
    /// Takes any bytes: `der` of the leaf, and `chain` as DER in TLS order without the leaf (see
    /// [`xfcc::without_leaf`]).
    #[must_use]
    pub fn new(der: Vec<u8>, chain: Vec<Vec<u8>>) -> Certificate {
        Certificate { der, chain }
    }

    /// Tells whether the base64 of the leaf is longer than [`Limits::max_certificate_bytes`].
    #[must_use]
    pub fn too_large(&self, limits: &Limits) -> bool {
        base64_length(&self.der) > limits.max_certificate_bytes
    }

    /// Returns the header value of `field`: printable ASCII that neither starts nor ends with a
    /// space. Empty when the certificate has no such part or can't be read as X.509, when the value
    /// is too large, and for the fields of [`PeerCertificateStatus::value`].
    #[must_use]
    pub fn value(&self, field: Field, limits: &Limits) -> String {
        match field {
            Field::CertPresented
            | Field::CertVerified
            | Field::CertRevoked
            | Field::PresentedBoolean
            | Field::VerifiedBoolean
            | Field::RevokedBoolean => String::new(),

            Field::CertFingerprintSha1 => hex::lower(&Sha1::digest(&self.der)),
            Field::CertFingerprintSha256 => hex::lower(&Sha256::digest(&self.der)),
            Field::CertFingerprintSha256Base64 => STANDARD.encode(Sha256::digest(&self.der)),
            Field::CertThumbprint => URL_SAFE_NO_PAD.encode(Sha256::digest(&self.der)),

            Field::CertRfc9440TooLarge => self.too_large(limits).to_string(),
            Field::CertChainRfc9440TooLarge => self.chain_too_large(limits).to_string(),
            Field::CertRfc9440
            | Field::CertDerBase64
            | Field::CertPemUrlEncoded
            | Field::CertPemUrlEncodedLoose
                if self.too_large(limits) =>
            {
                String::new()
            }
            Field::CertRfc9440 => rfc9440::item(&self.der),
            Field::CertDerBase64 => STANDARD.encode(&self.der),
            Field::CertPemUrlEncoded => pem::url_encoded(&self.der),
            Field::CertPemUrlEncodedLoose => pem::url_encoded_but_base64(&self.der),
            // RFC 9440 §2.3: the chain never goes without the leaf.
            Field::CertChainRfc9440 | Field::CertWithChainDerBase64
                if self.too_large(limits) || self.chain_too_large(limits) =>
            {
                String::new()
            }
            Field::CertChainRfc9440 => rfc9440::list(&self.chain),
            Field::CertWithChainDerBase64 => {
                let certificates = std::iter::once(&self.der).chain(&self.chain);
                let encoded: Vec<String> = certificates.map(|der| STANDARD.encode(der)).collect();
                encoded.join(",")
            }

            Field::CertIssuerDn | Field::CertIssuerDnRfc2253 => {
                self.text(limits, |x509| name::rfc2253(x509.issuer))
            }
            Field::CertSubjectDn | Field::CertSubjectDnRfc2253 => {
                self.text(limits, |x509| name::rfc2253(x509.subject))
            }
            Field::CertIssuerDnLegacy => self.text(limits, |x509| name::legacy(x509.issuer)),
            Field::CertSubjectDnLegacy => self.text(limits, |x509| name::legacy(x509.subject)),
            Field::CertSerial => self.text(limits, |x509| Some(serial::text(x509.serial))),
            Field::CertIssuerSerial => self.text(limits, extensions::authority_serial),
            Field::CertSki => self.text(limits, extensions::subject_key_id),
            Field::CertIssuerSki => self.text(limits, extensions::authority_key_id),
            Field::CertNotBefore => self.text(limits, |x509| time::text(&x509.not_before)),
            Field::CertNotAfter => self.text(limits, |x509| time::text(&x509.not_after)),
            Field::CertNotBeforeRfc3339 => {
                self.text(limits, |x509| time::rfc3339(&x509.not_before))
            }
            Field::CertNotAfterRfc3339 => self.text(limits, |x509| time::rfc3339(&x509.not_after)),
            Field::CertValidity => self.text(limits, |x509| {
                let (start, end) = (
                    time::rfc3339(&x509.not_before)?,
                    time::rfc3339(&x509.not_after)?,
                );
                Some(format!("NotBefore={start};NotAfter={end}"))
            }),
            Field::CertSanDns => self.text(limits, |x509| san::list(x509, san::Kind::Dns)),
            Field::CertSanUri => self.text(limits, |x509| san::list(x509, san::Kind::Uri)),
            Field::CertSanEmail => self.text(limits, |x509| san::list(x509, san::Kind::Email)),
            Field::CertSanIp => self.text(limits, |x509| san::list(x509, san::Kind::Ip)),
        }
    }

    fn chain_too_large(&self, limits: &Limits) -> bool {
        let length: usize = self.chain.iter().map(|der| base64_length(der)).sum();
        length > limits.max_certificate_chain_bytes
    }

    /// Applies `read` to the parsed certificate. Text longer than a certificate may be is dropped,
    /// because a client chooses it.
    fn text(&self, limits: &Limits, read: impl FnOnce(&X509<'_>) -> Option<String>) -> String {
        X509::parse(&self.der)
            .and_then(|x509| read(&x509))
            .filter(|text| text.len() <= limits.max_certificate_bytes)
            .unwrap_or_default()
    }
}

/// Writes a name, the DER of an `RDNSequence`, as [`Field::CertIssuerDn`] does.
/// `None` when it is malformed.
#[must_use]
pub fn name_text(der: &[u8]) -> Option<String> {
    name::rfc2253(tlv::contents(der, tlv::SEQUENCE)?)
}

/// Writes a serial number, the contents octets of an INTEGER, as [`Field::CertSerial`] does.
#[must_use]
pub fn serial_text(integer: &[u8]) -> String {
    serial::text(integer)
}

/// Returns the length in bytes of the padded base64 of `der`.
fn base64_length(der: &[u8]) -> usize {
    der.len().div_ceil(3) * 4
}
