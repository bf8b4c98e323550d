//! The decisions on two equal requests over one connection, against a model of the contract.
//!
//! The input's first line is the number of a configuration and letters for the facts of the
//! connection ([`Case`]), the second the SNI, the third the certificate's PEM as Envoy gives it.
//! Then come the headers, `name: value` a line, an empty line, the trailers, an empty line, and the
//! response's headers; or, with the letter `r`, the bytes of the request's header map.

mod expected;
mod lines;

use client_cert_forwarder::certificate::{pem, xfcc};
use client_cert_forwarder::config::Config;
use client_cert_forwarder::connection::{Handshake, Presented, SimulatedConnection};
use client_cert_forwarder::decision::{
    Decision, HeaderValue, Inbound, Progress, TrailersDecision, Verdict, decide, decide_trailers,
};
use client_cert_forwarder::headers::map::{HeaderMap, serialize};
use client_cert_forwarder::rfc9440::varies_on_certificate;

use super::is_header_value;
use crate::model::header_map::pairs;
use crate::model::header_names::is_managed;
use expected::CONFIGURATIONS;
use lines::{Line, after, received};

pub(crate) const WORDS: &[&str] = &[
    "0mtvo\n",
    "1mto\n",
    "2mtvo\n",
    "3mo\n",
    "1ro\n",
    ":authority: api.example.com\n",
    ":authority: www.example.com:443\n",
    ":authority: admin.example.com\n",
    "api.example.com\n",
    "admin.example.com\n",
    "cf-client-cert-sha256: 0\n",
    "CF_CERT.verified: 1\n",
    "x_cert.subject: a\n",
    "client-cert: :AQ==:\n",
    "client_cert_chain: :AQ==:\n",
    "x-forwarded-client-cert: Chain=\"-----BEGIN%20CERTIFICATE-----AQ==-----END%20CERTIFICATE-----\"\n",
    "-----BEGIN CERTIFICATE-----AQ==-----END CERTIFICATE-----\n",
    "vary: Client-Cert\n",
    "\n\n",
    "x: 1\n",
    "connection: Upgrade, cf-client-cert-sha256\n",
    ":method: CONNECT\n",
];

/// One connection, and the request that is sent over it.
pub(super) struct Case<'a> {
    config: &'a Config,
    /// What the settings' `request_headers` are called, and what is managed with them.
    configured: &'static [&'static str],
    letters: &'a [u8],
    server_name: &'a [u8],
    pem: &'a [u8],
    maps: [Vec<u8>; 3],
}

impl Case<'_> {
    /// `m`: a certificate was presented, `v`: and verified, `t`: TLS, `o`: the origin answers,
    /// `r`: the header map is raw bytes.
    fn is(&self, letter: u8) -> bool {
        self.letters.contains(&letter)
    }

    fn is_managed(&self, name: &[u8]) -> bool {
        is_managed(name, self.configured)
    }

    fn is_removed(&self, name: &[u8]) -> bool {
        self.is_managed(name) || (self.config.chain_from_xfcc && name == b"x-forwarded-client-cert")
    }
}

pub(crate) fn check(data: &[u8]) {
    let mut parts = data.splitn(4, |byte| *byte == b'\n');
    let mut part = || parts.next().unwrap_or_default();
    let (first, server_name, pem, rest) = (part(), part(), part(), part());
    let number = first.first().map_or(0, |digit| usize::from(*digit));
    let (json, configured) = CONFIGURATIONS[number % CONFIGURATIONS.len()];
    let config = Config::from_json(json.as_bytes()).expect("a configuration");
    let case = Case {
        config: &config,
        configured,
        letters: first,
        server_name,
        pem,
        maps: maps(rest, first.contains(&b'r')),
    };
    let [headers, trailers, response] = &case.maps;
    assert_eq!(
        HeaderMap::parse(headers).is_some(),
        pairs(headers).is_some()
    );
    if let Some(headers) = HeaderMap::parse(headers) {
        send_twice(&case, headers);
    }
    if let Some(trailers) = HeaderMap::parse(trailers) {
        send_trailers(&case, trailers);
    }
    assert_eq!(
        varies_on_certificate(response),
        expected::varies(&received(response))
    );
}

/// The three header maps that `text` stands for, serialised.
fn maps(text: &[u8], is_raw: bool) -> [Vec<u8>; 3] {
    let mut maps = [serialize(&[]), serialize(&[]), serialize(&[])];
    if is_raw {
        maps[0] = text.to_vec();
        return maps;
    }
    let mut blocks = vec![Vec::new()];
    for line in super::lines(text) {
        if line.is_empty() && blocks.len() < maps.len() {
            blocks.push(Vec::new());
        } else if let Some(block) = blocks.last_mut() {
            block.push(line);
        }
    }
    for (map, block) in maps.iter_mut().zip(blocks) {
        let pairs: Vec<(&[u8], &[u8])> = block.into_iter().map(name_and_value).collect();
        *map = serialize(&pairs);
    }
    maps
}

