//! The API's routes: Cloudflare's `access/certificates/settings` of zones and accounts, and how far the Envoys are with them.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Extension, MatchedPath, OriginalUri, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::base::Scope;
use crate::body::{self, Entry};
use crate::envelope::{ApiError, Success};
use crate::fleet::Fleet;
use crate::limits::{self, Limits};
use crate::metrics::{Metrics, RequestLabels};
use crate::subscribers::{Standing, Subscribers};
use crate::tokens::{Permission, Token, Tokens};
use crate::{auth, probes};

/// What the routes work on.
pub struct Api {
    /// The settings.
    pub fleet: Arc<Fleet>,
    /// The Envoys.
    pub subscribers: Arc<Subscribers>,
    /// Who may ask.
    pub tokens: Tokens,
    /// How much.
    pub limits: Limits,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Cancelled when the program is about to end.
    pub shutdown: CancellationToken,
}

type Answer<T> = Result<(StatusCode, Json<Success<T>>), ApiError>;

/// Every route.
pub fn router(api: Arc<Api>) -> Router {
    let v4 = Router::new()
        .route(
            "/zones/{id}/access/certificates/settings",
            get(list).put(change),
        )
        .route(
            "/accounts/{id}/access/certificates/settings",
            get(list).put(change),
        )
        .route(
            "/zones/{id}/access/certificates/settings/status",
            get(status),
        )
        .route(
            "/accounts/{id}/access/certificates/settings/status",
            get(status),
        )
        .method_not_allowed_fallback(|method: Method| async { ApiError::NoMethod(method) })
        .fallback(no_route)
        .layer(middleware::from_fn_with_state(
            Arc::clone(&api),
            auth::authenticate,
        ))
        .layer(middleware::from_fn_with_state(
            Arc::clone(&api),
            limits::limit_rate,
        ));
    Router::new()
        .nest("/client/v4", v4)
        .route("/healthz", get(probes::healthz))
        .route("/readyz", get(probes::readyz))
        .route("/metrics", get(probes::metrics))
        .fallback(no_route)
        .layer(middleware::from_fn_with_state(Arc::clone(&api), observe))
        .with_state(api)
}

/// How far the Envoys are with one ECDS resource.
#[derive(Debug, Serialize)]
struct ResourceStatus {
    resource: String,
    /// In force.
    version: String,
    accepted: usize,
    rejected: usize,
    pending: usize,
    subscribers: Vec<Standing>,
}

async fn list(
    State(api): State<Arc<Api>>,
    Extension(token): Extension<Token>,
    path: OriginalUri,
) -> Answer<Vec<Entry>> {
    let scope = api.scope(&token, Permission::Read, &path)?;
    Ok((
        StatusCode::OK,
        Json(Success::list(api.fleet.settings(&scope))),
    ))
}

async fn change(
    State(api): State<Arc<Api>>,
    Extension(token): Extension<Token>,
    path: OriginalUri,
    request: Request,
) -> Answer<Vec<Entry>> {
    let scope = api.scope(&token, Permission::Write, &path)?;
    let length = limits::content_length(&request);
    let body = api.limits.read(length, request.into_body()).await?;
    let span = tracing::Span::current();
    let work = move || {
        let _entered = span.enter();
        let changes = body::parse(&body).map_err(ApiError::Invalid)?;
        let settings = api.fleet.change(&scope, &changes)?;
        let hostnames: Vec<_> = changes
            .iter()
            .map(|entry| entry.hostname.as_str())
            .collect();
        tracing::info!(%scope, ?hostnames, by = token.name, "settings changed");
        Ok(settings)
    };
    // Runs to its end even if the client goes away.
    let settings = tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "a change failed");
        ApiError::Internal
    })??;
    Ok((StatusCode::ACCEPTED, Json(Success::list(settings))))
}

async fn status(
    State(api): State<Arc<Api>>,
    Extension(token): Extension<Token>,
    path: OriginalUri,
) -> Answer<Vec<ResourceStatus>> {
    let scope = api.scope(&token, Permission::Read, &path)?;
    let published = api.fleet.published().borrow().clone();
    let names = api.fleet.base().resources_of(&scope);
    let statuses = names
        .into_iter()
        .filter_map(|name| published.get(name))
        .map(|resource| {
            let subscribers = api.subscribers.of(resource);
            let count = |state| {
                subscribers
                    .iter()
                    .filter(|standing| standing.state == state)
                    .count()
            };
            ResourceStatus {
                resource: resource.name.clone(),
                version: resource.version.clone(),
                accepted: count("accepted"),
                rejected: count("rejected"),
                pending: count("pending"),
                subscribers,
            }
        });
    Ok((StatusCode::OK, Json(Success::list(statuses.collect()))))
}

async fn no_route(path: OriginalUri) -> ApiError {
    no_route_to(&path)
}

fn no_route_to(path: &OriginalUri) -> ApiError {
    ApiError::NoRoute(path.path().to_owned())
}

impl Api {
    /// The zone or account of a path, if the token allows this there. Whether there is such a one is said only to those who may know.
    fn scope(
        &self,
        token: &Token,
        permission: Permission,
        path: &OriginalUri,
    ) -> Result<Scope, ApiError> {
        let mut segments = path.path().split('/').skip(3);
        let scope = match (segments.next(), segments.next()) {
            (Some("zones"), Some(id)) => Scope::Zone(id.to_owned()),
            (Some("accounts"), Some(id)) => Scope::Account(id.to_owned()),
            _ => return Err(no_route_to(path)),
        };
        if !token.allows(permission, &scope) {
            tracing::warn!(%scope, ?permission, by = token.name, "the token doesn't allow this");
            return Err(ApiError::NotAllowed);
        }
        if !self.fleet.base().knows(&scope) {
            return Err(no_route_to(path));
        }
        Ok(scope)
    }
}

/// Counts and logs each request with its answer.
async fn observe(
    State(api): State<Arc<Api>>,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let start = Instant::now();
    let method = match *request.method() {
        Method::GET => "GET",
        Method::PUT => "PUT",
        _ => "other",
    };
    let path = request.uri().path().to_owned();
    let span = tracing::info_span!("request", method, path, token = tracing::field::Empty);
    let response = next.run(request).instrument(span.clone()).await;
    let status = response.status().as_u16();
    let labels = RequestLabels {
        method,
        route: route
            .map(|route| route.as_str().to_owned())
            .unwrap_or_default(),
        status,
    };
    api.metrics.requests.get_or_create(&labels).inc();
    api.metrics
        .request_duration
        .observe(start.elapsed().as_secs_f64());
    let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
    span.in_scope(|| tracing::info!(status, milliseconds, "answered"));
    response
}
