//! What is wrong around the filter: shipped files with one change each.

use std::fs;
use std::sync::mpsc;

use serde_json::json;
use support::{Envoy, Listener, Protocol, pki};

use super::{assert_findings, findings_in};
use crate::program::repository;

/// The file with each of the changes made once, which must apply.
fn changed(file: &str, changes: &[(&str, &str)]) -> String {
    let mut text = fs::read_to_string(repository().join(file)).unwrap();
    for (old, new) in changes {
        assert!(text.contains(old), "{file} has no {old}");
        text = text.replacen(old, new, 1);
    }
    text
}

/// A file, its changes, and the start of each finding, without the line, which is that of a text.
type Case = (
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static [(&'static str, &'static str)],
);

const CACHE: &str = "http_filters:
                  - name: cache
                    typed_config:
                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.cache.v3.CacheConfig
";
const CACHE_V2: &str = "http_filters:
                  - name: cache
                    typed_config:
                      \"@type\": type.googleapis.com/envoy.extensions.filters.http.cache_v2.v3.CacheV2Config
";
const HCM: &str = "static_resources.listeners[0].filter_chains[0]";
const OPTIONAL: &str = "envoy/optional-mtls.yaml";

const CASES: &[Case] = &[
    (
        OPTIONAL,
        &[("failure_policy: FAIL_RELOAD", "failure_policy: FAIL_OPEN")],
        &[(
            "failure_policy: FAIL_OPEN",
            "error .config.failure_policy: lets requests pass",
        )],
    ),
    (
        OPTIONAL,
        &[("failure_policy: FAIL_RELOAD", "failure_policy: FAIL_NEVER")],
        &[(
            "failure_policy: FAIL_NEVER",
            "error .config.failure_policy: unknown value \"FAIL_NEVER\"",
        )],
    ),
    (
        OPTIONAL,
        &[("failure_policy: FAIL_RELOAD", "fail_open: true")],
        &[(
            "fail_open: true",
            "error .config.fail_open: lets requests pass",
        )],
    ),
    (
        OPTIONAL,
        &[(
            "tls_inspector.v3.TlsInspector",
            "http_inspector.v3.HttpInspector",
        )],
        &[(
            "envoy.filters.listener.tls_inspector",
            "error .listener_filters: a setting compares the server name",
        )],
    ),
    (
        OPTIONAL,
        &[(
            "disable_stateful_session_resumption: true",
            "disable_stateful_session_resumption: false",
        )],
        &[(
            "disable_stateful_session_resumption: false",
            "warning .disable_stateful_session_resumption: \"verified_by\": \"attribute\" counts each resumed",
        )],
    ),
    (
        OPTIONAL,
        &[(
            "disable_stateless_session_resumption: true",
            "max_session_keys: 1",
        )],
        &[(
            "tls.v3.DownstreamTlsContext",
            "warning .disable_stateless_session_resumption: \"verified_by\"",
        )],
    ),
    (
        OPTIONAL,
        &[(
            "\"verified_by\": \"attribute\"",
            "\"verified_by\": \"listener\"",
        )],
        &[(
            "trust_chain_verification: ACCEPT_UNTRUSTED\n",
            "error .validation_context: ACCEPT_UNTRUSTED lets certificates through",
        )],
    ),
    (
        "envoy/compose/envoy.yaml",
        &[("trusted_ca:", "max_verify_depth: 1 #")],
        &[(
            "max_verify_depth",
            "error .validation_context: verifies nothing without trusted_ca",
        )],
    ),
    (
        OPTIONAL,
        &[("validation_context:", "validation_kontext:")],
        &[(
            "alpn_protocols",
            "error .validation_context: missing: Envoy asks no client",
        )],
    ),
    (
        OPTIONAL,
        &[("http_filters:\n", CACHE)],
        &[(
            "name: cache",
            "error .http_filters[0]: Envoy's cache filter",
        )],
    ),
    (
        OPTIONAL,
        &[("http_filters:\n", CACHE_V2)],
        &[(
            "name: cache",
            "error .http_filters[0]: Envoy's cache_v2 filter",
        )],
    ),
    (
        OPTIONAL,
        &[
            ("\"certSubjectDN\" }", "\"certChainRFC9440TooLarge\" }"),
            (
                "\"settings\": [",
                "\"certificate_chain_source\": \"xfcc\", \"settings\": [",
            ),
        ],
        &[(
            "v3.HttpConnectionManager",
            "error .forward_client_cert_details: \"certificate_chain_source\"",
        )],
    ),
    (
        OPTIONAL,
        &[("tag_name: outcome", "tag_name: outkome")],
        &[(
            "  listeners:",
            "warning stats_config.stats_tags: the filter's counters",
        )],
    ),
    (
        "envoy/fast-path.yaml",
        &[(
            "{ \"hostname\": \"api.example.com\"",
            "{ \"china_network\": true, \"hostname\": \"api.example.com\"",
        )],
        &[(
            "xds_matcher:",
            "error .xds_matcher: was made for another plugin configuration",
        )],
    ),
    (
        "envoy/fast-path.yaml",
        &[("value_match: {exact: api.", "value_match: {exact: apl.")],
        &[(
            "xds_matcher:",
            "warning .xds_matcher: is not what this version of ccf makes",
        )],
    ),
    (
        "envoy/fast-path.yaml",
        &[("root_id: fast_path", "root_id: x")],
        &[(
            "root_id: x",
            "warning .config.root_id: the filter stores no decision",
        )],
    ),
    (
        OPTIONAL,
        &[("tag_name: hostname", "tag_name: host")],
        &[(
            "  listeners:",
            "warning stats_config.stats_tags: the filter's counters",
        )],
    ),
    (
        OPTIONAL,
        &[
            (
                "\"settings\": [",
                "\"certificate_chain_source\": \"xfcc\", \"settings\": [",
            ),
            ("\"certSubjectDN\" }", "\"certChainRFC9440TooLarge\" }"),
            (
                "http_filters:",
                "forward_client_cert_details: APPEND_FORWARD\n                \
                 set_current_client_cert_details: { chain: true }\n                http_filters:",
            ),
        ],
        &[(
            "APPEND_FORWARD",
            "error .forward_client_cert_details: \"certificate_chain_source\"",
        )],
    ),
    (
        OPTIONAL,
        &[
            (
                "\"settings\": [",
                "\"certificate_chain_source\": \"xfcc\", \"settings\": [",
            ),
            ("\"certSubjectDN\" }", "\"certChainRFC9440TooLarge\" }"),
            (
                "http_filters:",
                "forward_client_cert_details: SANITIZE_SET\n                http_filters:",
            ),
        ],
        &[(
            "SANITIZE_SET",
            "error .forward_client_cert_details: \"certificate_chain_source\"",
        )],
    ),
    (
        OPTIONAL,
        &[("google.protobuf.StringValue", "google.protobuf.Struct")],
        &[(
            "google.protobuf.Struct",
            "error configuration: the filter can't read this message",
        )],
    ),
    (
        "envoy/kubernetes/istio.yaml",
        &[("failStrategy: FAIL_RELOAD", "failStrategy: FAIL_OPEN")],
        &[(
            "failStrategy: FAIL_OPEN",
            "error spec.failStrategy: lets requests pass",
        )],
    ),
    (
        "envoy/kubernetes/envoy-gateway.yaml",
        &[("failOpen: false", "failOpen: true")],
        &[(
            "failOpen: true",
            "error spec.wasm[0].failOpen: lets requests pass",
        )],
    ),
];

