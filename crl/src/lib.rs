//! Certificate revocation lists (RFC 5280 §5) as entries of the filter's `revoked_certificates`
//! (contract §4.11).
//!
//! [`Authorities::read`] takes the CA certificates, [`read`] a file of CRLs, and
//! [`revoked_certificates`] gives the entries of all lists, which serialise as the configuration
//! has them: `[{"issuer_dn":"CN=Example CA","serial":"7F"}]`.
//!
//! A file holds one or several CRLs, PEM or DER, and counts as a whole: [`read`] returns all of its
//! lists, or every reason why one of them can't be used. A caller that watches a file keeps the
//! lists of the last good reading, and calls [`Crl::check_dates`] as time passes.
//!
//! # What is checked
//!
//! - The signature, by a CA certificate that the caller trusts. Name (RFC 5280 §7.1) and key
//!   identifier choose it, and its `keyUsage`, when present, must have `cRLSign`. No path is built
//!   and the CA certificate's own dates don't count: the caller has chosen it. Algorithms are those
//!   of TLS: RSA PKCS#1 v1.5 and PSS (2048 to 8192 bits) and ECDSA on P-256, P-384 and P-521, each
//!   with SHA-256, SHA-384 or SHA-512; and Ed25519. SHA-1 and shorter keys are refused.
//! - `thisUpdate` and `nextUpdate`. A list without `nextUpdate` never expires.
//! - Critical extensions, of the list and of each entry: an unknown one refuses the list.
//!
//! # Kinds of lists
//!
//! An entry only ever adds a refusal, and nothing is concluded from the absence of one. So a list
//! that covers a part of the CA's certificates is of use, alone or with the others:
//!
//! | list | taken | why |
//! |---|---|---|
//! | complete | yes | |
//! | `onlyContainsUserCerts` | yes | has every client certificate |
//! | `onlyContainsCACerts` | yes | true, but has no client certificate: see [`Scope`] |
//! | `onlySomeReasons` | yes | true, but others may be revoked too: see [`Scope`] |
//! | `onlyContainsAttributeCerts` | no | its serials are not those of public-key certificates |
//! | indirect | no | its entries have other issuers than the list |
//! | delta | no | says nothing without its base |
//!
//! Entries with the reason `removeFromCRL` are removed: they take back earlier entries of the list.
//!
//! # Names
//!
//! The filter compares texts: `issuer_dn` is the issuer's name as `certIssuerDN` writes it. To
//! RFC 5280 §7.1 names are equal that differ in case or spaces, so when the CA certificate spells
//! its name in another way than the list, each serial gives two entries, one for each spelling.

mod asn1;
mod authority;
mod ecdsa;
mod encoding;
mod error;
mod extensions;
mod list;
mod name;
mod revoked;
mod signature;

pub use authority::Authorities;
pub use der::DateTime;
pub use encoding::File;
pub use error::{Error, Place, Reason};
pub use extensions::{CoveredCertificates, Scope};
pub use list::{Crl, Signers};
pub use revoked::{RevokedCertificate, revoked_certificates};

use encoding::Contents;
use std::time::SystemTime;

/// Reads every CRL of a file, as of `now`.
///
/// # Errors
///
/// One for each list that can't be used, or one for a file that has no CRL.
pub fn read(
    file: &File<'_>,
    signers: Signers<'_>,
    now: SystemTime,
) -> Result<Vec<Crl>, Vec<Error>> {
    encoding::read_each(file, Contents::Crls, |place, der| {
        Crl::read(place, der, signers, now)
    })
}
