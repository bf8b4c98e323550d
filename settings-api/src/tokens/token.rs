//! One token and its permissions.

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use crate::model::scope::Scope;

/// One token, without its secret.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Token {
    /// Identifies the token in logs and to `token revoke`; no secret.
    pub(crate) id: String,
    /// Its purpose, in its owner's words.
    pub(crate) name: String,
    /// The address that belongs to a key (`X-Auth-Email`); absent for a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) email: Option<String>,
    /// The digest of its secret.
    pub(crate) digest: Digest,
    /// Ids of zones, `*` for all.
    pub(crate) zones: Vec<String>,
    /// Ids of accounts, `*` for all.
    pub(crate) accounts: Vec<String>,
    /// Its permissions there.
    pub(crate) permissions: Vec<Permission>,
    /// Time of creation (RFC 3339).
    pub(crate) created: String,
}

/// A permission, by Cloudflare's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) enum Permission {
    /// Read the settings and the Envoys' status.
    #[serde(rename = "Access: Mutual TLS Certificates Read")]
    Read,
    /// Read and change the settings.
    #[serde(rename = "Access: Mutual TLS Certificates Write")]
    Write,
}

impl Token {
    /// Tells whether the token grants the permission for the zone or account.
    pub(crate) fn allows(&self, permission: Permission, scope: &Scope) -> bool {
        let (ids, id) = match scope {
            Scope::Zone(id) => (&self.zones, id),
            Scope::Account(id) => (&self.accounts, id),
        };
        let in_scope = ids.iter().any(|allowed| allowed == "*" || allowed == id);
        let granted = self
            .permissions
            .iter()
            .any(|allowed| *allowed == permission || *allowed == Permission::Write);
        in_scope && granted
    }
}
