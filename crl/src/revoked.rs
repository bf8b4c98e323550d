//! Entries of the plugin configuration's `revoked_certificates` (contract §4.11).

use crate::list::Crl;
use serde::Serialize;
use std::collections::BTreeSet;

/// One entry, which serialises as `{ "issuer_dn": …, "serial": … }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct RevokedCertificate<'a> {
    /// The issuer, as `certIssuerDN` writes it.
    pub issuer_dn: &'a str,
    /// The serial, as `certSerial` writes it.
    pub serial: &'a str,
}

/// The entries of all lists together, each once. Sorted, so that equal lists make equal
/// configurations, in whatever order they come.
#[must_use]
pub fn revoked_certificates<'a>(
    lists: impl IntoIterator<Item = &'a Crl>,
) -> Vec<RevokedCertificate<'a>> {
    let entries: BTreeSet<RevokedCertificate<'a>> =
        lists.into_iter().flat_map(Crl::entries).collect();
    entries.into_iter().collect()
}

impl Crl {
    /// The list's entries, one for each serial and spelling of the issuer.
    pub fn entries(&self) -> impl Iterator<Item = RevokedCertificate<'_>> {
        self.issuer_dns().iter().flat_map(|issuer_dn| {
            self.serials()
                .map(|serial| RevokedCertificate { issuer_dn, serial })
        })
    }
}
