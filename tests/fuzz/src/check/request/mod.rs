//! Two equal requests over one connection, through the whole filter.
//!
//! The input's first line is the number of a configuration and letters for what is so of the connection ([`Case`]), the second the SNI,
//! the third the certificate's PEM as Envoy gives it. Then come the headers, `name: value` a line, an empty line, the trailers, an empty
//! line, and the response's headers; or, with the letter `r`, the bytes of the request's header map.

mod envoy;
mod expected;

use std::rc::Rc;

use client_cert_forwarder::config::Config;
use client_cert_forwarder::filter::{Action, Plugin, Request};
use client_cert_forwarder::header_map::serialize;
use client_cert_forwarder::hostcalls::Map::{
    self, RequestHeaders, RequestTrailers, ResponseHeaders,
};

use super::is_header_value;
use crate::model::header_names::is_managed;
use envoy::{Connection, Line};
use expected::CONFIGURATIONS;

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
    /// `m`: a certificate was presented, `v`: and verified, `f`: Envoy's `set_filter_state` hands it over, `t`: TLS, `o`: the origin
    /// answers, `s`: headers can't be removed, `r`: the header map is raw bytes.
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
    let plugin = Rc::new(Plugin::new(config));
    let case = Case {
        config: &plugin.config,
        configured,
        letters: first,
        server_name,
        pem,
        maps: maps(rest, first.contains(&b'r')),
    };
    let connection = connection(&case);
    let mut is_delivered = false;
    for _ in 0..2 {
        is_delivered |= exchange(&case, &plugin, &connection, is_delivered);
    }
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

fn connection(case: &Case) -> Connection {
    let connection = Connection::default();
    connection.is_stubborn.set(case.is(b's'));
    let source = if case.is(b'f') {
        "filter_state.client_cert_forwarder.pem"
    } else {
        "connection.peer_certificate"
    };
    let code_details: &[u8] = if case.is(b'o') {
        b"via_upstream"
    } else {
        b"upstream_reset"
    };
    let tls_version: &[u8] = if case.is(b't') { b"TLSv1.3" } else { b"" };
    let properties = [
        ("connection.mtls", &[u8::from(case.is(b'm'))][..]),
        (
            "connection.peer_certificate_valid",
            &[u8::from(case.is(b'v'))],
        ),
        ("connection.requested_server_name", case.server_name),
        ("connection.tls_version", tls_version),
        ("response.code_details", code_details),
        (source, case.pem),
    ];
    let properties = properties.map(|(name, value)| (name.to_owned(), value.to_vec()));
    connection.properties.borrow_mut().extend(properties);
    connection
}

/// One request and its response; whether the origin was shown the certificate and answered.
fn exchange(case: &Case, plugin: &Rc<Plugin>, connection: &Connection, is_delivered: bool) -> bool {
    let maps = [RequestHeaders, RequestTrailers, ResponseHeaders];
    for (map, bytes) in maps.into_iter().zip(&case.maps) {
        connection.receive(map, bytes);
    }
    connection.replies.borrow_mut().clear();
    let before = connection.lines(RequestHeaders);
    let refusal = expected::refusal(case, before.as_deref());

    let mut request = Request::new(Rc::clone(plugin));
    let action = request.on_request_headers(connection);
    assert_answered(connection, action, refusal);
    let mut was_shown = false;
    let mut trailers = Action::Continue;
    if let (Action::Continue, Some(before)) = (action, before) {
        let after = connection.lines(RequestHeaders).expect("headers");
        assert_clean(case, &before, &after);
        was_shown = expected::assert_forwarded(case, &before, &after, is_delivered);
        trailers = send_trailers(case, &mut request, connection);
    }
    request.on_response_headers(connection);
    request.on_delete(connection);
    assert_decorated(case, connection);
    let forgets = trailers == Action::Stop && case.config.reject_spoofed_headers;
    was_shown && case.is(b'o') && !forgets
}

fn send_trailers(case: &Case, request: &mut Request, connection: &Connection) -> Action {
    let before = connection.lines(RequestTrailers).expect("trailers");
    let is_spoofed = before.iter().any(|line| case.is_managed(&line.name));
    let refusal = match is_spoofed {
        true if case.config.reject_spoofed_headers => Some(400),
        true if case.is(b's') => Some(500),
        _ => None,
    };
    let action = request.on_request_trailers(connection);
    assert_answered(connection, action, refusal);
    if action == Action::Continue {
        let after = connection.lines(RequestTrailers).expect("trailers");
        let kept = before.iter().filter(|line| !case.is_managed(&line.name));
        assert!(kept.eq(&after), "{after:?}");
    }
    action
}

fn assert_answered(connection: &Connection, action: Action, refusal: Option<u16>) {
    let statuses: Vec<u16> = connection
        .replies
        .borrow()
        .iter()
        .map(|reply| reply.status)
        .collect();
    assert_eq!(statuses, Vec::from_iter(refusal));
    assert_eq!(action == Action::Stop, refusal.is_some());
}

/// The origin sees all that the client sent but what only the filter may say, and what the filter says is fit for a header.
fn assert_clean(case: &Case, before: &[Line], after: &[Line]) {
    let of_client = after.iter().filter(|line| !line.is_of_filter);
    let kept = before.iter().filter(|line| !case.is_removed(&line.name));
    assert!(kept.eq(of_client), "{before:?}\nbecame {after:?}");
    for line in after.iter().filter(|line| line.is_of_filter) {
        assert!(case.is_managed(&line.name), "{line:?}");
        assert!(
            is_header_value(&line.value) && !line.value.is_empty(),
            "{line:?}"
        );
        let same = after.iter().filter(|other| other.name == line.name);
        assert_eq!(same.count(), 1, "{line:?}");
    }
}

fn assert_decorated(case: &Case, connection: &Connection) {
    let lines = |map: Map| connection.lines(map).expect("headers");
    let after = lines(ResponseHeaders);
    for line in after.iter().filter(|line| line.is_of_filter) {
        assert!(
            is_header_value(&line.value) && !line.value.is_empty(),
            "{line:?}"
        );
    }
    let explains = after
        .iter()
        .any(|line| line.is_of_filter && line.name == b"client-cert-forwarder");
    assert_eq!(explains, case.config.explain);
    if case.config.sends_rfc9440 {
        let lower = |line: &Line| {
            (
                line.name.to_ascii_lowercase(),
                line.value.to_ascii_lowercase(),
            )
        };
        let names_it = |(name, value): (Vec<u8>, Vec<u8>)| {
            name == b"vary"
                && value
                    .split(|byte| *byte == b',')
                    .any(|item| item.trim_ascii() == b"client-cert")
        };
        let is_left = after
            .iter()
            .any(|line| line.name == b"vary" && names_it(lower(line)));
        assert!(!is_left, "{after:?}");
    }
}
