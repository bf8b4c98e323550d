//! Why a configuration was refused, in one line that starts with the place.

use std::fmt;

use super::path::JsonPath;
use crate::nearest::nearest;

/// A refused configuration: where, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    /// JSON path (`settings[2].forward_on`), or line and column where the text is not JSON.
    pub place: String,
    /// What is wrong there and what would be right.
    pub reason: String,
    location: Location,
}

/// The place as a value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Location {
    Path(JsonPath),
    Position { line: usize, column: usize },
    Other,
}

impl ConfigError {
    /// An error at `place`, which names no JSON path or position.
    ///
    /// Escapes line ends and control characters in both.
    pub fn new(place: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            place: on_one_line(&place.into()),
            reason: on_one_line(&reason.into()),
            location: Location::Other,
        }
    }

    pub(super) fn at_path(path: JsonPath, reason: impl Into<String>) -> Self {
        Self {
            location: Location::Path(path.clone()),
            ..Self::new(path.to_string(), reason)
        }
    }

    /// Where in the JSON the error is; `None` where the text is not JSON.
    #[must_use]
    pub fn path(&self) -> Option<&JsonPath> {
        match &self.location {
            Location::Path(path) => Some(path),
            _ => None,
        }
    }

    /// Line and column where the text stops being JSON, both from 1.
    #[must_use]
    pub fn position(&self) -> Option<(usize, usize)> {
        match self.location {
            Location::Position { line, column } => Some((line, column)),
            _ => None,
        }
    }

    /// Why the text is no JSON at all.
    pub(super) fn not_json(error: &serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let place = format!("line {line}, column {column}");
        Self {
            location: Location::Position { line, column },
            ..Self::new(place, format!("not JSON: {}", without_position(error)))
        }
    }

    /// What serde found wrong in JSON at `path`, in this project's words.
    pub(super) fn at(path: &str, error: &serde_json::Error) -> Self {
        let text = without_position(error);
        // Where a keyword should be, serde_json takes other types for broken JSON.
        let text = if error.is_data() {
            &text
        } else {
            "invalid type, expected a string"
        };
        let reason = text
            .replace("unknown variant `", "unknown value `")
            .replace("unknown field `", "unknown key `")
            .replace("duplicate field `", "given twice: `");
        let reason = if reason.starts_with("invalid") {
            reason
        } else {
            with_nearest(&reason).replace('`', "\"")
        };
        match reason.strip_prefix("missing field ") {
            Some(key) => Self::new(join(path, key.trim_matches('"')), "required, but missing"),
            None => Self::new(if path == "." { "configuration" } else { path }, reason),
        }
    }
}

/// `text` with what could end or garble the line escaped: keys and values of the configuration stand in it.
fn on_one_line(text: &str) -> String {
    let ends_line =
        |character: char| character.is_control() || "\u{2028}\u{2029}".contains(character);
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if ends_line(character) {
            line.extend(character.escape_default());
        } else {
            line.push(character);
        }
    }
    line
}

fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).unwrap_or(&text).to_owned()
}

/// ``unknown key `explian`, expected one of `settings`, …`` with the expected word that was most likely meant, if one is close.
fn with_nearest(reason: &str) -> String {
    let mut words = reason.split('`').skip(1).step_by(2);
    let nearest = words.next().and_then(|word| nearest(word, words));
    match (reason.split_once(", expected "), nearest) {
        (Some((unknown, expected)), Some(near)) => {
            format!("{unknown}, did you mean `{near}`? Expected {expected}")
        }
        _ => reason.to_owned(),
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
