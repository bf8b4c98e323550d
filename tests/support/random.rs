//! Seeds and sizes of randomised tests, and how to run one of them again.

use std::{fmt::Display, str::FromStr};

/// The seed in that environment variable, or a new one.
///
/// # Panics
/// When the variable holds no number.
pub fn seed(variable: &str) -> u64 {
    number(variable).unwrap_or_else(|| fastrand::u64(..))
}

/// The number in that environment variable, or `usual`.
///
/// # Panics
/// When the variable holds no number.
pub fn size(variable: &str, usual: usize) -> usize {
    number(variable).unwrap_or(usual)
}

fn number<N: FromStr<Err: Display>>(variable: &str) -> Option<N> {
    let text = std::env::var(variable).ok()?;
    let number = text.parse();
    Some(number.unwrap_or_else(|error| panic!("{variable}={text}: {error}")))
}
