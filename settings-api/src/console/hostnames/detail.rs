//! `GET /hostnames/setting`: the merged setting of a hostname, and where each value comes from.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;

use crate::console::access::{label, scopes};
use crate::console::form::{Form, link};
use crate::console::page::{Frame, Section, render};
use crate::console::problem::Problem;
use crate::console::visitor::Visitor;
use crate::model::provenance::{MergedValue, Origin, merged};
use crate::model::scope::Scope;
use crate::snapshot_cache::SnapshotCache;
use crate::tokens::token::Permission;

#[derive(Template)]
#[template(path = "setting.html")]
struct SettingPage<'a> {
    frame: Frame,
    hostname: &'a str,
    area: String,
    resource: &'a str,
    explain: String,
    values: Vec<Value>,
}

struct Value {
    key: String,
    value: String,
    origin: String,
}

/// Answers with the setting, to a token that may read the hostname's zone.
pub(crate) async fn detail(
    State(cache): State<Arc<SnapshotCache>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    let hostname = form.get("hostname");
    let base = cache.base();
    let unknown = || {
        let reason = "No setting of this hostname in the zones and accounts of this token.";
        Problem::new(StatusCode::NOT_FOUND, reason)
    };
    let (zone, zone_object) = base.zone_of(hostname).ok_or_else(unknown)?;
    let mut readable = scopes(&base, &visitor.token, Permission::Read).into_iter();
    let has_it = |scope: &Scope| match scope {
        Scope::Zone(id) => id == zone,
        Scope::Account(_) => {
            let mut entries = cache.settings(scope).into_iter();
            entries.any(|entry| entry.hostname == hostname)
        }
    };
    if !readable.any(|scope| has_it(&scope)) {
        return Err(unknown());
    }
    let values = merged(&base, &cache.all_settings(), hostname).ok_or_else(unknown)?;
    let resource = zone_object.resource.as_str();
    let explain = [("hostname", hostname.into()), ("resource", resource.into())];
    let page = SettingPage {
        frame: Frame::new(&visitor, Section::Hostnames),
        hostname,
        area: label(&base, &Scope::Zone(zone.to_owned())),
        resource,
        explain: link(Section::Explain.path(), explain),
        values: values
            .into_iter()
            .map(|value| shown(&visitor, value))
            .collect(),
    };
    render(StatusCode::OK, &page)
}

fn shown(visitor: &Visitor, value: MergedValue) -> Value {
    let may_know = |scope: &Scope| visitor.token.allows(Permission::Read, scope);
    let origin = match &value.origin {
        Origin::Api(scope) if may_know(scope) => format!("API: {scope}"),
        Origin::Api(_) => "API: an account of this zone".to_owned(),
        Origin::Base(place) => format!("base.json: {place}"),
        Origin::Default => "default".to_owned(),
    };
    Value {
        key: value.key,
        value: value.value,
        origin,
    }
}
