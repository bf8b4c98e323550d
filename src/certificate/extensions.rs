//! Key identifiers from the extensions of a certificate (RFC 5280 §4.2.1.1 and §4.2.1.2).

use super::tlv::{self, OCTET_STRING, SEQUENCE};
use super::x509::X509;
use super::{hex, serial};

const SUBJECT_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x0e];
const AUTHORITY_KEY_IDENTIFIER: &[u8] = &[0x55, 0x1d, 0x23];
/// Context tag of `AuthorityKeyIdentifier.keyIdentifier`.
const KEY_IDENTIFIER: u8 = 0x80;
/// Context tag of `AuthorityKeyIdentifier.authorityCertSerialNumber`.
const AUTHORITY_SERIAL: u8 = 0x82;

/// Returns the subject key identifier in uppercase hex without separators.
pub(super) fn subject_key_id(certificate: &X509<'_>) -> Option<String> {
    let key_id = tlv::contents(
        certificate.extension(SUBJECT_KEY_IDENTIFIER).ok()??,
        OCTET_STRING,
    )?;
    Some(hex::upper(key_id))
}

/// Returns the authority key identifier's `keyIdentifier` in uppercase hex without separators.
pub(super) fn authority_key_id(certificate: &X509<'_>) -> Option<String> {
    authority(certificate, KEY_IDENTIFIER).map(hex::upper)
}

/// Returns the authority key identifier's `authorityCertSerialNumber`, written as a serial number.
/// Few certificates have it.
pub(super) fn authority_serial(certificate: &X509<'_>) -> Option<String> {
    authority(certificate, AUTHORITY_SERIAL).map(serial::text)
}

fn authority<'a>(certificate: &X509<'a>, tag: u8) -> Option<&'a [u8]> {
    let extension = certificate.extension(AUTHORITY_KEY_IDENTIFIER).ok()??;
    let identifier = tlv::contents(extension, SEQUENCE)?;
    let part = tlv::elements(identifier)?
        .into_iter()
        .find(|part| part.tag == tag)?;
    Some(part.value)
}
