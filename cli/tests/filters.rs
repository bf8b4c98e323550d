//! `ccf filters`: what it prints is what the filter's crate generates, and Envoy starts with it.

use std::fs;

use client_cert_forwarder::fast_path::FastPath;
use serde_json::{Value, json};
use support::{Envoy, Installation, Listener, Origin, Protocol, Scene, pki, wasm_module};

use super::program::{Run, ccf, ccf_with, file, repository};

const PLUGIN: &str = r#"{
  "verified_by": "listener",
  "settings": [
    { "hostname": "api.example.com", "client_certificate_forwarding": true },
    { "hostname": "*.example.com", "client_certificate_forwarding": true }
  ]
}
"#;

fn vm(filename: &str) -> Value {
    json!({ "runtime": "envoy.wasm.runtime.v8", "code": { "local": { "filename": filename } } })
}

fn yaml(run: &Run) -> Value {
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    serde_saphyr::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {run:?}"))
}

#[test]
fn comments_of_a_bootstrap_stand_above_what_they_explain() {
    let configuration = r#"{ "settings": [{ "hostname": "api.example.com" }] }"#;
    let run = ccf_with(&["filters", "--bootstrap", "-"], configuration, &[]);
    let lines: Vec<&str> = run.stdout.lines().collect();
    let margin = |line: &str| line.len() - line.trim_start().len();
    let mut comments = 0;
    for pair in lines.windows(2) {
        if pair[0].trim_start().starts_with('#') {
            comments += 1;
            assert_eq!(margin(pair[0]), margin(pair[1]), "{pair:?}");
        }
    }
    assert!(comments > 5, "{}", run.stdout);
}

#[test]
fn the_fast_path_is_what_the_filters_crate_generates() {
    let (_folder, path) = file("plugin.json", PLUGIN);
    let generated = FastPath::new(PLUGIN).unwrap();
    let expected = json!([generated.http_filter(&vm("/etc/envoy/client_cert_forwarder.wasm"))]);
    assert_eq!(yaml(&ccf(["filters", &path])), expected);
    assert_eq!(ccf(["filters", "--format", "json", &path]).json(), expected);
    let run = ccf_with(&["filters", "--wasm", "/x.wasm", "-"], PLUGIN, &[]);
    assert_eq!(yaml(&run), json!([generated.http_filter(&vm("/x.wasm"))]));
}

/// The HTTP filter of the shipped example.
fn shipped_filter() -> Value {
    let text = fs::read_to_string(repository().join("envoy/fast-path.yaml")).unwrap();
    let example: Value = serde_saphyr::from_str(&text).unwrap();
    let listeners = example["static_resources"]["listeners"].as_array().unwrap();
    let of = |listener: &Value| {
        let manager = &listener["filter_chains"][0]["filters"][0]["typed_config"];
        manager["http_filters"][0].clone()
    };
    let filters: Vec<Value> = listeners.iter().map(of).collect();
    assert_eq!(filters[0], filters[1], "TCP and QUIC");
    filters[0].clone()
}

#[test]
fn the_shipped_example_has_what_it_prints_of_itself() {
    let shipped = json!([shipped_filter()]);
    assert_eq!(yaml(&ccf(["filters", "envoy/fast-path.yaml"])), shipped);
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
        let setting = |hostname| {
            format!(
                "{indent}{{\"hostname\":\"{hostname}\",\"client_certificate_forwarding\":true}}"
            )
        };
        let settings = hostnames.map(setting).join(",\n");
        let text = format!("{indent}{{\"settings\":[\n\n{settings}\r\n]}}{indent}");
        let printed = yaml(&ccf_with(&["filters", "-"], &text, &[]));
        let generated = FastPath::new(&text).unwrap();
        let expected = generated.http_filter(&vm("/etc/envoy/client_cert_forwarder.wasm"));
        assert_eq!(printed, json!([expected]), "{text:?}");
    }
}

