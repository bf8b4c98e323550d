//! The CA certificates that the caller trusts, and choosing the one that signed a list.

use crate::asn1::{Certificate, NameText, Signed};
use crate::encoding::{self, Contents, File};
use crate::error::{Error, Place, Reason};
use crate::extensions::find;
use crate::name;
use crate::signature::{Outcome, PublicKey, algorithm_text};
use der::Decode;
use der::oid::db::rfc5280::{ID_CE_KEY_USAGE, ID_CE_SUBJECT_KEY_IDENTIFIER};
use x509_cert::ext::pkix::{KeyUsage, SubjectKeyIdentifier};
use x509_cert::name::Name;

/// CA certificates whose CRLs are trusted.
#[derive(Clone, Debug, Default)]
pub struct Authorities {
    authorities: Vec<Authority>,
}

impl Authorities {
    /// Reads every certificate of these files, PEM or DER.
    ///
    /// # Errors
    ///
    /// One for each certificate that can't be read, and one for each file without a certificate.
    pub fn read(files: &[File<'_>]) -> Result<Authorities, Vec<Error>> {
        let (mut authorities, mut errors) = (Vec::new(), Vec::new());
        for file in files {
            match encoding::read_each(file, Contents::Certificates, Authority::read) {
                Ok(read) => authorities.extend(read),
                Err(refused) => errors.extend(refused),
            }
        }
        if errors.is_empty() {
            Ok(Authorities { authorities })
        } else {
            Err(errors)
        }
    }

    /// The authority with this name and key that has signed the list, and may sign CRLs.
    pub(crate) fn signer(
        &self,
        issuer: &Name,
        key_identifier: Option<&[u8]>,
        signed: &Signed<'_>,
    ) -> Result<&Authority, Reason> {
        let named: Vec<&Authority> = self
            .authorities
            .iter()
            .filter(|authority| name::is_same(&authority.subject.name, issuer))
            .collect();
        if named.is_empty() {
            return Err(self.none_is_named());
        }
        let mut refusal = None;
        for authority in named.iter().filter(|one| one.may_have_key(key_identifier)) {
            match authority.check(signed) {
                Ok(()) => return Ok(authority),
                // Of several, the one whose key it is tells most.
                Err(reason @ Reason::MayNotSignCrls { .. }) => refusal = Some(reason),
                Err(reason) => refusal = refusal.or(Some(reason)),
            }
        }
        Err(refusal.unwrap_or_else(|| Reason::NoAuthorityWithKey {
            key_identifier: hex(key_identifier.unwrap_or_default()),
        }))
    }

    fn none_is_named(&self) -> Reason {
        let subjects = self
            .authorities
            .iter()
            .map(|one| one.subject_dn().to_owned());
        Reason::NoAuthority {
            given: subjects.collect(),
        }
    }
}

/// One CA certificate.
#[derive(Clone, Debug)]
pub(crate) struct Authority {
    file: String,
    subject: NameText,
    key_identifier: Option<Vec<u8>>,
    may_sign_crls: bool,
    public_key: PublicKey,
}

impl Authority {
    fn read(place: Place, der: &[u8]) -> Result<Authority, Error> {
        Authority::parse(&place.file, der).map_err(|reason| place.error(reason))
    }

    fn parse(file: &str, der: &[u8]) -> Result<Authority, Reason> {
        let tbs = Certificate::from_der(der)?.tbs_certificate;
        let extensions = tbs.extensions.as_deref().unwrap_or_default();
        let key_usage: Option<KeyUsage> = find(extensions, ID_CE_KEY_USAGE)?;
        let key_identifier: Option<SubjectKeyIdentifier> =
            find(extensions, ID_CE_SUBJECT_KEY_IDENTIFIER)?;
        Ok(Authority {
            file: file.to_owned(),
            subject: NameText::read(tbs.subject)?,
            key_identifier: key_identifier.map(|identifier| identifier.0.into_bytes().into()),
            may_sign_crls: key_usage.is_none_or(|usage| usage.crl_sign()),
            public_key: PublicKey::read(&tbs.subject_public_key_info),
        })
    }

    /// As `certSubjectDN` writes it, and `certIssuerDN` of the certificates that it issues.
    pub(crate) fn subject_dn(&self) -> &str {
        &self.subject.text
    }

    /// Whether the key can be the one with this identifier; without one on both sides it can.
    fn may_have_key(&self, key_identifier: Option<&[u8]>) -> bool {
        match (key_identifier, &self.key_identifier) {
            (Some(wanted), Some(own)) => wanted == own,
            _ => true,
        }
    }

    fn check(&self, signed: &Signed<'_>) -> Result<(), Reason> {
        match self.public_key.verify(signed) {
            Outcome::Good if self.may_sign_crls => Ok(()),
            Outcome::Good => Err(Reason::MayNotSignCrls {
                ca_file: self.file.clone(),
            }),
            Outcome::Bad => Err(Reason::BadSignature {
                ca_file: self.file.clone(),
            }),
            Outcome::UnsupportedKey => Err(Reason::UnsupportedKey {
                ca_file: self.file.clone(),
            }),
            Outcome::UnsupportedAlgorithm => Err(Reason::UnsupportedSignatureAlgorithm {
                oid: algorithm_text(signed.algorithm),
            }),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
