//! Nobody can decide, or another filter has stored something: admitted connections get what was
//! decided for them, and no other request passes.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{
    Client, Deployment, Envoy, Listener, Protocol, Request, Scene, TRAP_FIELDS, Update,
    mtls_protocols, pki,
    trapping_module::{Trap, write_trapping_module},
};

use super::entered;
use crate::common::{HOST, SHA256, assert_carries};

const FORGED: &str = "forged";

/// [`HOST`] requires the usual client's certificate and sends it on every request.
fn enforcing(revoked: Value) -> Value {
    json!({
        "verified_by": "listener",
        "revoked_certificates": revoked,
        "settings": [
            {
                "hostname": HOST,
                "client_certificate_forwarding": true,
                "forward_on": "every_request",
                "require_client_certificate": true,
                "sni_must_match": false,
                "allow_client_certificates": [{ "sha256": pki().client.sha256() }]
            },
            { "hostname": "*.example.com", "require_client_certificate": true, "sni_must_match": false }
        ]
    })
}

fn forging(hostname: &str, path: &str) -> Request {
    Request::get(hostname, path)
        .header(SHA256, FORGED)
        .header("cf_client.cert-der_base64", FORGED)
}

async fn status(client: &Client, hostname: &str, path: &str) -> u16 {
    client.send(forging(hostname, path)).await.status
}

/// An Envoy whose VM fails at a request with too many fields, and stays down then.
async fn failing() -> (Scene, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let module = folder.path().join("trapping.wasm");
    write_trapping_module(&module, Trap::RequestHeaders);
    let scene = Envoy::with_filter(enforcing(json!([])))
        .deployment(Deployment::FastPath)
        .module(&module)
        .adapt_filter(|filter| {
            filter["config"]["reload_config"] = json!({ "backoff": { "base_interval": "3600s" } });
        })
        .listener(Listener::optional().every_mtls_protocol())
        .discovered()
        .scene()
        .await;
    (scene, folder)
}

#[tokio::test]
async fn while_the_vm_is_down_admitted_connections_are_served_and_nobody_else_is() {
    let (scene, _folder) = failing().await;
    let (mut admitted, mut others) = (Vec::new(), Vec::new());
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        for _ in 0..2 {
            assert_eq!(status(&client, HOST, "/before").await, 200);
        }
        admitted.push(client);
        let refused = scene.connect_with(protocol, &pki().other_client).await;
        assert_eq!(status(&refused, HOST, "/refused").await, 403);
        let anonymous = scene.connect_without_certificate(protocol).await;
        assert_eq!(status(&anonymous, HOST, "/refused").await, 403);
        others.extend([refused, anonymous, scene.connect(protocol).await]);
    }
    let trap = (0..TRAP_FIELDS).fold(forging("example.org", "/trap"), |request, number| {
        request.header(&format!("x-trap-{number}"), "1")
    });
    let unlucky = scene.connect(Protocol::Http2).await;
    assert_eq!(unlucky.send(trap).await.status, 503);

    for client in &admitted {
        assert_eq!(status(client, HOST, "/down").await, 200);
        assert_carries(&scene.origin.last_request_for("/down"), &pki().client);
        // Only the VM knows these: another setting, and spellings of the admitted host.
        for host in [
            "www.example.com",
            "API.example.com",
            "api.example.com:443",
            "127.1",
        ] {
            assert_eq!(status(client, host, "/undecided").await, 503, "{host}");
        }
    }
    for client in &others {
        assert_eq!(status(client, HOST, "/undecided").await, 503);
    }
    assert!(!scene.origin.has_seen("/undecided") && !scene.origin.has_seen("/refused"));

    // An update brings a VM, and with it the end of every admission.
    let revoked = enforcing(json!([{ "sha256": pki().client.sha256() }]));
    assert_eq!(scene.envoy.update_config(&revoked).await, Update::Accepted);
    let start = Instant::now();
    for client in &admitted {
        loop {
            match status(client, HOST, "/revoked").await {
                403 => break,
                status => assert_eq!(status, 503),
            }
            assert!(start.elapsed() < Duration::from_secs(20), "it stays down");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
    assert!(!scene.origin.has_seen("/revoked"));
}

/// Envoy's network filter that puts a value of its own where the wasm filter stores that property.
fn occupy(property: &str) -> Value {
    json!({
        "name": "envoy.filters.network.set_filter_state",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.network.set_filter_state.v3.Config",
            "on_new_connection": [{
                "object_key": format!("wasm.client_cert_forwarder.{property}"),
                "factory_key": "envoy.string",
                "format_string": { "text_format_source": { "inline_string": FORGED } }
            }]
        }
    })
}

/// Envoy lets the wasm filter overwrite them; a write that it refuses has unit tests.
#[tokio::test]
async fn what_another_filter_put_in_a_propertys_place_is_never_repeated() {
    for property in ["decisions", "field.certFingerprintSHA256", "certificate"] {
        let filter = occupy(property);
        let scene = Envoy::with_filter(enforcing(json!([])))
            .deployment(Deployment::FastPath)
            .listener(Listener::optional())
            .adapt(move |bootstrap| {
                let chain = &mut bootstrap["static_resources"]["listeners"][0]["filter_chains"][0];
                let filters = chain["filters"]
                    .as_array_mut()
                    .expect("the chain's filters");
                filters.insert(0, filter);
            })
            .log_every_call()
            .scene()
            .await;
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let before = entered(&scene.envoy).await;
            let client = scene.connect(protocol).await;
            for _ in 0..3 {
                assert_eq!(status(&client, HOST, "/").await, 200, "{property}");
                assert_carries(&scene.origin.last_request(), &pki().client);
            }
            assert_eq!(entered(&scene.envoy).await - before, 1, "{property}");
            let other = scene.connect_with(protocol, &pki().other_client).await;
            let anonymous = scene.connect_without_certificate(protocol).await;
            for client in [&other, &anonymous, &other] {
                assert_eq!(status(client, HOST, "/refused").await, 403, "{property}");
            }
        }
        assert!(!scene.origin.has_seen("/refused"), "{property}");
    }
}
