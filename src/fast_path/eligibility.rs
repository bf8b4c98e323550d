//! What a plugin configuration cannot ask for and have a fast path.

use crate::config::ConfigError;
use crate::config::schema::{OnSpoofedHeader, PluginConfig};

/// Checks that Envoy can carry out every decision under `config`.
///
/// # Errors
/// The first key that asks for what only the filter can do.
pub(super) fn check(config: &PluginConfig) -> Result<(), ConfigError> {
    if config.on_spoofed_header == OnSpoofedHeader::Reject {
        return refuse("on_spoofed_header", "\"reject\" has to see every request");
    }
    if config.explain {
        return refuse("explain", "adds a header to every response");
    }
    Ok(())
}

fn refuse(path: &str, reason: &str) -> Result<(), ConfigError> {
    let reason =
        format!("{reason}, so it can't have a fast path: leave it out, or deploy the filter alone");
    Err(ConfigError::new(path.to_owned(), reason))
}
