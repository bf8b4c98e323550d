//! Logs JSON lines to standard error.

use clap::ValueEnum;
use tracing::level_filters::LevelFilter;

/// The least severe level to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogLevel {
    /// Failures that need an operator.
    Error,
    /// Things that an operator should know.
    Warn,
    /// Requests, changes, and Envoys that connect.
    Info,
    /// Connections that failed.
    Debug,
    /// Everything, of libraries too.
    Trace,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
            LogLevel::Trace => Self::TRACE,
        }
    }
}

/// Starts logging.
pub(super) fn start(level: LogLevel) {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .with_max_level(LevelFilter::from(level))
        .init();
}
