//! The checks of a change, and the reasons for which it is refused.

use client_cert_forwarder::config::ConfigError;

use crate::model::base::Base;
use crate::model::entry::Entry;
use crate::model::scope::Scope;
use crate::store::StoreError;

/// The reason for which a change was refused.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChangeError {
    /// A hostname outside the domains of the zone or account.
    #[error(transparent)]
    ForeignHostname(ConfigError),
    /// Settings that the filter would refuse, or too many of them.
    #[error(transparent)]
    Invalid(ConfigError),
    /// The store failed; the change may have been made if it failed last.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Checks that the zone or account may change these hostnames.
///
/// # Errors
/// [`ChangeError::ForeignHostname`].
pub(super) fn check_domains(
    base: &Base,
    scope: &Scope,
    before: &[Entry],
    changes: &[Entry],
) -> Result<(), ChangeError> {
    let foreign = |entry: &Entry| !base.may_set(scope, &entry.hostname);
    // A stored hostname may always be removed, even if its domain has since moved.
    let may_go = |entry: &Entry| {
        entry.is_removal()
            && before
                .iter()
                .any(|stored| stored.hostname == entry.hostname)
    };
    let culprit = changes
        .iter()
        .enumerate()
        .find(|(_, entry)| foreign(entry) && !may_go(entry));
    let Some((number, entry)) = culprit else {
        return Ok(());
    };
    let domains = base.domains(scope).join(", ");
    let reason = format!(
        "{:?} is not below the domains of {scope}: {domains}",
        entry.hostname
    );
    let place = format!("settings[{number}].hostname");
    Err(ChangeError::ForeignHostname(ConfigError::new(
        place, reason,
    )))
}

/// Checks the number of hostnames. Lets one over the limit shrink: the limit may have been higher.
///
/// # Errors
/// [`ChangeError::Invalid`].
pub(super) fn check_count(limit: usize, before: usize, after: usize) -> Result<(), ChangeError> {
    if after <= limit || after <= before {
        return Ok(());
    }
    let reason = format!("maximum number of hostnames ({limit}) has been reached");
    Err(ChangeError::Invalid(ConfigError::new("settings", reason)))
}
