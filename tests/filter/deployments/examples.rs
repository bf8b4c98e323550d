//! The configurations in `envoy/` that users copy.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use support::{
    Deployment, Installation, Version, envoy_version,
    version::envoy_binary,
    wasm::{repository, wasm_module},
};

#[test]
fn every_example_is_valid() {
    let installation = Installation::new(&wasm_module());
    install_discovered_filters(&installation);
    let mut examples = 0;
    for example in examples_of_envoy() {
        let text = fs::read_to_string(&example).expect("a text file");
        let installed = installation.path().join("envoy.yaml");
        fs::write(&installed, installation.adapt(&text)).expect("a written file");
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
        } else if text.contains("filter_chain:") && envoy_version() < Version(1, 38, 0) {
            assert!(
                !output.status.success() && log.contains(NO_FILTER_CHAIN),
                "{}:\n{log}",
                example.display()
            );
        } else {
            assert!(output.status.success(), "{}:\n{log}", example.display());
        }
        examples += 1;
    }
    assert!(examples >= 4, "envoy/ has {examples} examples");
}

/// The error of Envoys before 1.40 for a QUIC listener that requires a client certificate.
const NO_QUIC_MTLS: &str = "TLS Client Authentication is not supported over QUIC";

/// The error of Envoy 1.36 for an action of a composite filter that is a chain.
const NO_FILTER_CHAIN: &str = "Didn't find a registered implementation for ''";

/// Every bootstrap in `envoy/`, and those in the folders that hold one.
fn examples_of_envoy() -> Vec<PathBuf> {
    let envoy = repository().join("envoy");
    let mut examples = vec![envoy.join("ecds/envoy.yaml")];
    // Envoy 1.36 has no `allow_paths`, which docker-compose's Envoys do have.
    if envoy_version().has_peer_certificate() {
        examples.push(envoy.join("compose/envoy.yaml"));
        examples.push(envoy.join("compose/envoy-settings-api.yaml"));
        examples.push(envoy.join("compose/envoy-fast-path.yaml"));
    }
    for entry in fs::read_dir(envoy).expect("the folder envoy/") {
        let path = entry.expect("an entry").path();
        let is_yaml = path
            .extension()
            .is_some_and(|extension| extension == "yaml");
        if is_yaml && !path.ends_with("docker-compose.yaml") {
            examples.push(path);
        }
    }
    examples
}

/// The watched file of the examples that read the filter's configuration from one.
fn install_discovered_filters(installation: &Installation) {
    let shipped = Path::new("ecds/client_cert_forwarder.yaml");
    let resource =
        fs::read_to_string(repository().join("envoy").join(shipped)).expect("a resource");
    let written_by_the_api = Deployment::Plain
        .discovery_response(r#"{"settings":[]}"#)
        .to_string();
    for (place, content) in [
        (shipped, installation.adapt(&resource)),
        (
            Path::new("settings/client_cert_forwarder.json"),
            written_by_the_api,
        ),
    ] {
        let file = installation.path().join(place);
        fs::create_dir_all(file.parent().expect("a folder")).expect("a new folder");
        fs::write(file, content).expect("a written file");
    }
}
