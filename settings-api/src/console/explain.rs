//! `GET` and `POST /explain`: the filter's decision about a client, by the filter's own code.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, RawQuery, State};
use axum::http::StatusCode;
use axum::response::Response;
use client_cert_forwarder::certificate::pem;
use client_cert_forwarder::config::Config;
use client_cert_forwarder::explain::{
    Client, ClientCertificate, Explained, ExplainedRequest, Scenario,
};

use super::access::resources;
use super::form::Form;
use super::page::{Frame, Section, render};
use super::problem::Problem;
use super::visitor::Visitor;
use crate::model::snapshot::Resource;
use crate::snapshot_cache::SnapshotCache;

#[derive(Template)]
#[template(path = "explain.html")]
struct ExplainPage<'a> {
    frame: Frame,
    resources: Vec<String>,
    resource: &'a str,
    hostname: &'a str,
    certificate: &'a str,
    is_unverified: bool,
    error: Option<String>,
    explained: Option<Explanation>,
}

struct Explanation {
    /// The matching setting.
    setting: Option<String>,
    /// The requests, with their headings.
    requests: Vec<(&'static str, ExplainedRequest)>,
}

/// Answers with the form.
pub(super) async fn form(
    State(cache): State<Arc<SnapshotCache>>,
    Extension(visitor): Extension<Visitor>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let form = Form::parse(query.unwrap_or_default().as_bytes());
    answer(&cache, &visitor, &form, None)
}

/// Answers with the decision.
pub(super) async fn explain(
    State(cache): State<Arc<SnapshotCache>>,
    Extension(visitor): Extension<Visitor>,
    Extension(form): Extension<Form>,
) -> Result<Response, Problem> {
    let wanted = form.get("resource");
    let readable = resources(&cache.base(), &visitor.token);
    if !readable.iter().any(|(name, _)| name == wanted) {
        let reason = "The token does not permit this resource, or it does not exist.";
        return Err(Problem::new(StatusCode::FORBIDDEN, reason));
    }
    let snapshot = cache.subscribe().borrow().clone();
    let resource = snapshot.get(wanted).ok_or_else(Problem::not_found)?;
    // With 10,000 settings this takes long enough to block other tasks.
    let explained = tokio::task::block_in_place(|| run(resource, &form));
    answer(&cache, &visitor, &form, Some(explained))
}

fn run(resource: &Resource, form: &Form) -> Result<Explanation, String> {
    let host = form.get("hostname").trim();
    if host.is_empty() {
        return Err("Give a hostname.".to_owned());
    }
    let config =
        Config::from_json(resource.plugin.as_bytes()).map_err(|error| error.to_string())?;
    let client = Client {
        host: host.to_owned(),
        certificate: certificate(form)?,
        ..Client::default()
    };
    let explained = Explained::new(&config, &Scenario::new(client, &config));
    let setting = explained.setting;
    Ok(Explanation {
        setting: setting.map(|setting| format!("{} ({})", setting.hostname, setting.path)),
        requests: vec![
            ("First request of a connection", explained.first_request),
            (
                "Next request, after the origin answered",
                explained.next_request,
            ),
        ],
    })
}

fn certificate(form: &Form) -> Result<Option<ClientCertificate>, String> {
    let text = form.get("certificate").trim();
    if text.is_empty() {
        return Ok(None);
    }
    let mut all = pem::decode_all(text.as_bytes()).into_iter();
    let leaf = all.next().ok_or(
        "The text holds no certificate. Paste PEM, from -----BEGIN CERTIFICATE----- to \
         -----END CERTIFICATE-----.",
    )?;
    Ok(Some(ClientCertificate {
        leaf,
        chain: all.collect(),
        is_verified: form.get("unverified").is_empty(),
    }))
}

fn answer(
    cache: &SnapshotCache,
    visitor: &Visitor,
    form: &Form,
    outcome: Option<Result<Explanation, String>>,
) -> Result<Response, Problem> {
    let (explained, error) = match outcome {
        None => (None, None),
        Some(Ok(explained)) => (Some(explained), None),
        Some(Err(error)) => (None, Some(error)),
    };
    let status = match error {
        None => StatusCode::OK,
        Some(_) => StatusCode::BAD_REQUEST,
    };
    let readable = resources(&cache.base(), &visitor.token);
    let page = ExplainPage {
        frame: Frame::new(visitor, Section::Explain),
        resources: readable.into_iter().map(|(name, _)| name).collect(),
        resource: form.get("resource"),
        hostname: form.get("hostname"),
        certificate: form.get("certificate"),
        is_unverified: !form.get("unverified").is_empty(),
        error,
        explained,
    };
    render(status, &page)
}
