//! Requests to the API's own handlers.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{Method, Request, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use super::problem::Problem;
use super::visitor::Visitor;
use crate::model::scope::Scope;

/// The API's handlers, which authorize each request by the visitor's token.
#[derive(Clone)]
pub(super) struct ApiCalls(Router);

/// The parts of the API's envelope that pages show.
#[derive(Deserialize)]
struct Envelope<T> {
    result: Option<T>,
    errors: Vec<Message>,
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    message: String,
}

/// A result, and the API's messages about it.
pub(super) struct Answer<T> {
    /// The result.
    pub(super) result: T,
    /// What an operator should know.
    pub(super) messages: Vec<String>,
}

impl ApiCalls {
    /// Calls these handlers.
    pub(super) fn new(router: Router) -> Self {
        Self(router)
    }

    /// Gets a part of the settings of a zone or account: `""`, `"/status"`, `"/audit"`.
    ///
    /// # Errors
    /// The API's refusal.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        visitor: &Visitor,
        scope: &Scope,
        part: &str,
    ) -> Result<Answer<T>, Problem> {
        let request = Request::get(path(scope, part));
        self.send(visitor, request.body(Body::empty())).await
    }

    /// Puts settings of a zone or account.
    ///
    /// # Errors
    /// The API's refusal.
    pub(super) async fn put(
        &self,
        visitor: &Visitor,
        scope: &Scope,
        body: String,
    ) -> Result<(), Problem> {
        let request = Request::builder().method(Method::PUT).uri(path(scope, ""));
        let answer = self.send::<serde::de::IgnoredAny>(visitor, request.body(body.into()));
        answer.await.map(|_| ())
    }

    async fn send<T: DeserializeOwned>(
        &self,
        visitor: &Visitor,
        request: Result<Request<Body>, axum::http::Error>,
    ) -> Result<Answer<T>, Problem> {
        let mut request = request.map_err(|error| Problem::internal(&error))?;
        let extensions = request.extensions_mut();
        extensions.insert(visitor.token.clone());
        extensions.insert(ConnectInfo(visitor.peer));
        let Ok(response) = self.0.clone().oneshot(request).await;
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await;
        let body = body.map_err(|error| Problem::internal(&error))?;
        let envelope: Envelope<T> =
            serde_json::from_slice(&body).map_err(|error| Problem::internal(&error))?;
        let texts = |messages: Vec<Message>| -> Vec<String> {
            messages
                .into_iter()
                .map(|message| message.message)
                .collect()
        };
        match envelope.result {
            Some(result) if status.is_success() => Ok(Answer {
                result,
                messages: texts(envelope.messages),
            }),
            _ => Err(refusal(status, &texts(envelope.errors).join("; "))),
        }
    }
}

fn path(scope: &Scope, part: &str) -> String {
    format!("/client/v4/{scope}/access/certificates/settings{part}")
}

/// Says what the API said, in the words of its users.
fn refusal(status: StatusCode, message: &str) -> Problem {
    match status {
        StatusCode::FORBIDDEN => Problem::new(status, "The token does not permit this."),
        _ => {
            let words = message
                .split_once(": ")
                .filter(|(code, _)| code.starts_with("access.api"));
            Problem::new(status, words.map_or(message, |(_, words)| words))
        }
    }
}
