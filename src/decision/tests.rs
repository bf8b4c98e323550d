//! Decisions as values, on connections without Envoy.

use super::*;
use crate::certificate::PeerCertificateStatus::{
    Absent, Revoked, Unreadable, Unverified, Verified,
};
use crate::certificate::{PeerCertificateStatus, pem};
use crate::config::Config;
use crate::connection::{Handshake, Presented, SimulatedConnection};
use crate::headers::map::{HeaderMap, serialize};
use crate::outcome::Outcome;

const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----\nAAECAwQ=\n-----END CERTIFICATE-----\n";

fn config(json: &str) -> Config {
    Config::from_json(json.as_bytes()).unwrap()
}

fn handshake(status: PeerCertificateStatus, server_name: Option<&[u8]>) -> Handshake {
    let presented = match status {
        Absent => Presented::Nothing,
        Unreadable => Presented::Unreadable,
        Unverified | Verified | Revoked => Presented::Certificate {
            leaf: pem::decode(PEM).unwrap(),
            chain: Vec::new(),
            is_verified: status == Verified,
        },
    };
    Handshake {
        server_name: server_name.map(<[u8]>::to_vec),
        presented,
    }
}

/// Scans these headers under `config` and hands the decision on them to `look`.
fn decided<T>(
    config: &Config,
    connection: &mut SimulatedConnection,
    headers: &[(&str, &str)],
    look: impl FnOnce(Decision<'_>) -> T,
) -> T {
    let pairs: Vec<(&[u8], &[u8])> = headers
        .iter()
        .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
        .collect();
    let bytes = serialize(&pairs);
    let request = Inbound::scan(HeaderMap::parse(&bytes).unwrap(), config);
    look(decide(&request, config, connection))
}

fn refused(decision: &Decision<'_>) -> Option<Refusal> {
    match decision.verdict {
        Verdict::Refuse(refusal) => Some(refusal),
        Verdict::Pass(_) => None,
    }
}

fn passed<'a>(decision: &'a Decision<'a>) -> &'a Pass<'a> {
    match &decision.verdict {
        Verdict::Pass(pass) => pass,
        Verdict::Refuse(refusal) => panic!("refused: {refusal:?}"),
    }
}

/// Names and values, as text, of headers to add.
fn texts(headers: &[HeaderValue<'_>]) -> Vec<(String, String)> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    headers
        .iter()
        .map(|header| (header.header.name.clone(), text(header.value)))
        .collect()
}

#[test]
fn a_decision_names_what_is_removed_added_and_pending() {
    let config = config(
        r#"{"settings":[{"hostname":"a.example","client_certificate_forwarding":true,
            "request_headers":{"x-serial":"certVerified"},"response_headers":{"x-sha1":"certSerial"}}]}"#,
    );
    let mut connection = SimulatedConnection::new(&config, handshake(Verified, Some(b"a.example")));
    let headers = [(":authority", "A.example:443"), ("Cf_Cert.x", "1")];
    decided(&config, &mut connection, &headers, |decision| {
        assert_eq!((decision.setting, decision.strips), (Some(0), true));
        let pass = passed(&decision);
        assert_eq!(pass.remove, [b"Cf_Cert.x"]);
        assert_eq!(pass.progress, Progress::Pending(Outcome::Forwarded));
        assert_eq!(
            texts(&pass.add),
            [
                ("cf-client-cert-der-base64", "AAECAwQ="),
                (
                    "cf-client-cert-sha256",
                    "08bb5e5d6eaac1049ede0893d30ed022b1a4d9b5b48db414871f51c9cb35283d"
                ),
                ("x-serial", "SUCCESS"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        // Not a certificate that can be read as X.509: the response header is removed.
        assert_eq!(
            texts(&decision.response_headers),
            [("x-sha1".to_owned(), String::new())]
        );
    });
}

#[test]
fn the_steady_state_asks_the_connection_one_question() {
    let config =
        config(r#"{"settings":[{"hostname":"a.example","client_certificate_forwarding":true}]}"#);
    let mut connection = SimulatedConnection::new(&config, handshake(Verified, Some(b"a.example")));
    connection.deliver(&config.settings[0]);
    decided(
        &config,
        &mut connection,
        &[(":authority", "a.example")],
        |decision| {
            let pass = passed(&decision);
            assert_eq!(pass.progress, Progress::Idle(Idle::AlreadyDelivered));
            assert!(pass.add.is_empty() && pass.remove.is_empty());
        },
    );
    assert_eq!(connection.asked, (1, 0));
    decided(
        &config,
        &mut connection,
        &[(":authority", "b.example")],
        |decision| {
            assert_eq!(decision.setting, None);
            assert_eq!(passed(&decision).progress, Progress::Idle(Idle::NoSetting));
        },
    );
    assert_eq!(connection.asked, (1, 0), "no setting, no question");
}

#[test]
fn no_request_asks_a_question_twice() {
    let config = config(
        r#"{"verified_by":"listener","explain":true,"settings":[{"hostname":"*","client_certificate_forwarding":true,
            "require_client_certificate":true,"sni_must_match":true,
            "request_headers":{"x-a":"certSerial"},"response_headers":{"x-b":"certSerial"}}]}"#,
    );
    for status in [Absent, Unreadable, Unverified, Verified] {
        let mut connection =
            SimulatedConnection::new(&config, handshake(status, Some(b"a.example")));
        decided(
            &config,
            &mut connection,
            &[(":authority", "a.example")],
            |_| (),
        );
        assert_eq!(connection.asked, (1, 1), "{status:?}");
    }
}

