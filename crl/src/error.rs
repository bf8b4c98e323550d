//! The reasons why a CRL or a CA certificate can't be used, and where it stands.

use der::DateTime;
use std::fmt;

/// More would hide the message.
const MOST_NAMES: usize = 5;

/// A CRL or CA certificate that can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {reason}")]
pub struct Error {
    /// The file, and the list in it.
    pub place: Box<Place>,
    /// The reason, and how to mend it.
    pub reason: Box<Reason>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file's name, as the caller gave it.
    pub file: String,
    /// Position in a file of several CRLs or certificates, from 1.
    pub number: Option<usize>,
    /// The CRL's issuer, as far as it could be read.
    pub issuer_dn: Option<String>,
}

impl Place {
    pub(crate) fn error(&self, reason: Reason) -> Error {
        Error {
            place: Box::new(self.clone()),
            reason: Box::new(reason),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(number) = self.number {
            write!(f, ", number {number}")?;
        }
        if let Some(issuer_dn) = &self.issuer_dn {
            write!(f, ", CRL of \"{issuer_dn}\"")?;
        }
        Ok(())
    }
}

/// The reason why a CRL or CA certificate can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The file holds no CRL.
    #[error(
        "no CRL found: give PEM (`-----BEGIN X509 CRL-----`) or DER{}",
        if *.certificate { "; this file holds a certificate" } else { "" }
    )]
    NoCrl {
        /// Whether the file holds a certificate instead.
        certificate: bool,
    },
    /// The file holds no certificate.
    #[error("no certificate found: give PEM (`-----BEGIN CERTIFICATE-----`) or DER")]
    NoCertificate,
    /// The PEM encoding is damaged.
    #[error("damaged PEM: {0}; fetch the file again")]
    Pem(String),
    /// The bytes are not the DER of a CRL, or of a certificate.
    #[error("malformed: {0}; fetch the file again")]
    Malformed(#[source] der::Error),
    /// An extension of the list or of the certificate can't be decoded.
    #[error("malformed extension {oid}; ask the CA for a CRL that follows RFC 5280")]
    MalformedExtension {
        /// The extension's OID and name.
        oid: String,
    },
    /// An extension occurs twice (RFC 5280 §4.2 forbids it).
    #[error("extension {oid} occurs twice; ask the CA for a CRL that follows RFC 5280")]
    RepeatedExtension {
        /// The extension's OID and name.
        oid: String,
    },
    /// The list says that it is of a version other than 2.
    #[error("unknown version, expected 2 or none; ask the CA for a version 2 CRL")]
    Version,
    /// The issuer's name is empty (RFC 5280 §5.1.2.3 forbids it).
    #[error("the issuer's name is empty; ask the CA for a CRL that follows RFC 5280")]
    EmptyIssuer,

    /// `thisUpdate` lies in the future.
    #[error("not valid before {this_update}; check this machine's clock")]
    NotYetValid {
        /// The list's `thisUpdate`.
        this_update: DateTime,
    },
    /// `nextUpdate` has passed.
    #[error("expired at {next_update}; fetch the CA's current CRL")]
    Expired {
        /// The list's `nextUpdate`.
        next_update: DateTime,
    },

    /// A delta CRL (RFC 5280 §5.2.4).
    #[error("this is a delta CRL, which says nothing without its base; give the complete CRL")]
    DeltaCrl,
    /// An indirect CRL (RFC 5280 §5.2.5 and §5.3.3).
    #[error(
        "this is an indirect CRL, with entries of other issuers; give each CA's own CRL instead"
    )]
    IndirectCrl,
    /// The list has attribute certificates alone.
    #[error(
        "this CRL has attribute certificates only; give the CA's CRL of public-key certificates"
    )]
    AttributeCertificates,
    /// `issuingDistributionPoint` limits the list to several disjoint kinds of certificates.
    #[error(
        "issuingDistributionPoint has more than one `onlyContains…`; \
         ask the CA for a CRL that follows RFC 5280"
    )]
    ContradictoryScope,
    /// A critical extension of the list is unknown.
    #[error(
        "unknown critical extension {oid}, so the CRL may not be used; \
         ask the CA for a CRL without it"
    )]
    UnknownCriticalExtension {
        /// The extension's OID and name.
        oid: String,
    },
    /// A critical extension of an entry is unknown.
    #[error(
        "unknown critical extension {oid} in the entry of serial {serial}, so the CRL may not be \
         used; ask the CA for a CRL without it"
    )]
    UnknownCriticalEntryExtension {
        /// The entry's serial, as `certSerial` writes it.
        serial: String,
        /// The extension's OID and name.
        oid: String,
    },

    /// No CA certificate has the issuer's name.
    #[error(
        "no CA certificate is given for this issuer{}; give the issuer's certificate",
        listed(.given)
    )]
    NoAuthority {
        /// Subjects of the CA certificates that were given.
        given: Vec<String>,
    },
    /// CA certificates have the issuer's name, but none the key that signed the list.
    #[error(
        "the CA certificate given for this issuer has another key than {key_identifier}; \
         give the one with this subjectKeyIdentifier"
    )]
    NoAuthorityWithKey {
        /// The list's `authorityKeyIdentifier`, uppercase hex.
        key_identifier: String,
    },
    /// The CA certificate's `keyUsage` has no `cRLSign`.
    #[error(
        "the CA certificate from {ca_file} may not sign CRLs: its keyUsage has no cRLSign; \
         give the certificate of the key that signs them"
    )]
    MayNotSignCrls {
        /// The file of the CA certificate.
        ca_file: String,
    },
    /// The signature algorithm is unknown, or too weak.
    #[error(
        "unsupported signature algorithm {oid}; have the CRL signed by RSA or ECDSA with SHA-256, \
         SHA-384 or SHA-512, or by Ed25519"
    )]
    UnsupportedSignatureAlgorithm {
        /// The algorithm's OID and name.
        oid: String,
    },
    /// The CA's key is of an unknown kind, or too short.
    #[error(
        "the key of the CA certificate from {ca_file} is not supported; the CA needs an RSA key of \
         2048 to 8192 bits, an ECDSA key on P-256, P-384 or P-521, or an Ed25519 key"
    )]
    UnsupportedKey {
        /// The file of the CA certificate.
        ca_file: String,
    },
    /// The two places for the signature algorithm differ (RFC 5280 §5.1.1.2 forbids it).
    #[error("the CRL names two different signature algorithms; fetch it again")]
    ContradictorySignatureAlgorithm,
    /// No signature of the CA's key.
    #[error(
        "the signature is not by the key of the CA certificate from {ca_file}; \
         fetch the CRL again, and check that the CA certificate is current"
    )]
    BadSignature {
        /// The file of the CA certificate.
        ca_file: String,
    },
}

impl From<der::Error> for Reason {
    fn from(error: der::Error) -> Reason {
        Reason::Malformed(error)
    }
}

/// The first names, quoted, and the number of the others. Empty without names.
fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    let quoted = names
        .iter()
        .take(MOST_NAMES)
        .map(|name| format!("\"{name}\""));
    let mut text = format!(", only for {}", quoted.collect::<Vec<_>>().join(", "));
    if let Some(others @ 1..) = names.len().checked_sub(MOST_NAMES) {
        text.push_str(&format!(" and {others} more"));
    }
    text
}
