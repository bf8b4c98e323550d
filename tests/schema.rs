//! `envoy/plugin-config.schema.json` is generated from the configuration's types and agrees with
//! the filter.

use std::{fs, path::PathBuf};

use client_cert_forwarder::config::{Config, json_schema::plugin_config};
use jsonschema::Validator;
use serde_json::{Value, json};

#[path = "../src/config/refused_examples/mod.rs"]
mod refused_examples;

#[test]
fn the_committed_schema_is_the_one_that_the_types_make() {
    let committed = read("envoy/plugin-config.schema.json");
    let committed: Value = serde_json::from_str(&committed).expect("the schema is JSON");
    assert_eq!(
        &committed,
        plugin_config().as_value(),
        "envoy/plugin-config.schema.json is out of date; `make schema` rewrites it"
    );
    jsonschema::draft202012::meta::validate(&committed).expect("a schema of draft 2020-12");
}

#[test]
fn every_shipped_configuration_is_accepted_by_schema_and_filter() {
    let schema = schema();
    let shipped = shipped();
    assert!(shipped.len() >= 15, "{shipped:#?}");
    for (place, text) in shipped {
        Config::from_json(text.as_bytes()).unwrap_or_else(|error| panic!("{place}: {error}"));
        let value = serde_json::from_str(&text).expect("JSON");
        if let Err(error) = schema.validate(&value) {
            panic!("{place}: {}: {error}", error.instance_path());
        }
    }
}

