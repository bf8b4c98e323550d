//! `GET …/access/certificates/settings/status`: the Envoys' answers to the version in force.

use std::sync::Arc;
use std::time::SystemTime;

use axum::Json;
use axum::extract::{Extension, OriginalUri, State};
use serde::Serialize;

use super::authorize::authorize;
use super::envelope::{Message, Success};
use super::error::ApiError;
use crate::crls::CrlStatus;
use crate::model::snapshot::Resource;
use crate::reload_status::ReloadStatus;
use crate::snapshot_cache::{SnapshotCache, StoreHealth};
use crate::tokens::token::{Permission, Token};
use crate::xds::Fleet;
use crate::xds::subscribers::{SubscriberState, SubscriberStatus};

/// The status of one ECDS resource.
#[derive(Debug, Serialize)]
pub(super) struct ResourceStatus {
    resource: String,
    /// The version in force.
    version: String,
    /// When this replica published it (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    published: Option<String>,
    accepted: usize,
    rejected: usize,
    pending: usize,
    subscribers: Vec<SubscriberStatus>,
    /// The CRLs whose entries it has; absent if the base configuration names none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    crls: Vec<CrlStatus>,
}

impl ResourceStatus {
    fn new(
        resource: &Resource,
        published: Option<SystemTime>,
        subscribers: Vec<SubscriberStatus>,
        crls: Vec<CrlStatus>,
    ) -> Self {
        let count = |state| {
            let such = subscribers.iter().filter(|status| status.state == state);
            such.count()
        };
        Self {
            resource: resource.name.clone(),
            version: resource.version.clone(),
            published: published.map(|time| humantime::format_rfc3339_millis(time).to_string()),
            accepted: count(SubscriberState::Accepted),
            rejected: count(SubscriberState::Rejected),
            pending: count(SubscriberState::Pending),
            subscribers,
            crls,
        }
    }
}

/// Answers with the status of each ECDS resource of a zone or account. Messages tell of a store or
/// a file that can't be used, and of what a fast path leaves out.
pub(super) async fn list(
    State(cache): State<Arc<SnapshotCache>>,
    State(fleet): State<Arc<Fleet>>,
    State(reloads): State<Arc<ReloadStatus>>,
    Extension(token): Extension<Token>,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Success<Vec<ResourceStatus>>>, ApiError> {
    let base = cache.base();
    let scope = authorize(&base, &token, Permission::Read, &uri)?;
    let snapshot = cache.subscribe().borrow().clone();
    let others = fleet.others().await;
    let crls = cache.crls().statuses();
    let names = base.resources_of(&scope).into_iter();
    let resources: Vec<_> = names.filter_map(|name| snapshot.get(name)).collect();
    let statuses = resources.iter().map(|resource| {
        let published = cache.published(resource);
        let subscribers = fleet.statuses(resource, &others);
        ResourceStatus::new(resource, published, subscribers, crls.clone())
    });
    let mut response = Success::list(statuses.collect());
    if let StoreHealth::Unreachable { since, .. } = cache.store_health() {
        let since = humantime::format_rfc3339_seconds(since);
        let text = format!("the settings store can't be reached since {since}");
        response = response.with_message(Message::new(10002, text));
    }
    let reloads = reloads.errors().into_iter().map(|(_, error)| error);
    for error in reloads.chain(crls.into_iter().filter_map(|status| status.error)) {
        let text = format!("{error} (the last good one is in force)");
        response = response.with_message(Message::new(10003, text));
    }
    for resource in resources {
        for warning in &resource.warnings {
            let text = format!("{}: {warning}", resource.name);
            response = response.with_message(Message::new(10004, text));
        }
    }
    Ok(Json(response))
}
