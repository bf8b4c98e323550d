//! The expectation of a case, checked before anything is measured.

use std::sync::Arc;

use support::{Headers, pki};

use crate::{
    load::{Connection, request},
    origin::{CHECKED, SmallOrigin},
    outcome::Failure,
};

/// The two headers that forwarding sends.
pub(crate) const DER: &str = "cf-client-cert-der-base64";
pub(crate) const SHA256: &str = "cf-client-cert-sha256";
const FORGED: &str = "forged";

/// The headers that the origin must receive.
#[derive(Clone, Debug)]
pub(crate) struct Expectation {
    when: When,
    headers: Vec<(&'static str, Want)>,
    /// Other spellings of these names, which must not pass either.
    spellings: &'static [&'static str],
    /// Whether forged headers must be removed.
    strips: bool,
}

/// On which requests of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Never,
    First,
    Every,
}

/// The expected value of a header.
#[derive(Clone, Debug)]
pub(crate) enum Want {
    /// Exactly that.
    Is(String),
    /// Something with that in it.
    Contains(String),
}

impl Expectation {
    /// Lets everything pass, forged headers included.
    pub(crate) fn nothing() -> Expectation {
        Expectation {
            strips: false,
            ..Expectation::cloudflare(When::Never)
        }
    }

    /// Sends nothing, and lets nothing pass that a client forged.
    pub(crate) fn strip() -> Expectation {
        Expectation::cloudflare(When::Never)
    }

    /// Cloudflare's two headers on a connection's first request, and none of the client's own.
    pub(crate) fn first_request() -> Expectation {
        Expectation::cloudflare(When::First)
    }

    /// The same on every request.
    pub(crate) fn every_request() -> Expectation {
        Expectation::cloudflare(When::Every)
    }

    /// These headers on every request, instead of the client's own.
    pub(crate) fn headers(headers: Vec<(&'static str, Want)>) -> Expectation {
        Expectation {
            when: When::Every,
            headers,
            spellings: &[],
            strips: true,
        }
    }

    /// These headers on a connection's first request only.
    pub(crate) fn headers_once(headers: Vec<(&'static str, Want)>) -> Expectation {
        Expectation {
            when: When::First,
            ..Expectation::headers(headers)
        }
    }

    fn cloudflare(when: When) -> Expectation {
        let client = &pki().client;
        Expectation {
            when,
            headers: vec![
                (DER, Want::Is(client.der_base64())),
                (SHA256, Want::Is(client.sha256())),
            ],
            spellings: &["cf_client_cert_der_base64", "cf_client_cert_sha256"],
            strips: true,
        }
    }

    /// Sends a first, a second and a forged request on a new connection, and checks what reaches
    /// the origin. Afterwards the connection is in its steady state.
    ///
    /// # Errors
    /// What was expected and what came, when they differ.
    pub(crate) async fn check(
        &self,
        case: &str,
        connection: &mut Connection,
        origin: &SmallOrigin,
    ) -> Result<(), Failure> {
        let forged: Vec<(String, String)> = self
            .names()
            .map(|name| (name.to_owned(), FORGED.to_owned()))
            .collect();
        let turns = [
            ("the first request", 0, &[][..]),
            ("the second request", 1, &[][..]),
            ("a request with forged headers", 2, forged.as_slice()),
        ];
        for (turn, number, extra) in turns {
            let wrong = |what: String| Failure::WrongState(format!("{case}: {turn}: {what}"));
            let path = format!("{CHECKED}{:016x}", fastrand::u64(..));
            let sent: Arc<[u8]> = request(&path, extra);
            let answered = connection.exchange(&sent).await;
            answered.map_err(|error| {
                wrong(format!("expected an answer of the origin, got: {error}"))
            })?;
            let received = origin
                .received(&path)
                .ok_or_else(|| wrong("expected it at the origin, it never came".to_owned()))?;
            self.compare(number, !extra.is_empty(), &received)
                .map_err(wrong)?;
        }
        Ok(())
    }

    fn names(&self) -> impl Iterator<Item = &'static str> {
        let names = self.headers.iter().map(|(name, _)| *name);
        names.chain(self.spellings.iter().copied())
    }

    fn compare(&self, number: usize, forged: bool, received: &Headers) -> Result<(), String> {
        let carries = match self.when {
            When::Never => false,
            When::First => number == 0,
            When::Every => true,
        };
        for name in self.names() {
            let got: Vec<String> = received
                .all(name)
                .into_iter()
                .map(|value| String::from_utf8_lossy(value).into_owned())
                .collect();
            let wanted = self.headers.iter().find(|(wanted, _)| *wanted == name);
            let expected = match wanted {
                _ if forged && !self.strips => vec![Want::Is(FORGED.to_owned())],
                Some((_, want)) if carries => vec![want.clone()],
                _ => Vec::new(),
            };
            let fits = expected.len() == got.len()
                && expected.iter().zip(&got).all(|(want, got)| match want {
                    Want::Is(value) => got == value,
                    Want::Contains(part) => got.contains(part),
                });
            if !fits {
                return Err(format!(
                    "{name}: expected {}, the origin got {}",
                    say(&expected),
                    list(&got)
                ));
            }
        }
        Ok(())
    }
}

fn say(expected: &[Want]) -> String {
    let texts: Vec<String> = expected
        .iter()
        .map(|want| match want {
            Want::Is(value) => value.clone(),
            Want::Contains(part) => format!("…{part}…"),
        })
        .collect();
    list(&texts)
}

fn list(values: &[String]) -> String {
    let shortened: Vec<String> = values
        .iter()
        .map(|value| match value.char_indices().nth(40) {
            Some((end, _)) => format!("{}… ({} bytes)", &value[..end], value.len()),
            None => value.clone(),
        })
        .collect();
    match shortened[..] {
        [] => "none".to_owned(),
        _ => shortened.join(" and "),
    }
}

#[cfg(test)]
mod tests {
    use super::{DER, Expectation, SHA256};
    use support::{Headers, pki};

    fn received(fields: &[(&str, &str)]) -> Headers {
        let fields = fields.iter();
        Headers(
            fields
                .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
                .collect(),
        )
    }

    #[test]
    fn a_case_passes_only_when_it_meets_all_of_its_expectation() {
        let (der, sha256) = (pki().client.der_base64(), pki().client.sha256());
        let both = received(&[(DER, &der), (SHA256, &sha256)]);
        let none = received(&[]);
        let first = Expectation::first_request();
        assert_eq!(first.compare(0, false, &both), Ok(()));
        assert_eq!(first.compare(1, false, &none), Ok(()));
        assert!(first.compare(1, false, &both).is_err());
        assert!(first.compare(0, false, &none).is_err());
        let every = Expectation::every_request();
        assert_eq!(every.compare(1, false, &both), Ok(()));
        assert!(every.compare(1, false, &received(&[(DER, &der)])).is_err());
        assert!(
            every
                .compare(
                    2,
                    true,
                    &received(&[(DER, &der), (SHA256, &sha256), (DER, "forged")])
                )
                .is_err()
        );
        let spelling = received(&[("cf_client_cert_sha256", "forged")]);
        assert!(first.compare(2, true, &spelling).is_err());
        assert!(Expectation::nothing().compare(2, true, &none).is_err());
        assert_eq!(Expectation::nothing().compare(1, false, &none), Ok(()));
        assert_eq!(Expectation::strip().compare(2, true, &none), Ok(()));
        assert!(Expectation::strip().compare(2, true, &spelling).is_err());
    }
}
