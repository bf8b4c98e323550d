//! The state of the endpoints.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::FromRef;
use tokio_util::sync::CancellationToken;

use crate::metrics::Metrics;
use crate::reload_status::ReloadStatus;
use crate::snapshot_cache::SnapshotCache;
use crate::tokens::watched::Tokens;
use crate::xds::subscribers::Subscribers;

/// The parts of the program that the endpoints report on.
#[derive(Clone, FromRef)]
pub(crate) struct OpsState {
    /// The settings in force.
    pub(crate) cache: Arc<SnapshotCache>,
    /// The connected Envoys.
    pub(crate) subscribers: Arc<Subscribers>,
    /// The tokens.
    pub(crate) tokens: Arc<Tokens>,
    /// The files that can't be used.
    pub(crate) reloads: Arc<ReloadStatus>,
    /// The counters.
    pub(crate) metrics: Arc<Metrics>,
    /// Cancelled when the program is about to end.
    pub(crate) shutdown: CancellationToken,
    /// When the program started.
    pub(crate) started: Instant,
}
