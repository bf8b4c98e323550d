//! Admits requests of people who have signed in, and forms of the console's own pages.

use std::net::SocketAddr;
use std::time::Instant;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};

use super::cookies::Cookie;
use super::form::Form;
use super::problem::Problem;
use super::same_origin::is_same_origin;
use super::sessions::Use;
use super::state::ConsoleState;
use super::visitor::Visitor;

/// Sent by the console's script, whose requests don't prolong a session.
const POLL: &str = "x-console-poll";

/// Admits a request with a session whose token still exists, and adds the [`Visitor`]. A form must
/// come from the console's own page and carry the session's secret; its fields are added too.
pub(super) async fn guard(
    State(state): State<ConsoleState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    mut request: Request,
    next: Next,
) -> Response {
    let visitor = match visitor(&state, peer, &request) {
        Ok(Some(visitor)) => visitor,
        Ok(None) => return Redirect::to("/sign-in").into_response(),
        Err(problem) => return problem.into_response(),
    };
    tracing::Span::current().record("token", &visitor.token.id);
    if *request.method() != Method::GET {
        request = match with_form(&state, &visitor, request).await {
            Ok(request) => request,
            Err(problem) => return problem.into_response(),
        };
    }
    request.extensions_mut().insert(visitor);
    next.run(request).await
}

/// Returns who sent the request; none if nobody has signed in, or the token is revoked.
fn visitor(
    state: &ConsoleState,
    peer: SocketAddr,
    request: &Request,
) -> Result<Option<Visitor>, Problem> {
    let Some(secret) = state.cookies.get(Cookie::Session, request.headers()) else {
        return Ok(None);
    };
    let (r#use, is_page) = match request.headers().contains_key(POLL) {
        true => (Use::Poll, false),
        false => (Use::Visit, *request.method() == Method::GET),
    };
    let Some(session) = state.sessions.find(&secret, r#use, Instant::now()) else {
        return Ok(None);
    };
    let token = state.tokens.current(&session.token);
    let Some(token) = token.map_err(|error| Problem::internal(&error))? else {
        tracing::info!(token = session.token.id, "revoked: its session ends");
        state.sessions.end(&secret);
        return Ok(None);
    };
    Ok(Some(Visitor {
        token,
        peer,
        form_secret: session.form_secret,
        notice: is_page
            .then(|| state.sessions.take_notice(&secret))
            .flatten(),
        session: secret,
    }))
}

async fn with_form(
    state: &ConsoleState,
    visitor: &Visitor,
    request: Request,
) -> Result<Request, Problem> {
    if !is_same_origin(request.headers(), request.uri()) {
        return Err(foreign());
    }
    let (parts, body) = request.into_parts();
    let request = Request::from_parts(parts.clone(), body);
    let form = Form::parse(&state.body_limits.read(request).await?);
    if !visitor.form_secret.is(form.get("form_secret")) {
        return Err(foreign());
    }
    let mut request = Request::from_parts(parts, axum::body::Body::empty());
    request.extensions_mut().insert(form);
    Ok(request)
}

/// The answer to a form that another site's page may have sent.
pub(super) fn foreign() -> Problem {
    let reason = "The form did not come from a page of this session. Open the page again.";
    Problem::new(StatusCode::FORBIDDEN, reason)
}
