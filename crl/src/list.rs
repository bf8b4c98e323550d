//! One CRL that may be used.

use crate::asn1::{CertificateList, NameText, Signed, TbsCertList};
use crate::authority::Authorities;
use crate::error::{Error, Place, Reason};
use crate::extensions::{EntryStatus, ListExtensions, Scope, entry_status};
use client_cert_forwarder::certificate::serial_text;
use der::{DateTime, Decode};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};
use x509_cert::Version;
use x509_cert::certificate::Raw;
use x509_cert::crl::RevokedCert;

/// How far `thisUpdate` may lie in the future: two machines' clocks are never quite the same, and
/// a CA publishes at once.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// Who may have signed a list.
#[derive(Clone, Copy, Debug)]
pub enum Signers<'a> {
    /// One of these.
    Authorities(&'a Authorities),
    /// Anybody: the signature is not checked. For an operator who trusts the file for another
    /// reason; never for a list that comes from a network.
    Unchecked,
}

/// A CRL that was current and rightly signed when it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crl {
    place: Place,
    issuer_dns: Vec<String>,
    number: Option<String>,
    this_update: DateTime,
    next_update: Option<DateTime>,
    scope: Scope,
    serials: BTreeSet<String>,
}

impl Crl {
    pub(crate) fn read(
        mut place: Place,
        der: &[u8],
        signers: Signers<'_>,
        now: SystemTime,
    ) -> Result<Crl, Error> {
        let parsed = parse(der).map_err(|reason| place.error(reason))?;
        place.issuer_dn = Some(parsed.issuer.text.clone());
        let list = parsed
            .check(place.clone(), signers)
            .map_err(|reason| place.error(reason))?;
        list.check_dates(now)?;
        Ok(list)
    }

    /// Checks that the list is current at `now`.
    ///
    /// # Errors
    ///
    /// [`Reason::NotYetValid`] when `thisUpdate` lies more than a minute ahead, and
    /// [`Reason::Expired`] when `nextUpdate` has passed.
    pub fn check_dates(&self, now: SystemTime) -> Result<(), Error> {
        let (this_update, next_update) = (self.this_update, self.next_update);
        let ahead = this_update.to_system_time().duration_since(now);
        if ahead.is_ok_and(|ahead| ahead > CLOCK_SKEW) {
            return Err(self.place.error(Reason::NotYetValid { this_update }));
        }
        match next_update {
            Some(next_update) if now > next_update.to_system_time() => {
                Err(self.place.error(Reason::Expired { next_update }))
            }
            _ => Ok(()),
        }
    }

    /// The issuer, as `certIssuerDN` writes it.
    #[must_use]
    pub fn issuer_dn(&self) -> &str {
        self.issuer_dns.first().map_or("", String::as_str)
    }

    /// Every spelling of the issuer: the list's, and the CA certificate's when it differs.
    pub(crate) fn issuer_dns(&self) -> &[String] {
        &self.issuer_dns
    }

    /// `cRLNumber`, uppercase hex as OpenSSL prints it.
    #[must_use]
    pub fn number(&self) -> Option<&str> {
        self.number.as_deref()
    }

    /// `thisUpdate`. Its `Display` is RFC 3339.
    #[must_use]
    pub fn this_update(&self) -> DateTime {
        self.this_update
    }

    /// `nextUpdate`, after which the list is expired.
    #[must_use]
    pub fn next_update(&self) -> Option<DateTime> {
        self.next_update
    }

    /// The certificates that the list is about.
    #[must_use]
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Serials of the revoked certificates as `certSerial` writes them, each once, sorted as text.
    pub fn serials(&self) -> impl ExactSizeIterator<Item = &str> {
        self.serials.iter().map(String::as_str)
    }
}

/// A list that is well-formed and of a kind that can be used, but may be anybody's.
struct Parsed<'a> {
    issuer: NameText,
    signed: Signed<'a>,
    tbs: TbsCertList<'a>,
}

fn parse(der: &[u8]) -> Result<Parsed<'_>, Reason> {
    let list = CertificateList::from_der(der)?;
    let signed = list.signed()?;
    let tbs = list.tbs_cert_list()?;
    let issuer = NameText::read(tbs.issuer)?;
    Ok(Parsed {
        issuer,
        signed,
        tbs,
    })
}

impl Parsed<'_> {
    /// Kind and signature first: an entry is worth a message only when the list could count.
    fn check(self, place: Place, signers: Signers<'_>) -> Result<Crl, Reason> {
        if !matches!(self.tbs.version, None | Some(Version::V2)) {
            return Err(Reason::Version);
        }
        if self.issuer.text.is_empty() {
            return Err(Reason::EmptyIssuer);
        }
        if self.tbs.signature.value() != self.signed.algorithm {
            return Err(Reason::ContradictorySignatureAlgorithm);
        }
        let extensions = self.tbs.crl_extensions.as_deref().unwrap_or_default();
        let ListExtensions {
            number,
            key_identifier,
            scope,
        } = ListExtensions::read(extensions)?;
        let mut issuer_dns = vec![self.issuer.text];
        if let Signers::Authorities(authorities) = signers {
            let key_identifier = key_identifier.as_deref();
            let signer = authorities.signer(&self.issuer.name, key_identifier, &self.signed)?;
            let subject_dn = signer.subject_dn().to_owned();
            if !issuer_dns.contains(&subject_dn) {
                issuer_dns.push(subject_dn);
            }
        }
        Ok(Crl {
            place,
            issuer_dns,
            number,
            this_update: self.tbs.this_update.to_date_time(),
            next_update: self.tbs.next_update.map(|time| time.to_date_time()),
            scope,
            serials: serials(self.tbs.revoked_certificates.as_deref().unwrap_or_default())?,
        })
    }
}

fn serials(entries: &[RevokedCert<Raw>]) -> Result<BTreeSet<String>, Reason> {
    let mut serials = BTreeSet::new();
    for entry in entries {
        let serial = serial_text(entry.serial_number.as_bytes());
        match entry_status(entry)? {
            EntryStatus::Revoked => serials.insert(serial),
            EntryStatus::Removed => serials.remove(&serial),
        };
    }
    Ok(serials)
}
