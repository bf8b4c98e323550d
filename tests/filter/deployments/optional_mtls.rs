//! The shipped `envoy/optional-mtls.yaml` does what its comment says. Only paths and ports are
//! changed.

use std::fs;

use support::{
    Client, Envoy, Installation, Listener, Origin, Protocol, pki,
    wasm::{repository, wasm_module},
};

use crate::enforcement::{ADMIN, verifies_by_attribute};

const WWW: &str = "www.example.com";

/// The running example and its installation.
async fn start(origin: &Origin) -> (Envoy, Installation) {
    let installation = Installation::new(&wasm_module());
    let example =
        fs::read_to_string(repository().join("envoy/optional-mtls.yaml")).expect("the example");
    let envoy = Envoy::with_bootstrap(installation.adapt_to(&example, origin.address()))
        .listener(Listener::accept_untrusted().named("https"))
        .start(origin)
        .await;
    (envoy, installation)
}

#[tokio::test]
async fn one_hostname_requires_a_certificate_and_is_told_of_it() {
    if !verifies_by_attribute() {
        return;
    }
    let origin = Origin::start().await;
    let (envoy, _installation) = start(&origin).await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let client = || Client::over(protocol, &envoy).listener("https").sni(ADMIN);
        let anonymous = client().connect().await;
        assert_eq!(anonymous.get(ADMIN, "/").await.status, 403);
        let untrusted = client().with(&pki().untrusted).connect().await;
        assert_eq!(untrusted.get(ADMIN, "/").await.status, 403);
        assert!(origin.requests_for("/").is_empty());

        let path = format!("/{protocol:?}");
        let trusted = client().with(&pki().client).connect().await;
        assert_eq!(trusted.get(ADMIN, &path).await.status, 200);
        let sha256 = pki().client.sha256();
        let request = &origin.requests_for(&path)[0];
        assert_eq!(
            request.header("cf-client-cert-sha256"),
            Some(sha256.as_str())
        );

        let elsewhere = Client::over(protocol, &envoy)
            .listener("https")
            .sni(WWW)
            .with(&pki().client);
        assert_eq!(elsewhere.connect().await.get(ADMIN, "/").await.status, 421);
    }
    for (outcome, count) in [("denied", 4), ("misdirected", 2), ("forwarded", 2)] {
        assert_eq!(envoy.counter(ADMIN, outcome).await, count, "{outcome}");
    }
}

#[tokio::test]
async fn the_other_hostname_is_told_what_is_known_of_the_client() {
    if !verifies_by_attribute() {
        return;
    }
    let origin = Origin::start().await;
    let (envoy, _installation) = start(&origin).await;
    for (path, identity, verified, subject) in [
        ("/none", None, "NONE", None),
        ("/untrusted", Some(&pki().untrusted), "FAILED", None),
        (
            "/trusted",
            Some(&pki().client),
            "SUCCESS",
            Some("Test Client"),
        ),
    ] {
        let mut client = Client::http2(&envoy).listener("https").sni(WWW);
        if let Some(identity) = identity {
            client = client.with(identity);
        }
        let client = client.connect().await;
        assert_eq!(client.get(WWW, path).await.status, 200);
        let request = &origin.requests_for(path)[0];
        assert_eq!(request.header("x-client-verify"), Some(verified), "{path}");
        let told = request.header("x-client-subject");
        assert_eq!(told.is_some(), subject.is_some(), "{path}: {told:?}");
        assert!(
            told.unwrap_or_default()
                .contains(subject.unwrap_or_default()),
            "{path}: {told:?}"
        );
    }
}

#[tokio::test]
async fn no_session_is_resumed_so_a_good_client_stays_verified() {
    if !verifies_by_attribute() {
        return;
    }
    let origin = Origin::start().await;
    let (envoy, _installation) = start(&origin).await;
    let client = || {
        Client::http1(&envoy)
            .listener("https")
            .sni(ADMIN)
            .with(&pki().client)
    };
    for first in [client(), client().tls12()] {
        let first = first.connect().await;
        assert_eq!(first.get(ADMIN, "/").await.status, 200);
        let second = first.reconnect().await;
        assert!(!second.resumed());
        assert_eq!(second.get(ADMIN, "/").await.status, 200);
    }
}
