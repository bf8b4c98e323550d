//! What must hold for any input, each written once as a function of bytes that panics where it does
//! not hold. `make fuzz` runs them with coverage-guided or random inputs, `make test` with random
//! ones and with the committed corpora.
//!
//! The functions compare the filter with models ([`model`]) that are slow, obvious, and share
//! nothing with it.

mod check;
pub mod corpus;
pub mod model;
#[cfg(feature = "runner")]
pub mod random;

/// Something that takes input from users, clients or Envoy.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Name on the command line and of the corpus' folder.
    pub name: &'static str,
    /// Panics when the input shows a bug.
    pub check: fn(&[u8]),
    /// Pieces that inputs are made of, for both kinds of fuzzing.
    pub words: &'static [&'static str],
}

/// All of them.
pub const TARGETS: [Target; 8] = [
    Target {
        name: "configuration",
        check: check::configuration::check,
        words: check::configuration::WORDS,
    },
    Target {
        name: "pem",
        check: check::pem::check,
        words: check::pem::WORDS,
    },
    Target {
        name: "certificate",
        check: check::certificate::check,
        words: check::certificate::WORDS,
    },
    Target {
        name: "hostname",
        check: check::hostname::check,
        words: check::hostname::WORDS,
    },
    Target {
        name: "header-names",
        check: check::header_names::check,
        words: check::header_names::WORDS,
    },
    Target {
        name: "header-map",
        check: check::header_map::check,
        words: check::header_map::WORDS,
    },
    Target {
        name: "xfcc",
        check: check::xfcc::check,
        words: check::xfcc::WORDS,
    },
    Target {
        name: "request",
        check: check::request::check,
        words: check::request::WORDS,
    },
];

/// The target of that name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}
