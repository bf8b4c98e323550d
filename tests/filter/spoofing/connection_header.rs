//! No client has the identity dropped behind Envoy by naming it in `Connection` (contract §4.1,
//! RFC 9110 §7.6.1). Envoy passes that header on with upgrades alone.

use serde_json::{Value, json};
use support::{
    Answer, Envoy, Listener, Origin, Protocol, Scene, mtls_protocols, origin::Recorded, pki,
};

use super::caddy::Caddy;
use crate::common::{
    DER, HOST, SHA256, assert_carries, assert_carries_none, forward, forwarding, is_managed,
};

/// `Connection` headers of one request, as a hostile client writes them.
const HOSTILE: [&[&str]; 8] = [
    &["Upgrade, Cf-Client-Cert-Sha256, Cf-Client-Cert-Der-Base64, Client-Cert, X-Witness"],
    &["cf-client-cert-sha256,CF-CLIENT-CERT-DER-BASE64,upgrade,X-Witness"],
    &["cf_client_cert_sha256, Cf.Client~Cert!Der|Base64, Upgrade, client_cert, X-Witness"],
    &[
        "Upgrade",
        "Cf-Client-Cert-Sha256",
        "Cf-Client-Cert-Der-Base64, X-Witness",
    ],
    &["Cf-Client-Cert-Sha256, X-Witness", "Upgrade"],
    &[" ,,\tCf-Client-Cert-Sha256\t, , Upgrade ,Cf-Client-Cert-Der-Base64 , X-Witness,"],
    &["keep-alive, Upgrade, Client-Cert-Chain, Client-Cert, Cf-Cert-Verified, X-Witness"],
    &["Upgrade, Cf-Client-Cert-, Cf-Client-Cert-Sha256, Cf-Client-Cert-Sha256, X-Witness"],
];

