//! Places in JSON: as values, and as the lists that name them while a configuration is walked.

use std::fmt;

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Into the member of an object.
    Key(String),
    /// Into the item of an array.
    Index(usize),
}

/// The way from the top of a JSON text to a value, written `settings[2].forward_on`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct JsonPath(pub Vec<Step>);

/// The whole text is `configuration`.
impl fmt::Display for JsonPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return formatter.write_str("configuration");
        }
        for (depth, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if depth == 0 => formatter.write_str(key)?,
                Step::Key(key) => write!(formatter, ".{key}")?,
                Step::Index(index) => write!(formatter, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A [`JsonPath`] under construction: borrows the place above, allocates nothing.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place<'a> {
    Top,
    Key(&'a Place<'a>, &'a str),
    Index(&'a Place<'a>, usize),
}

impl<'a> Place<'a> {
    pub(super) fn key(&'a self, key: &'a str) -> Self {
        Self::Key(self, key)
    }

    pub(super) fn index(&'a self, index: usize) -> Self {
        Self::Index(self, index)
    }

    pub(super) fn above(&self) -> Option<&'a Self> {
        match self {
            Self::Top => None,
            Self::Key(above, _) | Self::Index(above, _) => Some(above),
        }
    }
}

impl From<&Place<'_>> for JsonPath {
    fn from(place: &Place<'_>) -> Self {
        let mut steps = Vec::new();
        let mut next = Some(place);
        while let Some(place) = next {
            match place {
                Place::Top => {}
                Place::Key(_, key) => steps.push(Step::Key((*key).to_owned())),
                Place::Index(_, index) => steps.push(Step::Index(*index)),
            }
            next = place.above();
        }
        steps.reverse();
        Self(steps)
    }
}

#[cfg(test)]
mod tests {
    use super::{JsonPath, Place};

    #[test]
    fn paths_are_written_as_in_javascript() {
        let top = Place::Top;
        let settings = top.key("settings");
        let third = settings.index(2);
        assert_eq!(JsonPath::from(&top).to_string(), "configuration");
        assert_eq!(
            JsonPath::from(&third.key("forward_on")).to_string(),
            "settings[2].forward_on"
        );
    }
}
