//! Filters that use a request up before this filter has seen it: `file_server` answers it,
//! `aws_lambda` copies its headers into the body that it sends. They must stand behind the filter,
//! which `ccf check` says.

use std::fs;

use serde_json::{Value, json};
use support::{Envoy, Listener, Protocol, Request, Scene, envoy_version, version::Version};

use crate::common::{HOST, SHA256, configuration, forward_every};

/// A hostname that requires a certificate.
const ADMIN: &str = "admin.example.com";

fn settings() -> Value {
    let required = json!({
        "hostname": ADMIN, "require_client_certificate": true, "sni_must_match": false
    });
    configuration(vec![forward_every(HOST), required])
}

fn listener(filter: Value, is_in_front: bool) -> Listener {
    let listener = Listener::optional();
    if is_in_front {
        listener.filter_before(filter)
    } else {
        listener.filter_after(filter)
    }
}

fn forged(hostname: &str, path: &str) -> Request {
    Request::get(hostname, path).header(SHA256, "forged")
}

/// Why the documentation wants `file_server` behind the filter: if the first half fails, Envoy has
/// become better.
#[tokio::test]
async fn files_are_served_without_a_certificate_in_front_of_the_filter_alone() {
    if envoy_version() < Version(1, 38, 0) {
        println!("not run: this Envoy has no file_server");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("secret"), "secret").unwrap();
    let server = json!({
        "name": "envoy.filters.http.file_server",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.file_server.v3.FileServerConfig",
            "manager_config": { "thread_pool": { "thread_count": 1 } },
            "path_mappings": [{ "request_path_prefix": "/", "file_path_prefix": folder.path() }]
        }
    });
    for (is_in_front, status) in [(true, 200), (false, 403)] {
        let scene = Envoy::with_filter(settings())
            .listener(listener(server.clone(), is_in_front))
            .scene()
            .await;
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let client = scene.connect_without_certificate(protocol).await;
            let response = client.send(forged(ADMIN, "/secret")).await;
            assert_eq!(response.status, status, "{protocol:?}, {is_in_front}");
        }
    }
}

async fn lambda(is_in_front: bool) -> Scene {
    let lambda = json!({
        "name": "envoy.filters.http.aws_lambda",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.aws_lambda.v3.Config",
            "arn": "arn:aws:lambda:us-west-2:987654321:function:hello",
            "credentials": { "access_key_id": "id", "secret_access_key": "key" }
        }
    });
    Envoy::with_filter(settings())
        .listener(listener(lambda, is_in_front))
        .adapt(|bootstrap| {
            let clusters = bootstrap["static_resources"]["clusters"].as_array_mut();
            for cluster in clusters.unwrap() {
                let gateway = json!({ "com.amazonaws.lambda": { "egress_gateway": true } });
                cluster["metadata"] = json!({ "filter_metadata": gateway });
            }
        })
        .scene()
        .await
}

/// Why the documentation wants `aws_lambda` behind the filter: if the first half fails, Envoy has
/// become better.
#[tokio::test]
async fn a_lambda_gets_forged_headers_from_in_front_of_the_filter_alone() {
    for is_in_front in [true, false] {
        let scene = lambda(is_in_front).await;
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let client = scene.connect_without_certificate(protocol).await;
            assert_eq!(client.send(forged(HOST, "/")).await.status, 200);
            let event: Value = serde_json::from_slice(&scene.origin.last_request().body).unwrap();
            let header = &event["headers"][SHA256];
            let expected = if is_in_front {
                json!("forged")
            } else {
                Value::Null
            };
            assert_eq!(*header, expected, "{protocol:?}: {event}");
        }
    }
}