const REFUSING: &str = r#"{"verified_by":"listener","settings":[
    {"hostname":"both.example","require_client_certificate":true},
    {"hostname":"cert.example","require_client_certificate":true,"sni_must_match":false},
    {"hostname":"sni.example","sni_must_match":true},
    {"hostname":"*.example","sni_must_match":true},
    {"hostname":"free.example"}]}"#;

/// The refusal of a request for `hostname` over a connection with that status and SNI.
fn refusal(
    hostname: &str,
    status: PeerCertificateStatus,
    server_name: Option<&[u8]>,
) -> Option<Refusal> {
    let config = config(REFUSING);
    let mut connection = SimulatedConnection::new(&config, handshake(status, server_name));
    decided(
        &config,
        &mut connection,
        &[(":authority", hostname)],
        |decision| refused(&decision),
    )
}

#[test]
fn only_a_verified_certificate_is_enough() {
    for status in [Absent, Unreadable, Unverified, Verified] {
        let expected = (status != Verified).then_some(Refusal::CertificateRequired(status));
        assert_eq!(refusal("cert.example", status, None), expected);
        let found = refusal("both.example", status, Some(b"both.example"));
        assert_eq!(found, expected);
        assert_eq!(refusal("free.example", status, None), None);
    }
}

#[test]
fn the_sni_has_to_be_a_name_of_the_same_setting_as_it_stands() {
    for (hostname, server_name, misdirected) in [
        ("sni.example", &b"sni.example"[..], false),
        ("sni.example", b"SNI.example", false),
        ("sni.example", b"", true),
        ("sni.example", b"free.example", true),
        ("sni.example", b"other.test", true),
        ("sni.example", b"sni.example.", true),
        ("sni.example", b"sni.example:443", true),
        ("sni.example", b"x@sni.example", true),
        ("www.example", b"mail.example", false),
        ("www.example", b"sni.example", true),
        ("free.example", b"other.test", false),
    ] {
        let expected = misdirected.then_some(Refusal::Misdirected {
            without_server_name: server_name.is_empty(),
        });
        let found = refusal(hostname, Verified, Some(server_name));
        assert_eq!(found, expected, "{hostname} {}", server_name.escape_ascii());
    }
}

