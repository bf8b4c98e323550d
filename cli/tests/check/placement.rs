//! Where the filter stands: the filters in front of it, upgrades, redirects.

use serde_json::{Value, json};
use support::Envoy;

use super::{assert_findings, findings_in};
use crate::program::ccf_with;

const PACKAGE: &str = "type.googleapis.com/envoy.extensions.filters.http";
const EXTENSION_WITH_MATCHER: &str =
    "type.googleapis.com/envoy.extensions.common.matching.v3.ExtensionWithMatcher";
const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
/// The path of the HTTP filters in [`bootstrap`].
const FILTERS: &str =
    "static_resources.listeners[0].filter_chains[0].filters[0].typed_config.http_filters";

/// One of Envoy's filters; `message` is its name without the package.
fn filter(message: &str, more: Value) -> Value {
    let mut config = json!({ "@type": format!("{PACKAGE}.{message}") });
    for (key, value) in more.as_object().unwrap() {
        config[key] = value.clone();
    }
    json!({ "name": "neighbour", "typed_config": config })
}

fn lua(code: &str) -> Value {
    let code = format!("function envoy_on_request(request)\n  {code}\nend");
    filter(
        "lua.v3.Lua",
        json!({ "default_source_code": { "inline_string": code } }),
    )
}

/// This filter with a configuration.
fn plain(configuration: &str) -> Value {
    json!({ "name": "client_cert_forwarder", "typed_config": {
        "@type": WASM,
        "config": { "configuration": {
            "@type": "type.googleapis.com/google.protobuf.StringValue", "value": configuration
        } }
    } })
}

fn of_api() -> Value {
    plain(
        r#"{ "settings": [{ "hostname": "a.example", "request_headers": { "X-Serial": "certSerial" } }] }"#,
    )
}

/// This filter, discovered.
fn discovered(urls: &[&str]) -> Value {
    json!({ "name": "client_cert_forwarder", "config_discovery": { "type_urls": urls } })
}

/// An Envoy on plain text whose connection manager has these filters.
fn bootstrap(filters: &[Value], more: Value) -> String {
    let mut manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "http_filters": filters
    });
    for (key, value) in more.as_object().unwrap() {
        manager[key] = value.clone();
    }
    json!({
        "stats_config": { "stats_tags": [{ "tag_name": "hostname" }, { "tag_name": "outcome" }] },
        "static_resources": { "listeners": [
            { "filter_chains": [{ "filters": [{ "name": "manager", "typed_config": manager }] }] }
        ] }
    })
    .to_string()
}

/// Asserts what is found where `front` stands in front of `ours`.
fn assert_in_front(front: &Value, ours: &Value, expected: &[&str]) {
    let text = bootstrap(&[front.clone(), ours.clone()], json!({}));
    assert_findings(&findings_in("envoy.json", &text), expected, &text);
}

#[test]
fn a_filter_that_lets_requests_past_is_an_error_wherever_it_hides() {
    let cache = filter("cache.v3.CacheConfig", json!({}));
    let wrapped = json!({ "name": "x", "typed_config": {
        "@type": EXTENSION_WITH_MATCHER, "extension_config": cache
    } });
    let coming = json!({ "name": "x", "config_discovery": {
        "type_urls": [format!("{PACKAGE}.cache_v2.v3.CacheV2Config")]
    } });
    let unknown = json!({ "name": "x", "typed_config": {
        "@type": "type.googleapis.com/xds.type.v3.TypedStruct",
        "type_url": format!("{PACKAGE}.cache.v3.CacheConfig"), "value": {}
    } });
    for (front, reason) in [
        (cache, "Envoy's cache filter sends its own requests"),
        (wrapped, "Envoy's cache filter sends its own requests"),
        (coming, "Envoy's cache_v2 filter sends its own requests"),
        (unknown, "Envoy's cache filter sends its own requests"),
        (
            filter("aws_lambda.v3.Config", json!({})),
            "Envoy's aws_lambda filter copies the client's headers",
        ),
        (
            filter("file_server.v3.FileServerConfig", json!({})),
            "Envoy's file_server filter answers without this filter",
        ),
        (
            filter("router.v3.Router", json!({})),
            "Envoy's router filter ends the chain",
        ),
        (
            filter("mcp_router.v3.McpRouter", json!({})),
            "Envoy's mcp_router filter ends the chain",
        ),
    ] {
        let expected = format!("error 1 {FILTERS}[0]: {reason}");
        for ours in [of_api(), discovered(&[WASM])] {
            assert_in_front(&front, &ours, &[&expected]);
        }
        // Behind the filter it is where it should be.
        let text = bootstrap(&[of_api(), front], json!({}));
        assert_findings(&findings_in("envoy.json", &text), &[], &text);
    }
    let body_alone = filter(
        "aws_lambda.v3.Config",
        json!({ "payload_passthrough": true }),
    );
    assert_in_front(&body_alone, &of_api(), &[]);
}

