//! Envoy's own opinion, which is BoringSSL's: whether a client with the certificate gets through
//! the handshake.

use crate::corpus::Case;
use serde_json::json;
use support::{Client, Envoy, Listener, Origin, der, pki};

/// Presents each certificate to a real Envoy that accepts untrusted ones, with a public key of the
/// test's own in it, since the handshake proves the private key. `true` where the request arrived.
pub(crate) async fn lets_in(cases: &[&Case]) -> Vec<bool> {
    let origin = Origin::start().await;
    let configuration = json!({ "settings": [] });
    let envoy = Envoy::with_filter(configuration)
        .listener(Listener::accept_untrusted())
        .start(&origin)
        .await;
    let mut identity = pki().client_with(|_| {});
    let public_key = der::public_key(identity.der()).expect("the key of a certificate by rcgen");
    let mut results = Vec::new();
    for case in cases {
        let presented = der::with_public_key(&case.der, &public_key);
        identity.chain = vec![presented.unwrap_or_else(|| case.der.clone()).into()];
        let client = Client::http1(&envoy).with(&identity).tls12();
        results.push(match client.try_connect().await {
            Ok(client) => client.get("api.example.com", "/").await.status == 200,
            Err(_) => false,
        });
    }
    results
}