#[test]
fn plain_text_is_denied_where_a_certificate_is_missing_and_else_misdirected() {
    let misdirected = Some(Refusal::Misdirected {
        without_server_name: false,
    });
    let denied = Some(Refusal::CertificateRequired(Absent));
    assert_eq!(refusal("both.example", Absent, None), denied);
    assert_eq!(refusal("sni.example", Absent, None), misdirected);
    // A connection for another host is sent away first: over its own the client may present a
    // certificate.
    let found = refusal("both.example", Absent, Some(b"free.example"));
    assert_eq!(found, misdirected);
}

#[test]
fn hosts_that_origins_may_read_differently_are_refused_where_some_setting_refuses() {
    for (json, expected) in [
        (REFUSING, Some(Refusal::AmbiguousHostname)),
        (r#"{"settings":[{"hostname":"*"}]}"#, None),
    ] {
        let config = config(json);
        let mut connection = SimulatedConnection::new(&config, handshake(Verified, None));
        let host = [(":authority", "127.1")];
        let found = decided(&config, &mut connection, &host, |decision| {
            refused(&decision)
        });
        assert_eq!(found, expected, "{json}");
    }
}

#[test]
fn connection_options_that_name_managed_headers_are_taken_out() {
    let config = config(
        r#"{"settings":[{"hostname":"*","request_headers":{"X-Cert":"certSerial","Client-Cert":"certRFC9440"}}]}"#,
    );
    for (values, expected) in [
        (&["Upgrade"][..], None),
        (
            &["Upgrade, Cf-Client-Cert-Sha256, Client-Cert"],
            Some("Upgrade"),
        ),
        (
            &["cf_cert.x,Upgrade,keep-alive"],
            Some("Upgrade, keep-alive"),
        ),
        (&["x_CERT"], Some("")),
        (&["Upgrade", "client.cert-chain"], Some("Upgrade")),
    ] {
        let mut headers = vec![(":authority", "a.example")];
        headers.extend(values.iter().map(|value| ("connection", *value)));
        let mut connection = SimulatedConnection::new(&config, handshake(Verified, None));
        decided(&config, &mut connection, &headers, |decision| {
            let connection = passed(&decision).connection.as_deref();
            assert_eq!(connection, expected.map(str::as_bytes), "{values:?}");
            assert_eq!(decision.strips, expected.is_some(), "{values:?}");
        });
    }
}

#[test]
fn a_tunnel_never_counts_as_delivered() {
    let config = config(r#"{"settings":[{"hostname":"*","client_certificate_forwarding":true}]}"#);
    let mut connection = SimulatedConnection::new(&config, handshake(Verified, None));
    let headers = [(":method", "CONNECT"), (":authority", "a.example:443")];
    decided(&config, &mut connection, &headers, |decision| {
        let progress = passed(&decision).progress;
        assert_eq!(progress, Progress::Concluded(Outcome::Undelivered));
    });
}

#[test]
fn what_a_client_may_not_send_is_refused_before_the_connection_is_judged() {
    let config = config(
        r#"{"on_spoofed_header":"reject","certificate_chain_source":"xfcc","settings":[{"hostname":"*",
            "client_certificate_forwarding":true,"response_headers":{"X-San":"certVerified"}}]}"#,
    );
    for header in [("cf-cert-x", "1"), ("connection", "upgrade, cf-cert-x")] {
        let mut connection = SimulatedConnection::new(&config, handshake(Verified, None));
        let headers = [(":authority", "a.example"), header];
        decided(&config, &mut connection, &headers, |decision| {
            assert_eq!(refused(&decision), Some(Refusal::SpoofedHeader));
            assert!(!decision.strips);
            // The response tells of the certificate all the same.
            let headers = texts(&decision.response_headers);
            assert_eq!(headers, [("x-san".to_owned(), "SUCCESS".to_owned())]);
        });
        assert_eq!(connection.asked, (0, 1));
    }
}
