//! Everything that is wrong with a configuration, at once: for command lines and editors.

use super::compiled::Config;
use super::findings::Findings;
use super::json::Json;
use super::{ConfigError, Warning, read, syntax};

/// What the filter would say of a configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Why the filter refuses it. [`Config::from_json`] returns the first of these.
    pub errors: Vec<ConfigError>,
    /// What it can't do although it is taken; meaningful once no errors are left.
    pub warnings: Vec<Warning>,
}

/// Checks the JSON text of a plugin configuration.
#[must_use]
pub fn check(json: &[u8]) -> Report {
    if json.is_empty() {
        return Report::default();
    }
    match syntax::parse(json) {
        Ok(tree) => check_tree(&tree),
        Err(error) => Report {
            errors: vec![error],
            warnings: Vec::new(),
        },
    }
}

/// Checks a plugin configuration that was read from JSON, or from another notation for the same.
#[must_use]
pub fn check_tree(json: &Json<'_>) -> Report {
    let mut findings = Findings::default();
    let plugin = read::all_but_revoked(json, &mut |_| {}, &mut findings);
    Config::compile(&plugin, b"", &mut findings);
    Report {
        errors: findings.errors,
        warnings: findings.warnings,
    }
}
