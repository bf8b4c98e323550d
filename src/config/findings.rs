//! The errors that reading and compiling a configuration come upon.

use super::ConfigError;
use super::path::Place;

/// Errors in the order in which they were met.
#[derive(Debug, Default)]
pub(super) struct Findings {
    errors: Vec<ConfigError>,
}

impl Findings {
    pub(super) fn error(&mut self, place: &Place<'_>, reason: impl Into<String>) {
        self.errors.push(ConfigError::at_path(place.into(), reason));
    }

    pub(super) fn into_first_error(self) -> Option<ConfigError> {
        self.errors.into_iter().next()
    }
}
