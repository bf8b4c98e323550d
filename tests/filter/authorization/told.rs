//! Who was refused, and by what: the access log and the counters tell it of each request.

use serde_json::json;
use support::{Envoy, Identity, Listener, Protocol, Request, mtls_protocols, pki};

use super::assert_logged;
use crate::common::{HOST, SHA256};

/// Hostname, reason, and the client's certificate, of which the filter itself logs nothing.
const LOG: &str = "TOLD %REQ(:AUTHORITY)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% \
                   %DOWNSTREAM_PEER_FINGERPRINT_256%;";

/// A hostname that anybody may call over a connection of its own.
const OWN: &str = "own.example.com";

#[tokio::test]
async fn the_access_log_and_the_counters_tell_who_was_refused_by_what() {
    let revoked = &pki().chained;
    let configuration = json!({
        "verified_by": "listener",
        "on_spoofed_header": "reject",
        "revoked_certificates": [{ "sha256": revoked.sha256() }],
        "settings": [
            {
                "hostname": HOST, "require_client_certificate": true, "sni_must_match": false,
                "allow_client_certificates": [{ "sha256": pki().client.sha256() }]
            },
            { "hostname": OWN, "sni_must_match": true }
        ]
    });
    let mut without_rejecting = configuration.clone();
    without_rejecting["on_spoofed_header"] = json!("strip");
    for (configuration, rejects) in [(without_rejecting, false), (configuration, true)] {
        let scene = Envoy::with_filter(configuration)
            .listener(Listener::optional().every_mtls_protocol().access_log(LOG))
            .scene()
            .await;
        let asked = async |protocol: Protocol, identity: Option<&'static Identity>, host: &str| {
            let client = match identity {
                Some(identity) => scene.connect_with(protocol, identity).await,
                None => scene.connect_without_certificate(protocol).await,
            };
            client.get(host, "/").await.status
        };
        let cases = [
            (Some(&pki().client), HOST, 200, "via_upstream", ""),
            (None, HOST, 403, "client_cert_forwarder_denied", "denied"),
            (
                Some(&pki().other_client),
                HOST,
                403,
                "client_cert_forwarder_not_allowed",
                "denied",
            ),
            (
                Some(revoked),
                HOST,
                403,
                "client_cert_forwarder_revoked",
                "denied",
            ),
            (
                Some(&pki().client),
                OWN,
                421,
                "client_cert_forwarder_misdirected",
                "misdirected",
            ),
            (
                Some(&pki().client),
                "127.1",
                400,
                "client_cert_forwarder_ambiguous_hostname",
                "denied",
            ),
        ];
        for &protocol in mtls_protocols() {
            for (identity, host, status, details, _) in cases {
                let observed = asked(protocol, identity, host).await;
                assert_eq!(observed, status, "{protocol:?} {details}");
                let fingerprint = identity.map_or("-".to_owned(), Identity::sha256);
                let line = format!("TOLD {host} {status} {details} {fingerprint};");
                assert_logged(&scene.envoy, &line).await;
            }
            let client = scene.connect(protocol).await;
            let spoofing = Request::get(HOST, "/").header(SHA256, "forged");
            let status = client.send(spoofing).await.status;
            assert_eq!(status, if rejects { 400 } else { 200 }, "{protocol:?}");
        }
        let count = mtls_protocols().len() as u64;
        for (host, outcome, expected) in [
            (HOST, "denied", 3),
            (OWN, "misdirected", 1),
            ("(none)", "denied", 1),
            (HOST, "spoof_rejected", u64::from(rejects)),
            (HOST, "spoof_stripped", u64::from(!rejects)),
        ] {
            let counted = scene.envoy.counter(host, outcome).await;
            assert_eq!(counted, expected * count, "{host} {outcome}");
        }
        if rejects {
            assert_logged(&scene.envoy, "400 client_cert_forwarder_spoofed_header").await;
        }
        // The filter's own lines name no client.
        let lines = scene.envoy.log_lines_with("wasm log");
        let fingerprints = [&pki().client, &pki().other_client, revoked].map(Identity::sha256);
        for line in lines {
            assert!(
                !fingerprints.iter().any(|text| line.contains(text)),
                "{line}"
            );
        }
    }
}
