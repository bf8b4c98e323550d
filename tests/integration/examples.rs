//! The listeners in `envoy/` that users copy.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use support::{
    envoy_version, pki,
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
    let examples = bootstraps(&repository().join("envoy"));
    assert!(examples.len() >= 4, "{examples:?}");
    for example in examples {
        let text = fs::read_to_string(&example).expect("a text file");
        let installed = folder.path().join("envoy.yaml");
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
    }
}

/// Envoy's own configurations in that folder and below, beside which files for Compose and Kubernetes stand.
fn bootstraps(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(bootstraps(&path));
        } else if path
            .extension()
            .is_some_and(|extension| extension == "yaml")
        {
            let text = fs::read_to_string(&path).expect("a text file");
            if text.lines().any(|line| line == "static_resources:") {
                found.push(path);
            }
        }
    }
    found
}

/// What Envoys before 1.40 say of a QUIC listener that requires a client certificate.
const NO_QUIC_MTLS: &str = "TLS Client Authentication is not supported over QUIC";

/// Puts in place what the examples ask for.
fn install_files(folder: &Path) {
    fs::copy(wasm_module(), folder.join("client_cert_forwarder.wasm")).expect("a copied file");
    let tls = folder.join("tls");
    fs::create_dir(&tls).expect("a new folder");
    for (name, content) in [
        ("server.crt", pki().server.chain_pem()),
        ("server.key", pki().server.key_pem()),
        ("client-ca.crt", pki().ca_pem.clone()),
        ("ca.crt", pki().ca_pem.clone()),
    ] {
        fs::write(tls.join(name), content).expect("a written file");
    }
}
