//! `GET /hostnames`: the hostnames of the token's zones and accounts.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::console::access::{label, scopes, writable};
use crate::console::form::{Form, link};
use crate::console::page::{Frame, Section, render};
use crate::console::paging::{Paging, page};
use crate::console::problem::Problem;
use crate::console::visitor::Visitor;
use crate::model::base::Base;
use crate::model::provenance::{ListedHostname, hostnames};
use crate::model::scope::Scope;
use crate::snapshot_cache::SnapshotCache;
use crate::tokens::token::{Permission, Token};

const PER_PAGE: usize = 50;
/// The fields of the filter, which links keep.
pub(super) const FILTER: [&str; 3] = ["scope", "q", "forwarding"];

#[derive(Template)]
#[template(path = "hostnames.html")]
struct HostnamesPage<'a> {
    frame: Frame,
    scopes: Vec<Choice>,
    /// Where the token may add a hostname.
    writable: Vec<Choice>,
    q: &'a str,
    forwarding: &'a str,
    /// The query of this page, for the way back from a change.
    back: &'a str,
    rows: Vec<Row>,
    paging: Paging,
}

/// A zone or account to choose.
struct Choice {
    value: String,
    label: String,
    is_chosen: bool,
}

struct Row {
    hostname: String,
    link: String,
    area: String,
    set_by: String,
    forwarding: bool,
    /// What the switch sends; none without a switch that would work.
    change: Option<String>,
}

/// Answers with the list.
pub(crate) async fn list(
    State(cache): State<Arc<SnapshotCache>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    let form = Form::parse(query.as_bytes());
    let base = cache.base();
    let token = &visitor.token;
    let readable = scopes(&base, token, Permission::Read);
    let wanted = form.get("scope");
    let choice = |scope: &Scope| Choice {
        label: label(&base, scope),
        is_chosen: scope.to_string() == wanted,
        value: scope.to_string(),
    };
    let settings = cache.all_settings();
    let mut listed: Vec<ListedHostname> = readable
        .iter()
        .filter(|scope| wanted.is_empty() || scope.to_string() == wanted)
        .flat_map(|scope| hostnames(&base, &settings, scope))
        .filter(|listed| matches(listed, &form))
        .collect();
    // A token may see a hostname as its zone's and as its account's.
    listed
        .sort_by(|one, other| (&one.hostname, &one.set_by).cmp(&(&other.hostname, &other.set_by)));
    listed.dedup();
    let (listed, paging) = page(listed, PER_PAGE, Section::Hostnames.path(), &form, &FILTER);
    let writable = scopes(&base, token, Permission::Write);
    let page = HostnamesPage {
        frame: Frame::new(&visitor, Section::Hostnames),
        scopes: readable.iter().map(choice).collect(),
        writable: writable.iter().map(choice).collect(),
        q: form.get("q"),
        forwarding: form.get("forwarding"),
        back: &query,
        rows: listed
            .into_iter()
            .map(|listed| row(&base, token, listed))
            .collect(),
        paging,
    };
    render(StatusCode::OK, &page)
}

fn matches(listed: &ListedHostname, form: &Form) -> bool {
    let wanted = match form.get("forwarding") {
        "on" => Some(true),
        "off" => Some(false),
        _ => None,
    };
    let q = form.get("q").trim().to_ascii_lowercase();
    wanted.is_none_or(|wanted| listed.forwarding == wanted) && listed.hostname.contains(&q)
}

fn row(base: &Base, token: &Token, listed: ListedHostname) -> Row {
    let set_by = match &listed.set_by {
        None => "base.json".to_owned(),
        Some(Scope::Zone(_)) => "API, zone".to_owned(),
        Some(Scope::Account(_)) => "API, account".to_owned(),
    };
    Row {
        link: link(
            "/hostnames/setting",
            [("hostname", listed.hostname.as_str().into())],
        ),
        area: label(base, &Scope::Zone(listed.zone.clone())),
        change: switch(base, token, &listed),
        forwarding: listed.forwarding,
        hostname: listed.hostname,
        set_by,
    }
}

/// Builds the value of a row's switch: scope, new state and hostname.
///
/// Off is only what the API can say: it removes a setting of the API, and has no way to turn off
/// what the base configuration turns on.
fn switch(base: &Base, token: &Token, listed: &ListedHostname) -> Option<String> {
    let scope = match (&listed.set_by, listed.forwarding) {
        (Some(scope), true) => token
            .allows(Permission::Write, scope)
            .then(|| scope.clone()),
        (None, true) => None,
        (_, false) => writable(base, token, &listed.zone),
    };
    let state = if listed.forwarding { "off" } else { "on" };
    scope.map(|scope| format!("{scope} {state} {}", listed.hostname))
}
