//! The status that a real gRPC client gets where a certificate is required (contract §4.7).

use serde_json::json;
use support::{Answer, Envoy, Identity, Listener, Origin, Scene, pki};
use tonic::{
    Code, Status,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity as ClientIdentity},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use super::{ADMIN, PUBLIC, settings, verifies_by_attribute};

const CHECK: &str = "/grpc.health.v1.Health/Check";
const WATCH: &str = "/grpc.health.v1.Health/Watch";

async fn start() -> Scene {
    let origin = Origin::start().await;
    for path in [CHECK, WATCH] {
        // An empty message is a health check's request, and an answer to it.
        let answer = Answer::status(200)
            .header("content-type", "application/grpc")
            .trailer("grpc-status", "0");
        origin.answer(path, [answer]);
    }
    let mut configuration = settings("attribute");
    configuration["settings"][0]["sni_must_match"] = json!(true);
    Envoy::with_filter(configuration)
        .listener(Listener::accept_untrusted().no_resumption())
        .upstream_http2()
        .scene_with(origin)
        .await
}

/// A client of the service at [`ADMIN`], over a connection opened for `sni`.
async fn client(envoy: &Envoy, sni: &str, identity: Option<&Identity>) -> HealthClient<Channel> {
    let mut tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(&pki().ca_pem))
        .domain_name(sni);
    if let Some(identity) = identity {
        tls = tls.identity(ClientIdentity::from_pem(
            identity.chain_pem(),
            identity.key_pem(),
        ));
    }
    let endpoint = Endpoint::from_shared(format!("https://{}", envoy.address("main")))
        .and_then(|endpoint| endpoint.tls_config(tls))
        .expect("an endpoint");
    let endpoint = endpoint.origin(format!("https://{ADMIN}").parse().expect("a URI"));
    HealthClient::new(endpoint.connect().await.expect("a connection to Envoy"))
}

async fn check(client: &mut HealthClient<Channel>) -> Result<(), Status> {
    client.check(HealthCheckRequest::default()).await.map(drop)
}

#[tokio::test]
async fn a_call_without_a_verified_certificate_gets_permission_denied() {
    let scene = start().await;
    for identity in [None, Some(&pki().untrusted)] {
        let mut client = client(&scene.envoy, ADMIN, identity).await;
        let status = check(&mut client).await.expect_err("a refusal");
        assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
        assert!(
            status.message().contains("requires a client certificate"),
            "{status:?}"
        );
        let stream = client.watch(HealthCheckRequest::default()).await;
        assert_eq!(
            stream.expect_err("a refusal").code(),
            Code::PermissionDenied
        );
    }
    assert!(scene.origin.requests().is_empty());
    assert_eq!(scene.envoy.counter(ADMIN, "denied").await, 4);
}

#[tokio::test]
async fn a_call_with_a_verified_certificate_is_answered_by_the_origin() {
    if !verifies_by_attribute() {
        return;
    }
    let scene = start().await;
    let mut client = client(&scene.envoy, ADMIN, Some(&pki().client)).await;
    check(&mut client).await.expect("the origin's answer");
    assert_eq!(scene.origin.only_request().path, CHECK);
}

#[tokio::test]
async fn a_call_over_another_hosts_connection_fails_before_the_origin() {
    let scene = start().await;
    let mut client = client(&scene.envoy, PUBLIC, Some(&pki().client)).await;
    let status = check(&mut client).await.expect_err("a refusal");
    // gRPC has no status for 421: Envoy sends the one for unmapped HTTP statuses.
    assert_eq!(status.code(), Code::Unknown, "{status:?}");
    assert!(scene.origin.requests().is_empty());
    assert_eq!(scene.envoy.counter(ADMIN, "misdirected").await, 1);
}
