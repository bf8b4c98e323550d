//! `"deployment": "fast_path"`: matcher and plugin configuration as one ECDS resource.

use std::time::{Duration, Instant};

use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Any, Struct, Value as Dynamic};
use prost::Message;
use serde_json::{Map, Value, json};
use support::{Client, Origin, pki};

use crate::envoys::{DEFAULT_SETTINGS, Source, builder};
use crate::fixtures::{base, forward};
use crate::program::{PATIENCE, Program};
use crate::simulated::{Subscriber, WAYS, channel};

const NAME: &str = "client_cert_forwarder";
const HOST: &str = "api.example.com";
const TYPED_STRUCT: &str = "type.googleapis.com/xds.type.v3.TypedStruct";
const MATCHER: &str =
    "type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher";

/// `xds.type.v3.TypedStruct`
#[derive(Clone, PartialEq, Message)]
struct TypedStruct {
    #[prost(string, tag = "1")]
    type_url: String,
    #[prost(message, optional, tag = "2")]
    value: Option<Struct>,
}

/// The fast path's JSON; none for another message.
pub(crate) fn json(content: &Any) -> Option<Value> {
    (content.type_url == TYPED_STRUCT).then(|| {
        let typed = TypedStruct::decode(content.value.as_slice()).expect("a TypedStruct");
        assert_eq!(typed.type_url, MATCHER);
        Value::Object(members(typed.value.expect("a value")))
    })
}

/// The plugin configuration that stands in a fast path, which has one.
pub(crate) fn plugin(fast_path: &Value) -> &str {
    let otherwise = &fast_path["xds_matcher"]["on_no_match"]["action"]["typed_config"];
    let wasm = &otherwise["typed_config"]["typed_config"]["config"];
    assert_eq!(wasm["failure_policy"], "FAIL_RELOAD", "{wasm}");
    wasm["configuration"]["value"]
        .as_str()
        .expect("a plugin configuration")
}

fn members(value: Struct) -> Map<String, Value> {
    let fields = value.fields.into_iter();
    fields.map(|(key, value)| (key, plain(value))).collect()
}

fn plain(value: Dynamic) -> Value {
    match value.kind.expect("a kind") {
        Kind::NullValue(_) => Value::Null,
        Kind::BoolValue(value) => value.into(),
        Kind::NumberValue(value) => value.into(),
        Kind::StringValue(value) => value.into(),
        Kind::ListValue(list) => list.values.into_iter().map(plain).collect(),
        Kind::StructValue(value) => Value::Object(members(value)),
    }
}

fn base_with_fast_path(plugin: Value) -> Value {
    let mut base = base();
    base["resources"][NAME]["deployment"] = json!("fast_path");
    base["resources"][NAME]["plugin"] = plugin;
    base
}

fn plugin_of(keys: Value) -> Value {
    let mut plugin = json!({ "verified_by": "listener", "settings": [] });
    let all = plugin.as_object_mut().expect("an object");
    all.extend(keys.as_object().expect("an object").clone());
    plugin
}

