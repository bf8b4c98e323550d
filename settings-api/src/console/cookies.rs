//! The console's cookies.

use axum::http::{HeaderMap, HeaderValue, header};

use super::secret::Secret;

/// Names and attributes of the cookies.
///
/// With TLS the names start with `__Host-`: browsers then take them only over TLS, and from no
/// other host (RFC 6265bis §4.1.3.2).
#[derive(Clone, Copy, Debug)]
pub(super) struct Cookies {
    is_tls: bool,
}

/// A cookie of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    /// The id of a session.
    Session,
    /// The secret of a sign-in form, which must come back with the form.
    SignIn,
}

impl Cookies {
    /// Chooses names and attributes.
    pub(super) fn new(is_tls: bool) -> Self {
        Self { is_tls }
    }

    /// Reads a cookie's secret; none if it is given twice, as by somebody who planted another.
    pub(super) fn get(self, cookie: Cookie, headers: &HeaderMap) -> Option<Secret> {
        let name = self.name(cookie);
        let mut values = headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(key, _)| *key == name);
        let (_, first) = values.next()?;
        match values.next() {
            None => Secret::parse(first),
            Some(_) => None,
        }
    }

    /// Builds the header that sets a cookie, until the browser ends or the server forgets it.
    pub(super) fn set(self, cookie: Cookie, secret: &Secret) -> Option<HeaderValue> {
        self.header(cookie, secret.as_str(), "")
    }

    /// Builds the header that removes a cookie.
    pub(super) fn clear(self, cookie: Cookie) -> Option<HeaderValue> {
        self.header(cookie, "", "; Max-Age=0")
    }

    fn header(self, cookie: Cookie, value: &str, more: &str) -> Option<HeaderValue> {
        let name = self.name(cookie);
        let secure = if self.is_tls { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{more}");
        text.parse().ok()
    }

    fn name(self, cookie: Cookie) -> &'static str {
        match (cookie, self.is_tls) {
            (Cookie::Session, false) => "settings-console-session",
            (Cookie::Session, true) => "__Host-settings-console-session",
            (Cookie::SignIn, false) => "settings-console-sign-in",
            (Cookie::SignIn, true) => "__Host-settings-console-sign-in",
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue, header};

    use super::{Cookie, Cookies};

    fn sent(lines: &[String]) -> HeaderMap {
        let lines = lines.iter().map(|line| {
            let value = HeaderValue::from_str(line).unwrap();
            (header::COOKIE, value)
        });
        lines.collect()
    }

    #[test]
    fn a_cookie_that_is_given_twice_counts_as_none() {
        let cookies = Cookies::new(false);
        let (good, planted) = ("ab".repeat(32), "cd".repeat(32));
        let pair = |value: &str| format!("settings-console-session={value}");
        let found = |lines: &[String]| {
            let secret = cookies.get(Cookie::Session, &sent(lines));
            secret.map(|secret| secret.as_str().to_owned())
        };
        let alone = format!("other=1; {}; a=b", pair(&good));
        assert_eq!(found(&[alone]), Some(good.clone()));
        let one_line = format!("{}; {}", pair(&good), pair(&planted));
        assert_eq!(found(&[one_line]), None);
        assert_eq!(found(&[pair(&good), pair(&planted)]), None);
        assert_eq!(found(&[pair("short")]), None);
    }

    #[test]
    fn with_tls_a_cookie_is_secure_and_bound_to_the_host() {
        let secret = super::Secret::parse(&"ab".repeat(32)).unwrap();
        let line = Cookies::new(true).set(Cookie::Session, &secret).unwrap();
        assert_eq!(
            line.to_str().unwrap(),
            format!(
                "__Host-settings-console-session={}; Path=/; HttpOnly; SameSite=Strict; Secure",
                "ab".repeat(32)
            )
        );
    }
}
