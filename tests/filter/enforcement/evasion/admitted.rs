//! Connections that were admitted for every setting: no spelling of a host is answered from the
//! stored decision of another setting, or passes where a new connection would be refused.

use serde_json::{Value, json};
use support::{
    Envoy, Listener, Protocol, Scene, fields::FieldsConnection, mtls_protocols, origin::Recorded,
    pki, raw::RawConnection,
};

use super::spellings::{AUTHORITIES, Answer, PROTECTED, status};
use crate::enforcement::ADMIN;

/// The settings beside [`PROTECTED`]: with them, every host has one.
const WIDER: [&str; 2] = ["*.example.com", "*"];

/// One more host for each of [`WIDER`].
const OTHERS: [&str; 2] = ["public.example.com", "example.org"];

const FORGED: &str = "forged";

/// The header that only that setting sends.
fn marker(setting: usize) -> String {
    format!("x-setting-{setting}")
}

fn settings() -> impl Iterator<Item = (usize, &'static str)> {
    PROTECTED.into_iter().chain(WIDER).enumerate()
}

/// The setting of a host that is not ambiguous, by a rule of this test's own.
fn setting_of(authority: &str) -> usize {
    let host = authority.to_ascii_lowercase();
    let host = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => &host,
    };
    let host = host.trim_end_matches('.').trim_matches(['[', ']']);
    let host = host.replace("2001:db8:0:0::1", "2001:db8::1");
    let exact = PROTECTED.iter().position(|hostname| *hostname == host);
    let wider = PROTECTED.len() + usize::from(!host.ends_with(".example.com"));
    exact.unwrap_or(wider)
}

/// A name, the keys of each setting, and whether a connection is good for its own setting alone.
fn modes() -> Vec<(&'static str, Value, bool)> {
    let allowed = json!([{ "sha256": pki().client.sha256() }]);
    vec![
        ("required", json!({}), false),
        (
            "every request",
            json!({ "client_certificate_forwarding": true, "forward_on": "every_request" }),
            false,
        ),
        (
            "allow list",
            json!({ "client_certificate_forwarding": true, "allow_client_certificates": allowed }),
            false,
        ),
        ("own connection", json!({}), true),
    ]
}

/// Envoy waits a second before it closes a connection, by default.
fn listener() -> Listener {
    Listener::optional().connection_manager("delayed_close_timeout", json!("0.02s"))
}

fn configuration(keys: &Value, sni_must_match: bool) -> Value {
    let settings = settings().map(|(number, hostname)| {
        let mut setting = keys.clone();
        setting["hostname"] = hostname.into();
        setting["require_client_certificate"] = true.into();
        // Clients send no SNI for an address.
        setting["sni_must_match"] = sni_must_match.into();
        setting["request_headers"] = json!({ marker(number): "certSerial" });
        setting
    });
    json!({ "verified_by": "listener", "settings": settings.collect::<Vec<_>>() })
}

/// One connection of a protocol that can send any host.
enum Connection {
    Http1(RawConnection),
    Later(FieldsConnection),
}

impl Connection {
    async fn open(scene: &Scene, protocol: Protocol) -> Connection {
        let connector = scene.client(protocol).with(&pki().client).sni(ADMIN);
        match protocol {
            Protocol::Http1 => Connection::Http1(connector.connect_raw().await),
            _ => Connection::Later(connector.connect_fields().await),
        }
    }

    /// Sends a GET with forged markers.
    async fn get(&mut self, host: &[u8]) -> Option<u16> {
        match self {
            Connection::Http1(raw) => {
                let forged: String = settings()
                    .map(|(number, _)| format!("X_Setting.{number}: {FORGED}\r\n"))
                    .collect();
                let head = b"GET / HTTP/1.1\r\nHost: ";
                let request = [head, host, b"\r\n", forged.as_bytes(), b"\r\n"].concat();
                raw.exchange(&request).await.map(|response| response.status)
            }
            Connection::Later(later) => {
                let forged: Vec<String> = settings()
                    .map(|(number, _)| format!("x_setting.{number}"))
                    .collect();
                let mut fields: Vec<(&str, &[u8])> = vec![
                    (":method", b"GET"),
                    (":scheme", b"https"),
                    (":authority", host),
                    (":path", b"/"),
                ];
                fields.extend(forged.iter().map(|name| (&**name, FORGED.as_bytes())));
                later.send(&fields).await
            }
        }
    }

    /// Opens one that was admitted for each setting, or else for its own.
    async fn admitted(scene: &Scene, protocol: Protocol, for_all: bool) -> Connection {
        let mut connection = Connection::open(scene, protocol).await;
        for host in PROTECTED.iter().chain(&OTHERS) {
            let host = match host.contains(':') {
                true => format!("[{host}]"),
                false => (*host).to_owned(),
            };
            let expected = if for_all || host == ADMIN { 200 } else { 421 };
            assert_eq!(connection.get(host.as_bytes()).await, Some(expected));
        }
        connection
    }
}

/// What IPv4 parsers, and limits of DNS, make of names.
fn more_ambiguous() -> Vec<Vec<u8>> {
    let names = [
        "127.1",
        "2130706433",
        "a.0x7f",
        "a.1",
        "-a.example.com",
        "a-.example.com",
    ];
    let long = [
        format!("{}.example.com", "a".repeat(64)),
        format!("{}example.com", "a.".repeat(130)),
    ];
    let names = names.iter().map(|name| (*name).to_owned()).chain(long);
    names.map(String::into_bytes).collect()
}

