//! The examples of settings-api/README.md, as they stand there.

use serde_json::json;
use support::wasm::repository;

use crate::certificate_authority::CertificateAuthority;
use crate::fixtures::{base, forward};
use crate::program::Program;
use crate::simulated::{Subscriber, WAYS, channel};

fn blocks(language: &str) -> Vec<String> {
    let readme = repository().join("settings-api/README.md");
    let readme = std::fs::read_to_string(readme).expect("the README");
    let mark = format!("```{language}\n");
    let rest = readme.split(&mark).skip(1);
    rest.map(|rest| rest.split("```").next().expect("a block").to_owned())
        .collect()
}

#[tokio::test]
async fn each_base_configuration_can_be_served() {
    let ca = CertificateAuthority::new();
    let blocks = blocks("json");
    assert!(!blocks.is_empty());
    for block in blocks {
        let mut program = Program::stopped(base(), &[]);
        std::fs::create_dir(program.path("crl")).expect("a folder");
        program.write("crl/partner.crl", ca.crl(&["01"], ""));
        program.write("crl/partner-ca.pem", ca.certificate());
        program.write("base.json", &block);
        program.run();
        assert_eq!(
            program.put(json!([forward("a.example.com")])).await.status,
            202
        );
        let names = ["client_cert_forwarder"];
        let connection = channel(program.xds()).await;
        let mut envoy = Subscriber::subscribe(connection, WAYS[1], "one", &names, &[]).await;
        let update = envoy.next().await;
        assert_eq!(update.hostnames(), ["a.example.com"]);
        assert_eq!(
            update.resources[0].plugin["revoked_certificates"][0]["serial"],
            "01"
        );
        assert!(update.resources[0].fast_path.is_some());
    }
}
