use proptest::prelude::*;
use regex::Regex;
use serde_json::{Value, json};

use super::{FastPath, MANAGED_NAMES};
use crate::config::Config;
use crate::delivery_state::DeliveryState;
use crate::headers::managed::ManagedHeaders;

const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

fn refusal(configuration: &Value) -> String {
    FastPath::new(&configuration.to_string())
        .unwrap_err()
        .to_string()
}

fn forward(hostname: &str) -> Value {
    json!({ "hostname": hostname, "client_certificate_forwarding": true })
}

/// Stands in for Envoy: whether the matcher of these settings skips the filter for that authority
/// on a connection with the marks of these settings. What is not skipped must make the filter:
/// nothing may pass because nothing matched.
fn skips(matcher: &Value, authority: &str, marks: &[&DeliveryState]) -> bool {
    match action(matcher, authority, marks).as_deref() {
        Some("skip") => true,
        Some("execute") => false,
        other => panic!("{other:?} for {authority} with {marks:?} in {matcher}"),
    }
}

/// The name of the action that Envoy finds. A nested matcher that finds none counts as if nothing
/// had matched.
fn action(matcher: &Value, authority: &str, marks: &[&DeliveryState]) -> Option<String> {
    let on_match = |on_match: &Value| match on_match.get("matcher") {
        Some(nested) => action(nested, authority, marks),
        None => Some(on_match["action"]["name"].as_str().unwrap().to_owned()),
    };
    let found = if let Some(tree) = matcher.get("matcher_tree") {
        let entry = tree["exact_match_map"]["map"].get(authority);
        entry.and_then(on_match)
    } else {
        let rules = matcher["matcher_list"]["matchers"].as_array().unwrap();
        rules
            .iter()
            .filter(|rule| holds(&rule["predicate"], authority, marks))
            .find_map(|rule| on_match(&rule["on_match"]))
    };
    found.or_else(|| matcher.get("on_no_match").and_then(on_match))
}

fn holds(predicate: &Value, authority: &str, marks: &[&DeliveryState]) -> bool {
    if let Some(all) = predicate.get("and_matcher") {
        let all = all["predicate"].as_array().unwrap();
        return all.iter().all(|each| holds(each, authority, marks));
    }
    if let Some(other) = predicate.get("not_matcher") {
        return !holds(other, authority, marks);
    }
    let single = &predicate["single_predicate"];
    let value_match = &single["value_match"];
    if let Some(key) = single["input"]["typed_config"]["key"].as_str() {
        return marks.iter().any(|delivery| {
            key == format!("wasm.{}", delivery.matched_property)
                && *value_match == json!({ "exact": delivery.matched_value })
        });
    }
    if let Some(whole) = value_match["exact"].as_str() {
        authority == whole
    } else if let Some(suffix) = value_match["suffix"].as_str() {
        authority.ends_with(suffix)
    } else {
        let regex = value_match["safe_regex"]["regex"].as_str().unwrap();
        Regex::new(&format!("^(?:{regex})$"))
            .unwrap()
            .is_match(authority)
    }
}

