//! Who asks for a page.

use std::net::SocketAddr;

use super::secret::Secret;
use crate::tokens::token::Token;

/// The person behind a request, signed in.
#[derive(Clone)]
pub(super) struct Visitor {
    /// The token, as it is now.
    pub(super) token: Token,
    /// The client's address.
    pub(super) peer: SocketAddr,
    /// The secret of the session.
    pub(super) session: Secret,
    /// The secret that each form carries.
    pub(super) form_secret: Secret,
    /// What the previous request has to say.
    pub(super) notice: Option<String>,
}
