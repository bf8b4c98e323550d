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
fn the_fast_path_is_what_the_filters_crate_generates() {
    let (_folder, path) = file("plugin.json", PLUGIN);
    let generated = FastPath::new(PLUGIN).unwrap();
    let expected = json!([generated.http_filter(&vm("/etc/envoy/client_cert_forwarder.wasm"))]);
    assert_eq!(yaml(&ccf(["filters", &path])), expected);
    assert_eq!(ccf(["filters", "--format", "json", &path]).json(), expected);
    let run = ccf_with(&["filters", "--wasm", "/x.wasm", "-"], PLUGIN, &[]);
    assert_eq!(yaml(&run), json!([generated.http_filter(&vm("/x.wasm"))]));
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
