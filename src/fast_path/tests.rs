use proptest::prelude::*;
use regex::Regex;
use serde_json::{Value, json};

use super::{FastPath, names};
use crate::authority;
use crate::config::Config;
use crate::headers::managed::ManagedHeaders;
use crate::stored_decision::{StoredDecision, with_entry};

const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";

fn refusal(configuration: &Value) -> String {
    FastPath::new(&configuration.to_string())
        .unwrap_err()
        .to_string()
}

fn forward(hostname: &str) -> Value {
    json!({ "hostname": hostname, "client_certificate_forwarding": true })
}

/// Stands in for Envoy: whether a stored decision serves that authority on a connection with that
/// property. What it does not serve must make the filter: nothing may pass because nothing matched.
fn replays(matcher: &Value, authority: &str, stored: &str) -> bool {
    match action(matcher, authority, stored).as_deref() {
        Some("replay") => true,
        Some("execute") => false,
        other => panic!("{other:?} for {authority} with {stored:?} in {matcher}"),
    }
}

/// The name of the action that Envoy finds. A nested matcher that finds none counts as if nothing
/// had matched.
fn action(matcher: &Value, authority: &str, stored: &str) -> Option<String> {
    let on_match = |on_match: &Value| match on_match.get("matcher") {
        Some(nested) => action(nested, authority, stored),
        None => Some(on_match["action"]["name"].as_str().unwrap().to_owned()),
    };
    let found = if let Some(tree) = matcher.get("matcher_tree") {
        let entry = tree["exact_match_map"]["map"].get(authority);
        entry.and_then(on_match)
    } else {
        let rules = matcher["matcher_list"]["matchers"].as_array().unwrap();
        rules
            .iter()
            .filter(|rule| holds(&rule["predicate"], authority, stored))
            .find_map(|rule| on_match(&rule["on_match"]))
    };
    found.or_else(|| matcher.get("on_no_match").and_then(on_match))
}

fn holds(predicate: &Value, authority: &str, stored: &str) -> bool {
    if let Some(all) = predicate.get("and_matcher") {
        let all = all["predicate"].as_array().unwrap();
        return all.iter().all(|each| holds(each, authority, stored));
    }
    if let Some(other) = predicate.get("not_matcher") {
        return !holds(other, authority, stored);
    }
    let single = &predicate["single_predicate"];
    let config = &single["input"]["typed_config"];
    let value = match config["header_name"].as_str() {
        Some(":authority") => authority,
        Some(":method") => "GET",
        Some(_) => return false,
        None => stored,
    };
    let value_match = &single["value_match"];
    let text = |key: &str| value_match[key].as_str();
    if let Some(whole) = text("exact") {
        value == whole
    } else if let Some(start) = text("prefix") {
        value.starts_with(start)
    } else if let Some(suffix) = text("suffix") {
        value.ends_with(suffix)
    } else if let Some(part) = text("contains") {
        value.contains(part)
    } else {
        let regex = value_match["safe_regex"]["regex"].as_str().unwrap();
        Regex::new(&format!("^(?:{regex})$"))
            .unwrap()
            .is_match(value)
    }
}

fn matcher(text: &str) -> Value {
    let fast_path = FastPath::new(text).unwrap();
    fast_path.matcher.to_json(&json!({ "name": "execute" }))
}

/// What stands in the property once these were decided for the settings of these numbers.
fn stored(config: &Config, decided: &[(usize, StoredDecision)]) -> String {
    let start = config.mark.as_bytes().to_vec();
    let value = decided.iter().fold(start, |value, (number, decision)| {
        let entry = decision.entry(&config.settings[*number].token);
        with_entry(&value, &entry).unwrap_or(value)
    });
    String::from_utf8(value).unwrap()
}

fn decision_of(config: &Config, number: usize) -> StoredDecision {
    if config.settings[number].replays_fields() {
        StoredDecision::Fields
    } else {
        StoredDecision::Nothing
    }
}