#[test]
fn a_filter_that_can_hold_a_request_before_a_discovered_fast_path_is_a_warning() {
    let remote = json!({ "providers": { "a": { "remote_jwks": {} } } });
    let local = json!({ "providers": { "a": { "local_jwks": {} } } });
    let oauth = json!({ "credential": { "typed_config": { "token_endpoint": {} } } });
    for (front, name) in [
        (filter("buffer.v3.Buffer", json!({})), "buffer"),
        (
            filter("jwt_authn.v3.JwtAuthentication", remote),
            "jwt_authn",
        ),
        (
            filter("credential_injector.v3.CredentialInjector", oauth),
            "credential_injector",
        ),
        (lua("request:httpCall('a', {}, '', 10)"), "lua"),
        (lua("request:body()"), "lua"),
        (
            filter(
                "lua.v3.Lua",
                json!({ "default_source_code": { "filename": "/a" } }),
            ),
            "lua",
        ),
    ] {
        let expected = format!("warning 1 {FILTERS}[0]: Envoy's {name} filter can hold a request");
        let fast_path = discovered(&[WASM, EXTENSION_WITH_MATCHER]);
        assert_in_front(&front, &fast_path, &[&expected]);
        // Neither the plain filter nor an update of the listener has this defect.
        for ours in [discovered(&[WASM]), of_api()] {
            assert_in_front(&front, &ours, &[]);
        }
    }
    for harmless in [
        filter("jwt_authn.v3.JwtAuthentication", local),
        filter("credential_injector.v3.CredentialInjector", json!({})),
        lua("request:headers():remove('x-other')"),
    ] {
        assert_in_front(&harmless, &discovered(&[EXTENSION_WITH_MATCHER]), &[]);
    }
}

#[test]
fn a_fast_path_that_is_only_the_default_counts_as_discovered() {
    let configuration = of_api()["typed_config"]["config"]["configuration"]["value"].clone();
    let printed = ccf_with(
        &["filters", "--format", "json", "-"],
        configuration.as_str().unwrap(),
        &[],
    );
    let ours = json!({ "name": "client_cert_forwarder", "config_discovery": {
        "default_config": printed.json()[0]["typed_config"]
    } });
    let expected = format!("warning 1 {FILTERS}[0]: Envoy's buffer filter can hold");
    assert_in_front(&filter("buffer.v3.Buffer", json!({})), &ours, &[&expected]);
}

#[test]
fn a_filter_that_names_a_managed_header_is_a_warning() {
    let mutation = |header: &str| {
        let append = json!({ "append": { "header": { "key": header, "value": "1" } } });
        filter(
            "header_mutation.v3.HeaderMutation",
            json!({ "mutations": { "request_mutations": [append] } }),
        )
    };
    let by_header = |header: &str| json!({ "permissions": [{ "header": { "name": header } }] });
    let rbac = filter(
        "rbac.v3.RBAC",
        json!({ "rules": by_header("cf-cert-verified") }),
    );
    for (front, header) in [
        (mutation("CF_Client.Cert-Sha256"), "CF_Client.Cert-Sha256"),
        (mutation("x_serial"), "x_serial"),
        (rbac, "cf-cert-verified"),
        (
            lua("request:headers():get(\"cf-client-cert-sha256\")"),
            "cf-client-cert-sha256",
        ),
    ] {
        let expected = format!("warning 1 {FILTERS}[0]: names the header {header}: ");
        assert_in_front(&front, &of_api(), &[&expected]);
    }
    for other in ["x-serial-2", "cf-connecting-ip", "client-cert"] {
        assert_in_front(&mutation(other), &of_api(), &[]);
    }
    // Without its configuration only the two families are known.
    assert_in_front(&mutation("x-serial"), &discovered(&[WASM]), &[]);
}

/// Filters of Envoy 1.40.0 that neither let requests past nor hold them, as their code or a
/// measurement shows. A new one has to be judged before it may stand here.
const HARMLESS: &[&str] = &[
    "adaptive_concurrency",
    "admission_control",
    "alternate_protocols_cache",
    "api_key_auth",
    "aws_eventstream_parser",
    "bandwidth_limit",
    "bandwidth_share",
    "basic_auth",
    "body_size_limit",
    "cdn_loop",
    "composite",
    "compressor",
    "connect_grpc_bridge",
    "cors",
    "csrf",
    "custom_response",
    "decompressor",
    "filter_chain",
    "grpc_http1_bridge",
    "grpc_http1_reverse_bridge",
    "grpc_stats",
    "grpc_web",
    "header_mutation",
    "header_to_metadata",
    "health_check",
    "ip_tagging",
    "local_ratelimit",
    "match_delegate",
    "original_src",
    "rate_limit_quota",
    "rbac",
    "set_filter_state",
    "set_metadata",
    "sse_to_metadata",
    "stateful_session",
    "tap",
];

