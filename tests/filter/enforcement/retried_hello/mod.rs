//! A second `ClientHello`, after a HelloRetryRequest, with another server name than the first:
//! which of them `sni_must_match` goes by.

mod client;

use serde_json::json;
use support::{Envoy, Listener};

use super::{ADMIN, PUBLIC};
use client::Tls13;

#[tokio::test]
async fn the_server_name_of_the_first_hello_counts() {
    let setting = |hostname| json!({ "hostname": hostname, "sni_must_match": true });
    let settings = [setting(ADMIN), setting(PUBLIC)];
    let scene = Envoy::with_filter(json!({ "verified_by": "listener", "settings": settings }))
        .listener(Listener::optional())
        .scene()
        .await;
    let address = scene.envoy.address("main");
    for (first, second) in [(ADMIN, ADMIN), (ADMIN, PUBLIC), (PUBLIC, ADMIN)] {
        let connected = Tls13::connect(address, first, second).await;
        let mut connection = connected.unwrap_or_else(|alert| panic!("alert {alert}"));
        for _ in 0..2 {
            for hostname in [ADMIN, PUBLIC] {
                let status = if hostname == first { 200 } else { 421 };
                let observed = connection.get(hostname).await;
                assert_eq!(observed, status, "{first}, then {second}: {hostname}");
            }
        }
    }
}
