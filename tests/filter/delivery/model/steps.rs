//! The parts of the sequences: configurations, requests and their outcomes.

use std::time::Duration;

use fastrand::Rng;
use serde_json::{Value, json};
use support::{Answer, Request};

use super::rules::Mode;
use crate::common::{configuration, forward, forward_every};

/// The settings' hostnames; each configuration has some of them.
pub(crate) const PATTERNS: [&str; 4] = [
    "a.example.com",
    "b.example.com",
    "*.example.com",
    "*.eu.example.com",
];

/// The hostnames that are asked for, each with the patterns that match it, the most specific first.
pub(crate) const HOSTNAMES: [(&str, &[&str]); 5] = [
    ("a.example.com", &["a.example.com", "*.example.com"]),
    ("b.example.com", &["b.example.com", "*.example.com"]),
    ("c.example.com", &["*.example.com"]),
    ("d.eu.example.com", &["*.eu.example.com", "*.example.com"]),
    (UNKNOWN, &[]),
];

/// A hostname without setting.
pub(crate) const UNKNOWN: &str = "unknown.example.org";

/// A header of the origin's own answers.
pub(crate) const ORIGINS_OWN: &str = "x-origin";

/// The settings in force.
#[derive(Clone, Debug)]
pub(crate) struct Settings(Vec<(&'static str, Mode)>);

impl Settings {
    pub(crate) fn draw(rng: &mut Rng) -> Settings {
        let mut settings: Vec<_> = PATTERNS
            .iter()
            .filter_map(|pattern| {
                let mode = match rng.u8(0..8) {
                    0 => return None,
                    1 => Mode::Off,
                    2 => Mode::Every,
                    _ => Mode::First,
                };
                Some((*pattern, mode))
            })
            .collect();
        rng.shuffle(&mut settings);
        Settings(settings)
    }

    /// As the filter takes them, and one more that tells this configuration from all others.
    pub(crate) fn to_json(&self, sentinel: &str) -> Value {
        let setting = |(pattern, mode): &(&str, Mode)| match mode {
            Mode::Off => json!({ "hostname": pattern, "client_certificate_forwarding": false }),
            Mode::First => forward(pattern),
            Mode::Every => forward_every(pattern),
        };
        let settings = self.0.iter().map(setting).chain([forward(sentinel)]);
        configuration(settings.collect())
    }

    /// The setting of a request for that hostname.
    pub(crate) fn of(&self, hostname: &str) -> Option<(&'static str, Mode)> {
        let (_, patterns) = HOSTNAMES.iter().find(|(name, _)| *name == hostname)?;
        let setting = |pattern: &&str| self.0.iter().find(|(name, _)| name == pattern);
        patterns.iter().find_map(setting).copied()
    }
}

/// One step of a sequence.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A request on one of the connections; the next step may begin before it is over.
    Send {
        slot: usize,
        hostname: &'static str,
        fate: Fate,
        wait: bool,
    },
    /// All requests are over.
    Settle,
    /// Other settings, while requests are under way.
    Reload,
}

/// The outcome of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Answered(u16),
    AnsweredLate(Duration),
    AnsweredEarly,
    CutShort,
    Retried,
    RetriedInVain,
    Reset,
    NoUpstream,
    Refused,
    LocalReply,
    Redirected,
    GivenUp(Duration),
}

impl Step {
    pub(crate) fn draw(rng: &mut Rng, slots: usize) -> Step {
        match rng.u8(0..20) {
            0 => Step::Reload,
            1 => Step::Settle,
            _ => Step::Send {
                slot: rng.usize(0..slots),
                hostname: HOSTNAMES[rng.usize(0..HOSTNAMES.len())].0,
                fate: Fate::draw(rng),
                wait: rng.bool(),
            },
        }
    }
}

impl Fate {
    fn draw(rng: &mut Rng) -> Fate {
        match rng.u8(0..24) {
            0 => Fate::AnsweredEarly,
            1 => Fate::CutShort,
            2 => Fate::Retried,
            3 => Fate::RetriedInVain,
            4 | 5 => Fate::Reset,
            6 => Fate::NoUpstream,
            7 => Fate::Refused,
            8 => Fate::LocalReply,
            9 => Fate::Redirected,
            10..=12 => Fate::GivenUp(Duration::from_micros(rng.u64(0..8_000))),
            13 => Fate::AnsweredLate(Duration::from_millis(60)),
            14..=16 => Fate::AnsweredLate(Duration::from_millis(rng.u64(1..20))),
            17 => Fate::Answered(*rng.choice(&[204, 404, 500]).unwrap_or(&404)),
            _ => Fate::Answered(200),
        }
    }

    /// The path of request `number`, which one of the fixed routes may match.
    pub(crate) fn path(self, number: usize) -> String {
        let route = match self {
            Fate::NoUpstream => "no-upstream",
            Fate::Refused => "refused",
            Fate::LocalReply => "local-reply",
            Fate::Redirected => "redirect",
            Fate::Retried | Fate::RetriedInVain => "retry",
            _ => "origin",
        };
        format!("/{route}/{number}")
    }

    pub(crate) fn request(self, hostname: &str, path: &str) -> Request {
        match self {
            Fate::AnsweredEarly => Request::post(hostname, path, vec![b'x'; 100_000]),
            _ => Request::get(hostname, path),
        }
    }

    /// The origin's answers, one attempt after the other.
    pub(crate) fn answers(self) -> Vec<Answer> {
        let status = |status| Answer::status(status).header(ORIGINS_OWN, "1");
        match self {
            Fate::Answered(code) => vec![status(code)],
            Fate::AnsweredLate(delay) => vec![status(200).after(delay)],
            Fate::AnsweredEarly => vec![Answer::before_body().header(ORIGINS_OWN, "1")],
            Fate::CutShort => vec![Answer::cut_short().header(ORIGINS_OWN, "1")],
            Fate::Retried => vec![Answer::reset(), status(503), status(200)],
            Fate::RetriedInVain | Fate::Reset => vec![Answer::reset()],
            Fate::GivenUp(_) => vec![status(200).after(Duration::from_millis(4))],
            Fate::NoUpstream | Fate::Refused | Fate::LocalReply | Fate::Redirected => Vec::new(),
        }
    }

    /// When the client gives the request up.
    pub(crate) fn patience(self) -> Duration {
        match self {
            Fate::GivenUp(patience) => patience,
            _ => Duration::from_secs(30),
        }
    }
}
