//! `GET /certificates`: the certificates that count as revoked, and the CRLs that say so.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use client_cert_forwarder::config::schema::{PluginConfig, RevokedCertificate};

use super::access::resources;
use super::api_calls::ApiCalls;
use super::form::Form;
use super::page::{Frame, Section, render};
use super::paging::{Paging, page};
use super::problem::Problem;
use super::statuses::{CrlStatus, statuses};
use super::visitor::Visitor;
use crate::snapshot_cache::SnapshotCache;

const PER_PAGE: usize = 100;

#[derive(Template)]
#[template(path = "certificates.html")]
struct CertificatesPage<'a> {
    frame: Frame,
    crls: Vec<CrlStatus>,
    q: &'a str,
    rows: Vec<Row>,
    paging: Paging,
}

struct Row {
    resource: String,
    sha256: Option<String>,
    issuer_dn: Option<String>,
    serial: Option<String>,
}

/// Answers with the revoked certificates of the token's resources.
pub(super) async fn list(
    State(api): State<ApiCalls>,
    State(cache): State<Arc<SnapshotCache>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let q = form.get("q").trim().to_lowercase();
    let (statuses, _) = statuses(&api, &cache.base(), &visitor).await?;
    let mut crls: Vec<CrlStatus> = statuses
        .into_iter()
        .flat_map(|status| status.crls)
        .collect();
    // Every resource has the entries of every file.
    crls.sort_by(|one, other| one.file.cmp(&other.file));
    crls.dedup_by(|one, other| one.file == other.file);
    let snapshot = cache.subscribe().borrow().clone();
    let mut rows = Vec::new();
    for (name, _) in resources(&cache.base(), &visitor.token) {
        let Some(resource) = snapshot.get(&name) else {
            continue;
        };
        let config = PluginConfig::from_json(resource.plugin.as_bytes());
        let config = config.map_err(|error| Problem::internal(&error))?;
        let revoked = config.revoked_certificates.into_iter();
        let revoked = revoked.map(|revoked| Row::new(&name, revoked));
        rows.extend(revoked.filter(|row| row.contains(&q)));
    }
    let (rows, paging) = page(rows, PER_PAGE, Section::Certificates.path(), &form, &["q"]);
    let page = CertificatesPage {
        frame: Frame::new(&visitor, Section::Certificates),
        crls,
        q: form.get("q"),
        rows,
        paging,
    };
    render(StatusCode::OK, &page)
}

impl Row {
    fn new(resource: &str, revoked: RevokedCertificate) -> Self {
        let (sha256, issuer_dn, serial) = match revoked {
            RevokedCertificate::Fingerprint { sha256 } => (Some(sha256), None, None),
            RevokedCertificate::Serial { issuer_dn, serial } => {
                (None, Some(issuer_dn), Some(serial))
            }
        };
        Self {
            resource: resource.to_owned(),
            sha256,
            issuer_dn,
            serial,
        }
    }

    fn contains(&self, q: &str) -> bool {
        let mut texts = [&self.sha256, &self.issuer_dn, &self.serial]
            .into_iter()
            .flatten();
        q.is_empty() || texts.any(|text| text.to_lowercase().contains(q))
    }
}
