//! `require_client_certificate` (contract §4.7): the requests and connections that get 403.

use serde_json::{Value, json};
use support::{
    Client, Envoy, Listener, Origin, PROTOCOLS, Protocol, Response, Update, envoy_version, pki,
};

use super::{ADMIN, PUBLIC, asking_protocols, enforcing_scene, settings, verifies_by_attribute};

#[tokio::test]
async fn without_a_verified_certificate_the_answer_is_403_and_the_origin_sees_nothing() {
    if !verifies_by_attribute() {
        return;
    }
    let scene = enforcing_scene().await;
    for &protocol in asking_protocols() {
        let anonymous = scene.connect_without_certificate(protocol).await;
        assert_denied(&anonymous.get(ADMIN, "/").await, "none was presented");
        let untrusted = scene.client(protocol).with(&pki().untrusted);
        let response = untrusted.connect().await.get(ADMIN, "/").await;
        assert_denied(&response, "was not verified");
    }
    assert!(
        scene.origin.requests().is_empty(),
        "{:#?}",
        scene.origin.requests()
    );
    let asked = asking_protocols().len() as u64;
    let expected = vec![(ADMIN.to_owned(), "denied".to_owned(), 2 * asked)];
    assert_eq!(scene.envoy.outcomes().await, expected);

    for &protocol in asking_protocols() {
        let client = scene.client(protocol).with(&pki().client);
        let response = client.connect().await.get(ADMIN, "/").await;
        assert_eq!(response.status, 200, "{protocol:?}");
    }
    assert_eq!(scene.origin.requests().len() as u64, asked);
}

#[tokio::test]
async fn over_plain_text_the_answer_is_403() {
    let mut configuration = settings("listener");
    // The default: plain text has no SNI, but 421 would not help a client there.
    configuration["settings"][0]["sni_must_match"] = Value::Bool(true);
    let scene = Envoy::with_filter(configuration)
        .listener(Listener::plaintext())
        .scene()
        .await;
    for client in [scene.client(Protocol::Http1), scene.client(Protocol::Http2)] {
        let client = client.connect().await;
        assert_denied(&client.get(ADMIN, "/").await, "none was presented");
        assert_eq!(client.get(PUBLIC, "/").await.status, 200);
    }
    assert_eq!(scene.origin.requests().len(), 2);
}

#[tokio::test]
async fn every_request_of_a_connection_is_judged_and_a_refused_one_does_no_harm_to_the_others() {
    let scene = enforcing_scene().await;
    for protocol in PROTOCOLS {
        let client = scene.connect_without_certificate(protocol).await;
        let mut statuses = Vec::new();
        for hostname in [PUBLIC, ADMIN, ADMIN, PUBLIC, ADMIN] {
            statuses.push(client.get(hostname, "/").await.status);
        }
        assert_eq!(statuses, [200, 403, 403, 200, 403], "{protocol:?}");
    }
    assert!(
        scene
            .origin
            .requests()
            .iter()
            .all(|request| request.authority == PUBLIC)
    );
}

#[tokio::test]
async fn a_resumed_session_is_refused_by_attribute_and_taken_by_listener() {
    if !verifies_by_attribute() {
        return;
    }
    let origin = Origin::start().await;
    for (verified_by, status) in [("attribute", 403), ("listener", 200)] {
        let envoy = Envoy::with_filter(settings(verified_by))
            .listener(Listener::strict())
            .start(&origin)
            .await;
        for client in [
            Client::http1(&envoy),
            Client::http2(&envoy),
            Client::http1(&envoy).tls12(),
        ] {
            let first = client.with(&pki().client).connect().await;
            assert_eq!(first.get(ADMIN, "/").await.status, 200, "{verified_by}");
            let second = first.reconnect().await;
            assert!(second.resumed());
            assert_eq!(second.get(ADMIN, "/").await.status, status, "{verified_by}");
        }
    }
}

/// Unlike resumed sessions on TCP: `connection.peer_certificate_valid` stays true over QUIC.
#[tokio::test]
async fn a_second_quic_connection_is_verified_like_the_first() {
    if !asking_protocols().contains(&Protocol::Http3) {
        return;
    }
    let origin = Origin::start().await;
    for verified_by in ["attribute", "listener"] {
        let envoy = Envoy::with_filter(settings(verified_by))
            .listener(Listener::strict().http3())
            .start(&origin)
            .await;
        let first = Client::http3(&envoy).with(&pki().client).connect().await;
        assert_eq!(first.get(ADMIN, "/").await.status, 200);
        for _ in 0..2 {
            let next = first.reconnect().await;
            assert_eq!(next.get(ADMIN, "/").await.status, 200, "{verified_by}");
        }
    }
}

