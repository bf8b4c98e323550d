//! Zones and accounts, as the API's paths name them.

use std::fmt;
use std::str::FromStr;

/// The zone or account that settings belong to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Scope {
    /// `/zones/{id}`
    Zone(String),
    /// `/accounts/{id}`
    Account(String),
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zone(id) => write!(formatter, "zones/{id}"),
            Self::Account(id) => write!(formatter, "accounts/{id}"),
        }
    }
}

/// Text that names neither a zone nor an account.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAScope;

impl FromStr for Scope {
    type Err = NotAScope;

    /// Parses the form of [`Scope`]'s `Display`.
    fn from_str(text: &str) -> Result<Self, NotAScope> {
        match text.split_once('/') {
            Some(("zones", id)) => Ok(Self::Zone(id.to_owned())),
            Some(("accounts", id)) => Ok(Self::Account(id.to_owned())),
            _ => Err(NotAScope),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{NotAScope, Scope};

    #[test]
    fn a_scope_is_read_as_it_is_written() {
        for scope in [Scope::Zone("a".into()), Scope::Account("b/c".into())] {
            assert_eq!(scope.to_string().parse(), Ok(scope));
        }
        assert_eq!("regions/a".parse::<Scope>(), Err(NotAScope));
    }
}
