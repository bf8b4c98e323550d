//! The zones, accounts and ECDS resources that a token may see.

use crate::model::base::Base;
use crate::model::scope::Scope;
use crate::tokens::token::{Permission, Token};

/// Lists the zones and accounts for which a token grants a permission.
pub(super) fn scopes(base: &Base, token: &Token, permission: Permission) -> Vec<Scope> {
    let zones = base.zones.keys().cloned().map(Scope::Zone);
    let accounts = base.accounts.keys().cloned().map(Scope::Account);
    let all = zones.chain(accounts);
    all.filter(|scope| token.allows(permission, scope))
        .collect()
}

/// Returns the zone or account in which the token may change a hostname of this zone: the zone
/// itself, else the first account of the zone.
pub(super) fn writable(base: &Base, token: &Token, zone: &str) -> Option<Scope> {
    let mut all = scopes(base, token, Permission::Write).into_iter();
    all.find(|scope| base.has_zone(scope, zone))
}

/// Lists the ECDS resources of the zones and accounts that the token may read, each with one of
/// these zones or accounts.
pub(super) fn resources(base: &Base, token: &Token) -> Vec<(String, Scope)> {
    let mut found: Vec<(String, Scope)> = Vec::new();
    for scope in scopes(base, token, Permission::Read) {
        for name in base.resources_of(&scope) {
            if !found.iter().any(|(known, _)| known == name) {
                found.push((name.to_owned(), scope.clone()));
            }
        }
    }
    found.sort();
    found
}

/// Names a zone or account for people: by its first domain, or its id.
pub(super) fn label(base: &Base, scope: &Scope) -> String {
    match scope {
        Scope::Zone(id) => {
            let domain = base.zones.get(id).and_then(|zone| zone.domains.first());
            format!("Zone {}", domain.unwrap_or(id))
        }
        Scope::Account(id) => format!("Account {id}"),
    }
}
