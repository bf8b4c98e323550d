//! The state of the handlers, each of which extracts the parts that it needs.

use std::sync::Arc;

use axum::extract::FromRef;

use super::body::BodyLimits;
use super::rate_limit::RateLimit;
use crate::audit_log::AuditLog;
use crate::metrics::Metrics;
use crate::reload_status::ReloadStatus;
use crate::snapshot_cache::SnapshotCache;
use crate::tokens::watched::Tokens;
use crate::xds::Fleet;

/// The state of the router.
#[derive(Clone, FromRef)]
pub(crate) struct ApiState {
    /// The settings in force.
    pub(crate) cache: Arc<SnapshotCache>,
    /// The Envoys that are connected to any replica.
    pub(crate) fleet: Arc<Fleet>,
    /// The tokens.
    pub(crate) tokens: Arc<Tokens>,
    /// The files that can't be used.
    pub(crate) reloads: Arc<ReloadStatus>,
    /// The file of audit records.
    pub(crate) audit_log: Arc<AuditLog>,
    /// The limits of a request's body.
    pub(crate) body_limits: BodyLimits,
    /// The limit of a client's requests.
    pub(crate) rate_limit: Arc<RateLimit>,
    /// The counters.
    pub(crate) metrics: Arc<Metrics>,
}
