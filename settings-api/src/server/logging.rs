//! Logs JSON lines to standard error.

use tracing_subscriber::EnvFilter;

use crate::error::Error;

/// Starts logging.
///
/// # Errors
/// When the level is invalid.
pub(super) fn start(level: &str) -> Result<(), Error> {
    let filter =
        EnvFilter::try_new(level).map_err(|error| Error::new("--log-level", level, error))?;
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .init();
    Ok(())
}
