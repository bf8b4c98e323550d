//! How a part of the benchmark ends: targets met or missed, doubts, or a failure.

/// An error that keeps a part from giving figures.
#[derive(Debug)]
pub(crate) enum Failure {
    /// Something that the benchmark needs is missing or does not run.
    Setup(String),
    /// A case does not do its job: its figures would mean nothing.
    WrongState(String),
}

/// Adds the attempted step to an error.
pub(crate) fn setup<E: std::fmt::Display>(
    what: impl std::fmt::Display,
) -> impl FnOnce(E) -> Failure {
    move |error| Failure::Setup(format!("{what}: {error}"))
}

/// The outcome of a part that gave figures.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The targets of the contract that it measured.
    pub(crate) targets: Vec<Target>,
    /// Why the figures should not be believed; empty when they may be.
    pub(crate) doubts: Vec<String>,
}

impl Outcome {
    /// Adds the outcome of another part.
    pub(crate) fn extend(&mut self, other: Outcome) {
        self.targets.extend(other.targets);
        self.doubts.extend(other.doubts);
    }

    /// The program's exit code.
    pub(crate) fn exit_code(&self) -> u8 {
        if !self.doubts.is_empty() {
            3
        } else if self.targets.iter().any(|target| target.met == Some(false)) {
            1
        } else {
            0
        }
    }
}

/// A target of the contract, with the measured value.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// The limited quantity.
    pub(crate) what: String,
    /// The limit, in words.
    pub(crate) limit: String,
    /// The measured value, in words.
    pub(crate) measured: String,
    /// Whether it was met; `None` when it was not measured.
    pub(crate) met: Option<bool>,
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Target};

    fn target(met: Option<bool>) -> Target {
        Target {
            what: String::new(),
            limit: String::new(),
            measured: String::new(),
            met,
        }
    }

    #[test]
    fn a_missed_target_is_told_by_the_exit_code_and_a_doubt_goes_before_it() {
        let mut outcome = Outcome::default();
        assert_eq!(outcome.exit_code(), 0);
        outcome.targets = vec![target(Some(true)), target(None)];
        assert_eq!(outcome.exit_code(), 0);
        outcome.targets.push(target(Some(false)));
        assert_eq!(outcome.exit_code(), 1);
        outcome.doubts.push("noise".to_owned());
        assert_eq!(outcome.exit_code(), 3);
    }
}