#[test]
fn what_an_operator_must_know_of_the_fast_path_is_said_on_standard_error() {
    let rfc9440 = PLUGIN.replace(
        "\"client_certificate_forwarding\": true",
        "\"request_headers\": { \"Client-Cert\": \"certRFC9440\" }",
    );
    let run = ccf_with(&["filters", "-"], &rfc9440, &[]);
    assert_eq!(run.code, 0);
    assert_eq!(
        run.stderr,
        "ccf: Client-Cert needs Envoy 1.38 or later: 1.36 does not start with this filter\n"
    );
    let mut settings: Vec<Value> = (0..=100)
        .map(|number| json!({ "hostname": format!("h{number}.example.com") }))
        .collect();
    settings.push(json!({ "hostname": "*.example.com", "client_certificate_forwarding": true }));
    let narrower = json!({ "settings": settings }).to_string();
    let run = ccf_with(&["filters", "-"], &narrower, &[]);
    assert_eq!(run.code, 0);
    assert!(
        run.stderr
            .starts_with("ccf: *.example.com has too many narrower settings: "),
        "{}",
        run.stderr
    );
}

#[test]
fn make_fast_path_prints_what_it_prints() {
    let output = std::process::Command::new("make")
        .args([
            "--dry-run",
            "--no-print-directory",
            "fast-path",
            "CONFIG=plugin.json",
        ])
        // `make test` may run this.
        .env_remove("MAKEFLAGS")
        .current_dir(repository())
        .output()
        .unwrap();
    let lines = String::from_utf8(output.stdout).unwrap();
    let runs = "cargo run --locked -p ccf -- filters \"plugin.json\"\n";
    assert!(lines.ends_with(runs), "{lines}");
}

#[test]
fn the_plain_filter_keeps_the_configuration_byte_for_byte() {
    let text = "{\"settings\":[\r\n\t{\"hostname\": \"xn--bcher-kva.test\"} ,\n\n{\"hostname\":\"2001:db8::1\"}]}  ";
    let run = ccf_with(&["filters", "--plain", "-"], text, &[]);
    let config = &yaml(&run)[0]["typed_config"]["config"];
    assert_eq!(config["configuration"]["value"], text);
    assert_eq!(config["failure_policy"], "FAIL_RELOAD");
}

#[test]
fn a_configuration_without_a_fast_path_is_refused_by_file_and_path() {
    let text = PLUGIN.replace("\"listener\",", "\"listener\", \"explain\": true,");
    let (_folder, path) = file("plugin.json", &text);
    let run = ccf(["filters", &path]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert!(
        run.stderr.starts_with(&format!("ccf: {path}: explain: ")),
        "{}",
        run.stderr
    );
    assert_eq!(ccf(["filters", "--plain", &path]).code, 0);
}

#[test]
fn a_bad_configuration_is_reported_as_ccf_check_does() {
    let (_folder, path) = file("plugin.json", "{\"settings\": 1}");
    let run = ccf(["filters", &path]);
    assert_eq!(run.code, 1);
    assert!(
        run.stdout
            .starts_with(&format!("{path}:1: error: settings: ")),
        "{run:?}"
    );
}

#[tokio::test]
async fn a_whole_envoy_starts_as_it_is_and_forwards() {
    let optional = fs::read_to_string(repository().join("envoy/recipes/nginx.json")).unwrap();
    for (plugin, options, header) in [
        (PLUGIN, &[][..], "cf-client-cert-sha256"),
        (PLUGIN, &["--plain"], "cf-client-cert-sha256"),
        (optional.as_str(), &["--plain"], "x-ssl-client-escaped-cert"),
    ] {
        let installation = Installation::new(&wasm_module());
        let wasm = installation.path().join("client_cert_forwarder.wasm");
        let tls = installation.path().join("tls");
        let (wasm, tls) = (wasm.to_str().unwrap(), tls.to_str().unwrap());
        let arguments = ["filters", "--bootstrap", "--wasm", wasm, "--tls", tls, "-"];
        let run = ccf_with(&[&arguments, options].concat(), plugin, &[]);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""));

        let checked = ccf_with(&["check", "-"], &run.stdout, &[]);
        assert_eq!(checked.code, 0, "{}", checked.stdout);

        let origin = Origin::start().await;
        let bootstrap = installation.adapt_to(&run.stdout, origin.address());
        let envoy = Envoy::with_bootstrap(bootstrap)
            .listener(Listener::strict().named("https"))
            .start(&origin)
            .await;
        let scene = Scene { envoy, origin };
        let connector = scene.client(Protocol::Http2).listener("https");
        let client = connector.with(&pki().client).connect().await;
        assert_eq!(client.get("api.example.com", "/").await.status, 200);
        let request = scene.origin.only_request();
        assert!(
            request.header(header).is_some(),
            "{plugin} {:?}",
            request.headers
        );
    }
}
