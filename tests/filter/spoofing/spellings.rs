//! A client can never speak for the filter (contract §4.1).

use serde_json::json;
use support::{Deployment, Envoy, Listener, Origin, Protocol, Request, mtls_protocols, pki};

use crate::common::{HOST, assert_carries, assert_carries_none, forwarding, is_managed};

/// Managed names as clients may spell them.
const MANAGED: [&str; 16] = [
    "cf-client-cert-der-base64",
    "cf-client-cert-sha256",
    "cf_client_cert_der_base64",
    "cf.client.cert.sha256",
    "cf_client.cert-sha256",
    "cf-client_cert.sha256",
    "cf-client-cert-anything-at-all",
    "cf-client-cert-",
    "cf_client_cert_",
    "cf-cert-verified",
    "cf_cert_presented",
    "cf.cert-serial",
    "cf-cert-",
    "cf-client-cert-sha256!#$%&'*+^`|~",
    // lighttpd, Apache 2.2 and mod_fcgid make `_` of these too.
    "cf!client#cert$sha256",
    "cf%cert&verified",
];

/// Names that only look like managed ones.
const UNMANAGED: [&str; 12] = [
    "cf-client-cert",
    "cf-client-certificate",
    "cf-client",
    "cf-cert",
    "cf-certificate",
    "cfcert-verified",
    "cf--cert-verified",
    "x-cf-client-cert-sha256",
    "x-cf-cert-verified",
    "cf-connecting-ip",
    "client-cert",
    "client-cert-chain",
];

/// A request with every managed name twice, and every unmanaged one.
fn spoofed_request(authority: &str) -> Request {
    let mut request = Request::get(authority, "/");
    for name in MANAGED {
        request = request
            .header(name, "spoofed")
            .header(name, "spoofed again");
    }
    for name in UNMANAGED {
        request = request.header(name, "kept");
    }
    request
}

/// Fails if the last request has a spoofed header, or lacks one that must be kept.
#[track_caller]
fn assert_clean(origin: &Origin, context: &str) {
    let request = origin.requests().pop().expect("a request");
    for (name, value) in &request.headers.0 {
        assert!(
            !value.starts_with(b"spoofed"),
            "{context}: {name} came through: {request:#?}"
        );
    }
    for name in UNMANAGED {
        assert_eq!(
            request.headers.all(name),
            [b"kept"],
            "{context}: {name} is not the filter's: {request:#?}"
        );
    }
}

#[tokio::test]
async fn every_spelling_is_removed_on_every_listener_hostname_and_request() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .listener(Listener::optional().http3().named("optional"))
        .listener(Listener::plaintext().named("plain"))
        .scene()
        .await;
    let mut requests = 0;
    let mutual = mtls_protocols()
        .iter()
        .map(|&protocol| ("main", protocol, Some(&pki().client)));
    let anonymous = [
        ("optional", Protocol::Http1, None),
        ("optional", Protocol::Http2, None),
        ("optional", Protocol::Http3, None),
        ("plain", Protocol::Http1, None),
        ("plain", Protocol::Http2, None),
    ];
    let (delivering, idle) = (mutual.clone().count() as u64, anonymous.len() as u64);
    for (listener, protocol, identity) in mutual.chain(anonymous) {
        let mut connector = scene.client(protocol).listener(listener);
        if let Some(identity) = identity {
            connector = connector.with(identity);
        }
        let client = connector.connect().await;
        for (number, authority) in ["unknown.example.org", HOST, HOST, "unknown.example.org"]
            .into_iter()
            .enumerate()
        {
            let context = format!("{listener}, {protocol:?}, {authority}, request {number}");
            assert_eq!(
                client.send(spoofed_request(authority)).await.status,
                200,
                "{context}"
            );
            assert_clean(&scene.origin, &context);
            let request = scene.origin.last_request();
            match identity {
                // The filter's own values, and nothing beside them.
                Some(identity) if number == 1 => assert_carries(&request, identity),
                _ => assert_carries_none(&request),
            }
            requests += 1;
        }
    }
    let stripped = scene
        .envoy
        .outcomes()
        .await
        .into_iter()
        .filter(|(_, outcome, _)| outcome == "spoof_stripped");
    // On the fast path only the first request of each kind meets the filter, which counts: once for
    // each hostname, and for HOST each that has no certificate to deliver.
    let (counted, for_host) = match Deployment::from_environment() {
        Deployment::Plain => (requests, requests / 2),
        Deployment::FastPath => (2 * delivering + 3 * idle, delivering + 2 * idle),
    };
    assert_eq!(stripped.map(|(_, _, count)| count).sum::<u64>(), counted);
    assert_eq!(scene.envoy.counter(HOST, "spoof_stripped").await, for_host);
}

#[tokio::test]
async fn each_spelling_is_removed_when_it_comes_alone() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .listener(Listener::plaintext())
        .scene()
        .await;
    let client = scene.connect_without_certificate(Protocol::Http2).await;
    for name in MANAGED {
        assert_eq!(
            client
                .send(Request::get(HOST, "/").header(name, "spoofed"))
                .await
                .status,
            200,
            "{name}"
        );
        let request = scene.origin.last_request();
        assert!(
            !request.headers.names().into_iter().any(is_managed),
            "{name}: {request:#?}"
        );
    }
}

