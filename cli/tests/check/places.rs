//! Findings in the plugin configuration, with their lines, in every kind of file.

use super::{assert_findings, findings_in};

const SETTINGS: &str = r#"{
  "verified_by": "attribute",
  "settings": [
    { "hostname": "a.example.com", "client_cert_forwarding": true },
    {
      "hostname": "https://b.example.com",
      "forward_on": "sometimes",
      "request_headers": { "X-Serial": "certSerail" }
    },
    { "hostname": "a.example.com" }
  ]
}"#;

const FOUND: [&str; 5] = [
    "error 4 settings[0].client_cert_forwarding: unknown key \"client_cert_forwarding\", did you mean \"client_certificate_forwarding\"?",
    "error 6 settings[1].hostname: ",
    "error 7 settings[1].forward_on: unknown value \"sometimes\"",
    "error 8 settings[1].request_headers.X-Serial: unknown",
    "error 10 settings[2].hostname: \"a.example.com\" is already the hostname of settings[0]",
];

/// The findings `lines` further down, below `path`.
fn moved(lines: usize, path: &str) -> Vec<String> {
    let moved = FOUND.iter().map(|found| {
        let mut words = found.splitn(3, ' ');
        let level = words.next().unwrap();
        let line: usize = words.next().unwrap().parse().unwrap();
        format!("{level} {} {path}{}", line + lines, words.next().unwrap())
    });
    moved.collect()
}

fn indented(by: usize) -> String {
    let margin = " ".repeat(by);
    SETTINGS
        .lines()
        .map(|line| format!("{margin}{line}\n"))
        .collect()
}

fn assert_found(name: &str, text: &str, expected: &[String]) {
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    assert_findings(&findings_in(name, text), &expected, text);
}

#[test]
fn every_error_of_a_json_file_has_its_line() {
    assert_found("plugin.json", SETTINGS, &moved(0, ""));
}

#[test]
fn yaml_is_the_same_as_json() {
    let yaml = format!("# A comment\n{}", indented(2));
    assert_found("plugin.yaml", &yaml, &moved(1, ""));
    let block = "settings:\n  - hostname: a.example.com\n    explian: true\n  - hostnme: b\n";
    let expected = [
        "error 3 settings[0].explian: unknown key",
        "error 4 settings[1].hostnme: unknown key",
        "error 4 settings[1].hostname: required",
    ];
    let mut found = findings_in("plugin.yaml", block);
    found.sort();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_findings(&found, &expected, block);
}

#[test]
fn an_envoy_has_them_in_its_string() {
    let resource = format!(
        "resources:\n- \"@type\": type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig\n  \
         name: client_cert_forwarder\n  typed_config:\n    \
         \"@type\": type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm\n    config:\n      \
         configuration:\n        \"@type\": type.googleapis.com/google.protobuf.StringValue\n        \
         value: |\n{}",
        indented(10)
    );
    assert_found("envoy.yaml", &resource, &moved(9, ""));
}

#[test]
fn istio_has_them_in_its_plugin_config() {
    let resource = format!(
        "kind: Service\napiVersion: v1\n---\napiVersion: extensions.istio.io/v1alpha1\n\
         kind: WasmPlugin\nmetadata: {{ name: client-cert-forwarder }}\nspec:\n  \
         pluginConfig:\n{}",
        indented(4)
    );
    assert_found("istio.yaml", &resource, &moved(8, "spec.pluginConfig."));
}

#[test]
fn envoy_gateway_has_them_in_its_config() {
    let resource = format!(
        "apiVersion: gateway.envoyproxy.io/v1alpha1\nkind: EnvoyExtensionPolicy\nspec:\n  wasm:\n  \
         - name: other\n    config: {{ a: 1 }}\n  - name: client-cert-forwarder\n    config:\n{}",
        indented(6)
    );
    assert_found("gateway.yaml", &resource, &moved(8, "spec.wasm[1].config."));
}

#[test]
fn the_settings_api_has_them_in_its_resources() {
    let base = format!(
        "{{ \"zones\": {{}}, \"resources\": {{ \"x\": {{\n \"hostname_defaults\": {{ \"forward_on\": \"never\" }},\n \
         \"wasm_filename\": \"/x\", \"plugin\":\n{}}} }} }}",
        indented(0)
    );
    let mut expected = moved(3, "resources.x.plugin.");
    expected.insert(
        0,
        "error 2 resources.x.hostname_defaults.forward_on: unknown value \"never\"".to_owned(),
    );
    assert_found("base.json", &base, &expected);
}

#[test]
fn the_settings_api_has_crls_and_deployments_besides() {
    let base = r#"{ "zones": {},
"resources": {
"a": { "deployment": "fast_path", "wasm_filename": "/x",
"plugin": { "settings": [], "explain": true } },
"b": {
"deployment": "fast-path", "wasm_filename": "/x", "plugin": { "settings": [] } }
},
"crls": [
{ "file": "a.crl", "ca": "ca.pem" },
{ "file": "a.crl", "cas": "ca.pem" },
"a.crl"
] }"#;
    let expected = [
        "error 3 resources.a.deployment: explain: adds a header to every response",
        "error 6 resources.b.deployment: unknown value \"fast-path\", expected \"plain\" or",
        "error 10 crls[1].cas: unknown key, did you mean \"ca\"?",
        "error 10 crls[1].ca: required, but missing",
        "error 10 crls[1].file: is the same as crls[0].file",
        "error 11 crls[2]: expected an object",
    ];
    assert_found("base.json", base, &expected.map(str::to_owned));
}

#[test]
fn text_that_is_not_json_has_line_column_and_the_likely_slip() {
    for (name, text, expected) in [
        (
            "plugin.json",
            "{\n \"settings\": [],\n}",
            "error 3 : column 1: not JSON: trailing comma, leave it out",
        ),
        (
            "plugin.json",
            "settings: []\n",
            "error 1 : column 1: not JSON: this looks like YAML",
        ),
        (
            "plugin.json",
            "\u{feff}{}",
            "error 1 : column 1: not JSON: the text starts with a byte order mark",
        ),
        (
            "envoy.yaml",
            "static_resources:\n  a: [\n",
            "error 2 : not YAML: ",
        ),
        (
            "envoy.json",
            "{\"static_resources\":\n{,}}",
            "error 2 : not JSON: ",
        ),
    ] {
        assert_findings(&findings_in(name, text), &[expected], text);
    }
}

#[test]
fn warnings_are_findings_too() {
    let text = "{\n\"max_certificate_bytes\": 0,\n\"settings\": [\n{ \"hostname\": \"a\",\n\"forward_on\": \"every_request\" }]}";
    let expected = [
        "warning 2 max_certificate_bytes: no certificate is that short",
        "warning 5 settings[0].forward_on: has no effect",
    ];
    assert_findings(&findings_in("plugin.json", text), &expected, text);
    assert_findings(
        &findings_in("plugin.json", ""),
        &["warning 1 configuration: is empty"],
        "",
    );
}
