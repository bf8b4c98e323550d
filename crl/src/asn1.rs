//! `CertificateList` (RFC 5280 §5.1) and `Certificate` (§4.1), with the encodings that signatures
//! and names depend on.
//!
//! They wrap types of `x509_cert`. Its own outer types keep no encoding, and refuse lists without a
//! version, as `openssl ca -gencrl` makes them by default, and certificates with dates before 1970.
//! The profile [`Raw`] takes serials of more than 20 octets, which the filter reads too.

use client_cert_forwarder::certificate::name_text;
use der::asn1::{AnyRef, BitStringRef, IntRef};
use der::{Decode, Encode, Sequence, Tag, Tagged};
use x509_cert::Version;
use x509_cert::certificate::Raw;
use x509_cert::crl::RevokedCert;
use x509_cert::ext::Extensions;
use x509_cert::name::Name;
use x509_cert::time::Time;

#[derive(Sequence)]
pub(crate) struct CertificateList<'a> {
    pub(crate) tbs_cert_list: AnyRef<'a>,
    pub(crate) signature_algorithm: AnyRef<'a>,
    pub(crate) signature: BitStringRef<'a>,
}

#[derive(Sequence)]
pub(crate) struct TbsCertList<'a> {
    pub(crate) version: Option<Version>,
    pub(crate) signature: AnyRef<'a>,
    pub(crate) issuer: AnyRef<'a>,
    pub(crate) this_update: Time,
    pub(crate) next_update: Option<Time>,
    pub(crate) revoked_certificates: Option<Vec<RevokedCert<Raw>>>,

    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) crl_extensions: Option<Extensions>,
}

/// Bytes that a CA has signed, and the signature.
pub(crate) struct Signed<'a> {
    /// DER of the `TBSCertList`.
    pub(crate) message: Vec<u8>,
    /// Contents octets of the `AlgorithmIdentifier`.
    pub(crate) algorithm: &'a [u8],
    /// Octets of the `BIT STRING`; none when it is not made of octets.
    pub(crate) signature: &'a [u8],
}

impl<'a> CertificateList<'a> {
    pub(crate) fn signed(&self) -> der::Result<Signed<'a>> {
        self.signature_algorithm.tag().assert_eq(Tag::Sequence)?;
        Ok(Signed {
            message: self.tbs_cert_list.to_der()?,
            algorithm: self.signature_algorithm.value(),
            signature: self.signature.as_bytes().unwrap_or_default(),
        })
    }

    pub(crate) fn tbs_cert_list(&self) -> der::Result<TbsCertList<'a>> {
        self.tbs_cert_list.decode_as()
    }
}

/// A CA certificate (RFC 5280 §4.1), of which neither serial nor dates matter.
#[derive(Sequence)]
pub(crate) struct Certificate<'a> {
    pub(crate) tbs_certificate: TbsCertificate<'a>,
    signature_algorithm: AnyRef<'a>,
    signature: BitStringRef<'a>,
}

#[derive(Sequence)]
pub(crate) struct TbsCertificate<'a> {
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", optional = "true")]
    version: Option<Version>,
    serial_number: IntRef<'a>,
    signature: AnyRef<'a>,
    issuer: AnyRef<'a>,
    validity: AnyRef<'a>,
    pub(crate) subject: AnyRef<'a>,
    pub(crate) subject_public_key_info: SubjectPublicKeyInfo<'a>,
    #[asn1(context_specific = "1", tag_mode = "IMPLICIT", optional = "true")]
    issuer_unique_id: Option<BitStringRef<'a>>,
    #[asn1(context_specific = "2", tag_mode = "IMPLICIT", optional = "true")]
    subject_unique_id: Option<BitStringRef<'a>>,
    #[asn1(context_specific = "3", tag_mode = "EXPLICIT", optional = "true")]
    pub(crate) extensions: Option<Extensions>,
}

#[derive(Sequence)]
pub(crate) struct SubjectPublicKeyInfo<'a> {
    pub(crate) algorithm: AnyRef<'a>,
    pub(crate) subject_public_key: BitStringRef<'a>,
}

/// A name, decoded and as the filter's fields write it.
#[derive(Clone, Debug)]
pub(crate) struct NameText {
    pub(crate) name: Name,
    pub(crate) text: String,
}

impl NameText {
    /// The text comes from the encoding: decoding sorts the attributes of an RDN.
    pub(crate) fn read(encoding: AnyRef<'_>) -> der::Result<NameText> {
        let der = encoding.to_der()?;
        let name = Name::from_der(&der)?;
        let text = name_text(&der).ok_or_else(|| Tag::Sequence.value_error())?;
        Ok(NameText { name, text })
    }
}
