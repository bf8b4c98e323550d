//! The certificates that are compared.

mod differences;
mod names;
mod parts;
mod random;
mod real;
mod vectors;

pub(crate) use differences::known_differences;
use fastrand::Rng;
use support::der::Template;

/// A certificate, labelled with its peculiarity.
pub(crate) struct Case {
    pub(crate) label: String,
    pub(crate) der: Vec<u8>,
}

impl Case {
    fn new(label: impl Into<String>, template: &Template) -> Case {
        Case {
            label: label.into(),
            der: template.der(),
        }
    }
}

/// Returns the certificates that are the same in each run: one for every corner that is known, and
/// real ones.
pub(crate) fn fixed() -> Vec<Case> {
    [
        names::values(),
        names::known_attributes(),
        names::names(),
        parts::serials(),
        parts::dates(),
        parts::extensions(),
        real::made_by_a_library(),
        real::roots(),
        vectors::certificates(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Adds random ones to them.
pub(crate) fn all(rng: &mut Rng) -> Vec<Case> {
    let mut cases = fixed();
    cases.extend(random::certificates(rng));
    cases
}