#[tokio::test]
async fn spellings_that_only_http1_can_send_are_removed() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .listener(Listener::plaintext())
        .scene()
        .await;
    for name in [
        "Cf-Client-Cert-Sha256",
        "CF-CLIENT-CERT-SHA256",
        "cf_client.cert-SHA256",
        "CF_CERT_VERIFIED",
        "Cf.Cert.Verified",
        // Malformed: Envoy may refuse these, the origin must not see them.
        "Cf-Client-Cert-Sha256 ",
        " Cf-Client-Cert-Sha256",
        "Cf-Client-Cert-Sha256\t",
        "Cf-Client-Cert-Sha256\x0b",
        "Cf-Client-Cert-Sha256\0",
        "\u{feff}Cf-Client-Cert-Sha256",
    ] {
        let mut connection = scene.client(Protocol::Http1).connect_raw().await;
        let request = format!(
            "GET / HTTP/1.1\r\nHost: {HOST}\r\nX-First: 1\r\n{name}: spoofed\r\nX-Last: 1\r\n\r\n"
        );
        let before = scene.origin.requests().len();
        let status = connection
            .exchange(request.as_bytes())
            .await
            .map(|response| response.status);
        match &scene.origin.requests()[before..] {
            [] => assert_eq!(status, Some(400), "{name:?}"),
            [request] => {
                assert_eq!(status, Some(200), "{name:?}");
                // A line that starts with a space continues the value before it.
                let spoofed = request
                    .headers
                    .0
                    .iter()
                    .find(|(_, value)| value.starts_with(b"spoofed"));
                assert_eq!(spoofed, None, "{name:?} came through");
                assert_eq!(request.header("x-last"), Some("1"), "{name:?}");
            }
            more => panic!("{name:?} became {more:#?}"),
        }
    }
}

#[tokio::test]
async fn trailers_are_cleaned_too() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .upstream_http2()
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        for authority in [HOST, HOST, "unknown.example.org"] {
            let mut request = Request::post(authority, "/", "body").trailer("x-checksum", "kept");
            for name in MANAGED {
                request = request
                    .trailer(name, "spoofed")
                    .trailer(name, "spoofed again");
            }
            assert_eq!(client.send(request).await.status, 200);
            let received = scene.origin.last_request();
            assert_eq!(
                received.trailers.0,
                [("x-checksum".to_owned(), b"kept".to_vec())],
                "{protocol:?}"
            );
            assert_eq!(received.body, "body");
        }
    }
}

#[tokio::test]
async fn reject_answers_400_and_nothing_reaches_the_origin() {
    let mut configuration = forwarding(&[HOST]);
    configuration["on_spoofed_header"] = json!("reject");
    let scene = Envoy::with_filter(configuration)
        .every_mtls_protocol()
        .listener(Listener::plaintext().named("plain"))
        .scene()
        .await;
    let mut rejected = 0;
    let mutual = mtls_protocols().iter().map(|&protocol| ("main", protocol));
    let plain = [("plain", Protocol::Http1), ("plain", Protocol::Http2)];
    for (listener, protocol) in mutual.chain(plain) {
        for authority in [HOST, "unknown.example.org"] {
            let client = scene
                .client(protocol)
                .listener(listener)
                .with(&pki().client)
                .connect()
                .await;
            for name in MANAGED {
                let request = Request::get(authority, "/spoofed").header(name, "spoofed");
                // Envoy closes an HTTP/1.1 connection on which it has answered 400 itself.
                let client = match protocol {
                    Protocol::Http1 => &client.reconnect().await,
                    _ => &client,
                };
                assert_eq!(
                    client.send(request).await.status,
                    400,
                    "{listener}, {protocol:?}, {authority}, {name}"
                );
                rejected += 1;
            }
            let mut clean = Request::get(authority, "/clean");
            for name in UNMANAGED {
                clean = clean.header(name, "kept");
            }
            assert_eq!(client.send(clean).await.status, 200);
            assert_clean(&scene.origin, listener);
            if listener == "main" && authority == HOST {
                // A rejected request delivered nothing.
                assert_carries(&scene.origin.last_request(), &pki().client);
            }
        }
    }
    assert!(scene.origin.requests_for("/spoofed").is_empty());
    let outcomes = scene.envoy.outcomes().await;
    let count = |wanted: &str| -> u64 {
        outcomes
            .iter()
            .filter(|(_, outcome, _)| outcome == wanted)
            .map(|(_, _, count)| count)
            .sum()
    };
    assert_eq!(
        (count("spoof_rejected"), count("spoof_stripped")),
        (rejected, 0)
    );
}

#[tokio::test]
async fn reject_lets_no_managed_trailer_through() {
    let mut configuration = forwarding(&[HOST]);
    configuration["on_spoofed_header"] = json!("reject");
    let scene = Envoy::with_filter(configuration)
        .upstream_http2()
        .scene()
        .await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let client = scene.connect(protocol).await;
        let request = Request::post(HOST, "/", "body").trailer("cf_client_cert_sha256", "spoofed");
        let response = client.try_send(request).await;
        for request in scene.origin.requests() {
            assert!(
                !request.trailers.names().into_iter().any(is_managed),
                "{request:#?}"
            );
        }
        let status = response.map(|response| response.status);
        assert!(matches!(status, Ok(200 | 400)), "{protocol:?}: {status:?}");
    }
    assert_eq!(scene.envoy.vm_reloads().await, 0);
}

#[tokio::test]
async fn nothing_spoofed_passes_where_nothing_is_forwarded() {
    for configuration in [
        r#"{ "settings": [] }"#.to_owned(),
        String::new(),
        json!({ "settings": [{ "hostname": HOST }] }).to_string(),
        json!({ "settings": [{ "hostname": HOST, "client_certificate_forwarding": false }] })
            .to_string(),
    ] {
        let scene = Envoy::with_filter_text(&configuration).scene().await;
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let client = scene.connect(protocol).await;
            assert_eq!(
                client.send(spoofed_request(HOST)).await.status,
                200,
                "{configuration}"
            );
            assert_clean(&scene.origin, &configuration);
            assert_carries_none(&scene.origin.last_request());
        }
    }
}
