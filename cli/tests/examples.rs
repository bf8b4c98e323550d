//! The examples in the help: each of them works.

use std::fs;

use super::certificates::authority;
use super::program::{ccf, ccf_with, repository};
use super::usage::COMMANDS;

const PLUGIN: &str =
    r#"{ "settings": [{ "hostname": "api.example.com", "client_certificate_forwarding": true }] }"#;

/// The commands below `Examples:` in a command's help.
fn examples(command: &str) -> Vec<String> {
    let help = ccf([command, "--help"]).stdout;
    let (_, examples) = help.split_once("Examples:\n").unwrap();
    examples
        .lines()
        .map(|line| line.trim().to_owned())
        .collect()
}

/// The words of the `ccf` in a pipeline, without the redirection of its output.
fn words(pipeline: &str) -> Vec<&str> {
    let parts = pipeline.split('|').map(str::trim);
    let own = parts.rev().find(|part| part.starts_with("ccf "));
    let words = own.unwrap().split_whitespace().skip(1);
    words.filter(|word| !word.starts_with('>')).collect()
}

#[test]
fn every_example_in_the_help_works() {
    let folder = authority();
    let shipped = |file: &str| fs::read_to_string(repository().join(file)).unwrap();
    let client = shipped("src/certificate/testdata/rfc9440.pem");
    let istio = shipped("envoy/kubernetes/istio.yaml");
    for (name, text) in [
        ("plugin.json", PLUGIN),
        ("envoy.yaml", &shipped("envoy/envoy.yaml")),
        ("istio.yaml", &istio),
        ("base.json", &shipped("settings-api/base.example.json")),
        ("client.pem", &client),
    ] {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let crl = fs::read_to_string(folder.path().join("crl.pem")).unwrap();
    for command in COMMANDS {
        let examples = examples(command);
        assert!(!examples.is_empty(), "{command}");
        for example in examples {
            let words = words(&example);
            let paths: Vec<String> = words
                .iter()
                .map(|word| match folder.path().join(word) {
                    path if path.is_file() => path.to_str().unwrap().to_owned(),
                    _ => (*word).to_owned(),
                })
                .collect();
            let arguments: Vec<&str> = paths.iter().map(String::as_str).collect();
            let stdin = match words[0] {
                "check" => &istio,
                "revocations" => &crl,
                _ => &client,
            };
            let run = ccf_with(&arguments, stdin, &[]);
            assert_eq!(run.code, 0, "{example}: {run:?}");
            assert!(!run.stdout.is_empty(), "{example}: {run:?}");
        }
    }
}
