//! Audit records: who changed which settings, from where, and how.

use serde::{Deserialize, Serialize};

use super::entry::Entry;

/// One change of a zone's or account's settings.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct AuditRecord {
    /// Time of the change (RFC 3339), by the clock of the replica that made it.
    pub(crate) at: String,
    /// The zone or account, as in the API's paths.
    pub(crate) scope: String,
    /// The token that made the change.
    pub(crate) by: Author,
    /// The changed hostnames' settings before the change.
    pub(crate) before: Vec<Entry>,
    /// The changed hostnames' settings after the change.
    pub(crate) after: Vec<Entry>,
}

/// The author of a change.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct Author {
    /// The token's id.
    pub(crate) token_id: String,
    /// The token's name.
    pub(crate) token_name: String,
    /// The client's IP address.
    pub(crate) address: String,
}

/// Reduces two states to the entries that differ; none if nothing does.
pub(crate) fn difference(before: &[Entry], after: &[Entry]) -> Option<(Vec<Entry>, Vec<Entry>)> {
    let only_in = |these: &[Entry], those: &[Entry]| {
        let those: std::collections::HashSet<_> = those.iter().collect();
        let differing = these.iter().filter(|entry| !those.contains(entry));
        differing.cloned().collect::<Vec<_>>()
    };
    let difference = (only_in(before, after), only_in(after, before));
    (difference.0.len() + difference.1.len() > 0).then_some(difference)
}

#[cfg(test)]
mod tests {
    use super::difference;
    use crate::model::entry::entry;

    #[test]
    fn a_record_names_only_the_hostnames_that_changed() {
        let same = entry("same.example", false, true);
        let (old, new) = (
            entry("a.example", false, true),
            entry("a.example", true, true),
        );
        let added = entry("b.example", false, true);
        assert_eq!(
            difference(
                &[same.clone(), old.clone()],
                &[new.clone(), same.clone(), added.clone()]
            ),
            Some((vec![old], vec![new, added]))
        );
        assert_eq!(
            difference(std::slice::from_ref(&same), std::slice::from_ref(&same)),
            None
        );
    }
}
