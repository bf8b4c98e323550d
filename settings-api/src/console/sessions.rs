//! The sessions: who has signed in, for a limited time, in limited number.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use super::secret::Secret;
use crate::tokens::token::Token;

/// Time without a request after which a session ends.
const IDLE: Duration = Duration::from_secs(15 * 60);
/// Time after which a session ends in any case.
const LONGEST: Duration = Duration::from_secs(8 * 60 * 60);
/// Most sessions in all.
const TOTAL: usize = 1024;
/// Most sessions of a token; a further one ends the one that has been idle longest.
const PER_TOKEN: usize = 16;

/// All sessions. They end with the process.
#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<Id, Session>>);

/// The hash of a session's secret, so that the time of a look-up tells nothing about a secret.
type Id = [u8; 32];

/// One session.
#[derive(Clone)]
pub(super) struct Session {
    /// The token as it was at the sign-in.
    pub(super) token: Token,
    /// The secret that each form carries.
    pub(super) form_secret: Secret,
    started: Instant,
    used: Instant,
    notice: Option<String>,
}

/// What a request does with its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// Prolongs it.
    Visit,
    /// Leaves its end where it is: the page's script asks, not a person.
    Poll,
}

impl Sessions {
    /// Starts a session; returns its secret, or none without random bytes.
    pub(super) fn start(&self, token: Token, now: Instant) -> Option<Secret> {
        let (secret, form_secret) = (Secret::draw()?, Secret::draw()?);
        let mut sessions = self.lock();
        sessions.retain(|_, session| !session.is_over(now));
        let of_token = |session: &Session| session.token.id == token.id;
        if sessions.values().filter(|it| of_token(it)).count() >= PER_TOKEN {
            remove_longest_idle(&mut sessions, of_token);
        }
        if sessions.len() >= TOTAL {
            remove_longest_idle(&mut sessions, |_| true);
        }
        let session = Session {
            token,
            form_secret,
            started: now,
            used: now,
            notice: None,
        };
        sessions.insert(id(&secret), session);
        Some(secret)
    }

    /// Finds the session of a secret, unless its time is over.
    pub(super) fn find(&self, secret: &Secret, r#use: Use, now: Instant) -> Option<Session> {
        let mut sessions = self.lock();
        let id = id(secret);
        let session = sessions.get_mut(&id)?;
        if session.is_over(now) {
            sessions.remove(&id);
            return None;
        }
        if r#use == Use::Visit {
            session.used = now;
        }
        Some(session.clone())
    }

    /// Ends a session.
    pub(super) fn end(&self, secret: &Secret) {
        self.lock().remove(&id(secret));
    }

    /// Leaves a notice for the session's next page.
    pub(super) fn notify(&self, secret: &Secret, notice: String) {
        if let Some(session) = self.lock().get_mut(&id(secret)) {
            session.notice = Some(notice);
        }
    }

    /// Takes the notice for this page.
    pub(super) fn take_notice(&self, secret: &Secret) -> Option<String> {
        self.lock().get_mut(&id(secret))?.notice.take()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Id, Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.used) >= IDLE || now.duration_since(self.started) >= LONGEST
    }
}

fn remove_longest_idle(sessions: &mut HashMap<Id, Session>, among: impl Fn(&Session) -> bool) {
    let candidates = sessions.iter().filter(|(_, session)| among(session));
    let longest_idle = candidates.min_by_key(|(_, session)| session.used);
    if let Some(id) = longest_idle.map(|(id, _)| *id) {
        sessions.remove(&id);
    }
}

fn id(secret: &Secret) -> Id {
    Sha256::digest(secret.as_str()).into()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use serde_json::json;

    use super::{IDLE, LONGEST, PER_TOKEN, Sessions, TOTAL, Use};
    use crate::tokens::token::Token;

    fn token(id: usize) -> Token {
        let json = json!({
            "id": id.to_string(), "name": "test", "digest": "00".repeat(32),
            "zones": ["*"], "accounts": [], "permissions": [], "created": ""
        });
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_session_ends_after_its_idle_time_and_polls_do_not_prolong_it() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let secret = sessions.start(token(1), start).unwrap();
        let later = start + IDLE - Duration::from_secs(1);
        assert!(sessions.find(&secret, Use::Poll, later).is_some());
        assert!(sessions.find(&secret, Use::Visit, later).is_some());
        assert!(sessions.find(&secret, Use::Visit, later + IDLE).is_none());
        assert!(sessions.find(&secret, Use::Visit, later).is_none());
    }

    #[test]
    fn a_session_ends_after_its_longest_time_however_busy() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let secret = sessions.start(token(1), start).unwrap();
        let mut now = start;
        while now < start + LONGEST {
            assert!(sessions.find(&secret, Use::Visit, now).is_some());
            now += IDLE / 2;
        }
        assert!(sessions.find(&secret, Use::Visit, now).is_none());
    }

    #[test]
    fn sessions_are_bounded_per_token_and_in_all() {
        let (sessions, start) = (Sessions::default(), Instant::now());
        let at = |number: usize| start + Duration::from_millis(u64::try_from(number).unwrap());
        let first = sessions.start(token(0), start).unwrap();
        let second = sessions.start(token(0), at(1)).unwrap();
        for number in 2..=PER_TOKEN {
            sessions.start(token(0), at(number)).unwrap();
        }
        assert!(sessions.find(&first, Use::Poll, at(20)).is_none());
        assert!(sessions.find(&second, Use::Poll, at(20)).is_some());
        for number in 0..TOTAL {
            sessions.start(token(number), at(100 + number)).unwrap();
        }
        assert_eq!(sessions.lock().len(), TOTAL);
    }
}
