//! Which configurations are taken, and what is said of those that are not (contract §3).

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Client, Envoy, Listener, Origin, Update, pki};

use crate::{
    common::{HOST, assert_carries, forward, forwarding},
    reload::filter_errors,
};

/// One setting with that hostname.
fn hostname(hostname: &str) -> String {
    json!({ "settings": [{ "hostname": hostname }] }).to_string()
}

#[tokio::test]
async fn bad_configurations_are_refused_with_one_line_that_starts_with_the_place() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&[HOST]))
        .discovered()
        .concurrency(2)
        .start(&origin)
        .await;
    let client = Client::http2(&envoy).with(&pki().client).connect().await;
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
        // What could not be enforced.
        (
            r#"{"settings": [{"hostname": "a.test", "require_client_certificate": true}]}"#.into(),
            "settings[0].require_client_certificate: ",
        ),
    ];
    let mut failures = Vec::new();
    for (configuration, expected) in &refused {
        let before = filter_errors(&envoy).len();
        let update = envoy.update_config_text(configuration).await;
        let errors = filter_errors(&envoy).split_off(before);
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
    assert_carries(&origin.only_request(), &pki().client);
    assert_eq!(envoy.vm_reloads().await, 0);
}

#[tokio::test]
async fn a_choice_of_the_wrong_type_is_named_by_its_path() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&[HOST]))
        .discovered()
        .start(&origin)
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
        let before = filter_errors(&envoy).len();
        assert_eq!(
            envoy.update_config_text(configuration).await,
            Update::Rejected,
            "{configuration}"
        );
        let errors = filter_errors(&envoy).split_off(before);
        assert!(
            matches!(errors.as_slice(), [line] if line.starts_with(path)),
            "{configuration}: {errors:?}"
        );
    }
}

#[tokio::test]
async fn a_label_that_starts_or_ends_with_a_hyphen_is_no_dns_name() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&[HOST]))
        .discovered()
        .start(&origin)
        .await;
    for name in ["-a.test", "a-.test", "a.-b.test", "*.-a.test"] {
        assert_eq!(
            envoy.update_config_text(&hostname(name)).await,
            Update::Rejected,
            "{name}"
        );
    }
}

#[tokio::test]
async fn wrong_kinds_of_json_are_refused() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&[HOST]))
        .discovered()
        .start(&origin)
        .await;
    for configuration in ["[]", "null", "true", "5", r#""settings""#] {
        let before = filter_errors(&envoy).len();
        assert_eq!(
            envoy.update_config_text(configuration).await,
            Update::Rejected,
            "{configuration}"
        );
        let errors = filter_errors(&envoy).split_off(before);
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

#[tokio::test]
async fn good_configurations_are_taken() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&["first.test"]))
        .discovered()
        .start(&origin)
        .await;
    let client = Client::http2(&envoy).with(&pki().client).connect().await;
    for configuration in [
        // The body of Cloudflare's API, as it is.
        json!({ "settings": [{ "hostname": HOST, "china_network": false, "client_certificate_forwarding": true }] }),
        json!({ "settings": [forward("xn--bcher-kva.test"), forward("192.0.2.1"), forward("2001:db8::1"), forward("*")] }),
        json!({ "settings": [forward("localhost"), forward("a-b.c1.test"), forward("*.a.test"), forward("*.b.a.test")] }),
        json!({ "settings": [], "verified_by": "attribute", "on_spoofed_header": "strip", "max_certificate_bytes": 0 }),
        json!({ "settings": [{
            "hostname": HOST, "china_network": true, "client_certificate_forwarding": true,
            "forward_on": "first_request", "forward_unverified": false
        }] }),
    ] {
        assert_eq!(
            envoy.update_config(&configuration).await,
            Update::Accepted,
            "{configuration}"
        );
        assert_eq!(client.get(HOST, "/").await.status, 200);
    }
    assert_eq!(filter_errors(&envoy), Vec::<String>::new());
}

