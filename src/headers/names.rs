//! Rules for header names: the token syntax, the names no configuration may set, and folding.

/// RFC 9110 §7.6.1, and the fields that frame a message. `host` routes it.
pub const NOT_SETTABLE: [&str; 12] = [
    "connection",
    "content-length",
    "host",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Why a name cannot be the name of a header that the filter sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadName {
    /// A pseudo-header (RFC 9113 §8.3), whose name starts with a colon.
    Pseudo,
    /// Not a token. Holds the nearest token, if any character of the name can be kept.
    NotAToken(Option<String>),
    /// One of [`NOT_SETTABLE`].
    NotSettable,
}

impl BadName {
    /// Says what is wrong with the name.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Pseudo => "a pseudo-header can't be set".to_owned(),
            Self::NotSettable => {
                "this header belongs to the connection or to routing and can't be set".to_owned()
            }
            Self::NotAToken(nearest) => {
                let hint = nearest
                    .as_ref()
                    .map(|name| format!(", did you mean {name:?}?"));
                format!(
                    "not a header name (RFC 9110 §5.1: letters, digits and !#$%&'*+-.^_`|~){}",
                    hint.unwrap_or_default()
                )
            }
        }
    }
}

/// Returns `name` in lower case.
///
/// # Errors
/// When the filter cannot set a header of this name.
pub fn settable(name: &str) -> Result<String, BadName> {
    let lower = name.to_ascii_lowercase();
    if lower.starts_with(':') {
        return Err(BadName::Pseudo);
    }
    if !is_token(&lower) {
        return Err(BadName::NotAToken(nearest_token(name)));
    }
    if NOT_SETTABLE.contains(&lower.as_str()) {
        return Err(BadName::NotSettable);
    }
    Ok(lower)
}

/// Whether `name` is a token (RFC 9110 §5.6.2), as every field name is.
#[must_use]
pub fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(is_token_byte)
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Returns `name` with each character that a token cannot have replaced, or left out at the ends.
fn nearest_token(name: &str) -> Option<String> {
    let is_foreign = |character| !u8::try_from(character).is_ok_and(is_token_byte);
    let replaced = name.replace(is_foreign, "-");
    let token = replaced.trim_matches('-');
    (!token.is_empty()).then(|| token.to_owned())
}

/// Folds `name` as an origin may fold it: lower case, and `-` for every byte that is no letter or
/// digit. The length stays, and so does the colon of pseudo-headers, which no origin folds.
pub fn fold(name: &[u8]) -> impl Iterator<Item = u8> + '_ {
    name.iter().map(|byte| match byte {
        b'a'..=b'z' | b'0'..=b'9' | b':' => *byte,
        b'A'..=b'Z' => byte.to_ascii_lowercase(),
        _ => b'-',
    })
}

/// Returns `name` folded as [`fold`] does.
#[must_use]
pub fn folded(name: &str) -> String {
    fold(name.as_bytes()).map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::{BadName, folded, settable};

    #[test]
    fn tokens_are_settable_in_lower_case() {
        for (name, lower) in [
            ("X-Client", "x-client"),
            ("a!#$%&'*+-.^_`|~1", "a!#$%&'*+-.^_`|~1"),
        ] {
            assert_eq!(settable(name).as_deref(), Ok(lower));
        }
    }

    #[test]
    fn other_names_are_refused_for_their_reason() {
        let near = |name: &str| BadName::NotAToken(Some(name.to_owned()));
        for (name, expected) in [
            ("", BadName::NotAToken(None)),
            ("é", BadName::NotAToken(None)),
            ("X A", near("X-A")),
            ("X-A:", near("X-A")),
            ("X-A\r\nX-B", near("X-A--X-B")),
            (":path", BadName::Pseudo),
            ("Host", BadName::NotSettable),
            ("TE", BadName::NotSettable),
            ("Transfer-Encoding", BadName::NotSettable),
        ] {
            assert_eq!(settable(name), Err(expected), "{name:?}");
        }
    }

    #[test]
    fn folding_keeps_letters_digits_and_the_colon() {
        assert_eq!(folded("X_Client.Cert~2"), "x-client-cert-2");
        assert_eq!(folded(":path"), ":path");
    }
}
