//! Signs in with an API token, and signs out.

use std::net::SocketAddr;
use std::time::Instant;

use askama::Template;
use axum::extract::{ConnectInfo, Extension, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::cookies::Cookie;
use super::form::Form;
use super::guard::foreign;
use super::page::render;
use super::problem::Problem;
use super::same_origin::is_same_origin;
use super::secret::Secret;
use super::state::ConsoleState;
use super::visitor::Visitor;
use crate::tokens::digest::Credentials;

/// Longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 512;

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage<'a> {
    form_secret: &'a str,
    error: Option<&'a str>,
}

/// Answers with the form.
pub(super) async fn form(
    State(state): State<ConsoleState>,
    request: Request,
) -> Result<Response, Problem> {
    page(&state, &request, StatusCode::OK, None)
}

/// Starts a session for a valid token.
pub(super) async fn sign_in(
    State(state): State<ConsoleState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
) -> Result<Response, Problem> {
    if !is_same_origin(request.headers(), request.uri()) {
        return Err(foreign());
    }
    let (parts, body) = request.into_parts();
    let head = Request::from_parts(parts.clone(), axum::body::Body::empty());
    let body = state
        .body_limits
        .read(Request::from_parts(parts, body))
        .await?;
    let form = Form::parse(&body);
    let expected = state.cookies.get(Cookie::SignIn, head.headers());
    if !expected.is_some_and(|secret| secret.is(form.get("form_secret"))) {
        let error = "The form had expired, or the browser refuses cookies. Try again.";
        return page(&state, &head, StatusCode::FORBIDDEN, Some(error));
    }
    if let Err(seconds) = state.sign_in_limit.count(peer.ip()) {
        let error = format!("Too many sign-ins. Try again in {seconds} s.");
        let mut response = page(&state, &head, StatusCode::TOO_MANY_REQUESTS, Some(&error))?;
        let headers = response.headers_mut();
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        return Ok(response);
    }
    let secret = form.get("token").trim();
    let token = match secret.len() {
        1..=MAX_TOKEN_BYTES => state.tokens.authenticate(&Credentials::Bearer(secret)),
        _ => Ok(None),
    };
    let Some(token) = token.map_err(|error| Problem::internal(&error))? else {
        tracing::warn!(%peer, "console: unknown token");
        let error = "This token is not known. It may have been revoked.";
        return page(&state, &head, StatusCode::FORBIDDEN, Some(error));
    };
    tracing::info!(%peer, token = token.id, "console: signed in");
    // Whatever session the browser had ends: nobody can plant one before the sign-in.
    if let Some(old) = state.cookies.get(Cookie::Session, head.headers()) {
        state.sessions.end(&old);
    }
    let session = state
        .sessions
        .start(token, Instant::now())
        .ok_or_else(no_random_bytes)?;
    let mut response = Redirect::to("/").into_response();
    add_cookie(&mut response, state.cookies.set(Cookie::Session, &session));
    add_cookie(&mut response, state.cookies.clear(Cookie::SignIn));
    Ok(response)
}

/// Ends the session.
pub(super) async fn sign_out(
    State(state): State<ConsoleState>,
    Extension(visitor): Extension<Visitor>,
) -> Response {
    state.sessions.end(&visitor.session);
    let mut response = Redirect::to("/sign-in").into_response();
    add_cookie(&mut response, state.cookies.clear(Cookie::Session));
    response
}

/// Renders the form with its secret, which stays the same in all tabs of a browser.
fn page(
    state: &ConsoleState,
    request: &Request,
    status: StatusCode,
    error: Option<&str>,
) -> Result<Response, Problem> {
    let secret = state.cookies.get(Cookie::SignIn, request.headers());
    let secret = secret.or_else(Secret::draw).ok_or_else(no_random_bytes)?;
    let page = SignInPage {
        form_secret: secret.as_str(),
        error,
    };
    let mut response = render(status, &page)?;
    add_cookie(&mut response, state.cookies.set(Cookie::SignIn, &secret));
    Ok(response)
}

fn add_cookie(response: &mut Response, cookie: Option<HeaderValue>) {
    if let Some(cookie) = cookie {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
}

fn no_random_bytes() -> Problem {
    Problem::internal(&"the system has no random bytes")
}
