//! Certificates that were made to look like one that an allow list names, on a real Envoy. The
//! listener takes each, as a CA that signs whatever it is asked to would.

use serde_json::{Value, json};
use support::{
    Client, Envoy, Identity, Listener, Request, Scene,
    der::{
        ALTERNATIVE_NAME, COMMON_NAME, Template, UTF8, attribute, extension, name, sequence, tlv,
    },
    mtls_protocols, pki,
};

use super::settings;
use crate::common::{HOST, client_of};

const EMAIL: u8 = 0x81;
const DNS: u8 = 0x82;
const URI: u8 = 0x86;

/// More names than any honest certificate has: 60 KB.
const MANY: usize = 3000;

fn allowed() -> Value {
    json!([
        { "san_dns": "api.example.com" },
        { "san_dns": "*.svc.example.com" },
        { "san_uri": "spiffe://example.org/ns/prod/*" },
        { "san_email": "Alice@example.com" },
        { "subject_dn": "CN=admin,O=Example" }
    ])
}

async fn start() -> Scene {
    let keys =
        json!({ "require_client_certificate": true, "allow_client_certificates": allowed() });
    let mut configuration = settings(json!([]), keys);
    // Another setting, so that a connection without an admission is not without decisions.
    configuration["settings"]
        .as_array_mut()
        .expect("an array")
        .push(json!({ "hostname": "public.example.com", "client_certificate_forwarding": true }));
    Envoy::with_filter(configuration)
        .listener(
            Listener::accept_untrusted()
                .no_resumption()
                .every_mtls_protocol(),
        )
        .scene()
        .await
}

fn san(names: &[(u8, &[u8])]) -> Vec<u8> {
    let names: Vec<Vec<u8>> = names.iter().map(|(tag, text)| tlv(*tag, text)).collect();
    extension(ALTERNATIVE_NAME, false, &sequence(&names))
}

fn with(extensions: Vec<Vec<u8>>) -> Template {
    Template {
        extensions,
        ..Template::plain()
    }
}

fn one(tag: u8, text: &[u8]) -> Template {
    with(vec![san(&[(tag, text)])])
}

fn subject(rdns: &[(&str, &[u8])]) -> Template {
    let rdns: Vec<_> = rdns
        .iter()
        .map(|(oid, text)| vec![attribute(oid, UTF8, text)])
        .collect();
    Template {
        subject: name(&rdns),
        ..Template::plain()
    }
}

fn many(last: &[u8]) -> Template {
    let names: Vec<String> = (0..MANY)
        .map(|number| format!("h{number}.example.net"))
        .collect();
    let mut names: Vec<(u8, &[u8])> = names.iter().map(|name| (DNS, name.as_bytes())).collect();
    names.push((DNS, last));
    with(vec![san(&names)])
}

fn honest() -> Vec<(&'static str, Template)> {
    vec![
        ("a DNS name", one(DNS, b"api.example.com")),
        ("a DNS name in capitals", one(DNS, b"API.Example.com")),
        ("a DNS name below", one(DNS, b"a.b.svc.example.com")),
        (
            "a URI below",
            one(URI, b"spiffe://example.org/ns/prod/sa/a"),
        ),
        ("a mailbox", one(EMAIL, b"Alice@EXAMPLE.com")),
        (
            "a subject",
            subject(&[("2.5.4.10", b"Example"), (COMMON_NAME, b"admin")]),
        ),
        ("a name among others", many(b"api.example.com")),
    ]
}