#[tokio::test]
async fn every_filter_that_envoy_has_is_judged() {
    let scene = Envoy::with_filter(json!({ "settings": [] })).scene().await;
    let info: Value = serde_json::from_str(&scene.envoy.admin("/server_info").await).unwrap();
    let extensions = info["node"]["extensions"].as_array().unwrap().iter();
    let mut judged = 0;
    for extension in extensions.filter(|one| one["category"] == "envoy.filters.http") {
        let name = extension["name"].as_str().unwrap();
        let urls = extension["type_urls"].as_array();
        let Some(urls) = urls.filter(|_| name.contains(".filters.http.")) else {
            continue; // An old name of another one.
        };
        // What is to be discovered counts with the worst that it can be.
        let urls: Vec<String> = urls
            .iter()
            .map(|url| format!("type.googleapis.com/{}", url.as_str().unwrap()))
            .collect();
        let front = json!({ "name": "x", "config_discovery": { "type_urls": urls } });
        let ours = discovered(&[EXTENSION_WITH_MATCHER]);
        let found = findings_in("envoy.json", &bootstrap(&[front, ours], json!({})));
        let short = name.rsplit('.').next().unwrap();
        let is_harmless = HARMLESS.contains(&short);
        assert_eq!(found.is_empty(), is_harmless, "{name}: {found:#?}");
        judged += 1;
    }
    assert!(judged >= 60, "{judged} filters");
}

#[test]
fn an_upgrade_with_filters_of_its_own_needs_this_one_too() {
    let upgrade = |filters: Value| {
        let upgrades = json!([{ "upgrade_type": "websocket", "filters": filters }]);
        bootstrap(&[of_api()], json!({ "upgrade_configs": upgrades }))
    };
    let router = filter("router.v3.Router", json!({}));
    let text = upgrade(json!([router]));
    let path = FILTERS.replace("http_filters", "upgrade_configs[0].filters");
    let expected = format!("error 1 {path}: lets these upgrades pass without the filter");
    assert_findings(&findings_in("envoy.json", &text), &[&expected], &text);
    let cache = filter("cache.v3.CacheConfig", json!({}));
    for (filters, expected) in [
        (json!([]), vec![]),
        (json!([of_api(), router]), vec![]),
        (json!([discovered(&[WASM]), router]), vec![]),
        (
            json!([cache, of_api()]),
            vec![format!("error 1 {path}[0]: Envoy's cache filter")],
        ),
    ] {
        let text = upgrade(filters);
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        assert_findings(&findings_in("envoy.json", &text), &expected, &text);
    }
}

#[test]
fn a_redirect_of_envoys_own_and_reject_are_a_warning() {
    let route = json!({ "match": { "prefix": "/" }, "route": {
        "cluster": "origin", "internal_redirect_policy": {}
    } });
    let routes = json!({ "route_config": { "virtual_hosts": [{ "routes": [route] }] } });
    for (spoofed, is_found) in [("strip", false), ("reject", true)] {
        let ours = plain(&format!(
            "{{ \"on_spoofed_header\": \"{spoofed}\", \"settings\": [] }}"
        ));
        let text = bootstrap(&[ours], routes.clone());
        let found = findings_in("envoy.json", &text);
        let path = FILTERS.replace(
            "http_filters",
            "route_config.virtual_hosts[0].routes[0].route.internal_redirect_policy",
        );
        let expected = format!("warning 1 {path}: a request that Envoy redirects itself");
        let expected: &[&str] = if is_found { &[&expected] } else { &[] };
        assert_findings(&found, expected, &text);
    }
}

#[test]
fn a_route_by_a_managed_header_is_a_warning_on_the_fast_path() {
    let routes = json!({ "route_config": { "virtual_hosts": [{ "routes": [
        { "match": { "prefix": "/", "headers": [
            { "name": "x-tenant", "present_match": true },
            { "name": "cf_client_cert_sha256", "present_match": true }
        ] }, "route": { "cluster": "origin" } }
    ] }] } });
    let again = filter(
        "set_filter_state.v3.Config",
        json!({ "clear_route_cache": true }),
    );
    let fast_path = discovered(&[EXTENSION_WITH_MATCHER, WASM]);
    let path = FILTERS.replace(
        "http_filters",
        "route_config.virtual_hosts[0].routes[0].match.headers",
    );
    let expected = format!("warning 1 {path}: a client's own cf_client_cert_sha256 selects");
    for (filters, expected) in [
        (vec![fast_path.clone()], &[expected.as_str()][..]),
        (vec![fast_path, again], &[]),
        (vec![of_api()], &[]),
    ] {
        let text = bootstrap(&filters, routes.clone());
        assert_findings(&findings_in("envoy.json", &text), expected, &text);
    }
}

#[test]
fn ccf_filters_says_so_too() {
    let cache = filter("cache.v3.CacheConfig", json!({}));
    let text = bootstrap(&[cache, of_api()], json!({}));
    let run = ccf_with(&["filters", "-"], &text, &[]);
    assert_eq!(run.code, 0);
    assert!(
        run.stderr
            .starts_with("ccf: <stdin>:1: Envoy's cache filter sends its own requests"),
        "{}",
        run.stderr
    );
    let shipped = ccf_with(&["filters", "envoy/fast-path.yaml"], "", &[]);
    assert_eq!((shipped.code, shipped.stderr.as_str()), (0, ""));
}