fn websocket(hostname: &str, connection: &[&str]) -> Vec<u8> {
    let connection: String = connection
        .iter()
        .map(|value| format!("Connection: {value}\r\n"))
        .collect();
    format!(
        "GET /socket HTTP/1.1\r\nHost: {hostname}\r\n{connection}Upgrade: websocket\r\n\
         X-Witness: 1\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    .into_bytes()
}

fn get(hostname: &str) -> Vec<u8> {
    format!("GET / HTTP/1.1\r\nHost: {hostname}\r\n\r\n").into_bytes()
}

/// Every request carries the two forwarding headers and RFC 9440's, and requires a certificate.
fn every_request() -> Value {
    json!({
        "verified_by": "listener",
        "settings": [{
            "hostname": HOST,
            "client_certificate_forwarding": true,
            "forward_on": "every_request",
            "require_client_certificate": true,
            "request_headers": { "Client-Cert": "certRFC9440" }
        }]
    })
}

fn listener() -> Listener {
    Listener::strict()
        .every_mtls_protocol()
        .connection_manager("upgrade_configs", json!([{ "upgrade_type": "websocket" }]))
        .connection_manager("http2_protocol_options", json!({ "allow_connect": true }))
        .connection_manager(
            "http3_protocol_options",
            json!({ "allow_extended_connect": true }),
        )
}

async fn origin() -> Origin {
    let origin = Origin::start().await;
    origin.answer("/socket", [Answer::upgrade()]);
    origin
}

async fn scene(configuration: Value) -> Scene {
    Envoy::with_filter(configuration)
        .listener(listener())
        .scene_with(origin().await)
        .await
}

/// The options of the request's `Connection` headers, in lower case.
fn options(request: &Recorded) -> Vec<String> {
    let values = request.headers.all("connection");
    let joined = String::from_utf8(values.join(&b","[..])).expect("ASCII");
    let options = joined.split(',').map(|option| option.trim().to_lowercase());
    options.filter(|option| !option.is_empty()).collect()
}

#[track_caller]
fn assert_names_no_managed_header(request: &Recorded, sent: &[&str]) {
    let options = options(request);
    let managed =
        |name: &String| is_managed(name) || name.replace('_', "-").starts_with("client-cert");
    assert!(!options.iter().any(managed), "{sent:?}: {request:#?}");
    for kept in ["upgrade", "x-witness"] {
        assert!(
            options.iter().any(|option| option == kept),
            "{sent:?}: {request:#?}"
        );
    }
}

#[track_caller]
fn assert_has_identity(request: &Recorded, sent: &[&str]) {
    let identity = &pki().client;
    let leaf = format!(":{}:", identity.der_base64());
    for (name, value) in [
        (SHA256, identity.sha256()),
        (DER, identity.der_base64()),
        ("client-cert", leaf),
    ] {
        assert_eq!(
            request.headers.all(name),
            [value.as_bytes()],
            "{sent:?}: {request:#?}"
        );
    }
}

#[tokio::test]
async fn an_upgrade_names_no_managed_header_in_connection() {
    let scene = scene(every_request()).await;
    // On a connection that was served already too.
    for (connection, earlier) in HOSTILE
        .into_iter()
        .flat_map(|connection| [(connection, 0), (connection, 1)])
    {
        let mut client = scene
            .client(Protocol::Http1)
            .with(&pki().client)
            .connect_raw()
            .await;
        for _ in 0..earlier {
            client.exchange(&get(HOST)).await.expect("a response");
        }
        let response = client.exchange(&websocket(HOST, connection)).await;
        assert_eq!(response.expect("a response").status, 101, "{connection:?}");
        assert_eq!(client.echoed(b"hello").await, b"hello", "{connection:?}");
        let request = scene.origin.last_request();
        assert_names_no_managed_header(&request, connection);
        assert_has_identity(&request, connection);
    }
}

#[tokio::test]
async fn an_honest_upgrade_keeps_its_connection_header() {
    let scene = scene(every_request()).await;
    let mut client = scene
        .client(Protocol::Http1)
        .with(&pki().client)
        .connect_raw()
        .await;
    let honest: &[&str] = &["keep-alive, Upgrade, X-Witness"];
    let response = client.exchange(&websocket(HOST, honest)).await;
    assert_eq!(response.expect("a response").status, 101);
    let request = scene.origin.last_request();
    assert_eq!(options(&request), ["keep-alive", "upgrade", "x-witness"]);
    assert_has_identity(&request, honest);
}

#[tokio::test]
async fn with_reject_such_an_upgrade_is_answered_400() {
    let mut configuration = every_request();
    configuration["on_spoofed_header"] = json!("reject");
    let scene = scene(configuration).await;
    for connection in HOSTILE {
        let mut client = scene
            .client(Protocol::Http1)
            .with(&pki().client)
            .connect_raw()
            .await;
        let response = client.exchange(&websocket(HOST, connection)).await;
        assert_eq!(response.expect("a response").status, 400, "{connection:?}");
    }
    assert_eq!(scene.origin.requests().len(), 0);
}

/// HTTP/2 and HTTP/3 have no `Connection` header (RFC 9113 §8.2.2): Envoy makes HTTP/1.1's of
/// extended CONNECT, and refuses a client's.
#[tokio::test]
async fn extended_connect_brings_no_connection_header_along() {
    let scene = scene(every_request()).await;
    for &protocol in &mtls_protocols()[1..] {
        for connection in [None, Some("upgrade, cf-client-cert-sha256, client-cert")] {
            let mut client = scene
                .client(protocol)
                .with(&pki().client)
                .connect_fields()
                .await;
            let mut fields: Vec<(&str, &[u8])> = vec![
                (":method", b"CONNECT"),
                (":protocol", b"websocket"),
                (":scheme", b"https"),
                (":authority", HOST.as_bytes()),
                (":path", b"/socket"),
                ("sec-websocket-version", b"13"),
            ];
            fields.extend(connection.map(|value| ("connection", value.as_bytes())));
            let before = scene.origin.requests().len();
            let status = client.send(&fields).await;
            let arrived = scene.origin.requests().split_off(before);
            if connection.is_none() {
                assert_eq!(status, Some(200), "{protocol:?}");
                assert_eq!(arrived.len(), 1, "{protocol:?}");
            } else {
                assert_ne!(status, Some(200), "{protocol:?}");
            }
            for request in &arrived {
                assert_eq!(options(request), ["upgrade"], "{protocol:?}: {request:#?}");
                assert_has_identity(request, &[]);
            }
        }
    }
}

/// On the fast path Envoy itself serves the second request, in the VM's place.
#[tokio::test]
async fn an_upgrade_on_a_connection_that_was_served_forges_nothing() {
    let scene = scene(forwarding(&[HOST, "b.example.com"])).await;
    for connection in HOSTILE {
        let mut client = scene
            .client(Protocol::Http1)
            .with(&pki().client)
            .connect_raw()
            .await;
        let response = client.exchange(&get(HOST)).await;
        assert_eq!(response.expect("a response").status, 200);
        assert_carries(&scene.origin.last_request(), &pki().client);
        let mut upgrade = websocket(HOST, connection);
        upgrade.truncate(upgrade.len() - 2);
        upgrade
            .extend(b"Cf-Client-Cert-Sha256: forged\r\nCf_Client.Cert-Der-Base64: forged\r\n\r\n");
        let response = client.exchange(&upgrade).await;
        assert_eq!(response.expect("a response").status, 101, "{connection:?}");
        let request = scene.origin.last_request();
        assert_eq!(request.path, "/socket");
        assert_carries_none(&request);
        let ours: Vec<String> = options(&request)
            .into_iter()
            .filter(|name| is_managed(name))
            .collect();
        assert_eq!(ours, Vec::<String>::new(), "{connection:?}");
    }
    // The other hostname's certificate is still due: its upgrade carries it.
    for connection in HOSTILE {
        let mut client = scene
            .client(Protocol::Http1)
            .with(&pki().client)
            .connect_raw()
            .await;
        client.exchange(&get(HOST)).await;
        let response = client
            .exchange(&websocket("b.example.com", connection))
            .await;
        assert_eq!(response.expect("a response").status, 101, "{connection:?}");
        let request = scene.origin.last_request();
        assert_carries(&request, &pki().client);
        assert!(
            !options(&request).iter().any(|name| is_managed(name)),
            "{connection:?}"
        );
    }
}

#[tokio::test]
async fn behind_a_proxy_that_obeys_connection_the_origin_still_sees_the_identity() {
    let origin = origin().await;
    let Some(caddy) = Caddy::start(&origin).await else {
        return;
    };
    let mut setting = forward("first.example.com");
    setting["request_headers"] = json!({ "Client-Cert": "certRFC9440" });
    let mut configuration = every_request();
    let settings = configuration["settings"].as_array_mut().expect("an array");
    settings.push(setting);
    let envoy = Envoy::with_filter(configuration)
        .listener(listener())
        .adapt(caddy.in_place_of_the_origin())
        .start(&origin)
        .await;
    for hostname in [HOST, "first.example.com"] {
        for connection in HOSTILE {
            let client = support::Client::http1(&envoy).with(&pki().client);
            let mut client = client.connect_raw().await;
            if hostname == HOST {
                client.exchange(&get(HOST)).await.expect("a response");
            }
            let response = client.exchange(&websocket(hostname, connection)).await;
            assert_eq!(response.expect("a response").status, 101, "{connection:?}");
            assert_eq!(client.echoed(b"hello").await, b"hello", "{connection:?}");
            let request = origin.last_request();
            // Caddy obeyed, or this test would show nothing.
            assert_eq!(
                request.header("x-witness"),
                None,
                "{connection:?}: {request:#?}"
            );
            assert_has_identity(&request, connection);
        }
    }
}
