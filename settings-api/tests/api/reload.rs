//! Files that are read again when they change, and on SIGHUP.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use support::pki;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::fixtures::{OTHER_ZONE, base, client, forward};
use crate::program::{PATIENCE, Program};
use crate::simulated::{Subscriber, WAYS, channel};

const NAME: &str = "client_cert_forwarder";

async fn wait_for_metric(program: &Program, line: &str, wanted: u64) {
    let start = Instant::now();
    while program.metric(line).await != wanted {
        assert!(start.elapsed() < PATIENCE, "{line}\n{}", program.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_changed_base_configuration_takes_effect_and_a_bad_one_keeps_the_old() {
    let program = Program::start();
    program.put(json!([forward("a.example.com")])).await;
    let connection = channel(program.xds()).await;
    let mut envoy = Subscriber::subscribe(connection, WAYS[1], "one", &[NAME], &[]).await;
    assert_eq!(envoy.next().await.hostnames(), ["a.example.com"]);

    let mut changed = base();
    changed["zones"][OTHER_ZONE]["domains"] = json!(["example.net"]);
    changed["resources"][NAME]["hostname_defaults"] = json!({ "forward_on": "every_request" });
    program.write("base.json", changed.to_string());
    let update = envoy.next().await;
    let setting = &update.resources[0].plugin["settings"][0];
    assert_eq!(setting["forward_on"], "every_request");
    let url = program.url().replace(crate::fixtures::ZONE, OTHER_ZONE);
    let body = json!({ "settings": [forward("a.example.net")] });
    let request = client().put(url).bearer_auth(&program.token).json(&body);
    assert_eq!(program.send(request).await.status, 202);

    let failed = "settings_api_reload_failed{file=\"base\"}";
    program.write("base.json", "{");
    wait_for_metric(&program, failed, 1).await;
    let status = program
        .get_at(&format!("{}/status", program.url()))
        .await
        .body;
    let message = status["messages"][0]["message"]
        .as_str()
        .expect("a message");
    assert!(
        message.contains("base.json: line 1, column 1: not JSON"),
        "{message}"
    );
    assert!(program.log().contains("the last good one stays"));
    assert_eq!(
        program.put(json!([forward("b.example.com")])).await.status,
        202
    );
    assert_eq!(
        envoy.next().await.hostnames(),
        ["a.example.com", "b.example.com"]
    );

    program.write("base.json", base().to_string());
    wait_for_metric(&program, failed, 0).await;
    let status = program
        .get_at(&format!("{}/status", program.url()))
        .await
        .body;
    assert_eq!(status["messages"], Value::Array(Vec::new()));
}

#[tokio::test]
async fn files_are_read_again_on_sighup() {
    let program = Program::start();
    let count = || program.log().matches("\"read again\"").count();
    assert_eq!(count(), 0);
    program.signal("HUP");
    let start = Instant::now();
    while count() == 0 {
        assert!(start.elapsed() < PATIENCE, "{}", program.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(program.get().await.status, 200);
}

/// Connects with TLS; gives the server's certificate.
async fn certificate(address: std::net::SocketAddr) -> Vec<u8> {
    let mut roots = rustls::RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(pki().ca_pem.as_bytes()).expect("a certificate");
    roots.add(ca).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let tcp = TcpStream::connect(address).await.expect("a connection");
    let name = "api.example.com".try_into().expect("a name");
    let stream = TlsConnector::from(Arc::new(config)).connect(name, tcp);
    match stream.await {
        Ok(stream) => {
            let chain = stream.get_ref().1.peer_certificates().expect("a chain");
            chain[0].to_vec()
        }
        // A certificate for another name.
        Err(_) => Vec::new(),
    }
}

#[tokio::test]
async fn a_changed_certificate_serves_new_connections_and_a_bad_one_keeps_the_old() {
    let options = ["--tls-certificate", "server.pem", "--tls-key", "server.key"];
    let mut program = Program::stopped(base(), &options);
    program.write("server.pem", pki().server.chain_pem());
    program.write("server.key", pki().server.key_pem());
    program.run();
    let first = certificate(program.api()).await;
    assert!(!first.is_empty());

    // Half a change: the new key is not there yet.
    program.write("server.pem", pki().client.chain_pem());
    let start = Instant::now();
    while !program.log().contains("does not belong to the certificate") {
        assert!(start.elapsed() < PATIENCE, "{}", program.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(certificate(program.api()).await, first);

    program.write("server.key", pki().client.key_pem());
    while certificate(program.api()).await == first {
        assert!(start.elapsed() < PATIENCE, "{}", program.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(program.log().contains("\"read again\""));
}