fn name_and_value(line: &[u8]) -> (&[u8], &[u8]) {
    match line.windows(2).position(|window| window == b": ") {
        Some(at) => (&line[..at], &line[at + 2..]),
        None => (line, b""),
    }
}

fn send_twice(case: &Case, headers: HeaderMap<'_>) {
    let request = Inbound::scan(headers, case.config);
    let mut connection = SimulatedConnection::new(case.config, handshake(case, request.xfcc));
    let before = received(&case.maps[0]);
    let mut is_delivered = false;
    for _ in 0..2 {
        connection.asked = (0, 0);
        let decision = decide(&request, case.config, &mut connection);
        let pending = judge(case, &before, &decision, is_delivered);
        let setting = decision.setting;
        assert!(connection.asked.0 <= 1 && connection.asked.1 <= 1);
        if let (true, Some(number)) = (pending && case.is(b'o'), setting) {
            connection.deliver(&case.config.settings[number]);
            is_delivered = true;
        }
    }
}

fn handshake(case: &Case, xfcc_value: Option<&[u8]>) -> Handshake {
    let has_tls = case.is(b't') || !case.server_name.is_empty();
    let presented = match pem::decode(case.pem) {
        _ if !case.is(b'm') => Presented::Nothing,
        None => Presented::Unreadable,
        Some(leaf) => Presented::Certificate {
            chain: xfcc::without_leaf(xfcc_value.map(xfcc::chain).unwrap_or_default(), &leaf),
            leaf,
            is_verified: expected::is_said_to_be_verified(case),
        },
    };
    Handshake {
        server_name: has_tls.then(|| case.server_name.to_vec()),
        presented,
    }
}

/// Compares a decision with the model's; whether the request carries the certificate.
fn judge(case: &Case, before: &[Line], decision: &Decision<'_>, is_delivered: bool) -> bool {
    let refusal = expected::refusal(case, before);
    for header in &decision.response_headers {
        assert_fit(header);
    }
    let pass = match &decision.verdict {
        Verdict::Refuse(refused) => {
            assert_eq!(Some(refused.status()), refusal);
            assert!(!refused.details().is_empty() && refused.body().ends_with('\n'));
            return false;
        }
        Verdict::Pass(pass) => pass,
    };
    assert_eq!(refusal, None);
    let after = after(before, pass);
    assert_clean(case, before, &after);
    let is_shown = expected::assert_forwarded(case, before, &after, is_delivered);
    let is_pending = matches!(pass.progress, Progress::Pending(_));
    assert!(!is_shown || is_pending || expected::is_connect(before));
    is_pending
}

fn assert_fit(header: &HeaderValue<'_>) {
    assert!(is_header_value(header.value), "{header:?}");
}

fn send_trailers(case: &Case, trailers: HeaderMap<'_>) {
    let managed: Vec<Vec<u8>> = received(&case.maps[1])
        .into_iter()
        .map(|line| line.name)
        .filter(|name| case.is_managed(name))
        .collect();
    match decide_trailers(trailers, case.config) {
        TrailersDecision::Refuse(refusal) => {
            assert_eq!(refusal.status(), 400);
            assert!(case.config.reject_spoofed_headers && !managed.is_empty());
        }
        TrailersDecision::Strip(names) => {
            assert!(!case.config.reject_spoofed_headers || managed.is_empty());
            assert_eq!(names, managed);
        }
    }
}

/// The origin sees all that the client sent but what only the filter may say, and the filter's own
/// values are fit for headers.
fn assert_clean(case: &Case, before: &[Line], after: &[Line]) {
    let is_kept = |line: &&Line| !case.is_removed(&line.name) && line.name != b"connection";
    let of_client = after.iter().filter(|line| !line.is_of_filter);
    let of_client = of_client.filter(|line| line.name != b"connection");
    let kept = before.iter().filter(is_kept);
    assert!(kept.eq(of_client), "{before:?}\nbecame {after:?}");
    let options = after.iter().filter(|line| line.name == b"connection");
    for option in options.flat_map(|line| line.value.split(|byte| *byte == b',')) {
        assert!(!case.is_managed(option.trim_ascii()), "{after:?}");
    }
    let of_filter = after.iter().filter(|line| line.is_of_filter);
    for line in of_filter.filter(|line| line.name != b"connection") {
        assert!(case.is_managed(&line.name), "{line:?}");
        assert!(
            is_header_value(&line.value) && !line.value.is_empty(),
            "{line:?}"
        );
        let same = after.iter().filter(|other| other.name == line.name);
        assert_eq!(same.count(), 1, "{line:?}");
    }
}
