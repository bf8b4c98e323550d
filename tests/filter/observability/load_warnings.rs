//! The lines that a configuration logs when it is loaded (contract §3).

use serde_json::{Value, json};
use support::{Deployment, Envoy, Protocol, Update, pki};

use crate::common::{HOST, forwarding};

/// Asks in vain for all that contract §3 warns of, but for `max_certificate_bytes: 0`.
fn in_vain() -> Value {
    json!({
        "verified_by": "listener",
        "settings": [
            { "hostname": "127.0.0.1", "require_client_certificate": true },
            { "hostname": "a.example.com", "forward_on": "every_request" },
            { "hostname": "b.example.com", "request_headers": {
                "Client-Cert": "certRFC9440", "Client-Cert-Chain": "certChainRFC9440"
            } }
        ]
    })
}

/// The filter's warnings so far, from the JSON path on.
fn warnings(envoy: &Envoy) -> Vec<String> {
    let lines = envoy.log_lines_with("][warning][wasm]");
    let texts = lines.iter().filter_map(|line| {
        let (_, text) = line.split_once("wasm log")?;
        Some(text.split_once(": ")?.1.to_owned())
    });
    texts.collect()
}

/// Waits for the log: Envoy writes it a little later than it answers.
async fn wait_for_warnings(envoy: &Envoy, count: usize) -> Vec<String> {
    for _ in 0..250 {
        if warnings(envoy).len() >= count {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    warnings(envoy)
}

#[tokio::test]
async fn what_a_configuration_asks_for_in_vain_is_logged_once_per_process_with_its_place() {
    let scene = Envoy::with_filter(in_vain())
        .discovered()
        .concurrency(2)
        .scene()
        .await;
    let logged = wait_for_warnings(&scene.envoy, 3).await;
    let places: Vec<&str> = logged
        .iter()
        .filter_map(|line| line.split(": ").next())
        .collect();
    let mut expected = vec![
        "settings[0].hostname",
        "settings[1].forward_on",
        "settings[2].request_headers.Client-Cert-Chain",
    ];
    let mut sorted = places.clone();
    sorted.sort_unstable();
    expected.sort_unstable();
    assert_eq!(sorted, expected, "{logged:#?}");

    let mut other = in_vain();
    other["settings"] = json!([]);
    other["max_certificate_bytes"] = json!(0);
    assert_eq!(scene.envoy.update_config(&other).await, Update::Accepted);
    let logged = wait_for_warnings(&scene.envoy, 4).await;
    assert_eq!(logged.len(), 4, "{logged:#?}");
    assert!(
        logged[3].starts_with("max_certificate_bytes: "),
        "{logged:#?}"
    );
}

#[tokio::test]
async fn ten_thousand_settings_in_vain_write_eleven_lines() {
    let setting = |number| json!({ "hostname": format!("h{number}.example.com"), "forward_on": "every_request" });
    let settings: Vec<Value> = (0..10_000).map(setting).collect();
    let scene = Envoy::with_filter(json!({ "settings": settings }))
        .deployment(Deployment::Plain)
        .scene()
        .await;
    let logged = wait_for_warnings(&scene.envoy, 11).await;
    assert_eq!(logged.len(), 11, "{logged:#?}");
    assert!(logged[9].starts_with("settings[9]."), "{logged:#?}");
    assert!(logged[10].starts_with("9990 more warnings"), "{logged:#?}");
}

#[tokio::test]
async fn a_configuration_that_does_what_it_asks_for_logs_no_warning() {
    let scene = Envoy::with_filter(forwarding(&[HOST])).scene().await;
    scene.connect(Protocol::Http1).await.get(HOST, "/").await;
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(warnings(&scene.envoy), Vec::<String>::new());
}

#[tokio::test]
async fn a_421_for_an_ip_address_is_put_down_to_the_address() {
    let scene = Envoy::with_filter(in_vain()).scene().await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let client = scene.client(protocol).with(&pki().client).no_sni();
        let response = client.connect().await.get("127.0.0.1", "/").await;
        assert_eq!(response.status, 421, "{protocol:?}");
    }
    let logged = wait_for_warnings(&scene.envoy, 4).await;
    assert_eq!(logged.len(), 4, "{logged:#?}");
    assert!(
        logged[3].contains("Clients send none for an IP address: set \"sni_must_match\": false"),
        "{logged:#?}"
    );
}
