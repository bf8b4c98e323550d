//! `GET /fleet`.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, RawQuery, State as Part};
use axum::http::StatusCode;
use axum::response::Response;

use super::chart::Chart;
use crate::console::api_calls::ApiCalls;
use crate::console::form::Form;
use crate::console::page::{Frame, Section, render};
use crate::console::paging::{Paging, page};
use crate::console::problem::Problem;
use crate::console::statuses::{ResourceStatus, State, SubscriberStatus, statuses};
use crate::console::visitor::Visitor;
use crate::snapshot_cache::SnapshotCache;

const PER_PAGE: usize = 100;
/// Longest reason of a rejection that the page shows, in characters.
const REASON: usize = 600;

#[derive(Template)]
#[template(path = "fleet.html")]
struct FleetPage<'a> {
    frame: Frame,
    messages: Vec<String>,
    resources: Vec<Summary>,
    resource: &'a str,
    state: &'a str,
    q: &'a str,
    rows: Vec<Row>,
    paging: Paging,
}

/// One resource in all Envoys.
struct Summary {
    resource: String,
    version: String,
    published: String,
    accepted: usize,
    rejected: usize,
    pending: usize,
    chart: Option<Chart>,
}

/// One resource in one Envoy.
struct Row {
    resource: String,
    node: String,
    cluster: String,
    state: State,
    version: String,
    since: String,
    error: Option<String>,
}

/// Answers with the Envoys, those that rejected the version in force first.
pub(crate) async fn list(
    Part(api): Part<ApiCalls>,
    Part(cache): Part<Arc<SnapshotCache>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let (statuses, messages) = statuses(&api, &cache.base(), &visitor).await?;
    let resources = statuses.iter().map(Summary::new).collect();
    let mut rows: Vec<Row> = Vec::new();
    for status in statuses {
        let of_resource = status.subscribers.into_iter();
        let of_resource = of_resource.map(|it| Row::new(&status.resource, &status.published, it));
        rows.extend(of_resource.filter(|row| row.matches(&form)));
    }
    rows.sort_by(|one, other| {
        let key = |row: &Row| (row.state, row.cluster.clone(), row.node.clone());
        key(one).cmp(&key(other))
    });
    let kept = ["resource", "state", "q"];
    let (rows, paging) = page(rows, PER_PAGE, Section::Fleet.path(), &form, &kept);
    let page = FleetPage {
        frame: Frame::new(&visitor, Section::Fleet),
        messages,
        resources,
        resource: form.get("resource"),
        state: form.get("state"),
        q: form.get("q"),
        rows,
        paging,
    };
    render(StatusCode::OK, &page)
}

impl Summary {
    fn new(status: &ResourceStatus) -> Self {
        Self {
            resource: status.resource.clone(),
            version: status.version.clone(),
            published: status.published.clone(),
            accepted: status.accepted,
            rejected: status.rejected,
            pending: status.pending,
            chart: Chart::of(status),
        }
    }
}

impl Row {
    fn new(resource: &str, published: &str, subscriber: SubscriberStatus) -> Self {
        // Times of one form compare as text.
        let since = match subscriber.state {
            State::Pending => subscriber.since.max(published.to_owned()),
            State::Accepted | State::Rejected => subscriber.since,
        };
        Self {
            resource: resource.to_owned(),
            node: subscriber.node,
            cluster: subscriber.cluster,
            state: subscriber.state,
            version: subscriber
                .accepted_version
                .unwrap_or_else(|| "none".to_owned()),
            since,
            error: subscriber.error.map(|text| shortened(&text)),
        }
    }

    fn matches(&self, form: &Form) -> bool {
        let is = |name: &str, value: &str| [value, ""].contains(&form.get(name));
        let q = form.get("q").trim().to_lowercase();
        let contains = |text: &str| text.to_lowercase().contains(&q);
        is("resource", &self.resource)
            && is("state", self.state.name())
            && (contains(&self.node) || contains(&self.cluster))
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(REASON) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