#[test]
fn what_the_filter_refuses_the_schema_refuses_where_a_schema_can() {
    let schema = schema();
    let keys = refused_examples::KEYS
        .iter()
        .map(|(keys, refusal, by_schema)| (refused_examples::with_keys(keys), refusal, by_schema));
    let configurations = refused_examples::CONFIGURATIONS
        .iter()
        .map(|(json, refusal, by_schema)| ((*json).to_owned(), refusal, by_schema));
    let mut wrong = Vec::new();
    for (text, refusal, by_schema) in keys.chain(configurations) {
        Config::from_json(text.as_bytes()).expect_err(&text);
        // What is no JSON never comes as far as a schema.
        let is_refused = serde_json::from_str(&text).map_or(true, |json| !schema.is_valid(&json));
        if is_refused != *by_schema {
            wrong.push(format!(
                "{text}\n  {refusal}\n  refused by the schema: {is_refused}"
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_the_filter_accepts_the_schema_accepts() {
    let schema = schema();
    for hostname in [
        "*",
        "localhost",
        "api.example.com",
        "*.example.com",
        "API.Example.com",
        "xn--bcher-kva.example",
        "my_host",
        "1.2.3.example",
        "0.0.0.0",
        "192.0.2.255",
        "::",
        "::1",
        "2001:db8::1",
        "[2001:DB8::0:1]",
        "::ffff:192.0.2.1",
        &format!("{}.example", "a".repeat(63)),
        &format!("*.{}example", "a.".repeat(123)),
    ] {
        let text = format!(
            r#"{{"verified_by":"listener","settings":[{{"hostname":"{hostname}","require_client_certificate":true}}]}}"#
        );
        Config::from_json(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
        let value = serde_json::from_str(&text).expect("JSON");
        assert!(schema.is_valid(&value), "{text}");
    }
}

/// Each key of each object with each of many values: alone in a configuration that is right
/// without.
#[test]
fn schema_and_filter_agree_on_every_key_with_any_value() {
    let schema = schema();
    let committed: Value =
        serde_json::from_str(&read("envoy/plugin-config.schema.json")).expect("JSON");
    let keys = |properties: &Value| -> Vec<String> {
        let properties = properties.as_object().expect("properties");
        properties
            .keys()
            .cloned()
            .chain(["unknown".into()])
            .collect()
    };
    let top = keys(&committed["properties"]);
    let setting = keys(&committed["$defs"]["HostnameSettings"]["properties"]);
    assert!(top.len() >= 8 && setting.len() >= 11, "{top:?} {setting:?}");
    let mut wrong = Vec::new();
    let mut accepted = 0;
    for value in VALUES {
        let value: Value = serde_json::from_str(value).expect(value);
        let in_top = top.iter().map(|key| {
            let mut config = json!({ "settings": [{ "hostname": "a.example" }] });
            config[key] = value.clone();
            config
        });
        let in_setting = setting.iter().map(|key| {
            let mut config = json!({
                "verified_by": "listener", "settings": [{ "hostname": "a.example" }]
            });
            config["settings"][0][key] = value.clone();
            config
        });
        for config in in_top.chain(in_setting) {
            let text = config.to_string();
            let by_filter = Config::from_json(text.as_bytes());
            accepted += usize::from(by_filter.is_ok());
            if by_filter.is_ok() != schema.is_valid(&config) {
                wrong.push(format!("{text}\n  {:?}", by_filter.err()));
            }
        }
    }
    assert!(accepted > 50, "{accepted}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Each key of an allow list's entry with texts that are near the border of what it takes.
#[test]
fn schema_and_filter_agree_on_entries_of_allow_lists() {
    let schema = schema();
    let (mut wrong, mut accepted) = (Vec::new(), 0);
    for key in [
        "sha256",
        "subject_dn",
        "issuer_dn",
        "san_dns",
        "san_uri",
        "san_email",
        "serial",
    ] {
        for text in TEXTS {
            let config = json!({ "verified_by": "listener", "settings": [{
                "hostname": "a.example", "require_client_certificate": true,
                "allow_client_certificates": [{ key: text }]
            }] });
            let by_filter = Config::from_json(config.to_string().as_bytes());
            accepted += usize::from(by_filter.is_ok());
            if by_filter.is_ok() != schema.is_valid(&config) {
                wrong.push(format!("{key} {text:?}: {:?}", by_filter.err()));
            }
        }
    }
    assert!(accepted > 20, "{accepted}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const TEXTS: &[&str] = &[
    "",
    "a",
    "a=",
    "=a",
    "CN=a",
    "CN=a,O=b",
    "CN=a, O=b",
    r"CN=a\, b",
    r"CN=a\\, b",
    "CN = a",
    "1.2.3=#04",
    "CN=é",
    "/CN=a",
    "a.example",
    "*.a.example",
    "*.*.example",
    "*",
    "*.",
    "a.*",
    "a.example.",
    "127.1",
    "a@b",
    "a@b@c",
    "@b",
    "a@",
    "*@b",
    "a b@c",
    "spiffe://a",
    "spiffe://a/",
    "spiffe://a/*",
    "spiffe://a/b/*",
    "spiffe://a/b*",
    "spiffe://a*",
    "spiffe://*",
    "spiffe:///*",
    "spiffe:///a",
    "spiffe:*",
    "spiffe:/*",
    "spiffe:",
    "urn:a:*",
    "urn:a*b",
    "urn:a**",
    "urn:é",
    "1urn:a",
    "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF",
    "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:ff",
    "00:112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF",
    "0011223344556677",
    "gg112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF",
];

const VALUES: &[&str] = &[
    "null",
    "true",
    "false",
    "0",
    "1.0",
    "1.5",
    "-1",
    "1e3",
    "16384",
    "4294967295",
    "4294967296",
    r#""""#,
    r#""a.example""#,
    r#""*.example.com""#,
    r#""*example.com""#,
    r#""https://a.example""#,
    r#""1.2.3.4""#,
    r#""1.2.3.256""#,
    r#""listener""#,
    r#""attribute""#,
    r#""reject""#,
    r#""xfcc""#,
    r#""none""#,
    r#""every_request""#,
    r#""first_request""#,
    "[]",
    "[null]",
    "[{}]",
    r#"[{"hostname":"b.example"}]"#,
    r#"[{"hostname":"b.example","require_client_certificate":true}]"#,
    "{}",
    r#"{"X-A":"certSerial"}"#,
    r#"{"X-A":"x"}"#,
    r#"{"X A":"certSerial"}"#,
    r#"{":path":"certSerial"}"#,
    r#"{"HOST":"certSerial"}"#,
    r#"{"te":"certSerial"}"#,
    r#"{"client_cert":"certRFC9440"}"#,
    r#"{"client_cert_chain":"certChainRFC9440"}"#,
    r#"{"Client-Cert-Chain":"certChainRFC9440","Client-Cert":"certRFC9440"}"#,
    r#"{"X-Client-Cert":"certRFC9440"}"#,
    r#"[{"issuer_dn":"CN=a","serial":"01"}]"#,
    r#"[{"issuer_dn":"CN=a","serial":"-1:A"},{"issuer_dn":"CN=a","serial":"0"}]"#,
    r#"[{"issuer_dn":"CN=a","serial":"1:"}]"#,
    r#"[{"issuer_dn":"CN=a"}]"#,
    r#"[{"sha256":"00"}]"#,
    r#"[{"sha256":"00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"}]"#,
    r#"[{"sha256":"00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF","serial":"1"}]"#,
    r#""-a.example""#,
    r#""a-.example""#,
    r#""a.0x1""#,
    r#""1.a""#,
    r#""127.1""#,
    r#""a_b.example""#,
    r#""_a.example.com""#,
    r#"".example""#,
    r#""a.example:1""#,
    r#""bücher.example""#,
];

#[test]
fn the_schema_names_itself_and_accepts_its_own_name() {
    let schema = read("envoy/plugin-config.schema.json");
    assert!(!schema.contains('§'), "a section number of the contract");
    let committed: Value = serde_json::from_str(&schema).expect("JSON");
    let id = committed["$id"].as_str().expect("an $id");
    assert!(id.starts_with("urn:"), "{id}");
    let with = |schema: &str| format!(r#"{{{schema}"settings":[{{"hostname":"a.example"}}]}}"#);
    let named = with(&format!(r#""$schema":"{id}","#));
    let report = client_cert_forwarder::config::check(named.as_bytes());
    assert_eq!(
        report,
        client_cert_forwarder::config::check(with("").as_bytes())
    );
    assert_eq!(report, Default::default());
}

fn schema() -> Validator {
    let schema = serde_json::from_str(&read("envoy/plugin-config.schema.json")).expect("JSON");
    jsonschema::draft202012::new(&schema).expect("a schema of draft 2020-12")
}

/// Files of Compose's, and of Envoys that take their configuration from another file.
const WITHOUT_CONFIGURATION: [&str; 3] = [
    "envoy/docker-compose.yaml",
    "envoy/ecds/envoy.yaml",
    "envoy/settings-api-files.yaml",
];

/// Every configuration in `envoy/`, with its place: the recipes, and those in listeners and
/// manifests.
fn shipped() -> Vec<(String, String)> {
    let mut shipped: Vec<(String, String)> = files("envoy/recipes", "json")
        .into_iter()
        .map(|path| (path.clone(), read(&path)))
        .collect();
    for folder in ["envoy", "envoy/compose", "envoy/ecds", "envoy/kubernetes"] {
        for path in files(folder, "yaml") {
            let before = shipped.len();
            let documents: Vec<Value> = serde_saphyr::from_multiple(&read(&path)).expect("YAML");
            for document in documents {
                collect_configurations(&document, &path, &mut shipped);
            }
            let found = shipped.len() > before;
            assert_eq!(
                found,
                !WITHOUT_CONFIGURATION.contains(&path.as_str()),
                "{path}"
            );
        }
    }
    shipped
}

/// Collects every plugin configuration below `value`, as Envoy, Istio's `WasmPlugin` and Envoy
/// Gateway's `EnvoyExtensionPolicy` hold it.
fn collect_configurations(value: &Value, place: &str, found: &mut Vec<(String, String)>) {
    if value["configuration"]["@type"] == "type.googleapis.com/google.protobuf.StringValue" {
        let text = value["configuration"]["value"].as_str().expect("a string");
        found.push((place.to_owned(), text.to_owned()));
    }
    let in_extension_policies = value["wasm"].as_array().into_iter().flatten();
    let objects = in_extension_policies
        .map(|extension| &extension["config"])
        .chain(value.get("pluginConfig"));
    found.extend(objects.map(|object| (place.to_owned(), object.to_string())));
    match value {
        Value::Array(items) => items
            .iter()
            .for_each(|item| collect_configurations(item, place, found)),
        Value::Object(members) => members
            .values()
            .for_each(|member| collect_configurations(member, place, found)),
        _ => {}
    }
}

/// The files in that folder of the repository with that extension, sorted.
fn files(folder: &str, extension: &str) -> Vec<String> {
    let entries = fs::read_dir(repository().join(folder));
    let mut files: Vec<String> = entries
        .unwrap_or_else(|error| panic!("{folder}: {error}"))
        .map(|entry| entry.expect("an entry").file_name())
        .map(|name| format!("{folder}/{}", name.to_string_lossy()))
        .filter(|path| path.ends_with(&format!(".{extension}")))
        .collect();
    files.sort();
    files
}

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn repository() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..")
}
