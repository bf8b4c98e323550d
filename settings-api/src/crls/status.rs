//! What is known of a CRL file, for the status and for metrics.

use std::time::SystemTime;

use client_cert_crl::Crl;
use serde::Serialize;

/// The status of one file, as `…/status` shows it.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CrlStatus {
    /// The file's name in the base configuration.
    pub(crate) file: String,
    /// Whether its latest content is in force, and current.
    pub(crate) valid: bool,
    /// The lists in force: the last good ones.
    pub(crate) lists: Vec<ListStatus>,
    /// Why the latest content isn't in force, or isn't current.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// The status of one CRL.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ListStatus {
    /// The issuer, as `certIssuerDN` has it.
    issuer_dn: String,
    /// `cRLNumber`, in hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    number: Option<String>,
    /// `thisUpdate` (RFC 3339).
    this_update: String,
    /// `nextUpdate` (RFC 3339), after which the list has expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_update: Option<String>,
    /// The revoked certificates in it.
    entries: usize,
    #[serde(skip)]
    expiry: Option<SystemTime>,
}

impl ListStatus {
    pub(super) fn new(list: &Crl) -> Self {
        Self {
            issuer_dn: list.issuer_dn().to_owned(),
            number: list.number().map(str::to_owned),
            this_update: list.this_update().to_string(),
            next_update: list.next_update().map(|time| time.to_string()),
            entries: list.serials().len(),
            expiry: list.next_update().map(|time| time.to_system_time()),
        }
    }
}

impl CrlStatus {
    /// Counts the revoked certificates of all lists.
    pub(crate) fn entries(&self) -> usize {
        self.lists.iter().map(|list| list.entries).sum()
    }

    /// Returns the seconds until the first list expires, which are negative once it has; none for
    /// lists without `nextUpdate`.
    pub(crate) fn seconds_to_next_update(&self, now: SystemTime) -> Option<f64> {
        let first = self.lists.iter().filter_map(|list| list.expiry).min()?;
        Some(match first.duration_since(now) {
            Ok(left) => left.as_secs_f64(),
            Err(past) => -past.duration().as_secs_f64(),
        })
    }
}