/// A certificate that no source yields counts as none. (Envoys from 1.38 on always yield it.)
#[tokio::test]
async fn a_certificate_that_no_source_yields_is_refused_and_the_log_says_what_to_do() {
    let scene = Envoy::with_filter(settings("listener"))
        .listener(Listener::strict())
        .filter_state(false)
        .scene()
        .await;
    let client = scene.connect(Protocol::Http2).await;
    let response = client.get(ADMIN, "/").await;
    let lines = scene.envoy.log_lines_with("envoy-before-1.38.yaml");
    if envoy_version().has_peer_certificate() {
        assert_eq!(response.status, 200);
        assert!(lines.is_empty(), "{lines:?}");
    } else {
        assert_denied(&response, "could not be read");
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(scene.origin.requests().is_empty());
    }
}

#[tokio::test]
async fn a_session_without_a_certificate_that_is_resumed_is_refused_too() {
    let scene = Envoy::with_filter(settings("listener"))
        .listener(Listener::optional())
        .scene()
        .await;
    let first = scene.connect_without_certificate(Protocol::Http1).await;
    assert_denied(&first.get(ADMIN, "/").await, "none was presented");
    let second = first.reconnect().await;
    assert!(second.resumed());
    assert_denied(&second.get(ADMIN, "/").await, "none was presented");
    assert!(scene.origin.requests().is_empty());
}

#[tokio::test]
async fn a_connection_from_before_a_reload_that_turned_enforcement_on_is_judged_by_the_new_configuration()
 {
    if !verifies_by_attribute() {
        return;
    }
    let open =
        json!({ "settings": [{ "hostname": ADMIN, "client_certificate_forwarding": true }] });
    let scene = Envoy::with_filter(open.clone())
        .listener(Listener::accept_untrusted().http3().no_resumption())
        .discovered()
        .scene()
        .await;
    let mut clients = Vec::new();
    for &protocol in asking_protocols() {
        clients.push((scene.connect_without_certificate(protocol).await, 403));
        let untrusted = scene.client(protocol).with(&pki().untrusted);
        clients.push((untrusted.connect().await, 403));
        let trusted = scene.client(protocol).with(&pki().client);
        clients.push((trusted.connect().await, 200));
    }
    for (client, _) in &clients {
        assert_eq!(client.get(ADMIN, "/").await.status, 200);
    }
    assert_eq!(
        scene.envoy.update_config(&settings("attribute")).await,
        Update::Accepted
    );
    for (client, status) in &clients {
        assert_eq!(client.get(ADMIN, "/").await.status, *status);
    }
    assert_eq!(scene.envoy.update_config(&open).await, Update::Accepted);
    for (client, _) in &clients {
        assert_eq!(client.get(ADMIN, "/").await.status, 200);
    }
}

#[tokio::test]
async fn a_wildcard_requires_for_every_name_below_it_and_a_more_specific_setting_may_not() {
    let scene = Envoy::with_filter(json!({
        "verified_by": "listener",
        "settings": [
            { "hostname": "*.example.com", "require_client_certificate": true, "sni_must_match": false },
            { "hostname": "www.example.com" }
        ]
    }))
    .listener(Listener::optional())
    .scene()
    .await;
    let client = scene.connect_without_certificate(Protocol::Http2).await;
    for (hostname, status) in [
        ("a.example.com", 403),
        ("a.b.example.com", 403),
        ("x.www.example.com", 403),
        ("www.example.com", 200),
        ("example.com", 200),
        ("example.org", 200),
    ] {
        assert_eq!(client.get(hostname, "/").await.status, status, "{hostname}");
    }
    assert_eq!(scene.envoy.counter("*.example.com", "denied").await, 3);
}

#[tokio::test]
async fn a_setting_for_every_hostname_requires_a_certificate_of_all_that_have_no_setting_of_their_own()
 {
    let scene = Envoy::with_filter(json!({
        "verified_by": "listener",
        "settings": [{ "hostname": "*", "require_client_certificate": true }, { "hostname": PUBLIC }]
    }))
    .listener(Listener::optional())
    .scene()
    .await;
    let client = scene.client(Protocol::Http2).sni(ADMIN).connect().await;
    for (hostname, status) in [
        (ADMIN, 403),
        ("127.0.0.1", 403),
        ("[::1]:443", 403),
        (PUBLIC, 200),
    ] {
        assert_eq!(client.get(hostname, "/").await.status, status, "{hostname}");
    }
}

/// 403 with one plain line that names the reason.
fn assert_denied(response: &Response, reason: &str) {
    assert_eq!(response.status, 403, "{response:?}");
    assert_eq!(response.header("content-type"), Some("text/plain"));
    let body = String::from_utf8_lossy(&response.body);
    assert!(
        body.starts_with("This host requires a client certificate"),
        "{body}"
    );
    assert!(body.contains(reason), "{body}");
    assert_eq!(body.find('\n'), Some(body.len() - 1), "{body:?}");
}
