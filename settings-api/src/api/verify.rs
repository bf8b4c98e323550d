//! `GET /user/tokens/verify`: whether a token works.

use axum::Json;
use axum::extract::Extension;
use serde::Serialize;

use super::envelope::{Message, Success};
use crate::tokens::token::Token;

/// A token's status.
#[derive(Debug, Serialize)]
pub(super) struct TokenStatus {
    id: String,
    status: &'static str,
}

/// Answers for the token that sent the request: only a valid one gets here.
pub(super) async fn verify(Extension(token): Extension<Token>) -> Json<Success<TokenStatus>> {
    let status = TokenStatus {
        id: token.id,
        status: "active",
    };
    let message = Message::new(10000, "This API Token is valid and active");
    Json(Success::new(status).with_message(message))
}
