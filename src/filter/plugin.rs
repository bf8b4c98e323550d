//! The state that all requests of one worker share under one configuration: the root context.

use super::metrics::Metrics;
use super::warnings::Warnings;
use crate::config::Config;

/// A configuration at work.
#[derive(Debug)]
pub(crate) struct Plugin {
    pub(crate) config: Config,
    pub(crate) metrics: Metrics,
    pub(crate) warnings: Warnings,
    /// Whether Envoy carries out what is decided for a connection
    /// ([`crate::delivery_state::FAST_PATH`]).
    pub(crate) fast_path: bool,
}

impl Plugin {
    /// Serves requests by `config`.
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            metrics: Metrics::default(),
            warnings: Warnings::default(),
            fast_path: false,
        }
    }
}
