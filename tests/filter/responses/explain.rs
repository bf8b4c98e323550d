//! `explain` (contract §4.9): the response names the outcome and the matched setting.

use serde_json::{Value, json};
use support::{Client, Envoy, Identity, Listener, PROTOCOLS, Request, Response, Scene, pki};

use crate::enforcement::{ADMIN, verifies_by_attribute};

const EXPLANATION: &str = "client-cert-forwarder";

fn configuration(explain: bool) -> Value {
    json!({
        "verified_by": "attribute",
        "explain": explain,
        "settings": [
            { "hostname": "api.example.com", "client_certificate_forwarding": true },
            { "hostname": "*.example.com", "client_certificate_forwarding": true, "forward_on": "every_request" },
            { "hostname": "none.example.com" },
            { "hostname": ADMIN, "require_client_certificate": true }
        ]
    })
}

async fn start(configuration: Value) -> Scene {
    Envoy::with_filter(configuration)
        .listener(Listener::accept_untrusted().http3().no_resumption())
        .scene()
        .await
}

async fn connect(envoy: &Envoy, identity: Option<&Identity>) -> Client {
    let client = Client::http2(envoy);
    match identity {
        Some(identity) => client.with(identity).connect().await,
        None => client.connect().await,
    }
}

async fn explained(client: &Client, request: Request) -> String {
    let response = client.send(request).await;
    let values = response.headers.all(EXPLANATION);
    assert_eq!(values.len(), 1, "{response:?}");
    String::from_utf8_lossy(values[0]).into_owned()
}

#[tokio::test]
async fn each_outcome_is_said_with_the_setting_that_matched() {
    if !verifies_by_attribute() {
        return;
    }
    let scene = start(configuration(true)).await;
    let clients = [
        connect(&scene.envoy, Some(&pki().client)).await,
        connect(&scene.envoy, Some(&pki().untrusted)).await,
        connect(&scene.envoy, Some(&pki().huge)).await,
        connect(&scene.envoy, None).await,
    ];
    let [trusted, untrusted, huge, anonymous] = &clients;
    let get = Request::get;
    for (client, request, expected) in [
        (
            trusted,
            get("api.example.com", "/refused"),
            r#"undelivered; hostname="api.example.com""#,
        ),
        (
            trusted,
            get("api.example.com", "/no-upstream"),
            r#"undelivered; hostname="api.example.com""#,
        ),
        (
            trusted,
            get("api.example.com", "/"),
            r#"forwarded; hostname="api.example.com""#,
        ),
        (
            trusted,
            get("api.example.com", "/"),
            r#"already_forwarded; hostname="api.example.com""#,
        ),
        (
            trusted,
            get("api.example.com", "/refused"),
            r#"already_forwarded; hostname="api.example.com""#,
        ),
        (
            trusted,
            get("WWW.example.com:443", "/"),
            r#"forwarded; hostname="*.example.com""#,
        ),
        (
            trusted,
            get("www.example.com.", "/"),
            r#"forwarded; hostname="*.example.com""#,
        ),
        (
            trusted,
            get("none.example.com", "/"),
            r#"no_forwarding; hostname="none.example.com""#,
        ),
        (trusted, get("example.org", "/"), "no_setting"),
        (
            trusted,
            get(ADMIN, "/"),
            r#"misdirected; hostname="admin.example.com""#,
        ),
        (
            untrusted,
            get("www.example.com", "/"),
            r#"unverified; hostname="*.example.com""#,
        ),
        (
            huge,
            get("www.example.com", "/"),
            r#"too_large; hostname="*.example.com""#,
        ),
        (
            anonymous,
            get("www.example.com", "/"),
            r#"no_certificate; hostname="*.example.com""#,
        ),
        (
            anonymous,
            get("example.org", "/").header("cf_client.cert-sha256", "x"),
            "spoof_stripped, no_setting",
        ),
        (
            anonymous,
            get("www.example.com", "/").header("cf-cert-verified", "true"),
            r#"spoof_stripped; hostname="*.example.com", no_certificate; hostname="*.example.com""#,
        ),
        (
            trusted,
            get("api.example.com", "/").header("cf-cert-verified", "true"),
            r#"spoof_stripped; hostname="api.example.com", already_forwarded; hostname="api.example.com""#,
        ),
    ] {
        let what = format!("{request:?}");
        assert_eq!(explained(client, request).await, expected, "{what}");
    }
}

#[tokio::test]
async fn the_filters_own_replies_explain_themselves_over_every_protocol() {
    let mut rejecting = configuration(true);
    rejecting["on_spoofed_header"] = json!("reject");
    let scene = start(rejecting).await;
    for protocol in PROTOCOLS {
        let spoofing = Request::get("api.example.com", "/").header("cf-client-cert-sha256", "x");
        for (request, expected) in [
            (
                Request::get(ADMIN, "/"),
                r#"403 denied; hostname="admin.example.com""#,
            ),
            (
                spoofing,
                r#"400 spoof_rejected; hostname="api.example.com""#,
            ),
            (Request::get("a,b", "/"), "400 denied"),
        ] {
            // Envoy closes an HTTP/1.1 connection after 400.
            let client = scene.client(protocol).sni(ADMIN).connect().await;
            let response = client.send(request).await;
            let said = format!(
                "{} {}",
                response.status,
                response.header(EXPLANATION).unwrap_or("nothing")
            );
            assert_eq!(said, expected, "{protocol:?}");
            assert_plain(&response);
        }
        let elsewhere = scene
            .connect_without_certificate(protocol)
            .await
            .get(ADMIN, "/")
            .await;
        assert_eq!(elsewhere.status, 421);
        assert_eq!(
            elsewhere.header(EXPLANATION),
            Some(r#"misdirected; hostname="admin.example.com""#)
        );
        assert_plain(&elsewhere);
    }
    assert!(scene.origin.requests().is_empty());
}

#[tokio::test]
async fn a_header_of_that_name_from_the_origin_is_replaced() {
    let scene = start(configuration(true)).await;
    scene.origin.answer(
        "/",
        [support::Answer::status(200).header("Client-Cert-Forwarder", "forwarded")],
    );
    let client = connect(&scene.envoy, None).await;
    assert_eq!(
        explained(&client, Request::get("example.org", "/")).await,
        "no_setting"
    );
}

#[tokio::test]
async fn without_the_key_no_response_explains() {
    let mut unsaid = configuration(false);
    for _ in 0..2 {
        let scene = start(unsaid.clone()).await;
        for client in [
            connect(&scene.envoy, Some(&pki().client)).await,
            connect(&scene.envoy, None).await,
        ] {
            for (hostname, path) in [
                ("api.example.com", "/"),
                ("api.example.com", "/refused"),
                ("www.example.com", "/"),
                ("example.org", "/"),
                (ADMIN, "/"),
            ] {
                let request = Request::get(hostname, path).header("cf-cert-verified", "true");
                let response = client.send(request).await;
                assert_eq!(response.header(EXPLANATION), None, "{hostname}{path}");
            }
        }
        // Left out is the same as false.
        unsaid.as_object_mut().expect("an object").remove("explain");
    }
}

/// One line of text that tells a client nothing of the filter's insides.
fn assert_plain(response: &Response) {
    let body = String::from_utf8_lossy(&response.body);
    assert_eq!(body.find('\n'), Some(body.len() - 1), "{body:?}");
    for inside in ["wasm", "nvoy", "forwarder", "setting", "SNI", "example.com"] {
        assert!(!body.contains(inside), "{body:?}");
    }
}
