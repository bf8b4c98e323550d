//! A refused configuration is named in one line that starts with the place of the error.

use serde_json::json;
use support::{Envoy, Origin, Protocol, Update, pki};

use crate::common::{HOST, assert_carries, filter_errors, forwarding};

/// One setting with that hostname.
fn hostname(hostname: &str) -> String {
    json!({ "settings": [{ "hostname": hostname }] }).to_string()
}

#[tokio::test]
async fn bad_configurations_are_refused_with_one_line_that_starts_with_the_place() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .discovered()
        .concurrency(2)
        .scene()
        .await;
    let client = scene.connect(Protocol::Http2).await;
    let long_label = format!("{}.example.com", "a".repeat(64));
    let long_name = format!("{}example.com", "abcdefg.".repeat(32));
    let twice = |one: &str, two: &str| {
        json!({ "settings": [{ "hostname": one }, { "hostname": two }] }).to_string()
    };

    let refused: Vec<(String, &str)> = vec![
        (
            r#"{"settings": [{"hostname": "a.test", "forward_on": "sometimes"}]}"#.into(),
            r#"settings[0].forward_on: unknown value "sometimes", expected "first_request" or "every_request""#,
        ),
        // Not JSON.
        ("{".into(), "line 1, column 1"),
        (
            "{\"settings\": [\n  {\"hostname\": \"a.test\",}\n]}".into(),
            "line 2, column 25",
        ),
        (r#"{"settings": []} {}"#.into(), "line 1, column 18"),
        (
            "settings: []".into(),
            "line 1, column 1: not JSON: this looks like YAML, write the plugin configuration as JSON",
        ),
        (
            "\u{feff}{}".into(),
            "line 1, column 1: not JSON: the text starts with a byte order mark, save it as UTF-8 without one",
        ),
        (
            format!("{}{}", r#"{"settings": "#, "[".repeat(5000)),
            "line 1, column 140: not JSON: nested too deeply",
        ),
        // Unknown keys.
        (
            r#"{"settings": [], "verify_by": "listener"}"#.into(),
            "verify_by: unknown",
        ),
        (
            r#"{"settings": [{"hostname": "a.test", "Forward_on": "every_request"}]}"#.into(),
            "settings[0].Forward_on: unknown",
        ),
        // Missing and wrong types.
        ("{}".into(), "settings: "),
        (r#"{"settings": [{}]}"#.into(), "settings[0].hostname: "),
        (
            r#"{"settings": [{"hostname": "a.test"}, {"client_certificate_forwarding": true}]}"#
                .into(),
            "settings[1].hostname: ",
        ),
        (r#"{"settings": {}}"#.into(), "settings: "),
        (r#"{"settings": null}"#.into(), "settings: "),
        (r#"{"settings": ["a.test"]}"#.into(), "settings[0]: "),
        (
            r#"{"settings": [["a.test", false]]}"#.into(),
            "settings[0]: ",
        ),
        (
            r#"{"settings": [{"hostname": 5}]}"#.into(),
            "settings[0].hostname: ",
        ),
        (
            r#"{"settings": [{"hostname": null}]}"#.into(),
            "settings[0].hostname: ",
        ),
        (
            r#"{"settings": [{"hostname": "a.test", "china_network": 0}]}"#.into(),
            "settings[0].china_network: ",
        ),
        (
            r#"{"settings": [{"hostname": "a.test", "client_certificate_forwarding": "true"}]}"#
                .into(),
            "settings[0].client_certificate_forwarding: ",
        ),
        (
            r#"{"settings": [{"hostname": "a.test", "forward_unverified": null}]}"#.into(),
            "settings[0].forward_unverified: ",
        ),
        (
            r#"{"settings": [], "verified_by": "nobody"}"#.into(),
            "verified_by: unknown value \"nobody\"",
        ),
        (
            r#"{"settings": [], "on_spoofed_header": "drop"}"#.into(),
            "on_spoofed_header: unknown value \"drop\"",
        ),
        (
            r#"{"settings": [], "max_certificate_bytes": -1}"#.into(),
            "max_certificate_bytes: ",
        ),
        (
            r#"{"settings": [], "max_certificate_bytes": 10.5}"#.into(),
            "max_certificate_bytes: ",
        ),
        (
            r#"{"settings": [], "max_certificate_bytes": "10240"}"#.into(),
            "max_certificate_bytes: ",
        ),
        (
            r#"{"settings": [], "max_certificate_bytes": 99999999999999999999}"#.into(),
            "max_certificate_bytes: ",
        ),
        // Hostnames.
        (twice("a.test", "a.test"), "settings[1].hostname: "),
        (twice("a.test", "A.TEST"), "settings[1].hostname: "),
        (twice("*.test", "*.Test"), "settings[1].hostname: "),
        (twice("*", "*"), "settings[1].hostname: "),
        (hostname(""), "settings[0].hostname: "),
        (hostname(" "), "settings[0].hostname: "),
        (hostname("a b.test"), "settings[0].hostname: "),
        (hostname("a..test"), "settings[0].hostname: "),
        (hostname(".test"), "settings[0].hostname: "),
        (hostname("https://a.test"), "settings[0].hostname: "),
        (hostname("a.test/path"), "settings[0].hostname: "),
        (hostname("a.test:443"), "settings[0].hostname: "),
        (hostname("*a.test"), "settings[0].hostname: "),
        (hostname("a.*.test"), "settings[0].hostname: "),
        (hostname("*.*.test"), "settings[0].hostname: "),
        (hostname("**"), "settings[0].hostname: "),
        (hostname("*."), "settings[0].hostname: "),
        (hostname("bücher.test"), "settings[0].hostname: "),
        (
            hostname("a.test\nsettings[9]: forged"),
            "settings[0].hostname: ",
        ),
        (hostname("a;.outcome=b"), "settings[0].hostname: "),
        (hostname(&long_label), "settings[0].hostname: "),
        (hostname(&long_name), "settings[0].hostname: "),
        // Settings that could not be enforced.
        (
            r#"{"settings": [{"hostname": "a.test", "require_client_certificate": true}]}"#.into(),
            "settings[0].require_client_certificate: ",
        ),
    ];
    let mut failures = Vec::new();
    for (configuration, expected) in &refused {
        let before = filter_errors(&scene.envoy).len();
        let update = scene.envoy.update_config_text(configuration).await;
        let errors = filter_errors(&scene.envoy).split_off(before);
        let as_expected = matches!(errors.as_slice(), [line] if line.starts_with(expected) && line.len() > expected.len());
        if update == Update::Accepted || !(as_expected || errors.as_slice() == [*expected]) {
            failures.push(format!(
                "{configuration:.200}\n  expected {expected:?}\n  {update:?} {errors:?}"
            ));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));

    // The first one is still in force.
    client.get(HOST, "/").await;
    assert_carries(&scene.origin.only_request(), &pki().client);
    assert_eq!(scene.envoy.vm_reloads().await, 0);
}

#[tokio::test]
async fn a_choice_of_the_wrong_type_is_named_by_its_path() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .discovered()
        .scene()
        .await;
    for (configuration, path) in [
        (
            r#"{"settings": [{"hostname": "a.test", "forward_on": true}]}"#,
            "settings[0].forward_on: ",
        ),
        (r#"{"settings": [], "verified_by": 1}"#, "verified_by: "),
        (
            r#"{"settings": [], "on_spoofed_header": null}"#,
            "on_spoofed_header: ",
        ),
    ] {
        let before = filter_errors(&scene.envoy).len();
        assert_eq!(
            scene.envoy.update_config_text(configuration).await,
            Update::Rejected,
            "{configuration}"
        );
        let errors = filter_errors(&scene.envoy).split_off(before);
        assert!(
            matches!(errors.as_slice(), [line] if line.starts_with(path)),
            "{configuration}: {errors:?}"
        );
    }
}

#[tokio::test]
async fn a_label_that_starts_or_ends_with_a_hyphen_is_no_dns_name() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .discovered()
        .scene()
        .await;
    for name in ["-a.test", "a-.test", "a.-b.test", "*.-a.test"] {
        assert_eq!(
            scene.envoy.update_config_text(&hostname(name)).await,
            Update::Rejected,
            "{name}"
        );
    }
}

#[tokio::test]
async fn wrong_kinds_of_json_are_refused() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .discovered()
        .scene()
        .await;
    for configuration in ["[]", "null", "true", "5", r#""settings""#] {
        let before = filter_errors(&scene.envoy).len();
        assert_eq!(
            scene.envoy.update_config_text(configuration).await,
            Update::Rejected,
            "{configuration}"
        );
        let errors = filter_errors(&scene.envoy).split_off(before);
        assert_eq!(errors.len(), 1, "{configuration}: {errors:?}");
    }
}

#[tokio::test]
async fn an_envoy_with_a_bad_static_configuration_does_not_start_and_says_why() {
    let origin = Origin::start().await;
    let started = Envoy::with_filter(json!({ "settings": [{ "hostname": "a b" }] }))
        .try_start(&origin)
        .await;
    let log = started.err().expect("an Envoy that does not start");
    assert_eq!(log.matches("settings[0].hostname: ").count(), 1, "{log}");
}
