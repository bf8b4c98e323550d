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

    pub(super) fn at_position(line: usize, column: usize, reason: String) -> Self {
        Self {
            location: Location::Position { line, column },
            ..Self::new(format!("line {line}, column {column}"), reason)
        }
    }

    /// A message for serde that [`Self::of_serde`] splits again.
    pub(super) fn to_nested(&self) -> String {
        format!("{NESTED}{}{NESTED}{}", self.place, self.reason)
    }

    /// An error that serde found in JSON at `path`, in JSON's words.
    pub(super) fn of_serde(path: &str, error: &serde_json::Error) -> Self {
        let text = without_position(error);
        let mut nested = text.split(NESTED).skip(1);
        if let (Some(place), Some(reason)) = (nested.next(), nested.next()) {
            return Self::new(below(path, place), reason);
        }
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
            Some(key) => Self::new(below(path, key.trim_matches('"')), "required, but missing"),
            None => Self::new(if path == "." { "configuration" } else { path }, reason),
        }
    }
}

/// serde_json's message without ` at line 1 column 2`.
pub(super) fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    text.strip_suffix(&position).unwrap_or(&text).to_owned()
}

/// Control characters are escaped in messages, so that none has this one.
const NESTED: char = '\u{1}';

/// `text` with what could end or garble the line escaped: keys and values of the configuration
/// stand in it.
pub(super) fn on_one_line(text: &str) -> String {
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

/// ``unknown key `explian`, expected one of `settings`, …`` with the expected word that was most
/// likely meant, if one is close.
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

/// `place` below serde's `path`.
fn below(path: &str, place: &str) -> String {
    match (path, place) {
        (".", place) => place.to_owned(),
        (path, "configuration") => path.to_owned(),
        (path, place) => format!("{path}.{place}"),
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.reason)
    }
}

impl std::error::Error for ConfigError {}
