//! One error or warning, for people and for programs.

use std::fmt::Write;

use serde::Serialize;

use crate::output::{ERROR, NAME, WARNING};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Level {
    /// Envoy or the filter refuses it, or it lets requests through that it should not.
    Error,
    /// It works, but not as it seems to ask for.
    Warning,
}

/// Something that is wrong, where, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) file: String,
    /// From 1.
    pub(crate) line: usize,
    pub(crate) level: Level,
    /// JSON path, of the plugin configuration where it is one of its values; empty where the text
    /// can't be read.
    pub(crate) path: String,
    pub(crate) reason: String,
}

impl Finding {
    pub(crate) fn error(line: usize, path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            file: String::new(),
            line,
            level: Level::Error,
            path: path.into(),
            reason: reason.into(),
        }
    }

    pub(crate) fn warning(line: usize, path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            level: Level::Warning,
            ..Self::error(line, path, reason)
        }
    }
}

/// Writes findings one a line, as compilers do, so that editors find the place.
pub(crate) fn render(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        let (style, level) = match finding.level {
            Level::Error => (ERROR, "error"),
            Level::Warning => (WARNING, "warning"),
        };
        let Finding { file, line, .. } = finding;
        let path = match finding.path.as_str() {
            "" => String::new(),
            path => format!("{path}: "),
        };
        let reason = &finding.reason;
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{NAME}{file}:{line}:{NAME:#} {style}{level}:{style:#} {path}{reason}"
        );
    }
    text
}
