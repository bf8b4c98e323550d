//! What is accepted, what is refused, and in which words.

use super::Config;
use super::refused_examples::{self, with_keys};

fn refusal(json: &str) -> String {
    Config::from_json(json.as_bytes())
        .expect_err(json)
        .to_string()
}

#[test]
fn the_body_of_cloudflares_put_is_a_configuration() {
    let body = br#"{ "settings": [ { "hostname": "api.example.com", "china_network": false, "client_certificate_forwarding": true } ] }"#;
    let config = Config::from_json(body).unwrap();
    let (_, setting) = config.setting(b"api.example.com").unwrap();
    let names: Vec<_> = setting
        .forwarding_headers
        .iter()
        .map(|header| header.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["cf-client-cert-der-base64", "cf-client-cert-sha256"]
    );
    assert!(config.setting(b"other.example.com").is_none());
}

#[test]
fn an_empty_configuration_has_no_settings() {
    assert_eq!(Config::from_json(b"").unwrap().settings.len(), 0);
}

#[test]
fn defaults_are_those_of_the_contract() {
    let config = Config::from_json(br#"{"settings":[{"hostname":"*"}]}"#).unwrap();
    let (_, setting) = config.setting(b"anything").unwrap();
    assert_eq!(setting.forward_on, None);
    assert!(!setting.acts_on_every_request() && !setting.forward_unverified);
    assert!(setting.request_headers.is_empty() && setting.response_headers.is_empty());
    assert_eq!(
        (
            config.limits.max_certificate_bytes,
            config.limits.max_certificate_chain_bytes
        ),
        (10_240, 16_384)
    );
    assert!(!config.reject_spoofed_headers && !config.chain_from_xfcc && !config.explain);
}

#[test]
fn the_sni_must_match_where_a_certificate_is_required_unless_said_otherwise() {
    for (keys, expected) in [
        (r#""require_client_certificate":true"#, true),
        (
            r#""require_client_certificate":true,"sni_must_match":false"#,
            false,
        ),
        (r#""sni_must_match":true"#, true),
        (r#""sni_must_match":false"#, false),
    ] {
        let config = Config::from_json(with_keys(keys).as_bytes()).unwrap();
        assert_eq!(
            config.setting(b"b.example").unwrap().1.sni_must_match,
            expected,
            "{keys}"
        );
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    for (json, expected, _) in refused_examples::CONFIGURATIONS {
        let refusal = refusal(json);
        assert!(
            refusal.contains(expected),
            "{json}\n  says     {refusal}\n  expected {expected}"
        );
        assert!(!refusal.contains('\n'), "{refusal}");
    }
}

#[test]
fn a_settings_keys_are_checked_at_their_place() {
    for (keys, expected, _) in refused_examples::KEYS {
        let (refusal, expected) = (refusal(&with_keys(keys)), format!("settings[1]{expected}"));
        assert!(
            refusal.starts_with(&expected),
            "{keys}\n  says     {refusal}\n  expected {expected}"
        );
    }
}

#[test]
fn one_rfc9440_header_makes_both_managed() {
    for name in ["Client-Cert", "client_cert"] {
        let keys = format!(r#""request_headers":{{"{name}":"certRFC9440"}}"#);
        let config = Config::from_json(with_keys(&keys).as_bytes()).unwrap();
        for managed in ["client-cert", "Client_Cert", "client-cert-chain"] {
            assert!(
                config.managed_headers.contains(managed.as_bytes()),
                "{name}: {managed}"
            );
        }
    }
    let config = Config::from_json(with_keys(r#""china_network":true"#).as_bytes()).unwrap();
    assert!(!config.managed_headers.contains(b"client-cert"));
}

#[test]
fn a_setting_keeps_its_id_across_configurations_and_a_configuration_does_not() {
    let one = Config::from_json(br#"{"settings":[{"hostname":"a.example"}]}"#).unwrap();
    let two =
        Config::from_json(br#"{"settings":[{"hostname":"b.example"},{"hostname":"A.example"}]}"#)
            .unwrap();
    let id = |config: &Config, hostname: &[u8]| config.setting(hostname).unwrap().1.id;
    assert_eq!(id(&one, b"a.example"), id(&two, b"a.example"));
    assert_ne!(id(&two, b"a.example"), id(&two, b"b.example"));
    assert_ne!(one.id, two.id);
}