fn hostile() -> Vec<(&'static str, Template)> {
    let good = || san(&[(DNS, b"api.example.com")]);
    vec![
        ("a comma", one(DNS, b"api.example.com,evil.test")),
        (
            "a comma before",
            one(DNS, b"evil.test, DNS:api.example.com"),
        ),
        ("a NUL", one(DNS, b"api.example.com\0.evil.test")),
        ("a NUL at the end", one(DNS, b"api.example.com\0")),
        ("a line end", one(DNS, b"evil.test\r\napi.example.com")),
        ("a dot at the end", one(DNS, b"api.example.com.")),
        ("a space at the end", one(DNS, b"api.example.com ")),
        ("a dot below", one(DNS, b".svc.example.com")),
        ("an empty label", one(DNS, b"a..svc.example.com")),
        ("a wildcard below", one(DNS, b"*.svc.example.com")),
        ("a wildcard", one(DNS, b"*.example.com")),
        ("a slash below", one(DNS, b"evil.test/.svc.example.com")),
        (
            "a Cyrillic letter",
            one(DNS, "\u{430}pi.example.com".as_bytes()),
        ),
        (
            "a full-width dot",
            one(DNS, "api\u{ff0e}example.com".as_bytes()),
        ),
        ("another A-label", one(DNS, b"xn--pi-7kc.example.com")),
        (
            "the CN alone",
            subject(&[(COMMON_NAME, b"api.example.com")]),
        ),
        (
            "a URI as DNS name",
            one(DNS, b"spiffe://example.org/ns/prod/a"),
        ),
        ("a DNS name as URI", one(URI, b"api.example.com")),
        ("a DNS name as mailbox", one(EMAIL, b"api.example.com")),
        ("two SAN extensions", with(vec![good(), good()])),
        ("an empty SAN first", with(vec![san(&[]), good()])),
        (
            "a path traversal",
            one(URI, b"spiffe://example.org/ns/prod/../admin"),
        ),
        (
            "one at the end",
            one(URI, b"spiffe://example.org/ns/prod/.."),
        ),
        (
            "an encoded one",
            one(URI, b"spiffe://example.org/ns/prod/%2e%2e/admin"),
        ),
        (
            "an encoded slash",
            one(URI, b"spiffe://example.org/ns/prod/a%2f..%2fb"),
        ),
        (
            "an encoded prefix",
            one(URI, b"spiffe://example.org/ns/%70rod/a"),
        ),
        (
            "a backslash",
            one(URI, b"spiffe://example.org/ns/prod/..\\admin"),
        ),
        ("a query", one(URI, b"spiffe://example.org/ns/prod/a?b")),
        ("a fragment", one(URI, b"spiffe://example.org/ns/prod/a#b")),
        ("no segment", one(URI, b"spiffe://example.org/ns/prod/")),
        (
            "a longer segment",
            one(URI, b"spiffe://example.org/ns/production/a"),
        ),
        (
            "another domain",
            one(URI, b"spiffe://example.org.evil.test/ns/prod/a"),
        ),
        (
            "a domain in capitals",
            one(URI, b"spiffe://EXAMPLE.org/ns/prod/a"),
        ),
        (
            "a mailbox in another case",
            one(EMAIL, b"alice@example.com"),
        ),
        (
            "a mailbox twice",
            one(EMAIL, b"Alice@example.com@evil.test"),
        ),
        (
            "an RDN more",
            subject(&[
                ("2.5.4.6", b"GB"),
                ("2.5.4.10", b"Example"),
                (COMMON_NAME, b"admin"),
            ]),
        ),
        (
            "the order of the RDNs",
            subject(&[(COMMON_NAME, b"admin"), ("2.5.4.10", b"Example")]),
        ),
        (
            "a separator in a value",
            subject(&[(COMMON_NAME, b"admin,O=Example")]),
        ),
        (
            "an escaped one",
            subject(&[(COMMON_NAME, b"admin\\,O=Example")]),
        ),
        ("none among many", many(b"evil.test")),
        (
            "a SAN that is no list",
            with(vec![extension(ALTERNATIVE_NAME, false, b"api.example.com")]),
        ),
        (
            "a SAN with a byte too many",
            with(vec![extension(
                ALTERNATIVE_NAME,
                false,
                &[sequence(&[tlv(DNS, b"api.example.com")]), vec![0]].concat(),
            )]),
        ),
    ]
}

/// The statuses of three requests on one connection, the second to another hostname; `None` where
/// BoringSSL ends the handshake.
async fn statuses(connector: support::client::Connector<'_>) -> Option<[u16; 3]> {
    let client: Client = connector.try_connect().await.ok()?;
    let mut statuses = [0; 3];
    for (status, hostname) in statuses.iter_mut().zip([HOST, "public.example.com", HOST]) {
        *status = client
            .try_send(Request::get(hostname, "/"))
            .await
            .ok()?
            .status;
    }
    Some(statuses)
}

#[tokio::test]
async fn a_certificate_made_to_look_like_an_allowed_one_gets_nowhere() {
    let scene = start().await;
    let cases = honest().into_iter().map(|case| (case, true));
    let cases = cases.chain(hostile().into_iter().map(|case| (case, false)));
    let mut refused_by_envoy = Vec::new();
    for ((label, template), is_allowed) in cases {
        let identity: Identity = client_of(template);
        for &protocol in mtls_protocols() {
            let before = scene.origin.requests().len();
            let observed = statuses(scene.client(protocol).with(&identity)).await;
            let seen = scene.origin.requests().split_off(before);
            let context = format!("{label}, {protocol:?}");
            let hosts: Vec<&str> = seen.iter().map(|request| &*request.authority).collect();
            match observed {
                Some(statuses) if is_allowed => assert_eq!(statuses, [200; 3], "{context}"),
                Some(statuses) => {
                    assert_eq!(statuses, [403, 200, 403], "{context}");
                    assert_eq!(hosts, ["public.example.com"], "{context}");
                }
                None => {
                    assert!(!is_allowed && hosts.is_empty(), "{context}");
                    refused_by_envoy.push(label);
                }
            }
        }
    }
    println!("Ended in the handshake: {refused_by_envoy:?}");
    let total = hostile().len() * mtls_protocols().len();
    assert!(refused_by_envoy.len() < total / 4, "{refused_by_envoy:?}");
    assert_eq!(scene.envoy.vm_reloads().await, 0);
    // The list is not closed: an honest client is served after all that.
    let client = scene.connect_with(mtls_protocols()[0], &pki().client).await;
    assert_eq!(client.get("public.example.com", "/").await.status, 200);
}
