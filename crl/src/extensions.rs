//! Extensions of CRLs (RFC 5280 §5.2) and of their entries (§5.3).

use crate::error::Reason;
use crate::signature::oid_text;
use client_cert_forwarder::certificate::serial_text;
use der::asn1::{AnyRef, IntRef};
use der::oid::ObjectIdentifier;
use der::oid::db::rfc5280::{
    ID_CE_AUTHORITY_KEY_IDENTIFIER, ID_CE_CERTIFICATE_ISSUER, ID_CE_CRL_NUMBER, ID_CE_CRL_REASONS,
    ID_CE_DELTA_CRL_INDICATOR, ID_CE_INVALIDITY_DATE, ID_CE_ISSUING_DISTRIBUTION_POINT,
};
use der::{Decode, Tag, Tagged};
use x509_cert::certificate::Raw;
use x509_cert::crl::RevokedCert;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::AuthorityKeyIdentifier;
use x509_cert::ext::pkix::crl::dp::IssuingDistributionPoint;

/// Contents octets of the `CRLReason` `removeFromCRL`.
const REMOVE_FROM_CRL: &[u8] = &[8];

/// The certificates that a list is about (`issuingDistributionPoint`, RFC 5280 §5.2.5).
///
/// A list may also be limited to a distribution point: the certificates that name it. Which ones
/// these are, only the CA knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Kinds of certificates.
    pub certificates: CoveredCertificates,
    /// Whether the list leaves out some reasons of revocation (`onlySomeReasons`).
    pub only_some_reasons: bool,
    /// Whether the list is that of a distribution point.
    pub distribution_point: bool,
}

impl Scope {
    /// Whether a client certificate that is revoked for any reason is on the list, as far as the
    /// list itself can tell. When not, an operator must give the CA's other lists too.
    #[must_use]
    pub fn covers_client_certificates(&self) -> bool {
        self.certificates != CoveredCertificates::Authorities && !self.only_some_reasons
    }
}

/// Kinds of certificates that a list is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CoveredCertificates {
    /// Every certificate.
    All,
    /// End-entity certificates (`onlyContainsUserCerts`).
    EndEntities,
    /// CA certificates (`onlyContainsCACerts`).
    Authorities,
}

/// The extensions of a list that matter here.
pub(crate) struct ListExtensions {
    /// `cRLNumber`, uppercase hex.
    pub(crate) number: Option<String>,
    /// `keyIdentifier` of `authorityKeyIdentifier`.
    pub(crate) key_identifier: Option<Vec<u8>>,
    pub(crate) scope: Scope,
}

impl ListExtensions {
    pub(crate) fn read(extensions: &[Extension]) -> Result<ListExtensions, Reason> {
        let mut list = ListExtensions {
            number: None,
            key_identifier: None,
            scope: Scope {
                certificates: CoveredCertificates::All,
                only_some_reasons: false,
                distribution_point: false,
            },
        };
        refuse_repeated(extensions)?;
        for extension in extensions {
            match extension.extn_id {
                ID_CE_DELTA_CRL_INDICATOR => return Err(Reason::DeltaCrl),
                ID_CE_ISSUING_DISTRIBUTION_POINT => list.scope = scope(&decode(extension)?)?,
                ID_CE_AUTHORITY_KEY_IDENTIFIER => {
                    let identifier: AuthorityKeyIdentifier = decode(extension)?;
                    list.key_identifier =
                        identifier.key_identifier.map(|key| key.into_bytes().into());
                }
                ID_CE_CRL_NUMBER => {
                    list.number = Some(serial_text(decode::<IntRef<'_>>(extension)?.as_bytes()));
                }
                _ if extension.critical => {
                    return Err(Reason::UnknownCriticalExtension {
                        oid: oid_text(&extension.extn_id),
                    });
                }
                _ => {}
            }
        }
        Ok(list)
    }
}

fn scope(point: &IssuingDistributionPoint) -> Result<Scope, Reason> {
    if point.indirect_crl {
        return Err(Reason::IndirectCrl);
    }
    let certificates = match (
        point.only_contains_user_certs,
        point.only_contains_ca_certs,
        point.only_contains_attribute_certs,
    ) {
        (false, false, false) => CoveredCertificates::All,
        (true, false, false) => CoveredCertificates::EndEntities,
        (false, true, false) => CoveredCertificates::Authorities,
        (false, false, true) => return Err(Reason::AttributeCertificates),
        _ => return Err(Reason::ContradictoryScope),
    };
    Ok(Scope {
        certificates,
        only_some_reasons: point.only_some_reasons.is_some(),
        distribution_point: point.distribution_point.is_some(),
    })
}

/// The meaning of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EntryStatus {
    Revoked,
    /// The reason is `removeFromCRL`: the certificate is revoked no more.
    Removed,
}

/// Reads an entry's extensions. Every reason but `removeFromCRL` revokes, unknown ones too.
pub(crate) fn entry_status(entry: &RevokedCert<Raw>) -> Result<EntryStatus, Reason> {
    let extensions = entry.crl_entry_extensions.as_deref().unwrap_or_default();
    let mut status = EntryStatus::Revoked;
    refuse_repeated(extensions)?;
    for extension in extensions {
        match extension.extn_id {
            ID_CE_CERTIFICATE_ISSUER => return Err(Reason::IndirectCrl),
            ID_CE_CRL_REASONS => {
                let reason: AnyRef<'_> = decode(extension)?;
                if reason.tag() != Tag::Enumerated {
                    return Err(malformed(extension));
                }
                if reason.value() == REMOVE_FROM_CRL {
                    status = EntryStatus::Removed;
                }
            }
            // A certificate that was compromised since long is as revoked as another.
            ID_CE_INVALIDITY_DATE => {}
            _ if extension.critical => {
                return Err(Reason::UnknownCriticalEntryExtension {
                    serial: serial_text(entry.serial_number.as_bytes()),
                    oid: oid_text(&extension.extn_id),
                });
            }
            _ => {}
        }
    }
    Ok(status)
}

/// Decodes the one extension with this OID, when there is one.
pub(crate) fn find<'a, T: Decode<'a>>(
    extensions: &'a [Extension],
    oid: ObjectIdentifier,
) -> Result<Option<T>, Reason> {
    refuse_repeated(extensions)?;
    let extension = extensions.iter().find(|extension| extension.extn_id == oid);
    extension.map(decode).transpose()
}

fn decode<'a, T: Decode<'a>>(extension: &'a Extension) -> Result<T, Reason> {
    T::from_der(extension.extn_value.as_bytes()).map_err(|_| malformed(extension))
}

fn malformed(extension: &Extension) -> Reason {
    Reason::MalformedExtension {
        oid: oid_text(&extension.extn_id),
    }
}

fn refuse_repeated(extensions: &[Extension]) -> Result<(), Reason> {
    let mut oids: Vec<ObjectIdentifier> = extensions.iter().map(|one| one.extn_id).collect();
    oids.sort_unstable();
    let repeated = oids.windows(2).find_map(|pair| match pair {
        [a, b] if a == b => Some(a),
        _ => None,
    });
    match repeated {
        Some(oid) => Err(Reason::RepeatedExtension { oid: oid_text(oid) }),
        None => Ok(()),
    }
}
