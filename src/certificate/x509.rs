//! The parts of an X.509 certificate that fields are made from (RFC 5280 §4.1).

use super::tlv::{self, Element, INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE};

/// Context tag of `TBSCertificate.version`, explicit.
const VERSION: u8 = 0xa0;
/// Context tag of `TBSCertificate.extensions`, explicit.
const EXTENSIONS: u8 = 0xa3;

/// The parts of a certificate, borrowed and not decoded further.
pub(super) struct X509<'a> {
    /// Contents octets of the serial number.
    pub(super) serial: &'a [u8],
    /// Contents octets of the issuer's `RDNSequence`.
    pub(super) issuer: &'a [u8],
    /// `UTCTime` or `GeneralizedTime`.
    pub(super) not_before: Element<'a>,
    /// `UTCTime` or `GeneralizedTime`.
    pub(super) not_after: Element<'a>,
    /// Contents octets of the subject's `RDNSequence`.
    pub(super) subject: &'a [u8],
    /// Contents octets of the explicit tag around the extensions.
    extensions: Option<&'a [u8]>,
}

impl<'a> X509<'a> {
    /// Reads a certificate; `None` when `der` is not exactly one.
    pub(super) fn parse(der: &'a [u8]) -> Option<X509<'a>> {
        let certificate = tlv::elements(tlv::contents(der, SEQUENCE)?)?;
        let [tbs_certificate, _signature_algorithm, _signature] = certificate.as_slice() else {
            return None;
        };
        if tbs_certificate.tag != SEQUENCE {
            return None;
        }

        let mut fields = tlv::elements(tbs_certificate.value)?.into_iter().peekable();
        fields.next_if(|field| field.tag == VERSION);
        let mut next = |tag| {
            fields
                .next()
                .filter(|field| field.tag == tag)
                .map(|field| field.value)
        };
        let serial = next(INTEGER)?;
        let _signature = next(SEQUENCE)?;
        let issuer = next(SEQUENCE)?;
        let validity = tlv::elements(next(SEQUENCE)?)?;
        let subject = next(SEQUENCE)?;
        let _public_key = next(SEQUENCE)?;
        let [not_before, not_after] = *validity.as_slice() else {
            return None;
        };
        let extensions = fields
            .find(|field| field.tag == EXTENSIONS)
            .map(|field| field.value);
        Some(X509 {
            serial,
            issuer,
            not_before,
            not_after,
            subject,
            extensions,
        })
    }

    /// Returns the DER inside the extension with this OID (contents octets), critical or not.
    ///
    /// # Errors
    /// When the extension is there twice, which RFC 5280 §4.2 forbids, and when the list of
    /// extensions is malformed.
    pub(super) fn extension(&self, oid: &[u8]) -> Result<Option<&'a [u8]>, Malformed> {
        let Some(extensions) = self.extensions else {
            return Ok(None);
        };
        let extensions = tlv::contents(extensions, SEQUENCE).and_then(tlv::elements);
        let mut found = None;
        for extension in extensions.ok_or(Malformed)? {
            let parts = tlv::elements(extension.value).ok_or(Malformed)?;
            let ([id, value] | [id, _, value]) = parts.as_slice() else {
                return Err(Malformed);
            };
            if id.tag != OBJECT_IDENTIFIER || value.tag != OCTET_STRING {
                return Err(Malformed);
            }
            if id.value == oid && found.replace(value.value).is_some() {
                return Err(Malformed);
            }
        }
        Ok(found)
    }
}

/// A part of the certificate breaks RFC 5280.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;
