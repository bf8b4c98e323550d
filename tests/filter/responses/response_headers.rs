//! `response_headers` on every response, whoever made it (contract §4.9).

use serde_json::{Value, json};
use support::{
    Answer, Client, Envoy, Listener, Origin, Protocol, Request, Response, mtls_protocols, pki,
};

#[tokio::test]
async fn every_response_carries_them_whoever_made_it() {
    let mut configuration = configuration();
    configuration["on_spoofed_header"] = json!("reject");
    let scene = Envoy::with_filter(configuration)
        .every_mtls_protocol()
        .scene()
        .await;
    scene.origin.answer("/reset", [Answer::reset()]);
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        for (path, status) in [
            ("/", 200),
            ("/reset", 503),
            ("/no-upstream", 503),
            ("/refused", 503),
            ("/local-reply", 418),
            ("/redirect", 301),
        ] {
            let response = client.get("api.example.com", path).await;
            assert_eq!(response.status, status, "{path} over {protocol:?}");
            assert_says(&response, path, "SUCCESS", Some(&pki().client.sha256()));
        }
        let spoofed = Request::get("api.example.com", "/").header("cf_cert_verified", "true");
        let response = client.send(spoofed).await;
        assert_eq!(response.status, 400, "{protocol:?}");
        assert_says(&response, "400", "SUCCESS", Some(&pki().client.sha256()));
    }
}

#[tokio::test]
async fn the_filters_own_refusals_carry_them() {
    let mut configuration = configuration();
    configuration["settings"][0]["require_client_certificate"] = json!(true);
    configuration["settings"][0]["sni_must_match"] = json!(false);
    let mut misdirected = configuration["settings"][0].clone();
    misdirected["hostname"] = json!("admin.example.com");
    misdirected["sni_must_match"] = json!(true);
    configuration["settings"]
        .as_array_mut()
        .expect("settings")
        .push(misdirected);
    let scene = Envoy::with_filter(configuration)
        .listener(Listener::optional().every_mtls_protocol())
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        let client = scene.connect_without_certificate(protocol).await;
        let response = client.get("api.example.com", "/").await;
        assert_eq!(response.status, 403, "{protocol:?}");
        assert_says(&response, "403", "NONE", None);

        let connector = scene.client(protocol).with(&pki().client);
        let client = connector.sni("api.example.com").connect().await;
        let response = client.get("admin.example.com", "/").await;
        assert_eq!(response.status, 421, "{protocol:?}");
        assert_says(&response, "421", "SUCCESS", Some(&pki().client.sha256()));
    }
    assert!(scene.origin.requests().is_empty());
}

#[tokio::test]
async fn the_origin_can_not_speak_for_the_filter() {
    let origin = Origin::start().await;
    let answer = Answer::status(200)
        .header("x-client-verify", "made up")
        .header("x-client-verify", "twice")
        .header("x-client-sha256", "made up")
        .header("x-origin", "kept");
    origin.answer("/", [answer]);
    let envoy = Envoy::with_filter(configuration())
        .listener(Listener::optional().every_mtls_protocol())
        .start(&origin)
        .await;
    for &protocol in mtls_protocols() {
        for identity in [Some(&pki().client), None] {
            let connector = Client::over(protocol, &envoy);
            let client = match identity {
                Some(identity) => connector.with(identity).connect().await,
                None => connector.connect().await,
            };
            let response = client.get("api.example.com", "/").await;
            let sha256 = identity.map(support::Identity::sha256);
            let verify = if identity.is_some() {
                "SUCCESS"
            } else {
                "NONE"
            };
            assert_says(
                &response,
                &format!("{protocol:?}"),
                verify,
                sha256.as_deref(),
            );
            assert_eq!(response.header("x-origin"), Some("kept"));
        }
    }
}

#[tokio::test]
async fn other_hostnames_responses_are_left_alone() {
    let scene = Envoy::with_filter(configuration()).scene().await;
    scene.origin.answer(
        "/",
        [Answer::status(200).header("x-client-verify", "the origin's")],
    );
    let client = scene.connect(Protocol::Http2).await;
    for (hostname, expected) in [
        ("other.example.com", Some("the origin's")),
        ("api.example.com", Some("SUCCESS")),
        ("example.com", Some("the origin's")),
    ] {
        let response = client.get(hostname, "/").await;
        assert_eq!(response.header("x-client-verify"), expected, "{hostname}");
    }
}

#[tokio::test]
async fn an_unverified_certificate_is_told_of_by_its_status_only() {
    let mut configuration = configuration();
    configuration["verified_by"] = json!("attribute");
    let scene = Envoy::with_filter(configuration)
        .listener(Listener::accept_untrusted())
        .scene()
        .await;
    let client = scene.connect_with(Protocol::Http1, &pki().untrusted).await;
    for path in ["/", "/local-reply"] {
        let response = client.get("api.example.com", path).await;
        assert_says(&response, path, "FAILED", None);
    }
}

fn configuration() -> Value {
    json!({
        "verified_by": "listener",
        "settings": [{ "hostname": "api.example.com", "response_headers": {
            "X-Client-Verify": "certVerified",
            "X-Client-Sha256": "certFingerprintSHA256"
        } }]
    })
}

fn assert_says(response: &Response, case: &str, verify: &str, sha256: Option<&str>) {
    let all = |name: &str| response.headers.all(name);
    assert_eq!(all("x-client-verify"), [verify.as_bytes()], "{case}");
    let sha256: Vec<&[u8]> = sha256.into_iter().map(str::as_bytes).collect();
    assert_eq!(all("x-client-sha256"), sha256, "{case}");
}