proptest! {
    #[test]
    fn the_regular_expression_strips_what_the_filter_strips(
        name in "(cf|Cf|cg)?[-_.!a:0]?(client|certs?)?[-_.~9]?(cert|cer)?[-_.'`:x]?[!-~]{0,6}",
    ) {
        let name = name.to_ascii_lowercase();
        let regex = Regex::new(&format!("^(?:{MANAGED_NAMES})$")).unwrap();
        let managed = ManagedHeaders::default().contains(name.as_bytes());
        prop_assert_eq!(regex.is_match(&name), managed, "{}", name);
    }

    #[test]
    fn no_request_is_skipped_whose_own_setting_was_not_served(
        forwarding in prop::collection::btree_map(hostname(), any::<bool>(), 1..6),
        delivered in prop::collection::vec(any::<bool>(), 6),
        authority in authority(),
    ) {
        let settings: Vec<Value> = forwarding
            .iter()
            .map(|(hostname, forwards)| json!({ "hostname": hostname, "client_certificate_forwarding": forwards }))
            .collect();
        let text = json!({ "settings": settings }).to_string();
        prop_assume!(forwarding.values().any(|forwards| *forwards));
        let config = Config::from_json(text.as_bytes()).unwrap();
        let marks: Vec<&DeliveryState> = config
            .settings
            .iter()
            .zip(&delivered)
            .filter(|(setting, delivered)| **delivered && setting.forward_on.is_some())
            .map(|(setting, _)| &setting.delivery)
            .collect();
        let matcher = FastPath::new(&text).unwrap().matcher.to_json(&json!({ "name": "execute" }));
        let setting = config.setting(&crate::authority::hostname(authority.as_bytes()));
        let is_served = setting.is_none_or(|(number, setting)| setting.forward_on.is_none() || delivered[number]);
        if skips(&matcher, &authority, &marks) {
            prop_assert!(is_served, "{} {} {:?}", text, authority, marks);
        } else if is_served && setting.is_some_and(|(_, setting)| setting.forward_on.is_some()) {
            prop_assert!(!is_plain(&authority), "{} {} {:?}: not skipped", text, authority, marks);
        }
    }
}

fn is_plain(authority: &str) -> bool {
    !authority
        .contains(|character: char| character.is_ascii_uppercase() || ":@,".contains(character))
        && !authority.ends_with('.')
}

fn name() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "aa"]), 1..4)
        .prop_map(|labels| labels.join("."))
}

fn hostname() -> impl Strategy<Value = String> {
    prop_oneof![
        name(),
        name().prop_map(|name| format!("*.{name}")),
        Just("*".to_owned())
    ]
}

fn authority() -> impl Strategy<Value = String> {
    let form = prop::sample::select(vec!["", "", "", ".", ":8443", ":", ",b", "x@"]);
    (name(), form, any::<bool>()).prop_map(|(name, form, upper)| {
        let name = if upper { name.to_uppercase() } else { name };
        if form == "x@" {
            format!("{form}{name}")
        } else {
            format!("{name}{form}")
        }
    })
}

#[test]
fn what_acts_on_every_request_is_refused_by_its_path() {
    for (key, value) in [
        ("forward_on", json!("every_request")),
        ("sni_must_match", json!(true)),
        ("add_client_certificate_headers", json!(true)),
        ("request_headers", json!({ "x-serial": "certSerial" })),
        ("response_headers", json!({ "x-serial": "certSerial" })),
    ] {
        let mut setting = forward("b.example");
        setting[key] = value;
        let error = refusal(&json!({ "settings": [forward("a.example"), setting] }));
        assert!(
            error.starts_with(&format!("settings[1].{key}: ")),
            "{error}"
        );
        assert!(error.ends_with("deploy the filter alone"), "{error}");
    }
    let mut enforcing = forward("a.example");
    enforcing["require_client_certificate"] = json!(true);
    let error = refusal(&json!({ "verified_by": "listener", "settings": [enforcing] }));
    assert!(
        error.starts_with("settings[0].require_client_certificate: has to judge"),
        "{error}"
    );
    for (key, value) in [
        ("on_spoofed_header", json!("reject")),
        ("certificate_chain_source", json!("xfcc")),
        ("explain", json!(true)),
    ] {
        let mut configuration = json!({ "settings": [forward("a.example")] });
        configuration[key] = value;
        let error = refusal(&configuration);
        assert!(error.starts_with(&format!("{key}: ")), "{error}");
    }
}

#[test]
fn a_configuration_that_forwards_nothing_has_no_fast_path() {
    let silent = json!({ "hostname": "a.example", "client_certificate_forwarding": false });
    let error = refusal(&json!({ "settings": [silent] }));
    assert!(
        error.starts_with("settings: none has client_certificate_forwarding"),
        "{error}"
    );
}