proptest! {
    #[test]
    fn the_regular_expressions_strip_what_the_filter_strips(
        name in "(cf|Cf|cg|x)?[-_.!a:0]?(client|certs?)?[-_.~9]?(cert|cer)?[-_.'`:x]?[!-~]{0,6}",
        own in prop::collection::vec("[cx_]f?[-_.]?[a-c]{0,2}[-!~]?[a-c]{0,2}[-_.]?[a-c]?", 1..20),
        other in "client[-_]cert|x-[a-z]{1,9}-[a-z]{1,9}|[c~][a-z]{1,70}",
    ) {
        let name = name.to_ascii_lowercase();
        let names = own.iter().chain([&other]);
        let managed = ManagedHeaders::new(names.clone().map(String::as_str));
        let regular_expressions = names::regular_expressions(&managed).unwrap();
        let regular_expressions: Vec<Regex> = regular_expressions
            .iter()
            .map(|regex| Regex::new(&format!("^(?:{regex})$")).unwrap())
            .collect();
        let near = names.clone().flat_map(|name| {
            let longer = name.get(1..).map(|rest| format!("c{rest}"));
            [name.replace('-', "_"), name.replace('a', "b"), format!("{name}a")].into_iter().chain(longer)
        });
        for name in names.clone().cloned().chain(near).chain([name]) {
            let strips = regular_expressions.iter().any(|regex| regex.is_match(&name));
            prop_assert_eq!(strips, managed.contains(name.as_bytes()), "{} {:?}", name, managed);
        }
    }

    #[test]
    fn no_request_is_served_whose_own_setting_was_not_decided(
        hostnames in prop::collection::btree_map(hostname(), 0..4_u8, 1..6),
        decided in prop::collection::vec(any::<bool>(), 6),
        authority in authority(),
    ) {
        let settings: Vec<Value> = hostnames
            .iter()
            .map(|(hostname, mode)| json!({
                "hostname": hostname,
                "client_certificate_forwarding": *mode > 0,
                "forward_on": if *mode == 2 { "every_request" } else { "first_request" },
                "require_client_certificate": *mode == 3,
            }))
            .collect();
        let text = json!({ "verified_by": "listener", "settings": settings }).to_string();
        let config = Config::from_json(text.as_bytes()).unwrap();
        let all: Vec<(usize, StoredDecision)> = (0..config.settings.len())
            .filter(|number| decided[*number])
            .map(|number| (number, decision_of(&config, number)))
            .collect();
        let matcher = matcher(&text);
        prop_assert!(!replays(&matcher, &authority, ""), "{}", authority);
        let setting = config.setting(&authority::hostname(authority.as_bytes()));
        let is_decided = setting.is_none_or(|(number, setting)| {
            setting.forward_on.is_none() && !setting.replays_fields() || decided[number]
        });
        let is_refused = config.refuses_requests && !authority::is_unambiguous(authority.as_bytes());
        if replays(&matcher, &authority, &stored(&config, &all)) {
            prop_assert!(is_decided && !is_refused, "{} {}", text, authority);
        } else if is_decided {
            prop_assert!(!is_plain(&authority), "{} {}: not served", text, authority);
        }
    }

    #[test]
    fn every_host_that_a_wildcard_takes_is_unambiguous_and_its_own_hostname(
        host in r"(([a-z0-9_-]{1,4}|0x[0-9a-f]{0,3}|[0-9]{1,3}|a{62,65})\.){0,4}(example\.com|[a-z0-9_-]{1,3}|0x[0-9a-f]{0,2}|[0-9]{1,9})\.?(:8)?",
    ) {
        let setting = |hostname: &str| json!({ "hostname": hostname, "require_client_certificate": true });
        let text = json!({ "verified_by": "listener", "settings": [setting("*"), setting("*.example.com")] });
        let text = text.to_string();
        let config = Config::from_json(text.as_bytes()).unwrap();
        let all = stored(&config, &[(0, StoredDecision::Fields), (1, StoredDecision::Fields)]);
        if replays(&matcher(&text), &host, &all) {
            prop_assert!(authority::is_unambiguous(host.as_bytes()), "{}", host);
            prop_assert_eq!(&*authority::hostname(host.as_bytes()), host.as_bytes());
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
fn what_only_the_filter_can_do_is_refused_by_its_path() {
    for (key, value) in [
        ("on_spoofed_header", json!("reject")),
        ("explain", json!(true)),
    ] {
        let mut configuration = json!({ "settings": [forward("a.example")] });
        configuration[key] = value;
        let error = refusal(&configuration);
        assert!(error.starts_with(&format!("{key}: ")), "{error}");
        assert!(error.ends_with("deploy the filter alone"), "{error}");
    }
    let mut setting = forward("a.example");
    setting["request_headers"] = json!({ "x-".to_owned() + &"a-".repeat(40) + "b": "certSerial" });
    let error = refusal(&json!({ "settings": [setting] }));
    assert!(
        error.contains("too long for a regular expression"),
        "{error}"
    );
}

#[test]
fn what_the_configuration_refuses_is_refused_as_ever() {
    let error = FastPath::new("{\"settings\": 1}").unwrap_err().to_string();
    assert!(error.starts_with("settings: "), "{error}");
}

#[test]
fn no_decision_of_another_configuration_counts() {
    let text =
        json!({ "settings": [forward("a.example"), { "hostname": "b.example" }] }).to_string();
    let config = Config::from_json(text.as_bytes()).unwrap();
    let ours = stored(&config, &[(0, StoredDecision::Nothing)]);
    let other = Config::from_json(format!("{text} ").as_bytes()).unwrap();
    let theirs = stored(&other, &[(0, StoredDecision::Nothing)]);
    for host in ["a.example", "b.example", "c.example"] {
        assert!(replays(&matcher(&text), host, &ours), "{host}");
        assert!(!replays(&matcher(&text), host, &theirs), "{host}");
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
    let filter = FastPath::new(text)
        .unwrap()
        .http_filter(&json!({ "runtime": "envoy.wasm.runtime.v8" }));
    let configs = wasm_configs(&filter);
    assert_eq!(configs.len(), 1);
    assert_eq!(configs[0]["configuration"]["value"], text);
    assert_eq!(configs[0]["failure_policy"], "FAIL_RELOAD");
    assert_eq!(configs[0]["root_id"], "fast_path");
}

#[test]
fn there_is_one_wasm_filter_however_many_settings_there_are() {
    for hostnames in [
        &[][..],
        &["a.example"],
        &["*.example"],
        &["a.example", "b.example"],
        &["*.a.example", "*.b.example"],
        &["a.example", "b.example", "*.example", "*"],
    ] {
        let settings: Vec<Value> = hostnames.iter().copied().map(forward).collect();
        let fast_path = FastPath::new(&json!({ "settings": settings }).to_string()).unwrap();
        let filter = fast_path.http_filter(&json!({}));
        assert_eq!(wasm_configs(&filter).len(), 1, "{hostnames:?}");
    }
}

#[test]
fn ten_thousand_settings_are_generated_in_linear_time() {
    let start = std::time::Instant::now();
    for pattern in ["h{}.example.com", "*.h{}.example.com"] {
        let settings: Vec<Value> = (0..10_000)
            .map(|number: u32| forward(&pattern.replace("{}", &number.to_string())))
            .chain([forward("*.example.com")])
            .collect();
        FastPath::new(&json!({ "settings": settings }).to_string()).unwrap();
    }
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
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
