//! `CertificateList` (RFC 5280 §5.1) with the encodings that signature and names depend on.
//!
//! `x509_cert::crl::CertificateList` refuses lists without a version, as `openssl ca -gencrl` makes
//! them by default, and keeps no encoding; the types within are its own. The profile [`Raw`] takes
//! serials of more than 20 octets, which the filter reads too.

use der::asn1::{AnyRef, BitStringRef};
use der::{Encode, Sequence, Tag, Tagged};
use x509_cert::Version;
use x509_cert::certificate::Raw;
use x509_cert::crl::RevokedCert;
use x509_cert::ext::Extensions;
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
