//! What the filter stores for Envoy's own filters on the fast path, against a host of memory.

use std::rc::Rc;

use super::tests::{PEM, exchange, send};
use super::{Action, Plugin, Request};
use crate::config::Config;
use crate::hostcalls::mock::MockEnvoy;
use crate::stored_decision::{PROPERTY, StoredDecision};

const FIRST: &str =
    r#"{"settings":[{"hostname":"a.example","client_certificate_forwarding":true}]}"#;
const EVERY: &str = r#"{"settings":[{"hostname":"a.example","request_headers":{"x-dn":"certSubjectDN","x-sha1":"certFingerprintSHA1","x-verified":"certVerified"}}]}"#;
const SHA1: &str = "client_cert_forwarder.field.certFingerprintSHA1";

fn plugin(json: &str) -> Rc<Plugin> {
    Rc::new(Plugin {
        fast_path: true,
        ..Plugin::new(Config::from_json(json.as_bytes()).unwrap())
    })
}

fn stored(envoy: &MockEnvoy) -> String {
    let value = envoy.properties.borrow().get(PROPERTY).cloned();
    String::from_utf8(value.unwrap_or_default()).unwrap()
}

fn expected(plugin: &Plugin, decision: StoredDecision) -> String {
    let entry = decision.entry(&plugin.config.settings[0].token);
    format!("{}{entry}", plugin.config.mark)
}

fn field(envoy: &MockEnvoy, property: &str) -> Option<Vec<u8>> {
    envoy.properties.borrow().get(property).cloned()
}

#[test]
fn a_delivery_is_a_decision_and_what_is_pending_is_none() {
    let (envoy, plugin) = (MockEnvoy::with_certificate("a.example", PEM), plugin(FIRST));
    let (mut request, _) = send(&envoy, &plugin, &[(":authority", "a.example")]);
    assert_eq!(stored(&envoy), &*plugin.config.mark);
    request.on_response_headers(&envoy);
    assert_eq!(stored(&envoy), expected(&plugin, StoredDecision::Nothing));
}

#[test]
fn the_plain_deployment_stores_nothing_for_envoy() {
    let envoy = MockEnvoy::with_certificate("a.example", PEM);
    exchange(&envoy, &super::tests::plugin(FIRST), "a.example");
    assert_eq!(field(&envoy, PROPERTY), None);
}

#[test]
fn the_mark_goes_before_the_first_field_and_comes_behind_the_last() {
    let (envoy, plugin) = (MockEnvoy::with_certificate("a.example", PEM), plugin(EVERY));
    exchange(&envoy, &plugin, "a.example");
    let writes = envoy.property_writes.borrow();
    let about = |name: &&String| name.contains(".field.") || *name == PROPERTY;
    let about: Vec<&String> = writes.iter().filter(about).collect();
    let is_mark: Vec<bool> = about.iter().map(|name| *name == PROPERTY).collect();
    assert_eq!(is_mark, [true, false, false, false, true, true]);
    assert_eq!(stored(&envoy), expected(&plugin, StoredDecision::Fields));
}

#[test]
fn a_field_that_envoy_refuses_leaves_no_decision_and_is_written_again() {
    let (envoy, plugin) = (MockEnvoy::with_certificate("a.example", PEM), plugin(EVERY));
    *envoy.unwritable.borrow_mut() = SHA1.to_owned();
    exchange(&envoy, &plugin, "a.example");
    assert_eq!(stored(&envoy), "");
    envoy.unwritable.borrow_mut().clear();
    exchange(&envoy, &plugin, "a.example");
    assert_eq!(stored(&envoy), expected(&plugin, StoredDecision::Fields));
}

#[test]
fn a_delivery_that_envoy_refuses_to_keep_is_no_decision() {
    let (envoy, plugin) = (MockEnvoy::with_certificate("a.example", PEM), plugin(FIRST));
    *envoy.unwritable.borrow_mut() = plugin.config.settings[0].delivery.property.to_string();
    exchange(&envoy, &plugin, "a.example");
    assert_eq!(stored(&envoy), &*plugin.config.mark);
}

#[test]
fn streams_of_two_configurations_never_mix_marks_and_fields() {
    let envoy = MockEnvoy::with_certificate("a.example", PEM);
    let (old, new) = (plugin(FIRST), plugin(&format!("{FIRST} ")));
    let (mut paused, _) = send(&envoy, &old, &[(":authority", "a.example")]);
    let (mut request, _) = send(&envoy, &new, &[(":authority", "a.example")]);
    // The old one's delivery is remembered, but not told to the new one's matcher.
    paused.on_response_headers(&envoy);
    assert_eq!(stored(&envoy), &*new.config.mark);
    request.on_response_headers(&envoy);
    assert_eq!(stored(&envoy), expected(&new, StoredDecision::Nothing));
    exchange(&envoy, &old, "a.example");
    assert_eq!(stored(&envoy), expected(&old, StoredDecision::Nothing));
}

#[test]
fn an_unverified_certificates_fields_are_stored_apart_from_those_that_can_be_trusted() {
    let apart = "client_cert_forwarder.unverified.certFingerprintSHA1";
    for (forwards, decision) in [
        (false, StoredDecision::Status),
        (true, StoredDecision::Unverified),
    ] {
        let envoy = MockEnvoy::with_certificate("a.example", PEM);
        envoy.set("connection.peer_certificate_valid", &[0]);
        let setting = format!(r#"{{"forward_unverified":{forwards},"hostname""#);
        let plugin = plugin(&EVERY.replacen(r#"{"hostname""#, &setting, 1));
        exchange(&envoy, &plugin, "a.example");
        assert_eq!(stored(&envoy), expected(&plugin, decision));
        assert_eq!(field(&envoy, SHA1), Some(Vec::new()));
        assert_eq!(
            field(&envoy, apart).is_some_and(|value| !value.is_empty()),
            forwards
        );
    }
}

#[test]
fn refusals_and_connect_leave_no_decision() {
    let json = r#"{"verified_by":"listener","settings":[{"hostname":"a.example","require_client_certificate":true,"sni_must_match":false}]}"#;
    let (envoy, plugin) = (MockEnvoy::default(), plugin(json));
    let (_, action) = send(&envoy, &plugin, &[(":authority", "a.example")]);
    assert_eq!((action, field(&envoy, PROPERTY)), (Action::Stop, None));
    let envoy = MockEnvoy::with_certificate("a.example", PEM);
    let connect = [(":method", "CONNECT"), (":authority", "a.example")];
    let (request, action): (Request, Action) = send(&envoy, &plugin, &connect);
    drop(request);
    assert_eq!((action, field(&envoy, PROPERTY)), (Action::Continue, None));
}
