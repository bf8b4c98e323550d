//! Why a configuration was refused, in one line that starts with the place.

use std::fmt;

/// A refused configuration: where, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// JSON path (`settings[2].forward_on`), or line and column where the text is not JSON.
    pub place: String,
    /// What is wrong there and what would be right.
    pub reason: String,
}

impl ConfigError {
    /// An error at `place`.
    pub fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            place: place.into(),
            reason: reason.into(),
        }
    }

    /// What serde found, in this project's words and without the line and column that it adds to errors that have a path.
    #[must_use]
    pub fn from_json(path: &str, error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let text = text
            .strip_suffix(&format!(" at line {line} column {column}"))
            .unwrap_or(&text);
        if !error.is_data() {
            return Self::new(
                format!("line {line}, column {column}"),
                format!("not JSON: {text}"),
            );
        }
        let reason = text
            .replace("unknown variant `", "unknown value `")
            .replace("unknown field `", "unknown key `")
            .replace("duplicate field `", "given twice: `");
        let reason = if reason.starts_with("invalid") {
            reason
        } else {
            reason.replace('`', "\"")
        };
        match reason.strip_prefix("missing field ") {
            Some(key) => Self::new(join(path, key.trim_matches('"')), "required, but missing"),
            None => Self::new(if path == "." { "configuration" } else { path }, reason),
        }
    }
}

fn join(path: &str, key: &str) -> String {
    if path == "." {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.reason)
    }
}

impl std::error::Error for ConfigError {}