#[tokio::test]
async fn a_put_changes_matcher_and_configuration_together() {
    let base = base_with_fast_path(plugin_of(json!({})));
    let program = Program::with(base, &["--xds-directory", "settings"]);
    let connection = channel(program.xds()).await;
    let mut versions = Vec::new();
    for (number, way) in WAYS.into_iter().enumerate() {
        let mut one = Subscriber::subscribe(connection.clone(), way, "one", &[NAME], &[]).await;
        let before = one.next().await;
        let host = format!("h{number}.example.com");
        program.put(json!([forward(&host)])).await;
        let after = one.next().await;
        let [before, after] = [before, after].map(|mut update| update.resources.remove(0));
        let hostnames = |plugin: &Value| plugin["settings"].to_string().contains(&host);
        assert!(
            !hostnames(&before.plugin) && hostnames(&after.plugin),
            "{way:?}"
        );
        let matcher = |fast_path: Option<Value>| {
            let fast_path = fast_path.expect("a fast path");
            fast_path["xds_matcher"]["matcher_list"]
                .to_string()
                .contains(&host)
        };
        assert!(!matcher(before.fast_path), "{way:?}");
        assert!(matcher(after.fast_path.clone()), "{way:?}");

        // The watched file has the same.
        let start = Instant::now();
        loop {
            let file = std::fs::read(program.path("settings/client_cert_forwarder.json"));
            let file: Value = serde_json::from_slice(&file.expect("a file")).expect("JSON");
            let mut content = file["resources"][0]["typed_config"].clone();
            let content_type = content.as_object_mut().expect("an object").remove("@type");
            assert_eq!(content_type, Some(json!(MATCHER)));
            if Some(&content) == after.fast_path.as_ref() {
                break versions.push(file["version_info"].to_string());
            }
            assert!(start.elapsed() < PATIENCE, "{content}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    versions.sort();
    versions.dedup();
    assert_eq!(versions.len(), WAYS.len());
}

#[test]
fn what_a_fast_path_cannot_do_is_refused_by_its_path() {
    let program = Program::stopped(base(), &[]);
    for (plugin, expected) in [
        (
            json!({ "on_spoofed_header": "reject" }),
            "resources.client_cert_forwarder.plugin.on_spoofed_header: \"reject\" has to see",
        ),
        (
            json!({ "explain": true }),
            "resources.client_cert_forwarder.plugin.explain: adds",
        ),
    ] {
        let mut base = base_with_fast_path(plugin_of(plugin));
        program.write("base.json", base.to_string());
        let error = program.run_to_failure();
        assert!(error.contains(expected), "{error}");
        base["resources"][NAME]["deployment"] = json!("fast-path");
        program.write("base.json", base.to_string());
        let error = program.run_to_failure();
        let expected = "resources.client_cert_forwarder.deployment: unknown value \"fast-path\"";
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn what_a_fast_path_leaves_out_is_a_warning() {
    let narrower = (0..101).map(|number| json!({ "hostname": format!("h{number}.example.com") }));
    let wide = json!({ "hostname": "*.example.com", "client_certificate_forwarding": true });
    let mut settings: Vec<Value> = narrower.chain([wide]).collect();
    settings[0]["request_headers"] = json!({ "Client-Cert": "certRFC9440" });
    let plugin = plugin_of(json!({ "settings": settings }));
    let mut program = Program::with(base_with_fast_path(plugin), &[]);
    let answer = program.get_at(&format!("{}/status", program.url())).await;
    let messages = answer.body["messages"].as_array().expect("messages");
    let texts: Vec<_> = messages
        .iter()
        .map(|one| one["message"].as_str().expect("a text"))
        .collect();
    assert!(
        messages.iter().all(|message| message["code"] == 10004),
        "{texts:?}"
    );
    assert!(
        texts[0]
            .starts_with("client_cert_forwarder: the fast path of Client-Cert needs Envoy 1.38")
    );
    assert!(
        texts[1].contains("no fast path for *.example.com: too many narrower"),
        "{texts:?}"
    );
    assert_eq!(texts.len(), 2);
    assert_eq!(
        program
            .log()
            .matches("no fast path for *.example.com")
            .count(),
        1
    );
    // Once, however often the settings change.
    program.put(json!([forward("a.example.com")])).await;
    program.terminate();
    assert_eq!(
        program
            .log()
            .matches("no fast path for *.example.com")
            .count(),
        1
    );
}

#[tokio::test]
async fn an_envoy_takes_the_fast_path_and_its_second_request_does_not_enter_the_vm() {
    let origin = Origin::start().await;
    for source in [
        Source::Aggregated,
        Source::Sotw,
        Source::Delta,
        Source::File,
    ] {
        let keys = json!({ "forward_on": "every_request" });
        let mut base = base_with_fast_path(plugin_of(json!({})));
        base["resources"][NAME]["hostname_defaults"] = keys;
        let program = Program::with(base, &["--xds-directory", "settings"]);
        program.put(json!([forward(HOST)])).await;
        let envoy = builder(&program, source, DEFAULT_SETTINGS, &origin);
        let envoy = envoy.log_every_call().start(&origin).await;
        if source != Source::File {
            program
                .wait_for_status(|status| status["accepted"] == 1)
                .await;
        }
        let connector = Client::http1(&envoy).listener("https").with(&pki().client);
        let client = connector.connect().await;
        for number in 0..3 {
            let path = format!("/{source:?}/{number}");
            assert_eq!(client.get(HOST, &path).await.status, 200);
            let request = &origin.requests_for(&path)[0];
            let sha256 = request.header("cf-client-cert-sha256");
            assert_eq!(sha256, Some(pki().client.sha256().as_str()), "{source:?}");
        }
        // Envoy made a filter for each request, but the VM has seen the first one alone.
        let made = ".composite.filter_delegation_success";
        assert_eq!(
            envoy.stats_where(|name| name.ends_with(made)).await,
            3,
            "{source:?}"
        );
        assert_eq!(envoy.counter(HOST, "forwarded").await, 1, "{source:?}");
        drop(client);
        let start = Instant::now();
        // Envoy writes its log a little later than it answers.
        while envoy.calls_of("proxy_on_request_headers") == 0 {
            assert!(start.elapsed() < PATIENCE, "no call in the log");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(envoy.calls_of("proxy_on_request_headers"), 1, "{source:?}");
    }
}
