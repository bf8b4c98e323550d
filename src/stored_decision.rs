//! What the filter stores with a connection for Envoy's own filters to carry out (contract §6).
//!
//! One property holds the mark of a configuration, and behind it a token for each decision that
//! stands. Others hold the values of the fields. Whoever finds another configuration's mark
//! replaces the whole property before the first field, and puts its own mark there behind the last:
//! a mark, and so a token, implies that every field is this configuration's.

use crate::certificate::field::Field;
use crate::config::compiled::Id;

/// Name of the property with the mark and the tokens.
pub const PROPERTY: &str = "client_cert_forwarder.decisions";

/// Most tokens on one connection, of 18 bytes each. With more settings the list starts over.
const MAX_TOKENS: usize = 64;

const MARK: usize = 16;
const TOKEN: usize = 18;

/// What is known of the requests of a connection for one setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredDecision {
    /// They go on as they are.
    Nothing,
    /// They carry every field of the setting, from a verified certificate.
    Fields,
    /// They carry every field, from a certificate that is not verified.
    Unverified,
    /// They carry the fields of the connection's status alone.
    Status,
}

impl StoredDecision {
    /// No hexadecimal digit, so that no token is part of another.
    fn letter(self) -> char {
        match self {
            Self::Nothing => 'n',
            Self::Fields => 'v',
            Self::Unverified => 'u',
            Self::Status => 's',
        }
    }

    /// Returns what stands in the property once this was decided for the setting with that token.
    #[must_use]
    pub fn entry(self, token: &Id) -> String {
        format!(" {}{}", hex(token), self.letter())
    }
}

/// Returns the property of a field's value; empty for a certificate that is not verified, so that
/// access logs and RBAC can trust what they find.
#[must_use]
pub fn field_property(field: Field) -> String {
    format!("client_cert_forwarder.field.{}", field.name())
}

/// Returns the property of a field's value for settings with `forward_unverified`.
#[must_use]
pub fn unverified_property(field: Field) -> String {
    format!("client_cert_forwarder.unverified.{}", field.name())
}

/// Returns the mark of the configuration whose text has that id.
#[must_use]
pub fn mark(text: &Id) -> String {
    hex(text)
}

/// Whether the property's value is of the configuration with that mark.
#[must_use]
pub fn is_of(value: &[u8], mark: &str) -> bool {
    value.starts_with(mark.as_bytes())
}

/// Returns the property's value with `entry` added; `None` where it has it.
#[must_use]
pub fn with_entry(value: &[u8], entry: &str) -> Option<Vec<u8>> {
    let (mark, entries) = value.split_at_checked(MARK)?;
    if entries.chunks(TOKEN).any(|other| other == entry.as_bytes()) {
        return None;
    }
    let is_full = entries.len() >= MAX_TOKENS * TOKEN;
    let kept = if is_full { mark } else { value };
    Some([kept, entry.as_bytes()].concat())
}

fn hex(id: &Id) -> String {
    format!("{:016x}", u64::from_be_bytes(*id))
}

#[cfg(test)]
mod tests {
    use super::{StoredDecision, is_of, mark, with_entry};

    #[test]
    fn entries_are_added_once_behind_their_configurations_mark() {
        let mark = mark(b"config 1");
        let entry = StoredDecision::Fields.entry(b"setting1");
        let value = with_entry(mark.as_bytes(), &entry).unwrap();
        assert_eq!(value, b"636f6e6669672031 73657474696e6731v");
        assert!(is_of(&value, &mark));
        assert_eq!(with_entry(&value, &entry), None);
        assert_eq!(with_entry(b"", &entry), None);
    }

    #[test]
    fn a_full_list_starts_over() {
        let mark = mark(b"config 1");
        let mut value = mark.clone().into_bytes();
        for number in 0..1000_u64 {
            let entry = StoredDecision::Nothing.entry(&number.to_be_bytes());
            value = with_entry(&value, &entry).unwrap();
            assert!(value.ends_with(entry.as_bytes()));
            assert!(is_of(&value, &mark) && value.len() <= 16 + 64 * 18);
        }
    }
}
