//! The errors and warnings that reading and compiling a configuration come upon.

use std::collections::HashSet;

use super::path::{JsonPath, Place};
use super::{ConfigError, Warning};

/// Errors and warnings in the order in which they were met.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) errors: Vec<ConfigError>,
    pub(super) warnings: Vec<Warning>,
    /// Places of the errors.
    places: HashSet<JsonPath>,
    only_first: bool,
}

impl Findings {
    /// Keeps the first error only: the filter logs one line, and holds a bad configuration briefly.
    pub(super) fn only_first() -> Self {
        Self {
            only_first: true,
            ..Self::default()
        }
    }

    /// Records an error, unless it follows from another at the same place or above.
    pub(super) fn error(&mut self, place: &Place<'_>, reason: impl Into<String>) {
        let is_enough = self.only_first && !self.errors.is_empty();
        if is_enough || self.is_covered(place) {
            return;
        }
        let path = JsonPath::from(place);
        self.places.insert(path.clone());
        self.errors.push(ConfigError::at_path(path, reason));
    }

    fn is_covered(&self, place: &Place<'_>) -> bool {
        let mut next = Some(place);
        while let Some(place) = next {
            if self.places.contains(&place.into()) {
                return true;
            }
            next = place.above();
        }
        false
    }

    pub(super) fn warn(&mut self, warning: Warning) {
        self.warnings.push(warning);
    }

    pub(super) fn into_result(self) -> Result<Vec<Warning>, ConfigError> {
        match self.errors.into_iter().next() {
            Some(error) => Err(error),
            None => Ok(self.warnings),
        }
    }
}
