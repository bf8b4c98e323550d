//! The command, and the shipped example that is its output.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use std::path::Path;
use std::process::{Command, Output};

use client_cert_forwarder::fast_path::FastPath;
use serde_json::{Value, json};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_fast-path"))
        .args(arguments)
        .output()
        .unwrap()
}

fn run_with(configuration: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plugin.json");
    std::fs::write(&path, configuration).unwrap();
    run(&[path.to_str().unwrap()])
}

/// The HTTP filter of the shipped example.
fn shipped_filter() -> Value {
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envoy/fast-path.yaml");
    let text = std::fs::read_to_string(example).unwrap();
    let yaml: Value = serde_saphyr::from_str(&text).unwrap();
    let listeners = yaml["static_resources"]["listeners"].as_array().unwrap();
    let filters = listeners.iter().map(|listener| {
        let manager = &listener["filter_chains"][0]["filters"][0]["typed_config"];
        manager["http_filters"][0].clone()
    });
    let filters: Vec<Value> = filters.collect();
    assert_eq!(filters[0], filters[1], "TCP and QUIC");
    filters[0].clone()
}

#[test]
fn it_prints_what_stands_in_the_shipped_example() {
    let shipped = shipped_filter();
    let wasm = "/on_no_match/action/typed_config/typed_config/typed_config";
    let wasm = shipped["typed_config"]["xds_matcher"].pointer(wasm);
    let configuration = &wasm.unwrap()["config"]["configuration"]["value"];
    let output = run_with(configuration.as_str().unwrap());
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let printed: [Value; 1] = serde_saphyr::from_str(&text).unwrap();
    assert_eq!(printed, [shipped]);
}

#[test]
fn any_configuration_survives_the_yaml() {
    let hostnames = [
        "null",
        "2001:db8::1",
        "true.example",
        "xn--bcher-kva.test",
        "*",
    ];
    for indent in ["", "  ", "\t"] {
        let settings: Vec<String> = hostnames
            .map(|hostname| {
                format!(
                    "{indent}{{\"hostname\":\"{hostname}\",\"client_certificate_forwarding\":true}}"
                )
            })
            .to_vec();
        let configuration = format!(
            "{indent}{{\"settings\":[\n\n{}\r\n]}}{indent}",
            settings.join(",\n")
        );
        let output = run_with(&configuration);
        assert!(output.status.success(), "{configuration}: {output:?}");
        let printed: Value =
            serde_saphyr::from_str(&String::from_utf8(output.stdout).unwrap()).unwrap();
        let vm = json!({
            "runtime": "envoy.wasm.runtime.v8",
            "code": { "local": { "filename": "/etc/envoy/client_cert_forwarder.wasm" } }
        });
        assert_eq!(
            printed,
            json!([FastPath::new(&configuration).unwrap().http_filter(&vm)]),
            "{configuration:?}"
        );
    }
}

#[test]
fn what_only_the_filter_can_do_is_refused_by_file_and_path() {
    let output = run_with(
        r#"{"explain":true,"settings":[{"hostname":"a.example","client_certificate_forwarding":true}]}"#,
    );
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    assert!(
        message.contains("plugin.json: explain: adds a header to every response"),
        "{message}"
    );
}

#[test]
fn a_missing_file_and_a_missing_argument_say_what_to_do() {
    let missing = String::from_utf8(run(&["/nowhere/plugin.json"]).stderr).unwrap();
    assert!(
        missing.starts_with("fast-path: /nowhere/plugin.json: No such file"),
        "{missing}"
    );
    let usage = String::from_utf8(run(&[]).stderr).unwrap();
    assert!(
        usage.contains("make fast-path CONFIG=plugin.json"),
        "{usage}"
    );
}
