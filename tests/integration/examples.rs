//! The listeners in `envoy/` that users copy.

use std::{fs, path::Path, process::Command};

use support::{
    bootstrap, envoy_version, pki,
    version::envoy_binary,
    wasm::{repository, wasm_module},
};

#[test]
fn every_example_is_valid() {
    let folder = tempfile::Builder::new()
        .prefix("envoy-example-")
        .tempdir()
        .expect("a temporary folder");
    install_files(folder.path());
    let mut examples = 0;
    for entry in fs::read_dir(repository().join("envoy")).expect("the folder envoy/") {
        let example = entry.expect("an entry").path();
        if example
            .extension()
            .is_none_or(|extension| extension != "yaml")
        {
            continue;
        }
        let text = fs::read_to_string(&example).expect("a text file");
        // What is no bootstrap of Envoy's, such as docker-compose.yaml, has tests of its own.
        if !text.contains("static_resources:") {
            continue;
        }
        let installed = folder.path().join(example.file_name().expect("a name"));
        let place = format!("{}/", folder.path().display());
        fs::write(&installed, text.replace("/etc/envoy/", &place)).expect("a written file");
        let output = Command::new(envoy_binary())
            .args(["--mode", "validate", "--disable-hot-restart", "-c"])
            .arg(&installed)
            .output()
            .expect("Envoy runs");
        let log = String::from_utf8_lossy(&output.stderr);
        // A listener that this Envoy can't have at all: the example says for which Envoys it is.
        if text.contains("QuicDownstreamTransport")
            && !envoy_version().has_quic_client_certificates()
        {
            assert!(
                !output.status.success() && log.contains(NO_QUIC_MTLS),
                "{}:\n{log}",
                example.display()
            );
        } else {
            assert!(output.status.success(), "{}:\n{log}", example.display());
        }
        examples += 1;
    }
    assert!(examples >= 2, "envoy/ has {examples} examples");
}

/// What Envoys before 1.40 say of a QUIC listener that requires a client certificate.
const NO_QUIC_MTLS: &str = "TLS Client Authentication is not supported over QUIC";

/// Puts in place what the examples ask for.
fn install_files(folder: &Path) {
    fs::copy(wasm_module(), folder.join("client_cert_forwarder.wasm")).expect("a copied file");
    let settings = folder.join("settings");
    fs::create_dir(&settings).expect("a new folder");
    let discovered = bootstrap::discovery_response(r#"{"settings":[]}"#);
    let file = settings.join("client_cert_forwarder.json");
    fs::write(file, discovered.to_string()).expect("a written file");
    let tls = folder.join("tls");
    fs::create_dir(&tls).expect("a new folder");
    for (name, content) in [
        ("server.crt", pki().server.chain_pem()),
        ("server.key", pki().server.key_pem()),
        ("client-ca.crt", pki().ca_pem.clone()),
    ] {
        fs::write(tls.join(name), content).expect("a written file");
    }
}
