//! What Envoy keeps for a connection: as much as the fields and the settings that it used, however
//! often the configuration has changed.

use serde_json::{Value, json};
use support::{
    Client, Deployment, Envoy, Listener, Protocol, Scene, Update, bootstrap::FILTER_NAME,
};

use crate::common::HOST;

const CONNECTIONS: usize = 40;
const RELOADS: usize = 20;

/// 23 fields, the two of a forwarding request among them.
const FIELDS: [&str; 23] = [
    "certDerBase64",
    "certFingerprintSHA256",
    "certPresented",
    "certVerified",
    "certRevoked",
    "certSubjectDN",
    "certIssuerDN",
    "certSubjectDNRFC2253",
    "certIssuerDNRFC2253",
    "certSubjectDNLegacy",
    "certIssuerDNLegacy",
    "certSerial",
    "certIssuerSerial",
    "certSKI",
    "certIssuerSKI",
    "certFingerprintSHA1",
    "certFingerprintSHA256Base64",
    "certThumbprint",
    "certNotBefore",
    "certNotAfter",
    "certNotBeforeRFC3339",
    "certNotAfterRFC3339",
    "certValidity",
];

/// What the fast path stores of decisions.
const LOG: &str = "stored=%FILTER_STATE(wasm.client_cert_forwarder.decisions:PLAIN)%;";

/// A configuration that sends so many fields, the number `number` of those that differ.
fn sending(fields: usize, number: usize) -> Value {
    let headers = FIELDS.iter().take(fields).enumerate();
    let headers: serde_json::Map<String, Value> = headers
        .map(|(at, field)| (format!("X-Field-{at}"), json!(field)))
        .collect();
    json!({
        "verified_by": "listener",
        "max_certificate_chain_bytes": 10_000 + number,
        "settings": [{ "hostname": HOST, "request_headers": headers }]
    })
}

/// A route without the filter, to open connections by.
fn disabled() -> Value {
    json!({
        "match": { "prefix": "/disabled" },
        "direct_response": { "status": 200 },
        "typed_per_filter_config": { FILTER_NAME: {
            "@type": "type.googleapis.com/envoy.config.route.v3.FilterConfig", "disabled": true
        } }
    })
}

async fn start(fields: usize) -> (Scene, Vec<Client>) {
    let scene = Envoy::with_filter(sending(fields, 0))
        .discovered()
        .listener(Listener::strict().access_log(LOG))
        .route(disabled())
        .scene()
        .await;
    let mut clients = Vec::new();
    for _ in 0..CONNECTIONS {
        clients.push(scene.connect(Protocol::Http1).await);
    }
    // The second request meets buffers that the first has made.
    ask_all(&clients, "/disabled").await;
    (scene, clients)
}

/// Sends two requests on each connection.
async fn ask_all(clients: &[Client], path: &str) {
    for client in clients {
        for _ in 0..2 {
            assert_eq!(client.get(HOST, path).await.status, 200);
        }
    }
}

async fn allocated(scene: &Scene) -> i64 {
    i64::try_from(scene.envoy.allocated_memory().await).expect("bytes")
}

fn per_connection(bytes: i64) -> i64 {
    bytes / i64::try_from(CONNECTIONS).expect("a number")
}

#[tokio::test]
async fn a_connection_takes_memory_for_its_fields_and_none_for_reloads() {
    let mut taken = Vec::new();
    for fields in [2, 23] {
        let (scene, clients) = start(fields).await;
        // One that is not counted brings what the worker makes once.
        ask_all(&[scene.connect(Protocol::Http1).await], "/").await;
        let before = allocated(&scene).await;
        ask_all(&clients, "/").await;
        let bytes = per_connection(allocated(&scene).await - before);
        println!("{fields} fields: {bytes} bytes of Envoy's memory for a connection");
        taken.push(bytes);
        if fields == 23 {
            let before = allocated(&scene).await;
            for number in 1..=RELOADS {
                let updated = scene.envoy.update_config(&sending(fields, number)).await;
                assert_eq!(updated, Update::Accepted);
                for client in &clients {
                    assert_eq!(client.get(HOST, "/").await.status, 200);
                }
            }
            let grown = per_connection(allocated(&scene).await - before);
            println!("{RELOADS} reloads: {grown} bytes more for a connection");
            // A property for each reload would be 20 of at least 100 bytes.
            assert!(grown < 2_000, "{grown} bytes");
            assert_stored(&scene).await;
        }
    }
    assert!((100..6_000).contains(&taken[0]), "{taken:?}");
    assert!((taken[0]..20_000).contains(&taken[1]), "{taken:?}");
}

/// A mark of 16 bytes and one decision of 18, after the last reload as after the first.
async fn assert_stored(scene: &Scene) {
    if Deployment::from_environment() == Deployment::Plain {
        return; // It stores no decisions.
    }
    let requests = CONNECTIONS * (RELOADS + 4);
    let mut lines = Vec::new();
    for _ in 0..250 {
        lines = scene.envoy.log_lines_with("stored=");
        if lines.len() >= requests {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let lengths = lines.iter().filter_map(|line| {
        let (_, stored) = line.split_once("stored=")?;
        Some(stored.split_once(';')?.0.trim_matches('"').len())
    });
    let last: Vec<usize> = lengths
        .collect::<Vec<_>>()
        .split_off(lines.len() - CONNECTIONS);
    assert!(last.iter().all(|length| *length == 16 + 18), "{last:?}");
}
