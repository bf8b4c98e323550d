//! Envoy's METADATA frames (an extension of HTTP/2): fields beside the headers, which no wasm
//! callback of the filter looks into. They become no header of the request.

use serde_json::{Value, json};
use support::{Envoy, Listener, Protocol, pki};

use super::assert_alive;
use crate::common::{
    HOST, SHA256, assert_carries, assert_carries_none, configuration, forward, forward_every,
};

#[tokio::test]
async fn metadata_frames_forge_no_header_and_fail_no_vm() {
    for setting in [forward(HOST), forward_every(HOST)] {
        let is_always = setting["forward_on"] == "every_request";
        send_metadata(setting, is_always).await;
    }
}

/// Sends forged metadata with three requests, each or the first of which carries the certificate.
async fn send_metadata(setting: Value, is_always: bool) {
    let listener = Listener::strict()
        .connection_manager("http2_protocol_options", json!({ "allow_metadata": true }));
    let scene = Envoy::with_filter(configuration(vec![setting]))
        .listener(listener)
        .upstream_http2()
        .adapt(|bootstrap| {
            let clusters = bootstrap["static_resources"]["clusters"].as_array_mut();
            for cluster in clusters.expect("clusters") {
                let options = &mut cluster["typed_extension_protocol_options"]["envoy.extensions.upstreams.http.v3.HttpProtocolOptions"];
                options["explicit_http_config"]["http2_protocol_options"] =
                    json!({ "allow_metadata": true });
            }
        })
        .scene()
        .await;
    let connector = scene.client(Protocol::Http2).with(&pki().client);
    let mut connection = connector.connect_fields().await;
    let fields: [(&str, &[u8]); 4] = [
        (":method", b"POST"),
        (":scheme", b"https"),
        (":authority", HOST.as_bytes()),
        (":path", b"/"),
    ];
    for round in 0..3 {
        let metadata: [(&str, &[u8]); 4] = [
            (SHA256, b"forged"),
            ("cf_client_cert_der_base64", b"forged"),
            (":authority", b"elsewhere.example"),
            ("\u{1}", &[0xff; 300]),
        ];
        let status = connection.send_with_metadata(&fields, &metadata).await;
        assert_eq!(status, Some(200), "round {round}");
        let request = scene.origin.last_request();
        assert_eq!(request.body, "body", "round {round}");
        if is_always || round == 0 {
            assert_carries(&request, &pki().client);
        } else {
            assert_carries_none(&request);
        }
    }
    assert_alive(&scene).await;
}