/// Fails unless the request carries the marker of that setting, once, and no other.
#[track_caller]
fn assert_marked(request: &Recorded, setting: usize, context: &str) {
    let marked: Vec<(&str, bool)> = request
        .headers
        .0
        .iter()
        .filter(|(name, _)| name.replace(['_', '.'], "-").starts_with("x-setting-"))
        .map(|(name, value)| (&**name, value != FORGED.as_bytes()))
        .collect();
    assert_eq!(marked, [(&*marker(setting), true)], "{context}");
}

#[tokio::test]
async fn every_host_on_an_admitted_connection_is_answered_by_its_own_setting() {
    let more = more_ambiguous();
    let known = AUTHORITIES
        .iter()
        .map(|(authority, http1, later)| (*authority, *http1, *later));
    let ambiguous = more
        .iter()
        .map(|authority| (&**authority, Answer::Ambiguous, Answer::Ambiguous));
    let hosts: Vec<(&[u8], Answer, Answer)> = known.chain(ambiguous).collect();
    for (number, (mode, keys, sni_must_match)) in modes().into_iter().enumerate() {
        let scene = Envoy::with_filter(configuration(&keys, sni_must_match))
            .listener(listener().every_mtls_protocol())
            .scene()
            .await;
        for &protocol in mtls_protocols() {
            let mut connection = Connection::admitted(&scene, protocol, !sni_must_match).await;
            for (host, http1, later) in &hosts {
                let context = format!("{mode}, {protocol:?}, {}", host.escape_ascii());
                let answer = if protocol == Protocol::Http1 {
                    http1
                } else {
                    later
                };
                if number > 0 && *answer == Answer::Envoy {
                    continue; // The same in each mode.
                }
                let before = scene.origin.requests().len();
                let observed = connection.get(host).await;
                let seen = &scene.origin.requests()[before..];
                if !matches!(answer, Answer::Denied | Answer::Origin) {
                    assert_eq!(observed, status(*answer, protocol), "{context}");
                    assert!(seen.is_empty(), "{context}: {seen:#?}");
                    // Envoy closes HTTP/1.1 connections after a 400.
                    if *answer == Answer::Envoy || protocol == Protocol::Http1 {
                        connection = Connection::admitted(&scene, protocol, !sni_must_match).await;
                    }
                    continue;
                }
                let setting = setting_of(std::str::from_utf8(host).expect("a name"));
                if sni_must_match && setting != 0 {
                    assert_eq!(observed, Some(421), "{context}");
                    assert!(seen.is_empty(), "{context}: {seen:#?}");
                    continue;
                }
                assert_eq!(observed, Some(200), "{context}");
                assert_eq!(seen.len(), 1, "{context}");
                assert_marked(&seen[0], setting, &context);
            }
        }
    }
}

#[tokio::test]
async fn bytes_that_name_two_hosts_are_judged_on_an_admitted_connection_too() {
    let scene = Envoy::with_filter(configuration(&json!({}), false))
        .listener(Listener::optional())
        .scene()
        .await;
    for (head, answer) in [
        (
            "GET / HTTP/1.1\r\nHost: public.example.com\r\nHost: admin.example.com",
            None,
        ),
        (
            "GET / HTTP/1.1\r\nHost: admin.example.com\r\nhOST: admin.example.com",
            None,
        ),
        (
            "GET http://%61dmin.example.com/ HTTP/1.1\r\nHost: public.example.com",
            None,
        ),
        (
            "GET http://127.1/ HTTP/1.1\r\nHost: public.example.com",
            None,
        ),
        (
            "GET http://admin.example.com/ HTTP/1.1\r\nHost: public.example.com",
            Some(ADMIN),
        ),
        (
            "GET https://ADMIN.example.com.:443/ HTTP/1.1\r\nHost: example.org",
            Some(ADMIN),
        ),
        // Envoy drops the user information.
        (
            "GET HTTPS://user@admin.example.com/ HTTP/1.1\r\nHost: example.org",
            Some(ADMIN),
        ),
        (
            "GET / HTTP/1.1\r\nHost: \t admin.example.com \t ",
            Some(ADMIN),
        ),
        (
            "GET http://[2001:DB8:0::1]:443/ HTTP/1.1\r\nHost: example.org",
            Some("[2001:db8::1]"),
        ),
    ] {
        let connection = Connection::admitted(&scene, Protocol::Http1, true).await;
        let Connection::Http1(mut connection) = connection else {
            unreachable!("HTTP/1.1");
        };
        let before = scene.origin.requests().len();
        let response = connection
            .exchange(format!("{head}\r\n\r\n").as_bytes())
            .await;
        let observed = response.expect("a response").status;
        let seen = &scene.origin.requests()[before..];
        match answer {
            None => assert_eq!((observed, seen.len()), (400, 0), "{head}"),
            Some(host) => {
                assert_eq!((observed, seen.len()), (200, 1), "{head}");
                assert_marked(&seen[0], setting_of(host), head);
            }
        }
    }
}
