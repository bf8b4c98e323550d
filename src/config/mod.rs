//! The plugin configuration: JSON as users write it, checked and compiled once.
//!
//! [`json`] is the text as a tree, [`schema`] its typed form, [`compiled`] what a request needs;
//! [`check()`] finds everything that is wrong at once.

pub mod check;
#[cfg(test)]
mod check_tests;
pub mod compiled;
mod deserialize;
mod error;
mod findings;
mod identifiers;
pub mod json;
#[cfg(feature = "schema")]
pub mod json_schema;
pub mod path;
mod read;
mod read_access;
mod reader;
#[cfg(test)]
mod refused_examples;
pub mod schema;
mod syntax;
#[cfg(test)]
mod tests;
mod warning;

pub use check::{Report, check};
pub use compiled::Config;
pub use error::ConfigError;
pub use warning::Warning;
