//! `POST /hostnames` and `/hostnames/add`: turns forwarding on or off, by the API's own handler.

use std::sync::Arc;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::Redirect;
use serde_json::json;

use super::list::FILTER;
use crate::console::api_calls::ApiCalls;
use crate::console::form::{Form, link};
use crate::console::page::Section;
use crate::console::problem::Problem;
use crate::console::sessions::Sessions;
use crate::console::visitor::Visitor;
use crate::model::provenance::hostnames;
use crate::model::scope::Scope;
use crate::snapshot_cache::SnapshotCache;

/// Turns a hostname on or off, and goes back to the list.
pub(crate) async fn change(
    State(api): State<ApiCalls>,
    State(cache): State<Arc<SnapshotCache>>,
    State(sessions): State<Arc<Sessions>>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
) -> Result<Redirect, Problem> {
    let mut words = form.get("change").splitn(3, ' ');
    let (Some(scope), Some(state), Some(hostname)) = (words.next(), words.next(), words.next())
    else {
        return Err(malformed());
    };
    let is_on = match state {
        "on" => true,
        "off" => false,
        _ => return Err(malformed()),
    };
    let scope = scope.parse().map_err(|_| malformed())?;
    let outcome = put(&api, &cache, &visitor, &scope, hostname, is_on).await;
    conclude(&sessions, &visitor, outcome)?;
    let back = Form::parse(form.get("back").as_bytes());
    let kept = FILTER.into_iter().chain(["page"]);
    let fields = kept.map(|name| (name, back.get(name).to_owned().into()));
    Ok(Redirect::to(&link(Section::Hostnames.path(), fields)))
}

/// Adds a hostname that forwards, and lists it.
pub(crate) async fn add(
    State(api): State<ApiCalls>,
    State(cache): State<Arc<SnapshotCache>>,
    State(sessions): State<Arc<Sessions>>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
) -> Result<Redirect, Problem> {
    let scope = form.get("scope").parse().map_err(|_| malformed())?;
    let hostname = form.get("hostname").trim();
    let outcome = put(&api, &cache, &visitor, &scope, hostname, true).await;
    conclude(&sessions, &visitor, outcome)?;
    Ok(Redirect::to(Section::Hostnames.path()))
}

/// Puts the setting; returns what to tell.
async fn put(
    api: &ApiCalls,
    cache: &SnapshotCache,
    visitor: &Visitor,
    scope: &Scope,
    hostname: &str,
    is_on: bool,
) -> Result<String, Problem> {
    let before = cache.settings(scope);
    let china_network = before
        .iter()
        .any(|entry| entry.hostname == hostname && entry.china_network);
    let setting = json!({
        "hostname": hostname,
        "china_network": china_network,
        "client_certificate_forwarding": is_on,
    });
    let body = json!({ "settings": [setting] }).to_string();
    api.put(visitor, scope, body).await?;
    if is_on {
        return Ok(format!("Forwarding is on for {hostname}."));
    }
    let base = cache.base();
    let after = hostnames(&base, &cache.all_settings(), scope);
    let after = after.into_iter().find(|listed| listed.hostname == hostname);
    Ok(match after {
        Some(listed) if listed.forwarding => format!(
            "The setting of {hostname} is removed from the API, and another one forwards now: open \
             the hostname to see which."
        ),
        _ => format!("Forwarding is off for {hostname}."),
    })
}

/// Leaves the outcome for the next page. A refusal for want of permission is a page of its own.
fn conclude(
    sessions: &Sessions,
    visitor: &Visitor,
    outcome: Result<String, Problem>,
) -> Result<(), Problem> {
    let notice = match outcome {
        Ok(text) => text,
        Err(problem) if problem.status == StatusCode::BAD_REQUEST => {
            format!("Nothing changed: {}", problem.reason)
        }
        Err(problem) => return Err(problem),
    };
    sessions.notify(&visitor.session, notice);
    Ok(())
}

fn malformed() -> Problem {
    Problem::new(
        StatusCode::BAD_REQUEST,
        "The form names no change. Open the page again.",
    )
}