#[test]
fn a_setting_that_sends_on_every_request_but_does_not_forward_is_no_obstacle() {
    let silent =
        json!({ "hostname": "a.example", "forward_on": "every_request", "sni_must_match": false });
    FastPath::new(&json!({ "settings": [silent, forward("b.example")] }).to_string()).unwrap();
}

#[test]
fn what_the_configuration_refuses_is_refused_as_ever() {
    let error = FastPath::new("{\"settings\": 1}").unwrap_err().to_string();
    assert!(error.starts_with("settings: "), "{error}");
}

#[test]
fn each_hostname_asks_for_the_mark_of_its_own_setting_and_no_other() {
    let served = [
        ("api.example.com", "api.example.com"),
        ("*.deep.example.com", "www.deep.example.com"),
        ("*.example.com", "www.example.com"),
        ("*", "www.example.org"),
    ];
    let settings = served.map(|(hostname, _)| forward(hostname));
    let text = json!({ "settings": settings }).to_string();
    let config = Config::from_json(text.as_bytes()).unwrap();
    let matcher = FastPath::new(&text).unwrap().matcher;
    let matcher = matcher.to_json(&json!({ "name": "execute" }));
    for (hostname, authority) in served {
        let marks = |own: bool| -> Vec<&DeliveryState> {
            let settings = config.settings.iter();
            settings
                .filter(|setting| (setting.hostname == hostname) == own)
                .map(|setting| &setting.delivery)
                .collect()
        };
        assert!(skips(&matcher, authority, &marks(true)), "{hostname}");
        assert!(!skips(&matcher, authority, &marks(false)), "{hostname}");
    }
}

#[test]
fn a_wildcard_with_too_many_narrower_settings_goes_to_the_filter() {
    let mut settings: Vec<Value> = (0..101)
        .map(|n| forward(&format!("h{n}.a.example")))
        .collect();
    settings.push(forward("*.a.example"));
    settings.push(forward("*.b.example"));
    let fast_path = FastPath::new(&json!({ "settings": settings }).to_string()).unwrap();
    assert_eq!(fast_path.left_out(), ["*.a.example"]);
}

#[test]
fn the_wasm_filter_gets_the_configuration_byte_for_byte() {
    let text = " { \"settings\": [ { \"hostname\": \"a.example\", \"client_certificate_forwarding\": true } ] }\n";
    let filters = FastPath::new(text)
        .unwrap()
        .http_filters(&json!({ "runtime": "envoy.wasm.runtime.v8" }));
    let configs = wasm_configs(&filters[1]);
    assert_eq!(configs.len(), 1);
    assert_eq!(configs[0]["configuration"]["value"], text);
    assert_eq!(configs[0]["failure_policy"], "FAIL_RELOAD");
    assert_eq!(configs[0]["root_id"], "fast_path");
}

#[test]
fn there_is_one_wasm_filter_however_many_settings_there_are() {
    for hostnames in [
        &["a.example"][..],
        &["*.example"],
        &["a.example", "b.example"],
        &["*.a.example", "*.b.example"],
        &["a.example", "b.example", "*.example", "*"],
    ] {
        let settings: Vec<Value> = hostnames.iter().copied().map(forward).collect();
        let fast_path = FastPath::new(&json!({ "settings": settings }).to_string()).unwrap();
        let filters = json!(fast_path.http_filters(&json!({})));
        assert_eq!(wasm_configs(&filters).len(), 1, "{hostnames:?}");
    }
}

/// The configurations of all wasm filters in there.
fn wasm_configs(json: &Value) -> Vec<&Value> {
    match json {
        Value::Object(fields) if fields.get("@type") == Some(&json!(WASM)) => {
            vec![&fields["config"]]
        }
        Value::Object(fields) => fields.values().flat_map(wasm_configs).collect(),
        Value::Array(items) => items.iter().flat_map(wasm_configs).collect(),
        _ => Vec::new(),
    }
}
