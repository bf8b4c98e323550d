//! The plugin configuration: JSON as users write it ([`schema`]), checked and compiled once into what a request needs ([`compiled`]).

pub mod compiled;
mod error;
mod findings;
#[cfg(feature = "schema")]
pub mod json_schema;
pub mod path;
#[cfg(test)]
mod refused_examples;
pub mod schema;
#[cfg(test)]
mod tests;

pub use compiled::Config;
pub use error::ConfigError;
