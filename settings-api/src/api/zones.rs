//! `GET /zones` and `GET /zones/{id}`: the zones of the base configuration, in Cloudflare's form.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Extension, OriginalUri, Query, State};
use client_cert_forwarder::config::ConfigError;
use serde::{Deserialize, Serialize};

use super::authorize::authorize;
use super::envelope::Success;
use super::error::ApiError;
use crate::model::base::Base;
use crate::model::scope::Scope;
use crate::snapshot_cache::SnapshotCache;
use crate::tokens::token::{Permission, Token};

/// Cloudflare's default and largest page.
const PER_PAGE: usize = 20;
const MAX_PER_PAGE: usize = 50;

/// A zone. Cloudflare's clients require most members; those without a meaning here have the
/// values of a zone that uses nothing else.
#[derive(Debug, Serialize)]
pub(super) struct ZoneObject {
    id: String,
    /// The zone's first domain.
    name: String,
    status: &'static str,
    paused: bool,
    r#type: &'static str,
    development_mode: u8,
    name_servers: [String; 0],
    original_name_servers: Option<Vec<String>>,
    original_registrar: Option<String>,
    original_dnshost: Option<String>,
    /// The time of the base configuration's last change, in place of the zone's own.
    created_on: String,
    modified_on: String,
    activated_on: String,
    meta: Meta,
    owner: Named,
    account: Named,
    permissions: [String; 0],
    plan: Named,
}

#[derive(Debug, Serialize)]
struct Meta {
    step: u8,
    custom_certificate_quota: u8,
    page_rule_quota: u8,
    phishing_detected: bool,
}

#[derive(Debug, Default, Serialize)]
struct Named {
    id: Option<String>,
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
}

/// The filters that this API knows; others are ignored, as at Cloudflare.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ZonesQuery {
    name: Option<String>,
    #[serde(rename = "account.id")]
    account: Option<String>,
    page: Option<usize>,
    per_page: Option<usize>,
}

/// Answers with the zones that the token may read.
pub(super) async fn list(
    State(cache): State<Arc<SnapshotCache>>,
    Extension(token): Extension<Token>,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Success<Vec<ZoneObject>>>, ApiError> {
    let refuse = |place: &str, reason: String| ApiError::Invalid(ConfigError::new(place, reason));
    let Query(query) = Query::<ZonesQuery>::try_from_uri(&uri)
        .map_err(|error| refuse("query", error.body_text()))?;
    let per_page = query.per_page.unwrap_or(PER_PAGE);
    if !(1..=MAX_PER_PAGE).contains(&per_page) {
        let reason = format!("expected a number from 1 to {MAX_PER_PAGE}");
        return Err(refuse("per_page", reason));
    }
    let base = cache.base();
    let zones = base.zones.keys().filter_map(|id| {
        let is_readable = token.allows(Permission::Read, &Scope::Zone(id.clone()));
        let zone = is_readable.then(|| zone(&base, id)).flatten()?;
        query.matches(&zone).then_some(zone)
    });
    let page = query.page.unwrap_or(1);
    Ok(Json(Success::page(zones.collect(), page, per_page)))
}

/// Answers with one zone.
pub(super) async fn get(
    State(cache): State<Arc<SnapshotCache>>,
    Extension(token): Extension<Token>,
    OriginalUri(uri): OriginalUri,
) -> Result<Json<Success<ZoneObject>>, ApiError> {
    let base = cache.base();
    let scope = authorize(&base, &token, Permission::Read, &uri)?;
    let zone = match &scope {
        Scope::Zone(id) => zone(&base, id),
        Scope::Account(_) => None,
    };
    let zone = zone.ok_or_else(|| ApiError::NoRoute(uri.path().to_owned()))?;
    Ok(Json(Success::new(zone)))
}

impl ZonesQuery {
    fn matches(&self, zone: &ZoneObject) -> bool {
        // Cloudflare's operators: `equal:` is the default.
        let name = self.name.as_deref();
        let name = name.map(|name| name.strip_prefix("equal:").unwrap_or(name));
        let account = self.account.as_ref();
        name.is_none_or(|name| name.eq_ignore_ascii_case(&zone.name))
            && account.is_none_or(|id| zone.account.id.as_ref() == Some(id))
    }
}

fn zone(base: &Base, id: &str) -> Option<ZoneObject> {
    let zone = base.zones.get(id)?;
    let account = base
        .accounts
        .iter()
        .find(|(_, account)| account.zones.iter().any(|zone| zone == id))
        .map(|(id, _)| id.clone());
    let changed = humantime::format_rfc3339_micros(base.modified).to_string();
    Some(ZoneObject {
        id: id.to_owned(),
        name: zone.domains.first().cloned().unwrap_or_default(),
        status: "active",
        paused: false,
        r#type: "full",
        development_mode: 0,
        name_servers: [],
        original_name_servers: None,
        original_registrar: None,
        original_dnshost: None,
        created_on: changed.clone(),
        modified_on: changed.clone(),
        activated_on: changed,
        meta: Meta {
            step: 0,
            custom_certificate_quota: 0,
            page_rule_quota: 0,
            phishing_detected: false,
        },
        owner: Named {
            r#type: Some("organization"),
            ..Named::default()
        },
        account: Named {
            name: account.clone(),
            id: account,
            r#type: None,
        },
        permissions: [],
        plan: Named::default(),
    })
}
