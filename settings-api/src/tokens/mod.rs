//! Tokens: who may use the API, where, and how.
//!
//! The token file holds keyed digests (HMAC-SHA-256) of secrets that this program drew at random,
//! at least 148 bits each.

pub(crate) mod digest;
pub(crate) mod file;
pub(crate) mod token;
pub(crate) mod watched;