#[test]
fn each_mistake_gives_exactly_its_finding() {
    for (file, changes, expected) in CASES {
        let text = changed(file, changes);
        let found = findings_in("changed.yaml", &text);
        let context = format!("{file} {changes:?}\n{found:#?}");
        assert_eq!(found.len(), expected.len(), "{context}");
        for (found, (place, finding)) in found.iter().zip(*expected) {
            let line = text
                .lines()
                .position(|line| line.contains(place.trim_end()))
                .unwrap()
                + 1;
            let (level, rest) = finding.split_once(' ').unwrap();
            let (path, reason) = rest.split_once(": ").unwrap();
            let start = format!("{level} {line} ");
            assert!(found.starts_with(&start), "{start}: {context}");
            assert!(
                found.contains(&format!("{path}: {reason}")),
                "{path}: {reason}: {context}"
            );
        }
    }
}

#[test]
fn findings_around_the_filter_have_the_whole_path() {
    let text = changed(
        OPTIONAL,
        &[("failure_policy: FAIL_RELOAD", "failure_policy: FAIL_OPEN")],
    );
    let path =
        format!("{HCM}.filters[0].typed_config.http_filters[0].typed_config.config.failure_policy");
    let found = findings_in("changed.yaml", &text);
    assert!(found[0].contains(&path), "{found:?}");
}

#[tokio::test]
async fn without_the_tls_inspector_a_real_envoy_answers_421_as_the_finding_says() {
    let setting = json!({ "hostname": "a.example.com", "sni_must_match": true });
    for is_missing in [false, true] {
        let (sender, receiver) = mpsc::channel();
        let mut listener = Listener::strict().no_resumption();
        if is_missing {
            listener = listener.no_tls_inspector();
        }
        let scene = Envoy::with_filter(json!({ "settings": [setting] }))
            .listener(listener)
            .adapt(move |bootstrap| sender.send(bootstrap.to_string()).unwrap())
            .scene()
            .await;
        let client = scene.client(Protocol::Http2).sni("a.example.com");
        let client = client.with(&pki().client).connect().await;
        let status = client.get("a.example.com", "/").await.status;
        assert_eq!(status, if is_missing { 421 } else { 200 });
        let found = findings_in("envoy.json", &receiver.recv().unwrap());
        let is_found = found.iter().any(|one| one.contains("answered 421"));
        assert_eq!(is_found, is_missing, "{found:?}");
    }
}

#[test]
fn filters_behind_this_one_are_no_findings() {
    let router = "                  - name: envoy.filters.http.router\n";
    let behind = CACHE.replace("http_filters:\n", "") + router;
    let text = changed(OPTIONAL, &[(router, &behind)]);
    assert_findings(&findings_in("changed.yaml", &text), &[], &text);
}
