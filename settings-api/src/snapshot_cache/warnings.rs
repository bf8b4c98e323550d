//! What an operator should know of the resources that are published.

use crate::model::snapshot::Snapshot;

/// Logs the warnings that `before` did not have.
pub(super) fn log_new(before: &Snapshot, after: &Snapshot) {
    for (name, resource) in after {
        let known = before.get(name).map(|resource| &resource.warnings[..]);
        for warning in &resource.warnings {
            if !known.unwrap_or_default().contains(warning) {
                tracing::warn!(resource = name, "{warning}");
            }
        }
    }
}