#[tokio::test]
async fn an_empty_configuration_means_no_settings_with_a_warning() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter_text("")
        .listener(Listener::plaintext())
        .concurrency(2)
        .start(&origin)
        .await;
    let client = Client::http2(&envoy).connect().await;
    assert_eq!(client.get(HOST, "/").await.status, 200);
    let warnings: Vec<String> = envoy
        .log_lines_with("][warning][wasm]")
        .into_iter()
        .filter(|line| line.contains("wasm log"))
        .collect();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert!(warnings[0].contains("empty"), "{warnings:?}");
}

#[tokio::test]
async fn one_line_at_the_start_tells_version_and_number_of_settings() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&["a.test", "b.test", "c.test"]))
        .discovered()
        .concurrency(2)
        .listener(Listener::strict().every_mtls_protocol())
        .start(&origin)
        .await;
    let started = |settings: &str| {
        let version = env!("CARGO_PKG_VERSION");
        let lines = envoy.log_lines_with("wasm log");
        lines
            .into_iter()
            .filter(|line| line.contains(version) && line.contains(settings))
            .count()
    };
    assert_eq!(started(" 3 settings"), 1, "{}", envoy.log());
    assert_eq!(
        envoy
            .update_config(&forwarding(&["a.test", "b.test"]))
            .await,
        Update::Accepted
    );
    assert_eq!(started(" 2 settings"), 1, "{}", envoy.log());
}

#[tokio::test]
async fn ten_thousand_hostnames_load_in_under_a_second() {
    const HOSTNAMES: usize = 10_000;
    let configuration = |round: usize| -> Value {
        let mut settings: Vec<Value> = (0..HOSTNAMES - 1)
            .map(|number| forward(&format!("h{number}.r{round}.example.org")))
            .collect();
        settings.push(forward(HOST));
        json!({ "verified_by": "listener", "settings": settings })
    };
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&["first.test"]))
        .discovered()
        .start(&origin)
        .await;
    let mut fastest = Duration::MAX;
    for round in 0..3 {
        let configuration = configuration(round);
        let (start, used) = (Instant::now(), envoy.processor_time());
        assert_eq!(envoy.update_config(&configuration).await, Update::Accepted);
        let client = Client::http2(&envoy).with(&pki().client).connect().await;
        client.get(HOST, "/").await;
        // Processor time where there is an account of it: the machine has other tests to run at the same time.
        let used = envoy
            .processor_time()
            .zip(used)
            .map(|(after, before)| after.saturating_sub(before));
        let elapsed = start.elapsed();
        println!("{HOSTNAMES} hostnames loaded in {elapsed:?}, of which Envoy worked {used:?}");
        fastest = fastest.min(used.unwrap_or(elapsed));
        assert_carries(origin.requests().last().expect("a request"), &pki().client);
        client
            .get(&format!("h{}.r{round}.example.org", HOSTNAMES - 2), "/")
            .await;
        assert_carries(origin.requests().last().expect("a request"), &pki().client);
    }
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");
}

#[tokio::test]
async fn fifty_thousand_revocations_load_in_under_a_second() {
    let fingerprint = |number: u64| json!({ "sha256": format!("{number:064x}") });
    let serial =
        |number: u64| json!({ "issuer_dn": "CN=CA,O=Example", "serial": format!("{number:040X}") });
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&[HOST]))
        .discovered()
        .start(&origin)
        .await;
    let mut fastest = Duration::MAX;
    for round in 0..3 {
        let numbers = 25_000 * round..25_000 * (round + 1);
        let revoked: Vec<Value> = numbers
            .flat_map(|number| [fingerprint(number), serial(number)])
            .collect();
        let mut configuration = forwarding(&[HOST]);
        configuration["revoked_certificates"] = revoked.into();
        let (start, used) = (Instant::now(), envoy.processor_time());
        assert_eq!(envoy.update_config(&configuration).await, Update::Accepted);
        let used = envoy
            .processor_time()
            .zip(used)
            .map(|(after, before)| after.saturating_sub(before));
        println!(
            "50000 revocations loaded in {:?}, of which Envoy worked {used:?}",
            start.elapsed()
        );
        fastest = fastest.min(used.unwrap_or(start.elapsed()));
    }
    assert!(fastest < Duration::from_secs(1), "{fastest:?}");
}
