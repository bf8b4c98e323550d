//! `GET /audit`: who changed which settings, from where, and how.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::access::{label, scopes};
use super::api_calls::ApiCalls;
use super::form::Form;
use super::page::{Frame, Section, render};
use super::paging::{Paging, page};
use super::problem::Problem;
use super::visitor::Visitor;
use crate::model::audit::AuditRecord;
use crate::model::entry::Entry;
use crate::snapshot_cache::SnapshotCache;
use crate::tokens::token::Permission;

const PER_PAGE: usize = 50;
/// Most hostnames of a change that the page names, so that a change of thousands stays readable.
const HOSTNAMES: usize = 20;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    rows: Vec<Row>,
    paging: Paging,
}

struct Row {
    at: String,
    by: String,
    token_id: String,
    address: String,
    area: String,
    changes: Vec<Change>,
    /// Changed hostnames that the page does not name.
    more: usize,
}

struct Change {
    hostname: String,
    before: &'static str,
    after: &'static str,
}

/// Answers with the latest changes of the token's zones and accounts, newest first.
pub(super) async fn list(
    State(api): State<ApiCalls>,
    State(cache): State<Arc<SnapshotCache>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let base = cache.base();
    let mut records: Vec<(String, AuditRecord)> = Vec::new();
    for scope in scopes(&base, &visitor.token, Permission::Read) {
        let area = label(&base, &scope);
        let of_scope = api.get::<Vec<AuditRecord>>(&visitor, &scope, "/audit?limit=1000");
        let of_scope = of_scope.await?.result.into_iter();
        records.extend(of_scope.map(|record| (area.clone(), record)));
    }
    records.sort_by(|(_, one), (_, other)| other.at.cmp(&one.at));
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let (records, paging) = page(records, PER_PAGE, Section::Audit.path(), &form, &[]);
    let page = AuditPage {
        frame: Frame::new(&visitor, Section::Audit),
        rows: records
            .into_iter()
            .map(|(area, record)| row(area, record))
            .collect(),
        paging,
    };
    render(StatusCode::OK, &page)
}

fn row(area: String, record: AuditRecord) -> Row {
    let state = |entries: &[Entry], hostname: &str| {
        let found = entries.iter().find(|entry| entry.hostname == hostname);
        match found {
            Some(entry) if entry.client_certificate_forwarding => "on",
            Some(_) => "off",
            None => "not set",
        }
    };
    let all = record.before.iter().chain(&record.after);
    let mut hostnames: Vec<&str> = all.map(|entry| entry.hostname.as_str()).collect();
    hostnames.sort_unstable();
    hostnames.dedup();
    let changes = hostnames.iter().take(HOSTNAMES).map(|hostname| Change {
        hostname: (*hostname).to_owned(),
        before: state(&record.before, hostname),
        after: state(&record.after, hostname),
    });
    Row {
        changes: changes.collect(),
        more: hostnames.len().saturating_sub(HOSTNAMES),
        at: record.at,
        by: record.by.token_name,
        token_id: record.by.token_id,
        address: record.by.address,
        area,
    }
}
