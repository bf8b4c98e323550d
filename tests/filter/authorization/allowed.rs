//! Who may call a hostname.

use serde_json::{Value, json};
use support::{Envoy, Listener, Update, mtls_protocols, pki};

use super::{assert_logged, entries, names, settings};
use crate::common::HOST;

const LOG: &str = "details=%RESPONSE_CODE_DETAILS%\n";

fn allowing(allowed: Value) -> Value {
    let keys = json!({ "require_client_certificate": true, "allow_client_certificates": allowed });
    settings(json!([]), keys)
}

#[tokio::test]
async fn only_certificates_on_the_list_reach_the_origin() {
    let [by_fingerprint, _] = entries(&pki().client);
    let subject = names(&pki().client).subject_dn;
    for allowed in [
        json!([by_fingerprint]),
        json!([{ "subject_dn": subject }]),
        json!([{ "san_uri": "spiffe://example.org/none" }, { "subject_dn": subject }]),
    ] {
        let scene = Envoy::with_filter(allowing(allowed))
            .listener(Listener::strict().every_mtls_protocol().access_log(LOG))
            .scene()
            .await;
        for &protocol in mtls_protocols() {
            let client = scene.connect(protocol).await;
            let other = scene.client(protocol).with(&pki().other_client);
            let other = other.connect().await;
            for _ in 0..3 {
                assert_eq!(client.get(HOST, "/").await.status, 200, "{protocol:?}");
                let response = other.get(HOST, "/").await;
                assert_eq!(response.status, 403, "{protocol:?}");
            }
        }
        let count = 3 * mtls_protocols().len();
        assert_eq!(scene.origin.requests().len(), count);
        assert_eq!(scene.envoy.counter(HOST, "denied").await, count as u64);
        assert_logged(&scene.envoy, "details=client_cert_forwarder_not_allowed").await;
    }
}

#[tokio::test]
async fn a_change_of_the_list_counts_from_the_next_request_of_open_connections() {
    let [client, _] = entries(&pki().client);
    let [other, _] = entries(&pki().other_client);
    let scene = Envoy::with_filter(allowing(json!([client, other])))
        .every_mtls_protocol()
        .discovered()
        .scene()
        .await;
    let mut connections = Vec::new();
    for &protocol in mtls_protocols() {
        connections.push(scene.connect(protocol).await);
    }
    for (allowed, status) in [
        (json!([other]), 403),
        (json!([other, client]), 200),
        (json!([]), 403),
        (json!([client]), 200),
    ] {
        let configuration = allowing(allowed.clone());
        let updated = scene.envoy.update_config(&configuration).await;
        assert_eq!(updated, Update::Accepted);
        for connection in &connections {
            let response = connection.get(HOST, "/").await;
            assert_eq!(response.status, status, "{allowed}");
        }
    }
}

#[tokio::test]
async fn two_hostnames_of_one_connection_have_a_list_each() {
    let [client, _] = entries(&pki().client);
    let [other, _] = entries(&pki().other_client);
    let setting = |hostname: &str, allowed: &Value| {
        json!({
            "hostname": hostname, "require_client_certificate": true, "sni_must_match": false,
            "allow_client_certificates": [allowed]
        })
    };
    let configuration = json!({
        "verified_by": "listener",
        "settings": [setting(HOST, &client), setting("other.example.org", &other)]
    });
    let scene = Envoy::with_filter(configuration)
        .every_mtls_protocol()
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        let mut statuses = Vec::new();
        for hostname in [HOST, "other.example.org", HOST, "other.example.org"] {
            statuses.push(client.get(hostname, "/").await.status);
        }
        assert_eq!(statuses, [200, 403, 200, 403], "{protocol:?}");
    }
}
