//! `sni_must_match` (contract §4.7): the requests that get 421.

use serde_json::{Value, json};
use support::{Client, Envoy, Listener, Protocol, Scene, pki};

use super::{ADMIN, PUBLIC, asking_protocols};

async fn start(settings: Value) -> Scene {
    Envoy::with_filter(json!({ "verified_by": "listener", "settings": settings }))
        .listener(Listener::optional().http3())
        .scene()
        .await
}

#[tokio::test]
async fn without_tls_inspector_every_connection_on_tcp_is_misdirected_and_the_log_says_what_to_do()
{
    let settings = json!({ "verified_by": "listener", "settings": [{ "hostname": ADMIN, "require_client_certificate": true }] });
    let scene = Envoy::with_filter(settings)
        .listener(Listener::optional().http3().no_tls_inspector())
        .concurrency(2)
        .scene()
        .await;
    for _ in 0..4 {
        assert_eq!(status(&scene.envoy, Some(ADMIN), ADMIN).await, 421);
    }
    assert_eq!(scene.envoy.log_lines_with("tls_inspector into").len(), 1);
    // QUIC needs no inspector.
    let client = scene.client(Protocol::Http3).sni(ADMIN).with(&pki().client);
    let over_quic = client.connect().await.get(ADMIN, "/").await.status;
    let asked = asking_protocols().contains(&Protocol::Http3);
    assert_eq!(over_quic, if asked { 200 } else { 403 });
}

/// Status of a request for `authority` over a connection opened for `sni`, with a trusted
/// certificate.
async fn status(envoy: &Envoy, sni: Option<&str>, authority: &str) -> u16 {
    let client = Client::http2(envoy).with(&pki().client);
    let client = match sni {
        Some(name) => client.sni(name),
        None => client.no_sni(),
    };
    client.connect().await.get(authority, "/").await.status
}

#[tokio::test]
async fn a_browsers_coalesced_connection_is_answered_421_and_a_new_connection_recovers() {
    let scene = start(json!([
        { "hostname": ADMIN, "require_client_certificate": true },
        { "hostname": PUBLIC }
    ]))
    .await;
    for &protocol in asking_protocols() {
        let connect = |sni: &'static str| scene.client(protocol).with(&pki().client).sni(sni);
        let coalesced = connect(PUBLIC).connect().await;
        assert_eq!(coalesced.get(PUBLIC, "/").await.status, 200);
        let response = coalesced.get(ADMIN, "/").await;
        assert_eq!(response.status, 421, "{protocol:?}");
        assert_eq!(
            response.body.iter().filter(|byte| **byte == b'\n').count(),
            1
        );
        // RFC 9110 §15.5.20: the client retries over a new connection; the first one stays in use.
        assert_eq!(
            connect(ADMIN).connect().await.get(ADMIN, "/").await.status,
            200
        );
        assert_eq!(coalesced.get(PUBLIC, "/").await.status, 200);
    }
    let asked = asking_protocols().len();
    assert_eq!(
        scene.envoy.counter(ADMIN, "misdirected").await,
        asked as u64
    );
    assert_eq!(scene.origin.requests().len(), 3 * asked);
}

#[tokio::test]
async fn without_sni_the_answer_is_421() {
    let settings = json!([
        { "hostname": ADMIN, "require_client_certificate": true },
        { "hostname": "127.0.0.1", "sni_must_match": true },
        { "hostname": "*", "sni_must_match": true }
    ]);
    let scene = start(settings).await;
    for authority in [ADMIN, "127.0.0.1", "anything.test"] {
        assert_eq!(
            status(&scene.envoy, None, authority).await,
            421,
            "{authority}"
        );
    }
    let no_sni = scene.client(Protocol::Http3).no_sni().connect().await;
    assert_eq!(no_sni.get(ADMIN, "/").await.status, 421);
    assert!(scene.origin.requests().is_empty());
}

#[tokio::test]
async fn a_wildcards_connections_serve_every_name_of_that_setting_and_no_other() {
    let settings = json!([
        { "hostname": "*.example.com", "sni_must_match": true },
        { "hostname": "api.example.com", "sni_must_match": true },
        { "hostname": "*", "sni_must_match": true }
    ]);
    let scene = start(settings).await;
    for (sni, authority, expected) in [
        ("www.example.com", "www.example.com", 200),
        ("www.example.com", "mail.example.com", 200),
        ("www.example.com", "WWW.Example.COM.:443", 200),
        ("WWW.example.com", "www.example.com", 200),
        ("www.example.com", "example.com", 421),
        ("www.example.com", "example.org", 421),
        ("example.org", "www.example.com", 421),
        ("example.org", "a.test", 200),
        // A hostname with its own setting needs its own connections: its filter chain may ask for
        // other certificates.
        ("api.example.com", "api.example.com", 200),
        ("www.example.com", "api.example.com", 421),
        ("api.example.com", "www.example.com", 421),
    ] {
        assert_eq!(
            status(&scene.envoy, Some(sni), authority).await,
            expected,
            "{sni} → {authority}"
        );
    }
}

#[tokio::test]
async fn sni_need_not_match_where_the_setting_says_so() {
    let settings =
        json!([{ "hostname": ADMIN, "require_client_certificate": true, "sni_must_match": false }]);
    let scene = start(settings).await;
    assert_eq!(status(&scene.envoy, Some(PUBLIC), ADMIN).await, 200);
    assert_eq!(status(&scene.envoy, None, ADMIN).await, 200);
}

#[tokio::test]
async fn a_connection_for_another_host_without_a_certificate_is_sent_away_before_it_is_denied() {
    let scene = start(json!([{ "hostname": ADMIN, "require_client_certificate": true }])).await;
    let status = async |sni: &str| {
        let client = scene.client(Protocol::Http2).sni(sni).connect().await;
        client.get(ADMIN, "/").await.status
    };
    assert_eq!(status(PUBLIC).await, 421);
    assert_eq!(status(ADMIN).await, 403);
    assert!(scene.origin.requests().is_empty());
}

#[tokio::test]
async fn plain_text_has_no_server_name_that_could_match() {
    let scene =
        Envoy::with_filter(json!({ "settings": [{ "hostname": ADMIN, "sni_must_match": true }] }))
            .listener(Listener::plaintext())
            .scene()
            .await;
    let client = scene.client(Protocol::Http1).connect().await;
    assert_eq!(client.get(ADMIN, "/").await.status, 421);
    assert!(scene.origin.requests().is_empty());
}
