//! Configurations that are refused, and in which words; tests/schema.rs reads this file too.
//!
//! The last value of each says whether the JSON Schema refuses it as well. A schema cannot see a
//! key that is given twice, compare two names or hostnames folded, add up the lengths of headers,
//! or read an IPv6 address, of which its pattern knows the characters.

mod configurations;
mod keys;

pub(crate) use configurations::CONFIGURATIONS;
pub(crate) use keys::KEYS;

/// A configuration with `keys` in its second setting.
pub(crate) fn with_keys(keys: &str) -> String {
    format!(
        r#"{{"verified_by":"listener","settings":[{{"hostname":"a.example"}},{{"hostname":"b.example",{keys}}}]}}"#
    )
}
