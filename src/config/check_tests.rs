//! All errors and warnings at once, and that they are the filter's.

use proptest::collection::vec;
use proptest::prelude::{Strategy, any};
use proptest::sample::{select, subsequence};
use proptest::{prop_assert, prop_assert_eq, proptest};

use super::path::Step;
use super::refused_examples::{CONFIGURATIONS, KEYS, with_keys};
use super::{Config, Report, check};

fn lines(report: &Report) -> (Vec<String>, Vec<String>) {
    let errors = report.errors.iter().map(ToString::to_string).collect();
    let warnings = report.warnings.iter().map(ToString::to_string).collect();
    (errors, warnings)
}

#[test]
fn all_errors_come_at_once_and_none_follows_from_another() {
    let report = check(
        br#"{
            "verified_by": "listner",
            "explian": true,
            "max_certificate_bytes": "10",
            "settings": [
                { "hostname": "https://a.example", "require_client_certificate": true },
                5,
                { "hostname": 7, "forward_on": "sometimes", "request_headers": {
                    "X A": "certSerail", "Client-Cert": "certRFC944",
                    "Client-Cert-Chain": "certChainRFC9440", "Host": "certSKI" } },
                { "hostname": "b.example" },
                { "hostname": "B.example", "hostname": "c.example" }
            ] }"#,
    );
    let places: Vec<&str> = report.errors.iter().map(|error| &*error.place).collect();
    assert_eq!(
        places,
        [
            "verified_by",
            "explian",
            "max_certificate_bytes",
            "settings[1]",
            "settings[2].hostname",
            "settings[2].forward_on",
            "settings[2].request_headers.X A",
            "settings[2].request_headers.Client-Cert",
            "settings[4].hostname",
            "settings[0].hostname",
            "settings[2].request_headers.Host",
        ]
    );
}

#[test]
fn a_text_that_is_not_json_has_one_error_with_its_position() {
    let report = check(b"{\n  \"settings\": [],\n}");
    assert_eq!(report.errors.len(), 1);
    assert_eq!(report.errors[0].position(), Some((3, 1)));
    assert_eq!(report.errors[0].path(), None);
    assert_eq!(check(b""), Report::default());
}

#[test]
fn an_errors_path_is_a_value_too() {
    let report = check(with_keys(r#""request_headers":{"X.A B":"certSerial"}"#).as_bytes());
    assert_eq!(
        report.errors[0].path().unwrap().0,
        [
            Step::Key("settings".into()),
            Step::Index(1),
            Step::Key("request_headers".into()),
            Step::Key("X.A B".into()),
        ]
    );
}

#[test]
fn what_cannot_do_what_it_asks_for_is_warned_of() {
    for (top, keys, expected) in [
        ("", r#""request_headers":{"X-A":"certSerial"}"#, None),
        (
            "",
            r#""request_headers":{"X-A":"certChainRFC9440"}"#,
            Some("settings[0].request_headers.X-A: carries no chain, because"),
        ),
        (
            r#""certificate_chain_source":"xfcc","#,
            r#""response_headers":{"X-A":"certChainRFC9440"}"#,
            None,
        ),
        (
            r#""certificate_chain_source":"xfcc","#,
            r#""request_headers":{"X-A":"certSerial"}"#,
            Some("certificate_chain_source: \"xfcc\" has no use"),
        ),
        (
            "",
            r#""forward_on":"first_request""#,
            Some("settings[0].forward_on: has no effect without"),
        ),
        (
            "",
            r#""forward_on":"every_request","client_certificate_forwarding":true"#,
            None,
        ),
        (
            r#""max_certificate_bytes":0,"#,
            r#""china_network":true"#,
            Some("max_certificate_bytes: no certificate is that short"),
        ),
    ] {
        let text = format!(r#"{{{top}"settings":[{{"hostname":"a.example",{keys}}}]}}"#);
        let (errors, warnings) = lines(&check(text.as_bytes()));
        assert_eq!(errors, [""; 0], "{text}");
        assert_eq!(
            warnings.len(),
            usize::from(expected.is_some()),
            "{text}: {warnings:?}"
        );
        for (warning, expected) in warnings.iter().zip(expected) {
            assert!(warning.starts_with(expected), "{text}: {warning}");
        }
    }
}

#[test]
fn an_address_whose_server_name_must_match_is_warned_of() {
    for (hostname, keys, is_warned) in [
        ("192.0.2.1", r#""require_client_certificate":true"#, true),
        ("[2001:db8::1]", r#""sni_must_match":true"#, true),
        (
            "192.0.2.1",
            r#""require_client_certificate":true,"sni_must_match":false"#,
            false,
        ),
        ("192.0.2.1", r#""china_network":true"#, false),
        ("a.example", r#""require_client_certificate":true"#, false),
    ] {
        let text = format!(
            r#"{{"verified_by":"listener","settings":[{{"hostname":"{hostname}",{keys}}}]}}"#
        );
        let (errors, warnings) = lines(&check(text.as_bytes()));
        assert_eq!(errors, [""; 0], "{text}");
        assert_eq!(!warnings.is_empty(), is_warned, "{text}: {warnings:?}");
    }
}

/// Members whose values are right, wrong, of another type, or contradict each other.
const TOP: &[&str] = &[
    r#""verified_by":"listener""#,
    r#""verified_by":"x""#,
    r#""on_spoofed_header":"reject""#,
    r#""certificate_chain_source":"xfcc""#,
    r#""certificate_chain_source":null"#,
    r#""max_certificate_bytes":0"#,
    r#""max_certificate_bytes":-1"#,
    r#""max_certificate_chain_bytes":1e3"#,
    r#""explain":true"#,
    r#""explain":"true""#,
    r#""forward_on":"every_request""#,
    r#""$schema":"x""#,
    r#""revoked_certificates":[{"issuer_dn":"CN=a","serial":"01"},{"sha256":"x"},{}]"#,
    r#""revoked_certificates":[{"issuer_dn":"CN=a","serial":"01"}]"#,
];

const SETTING: &[&str] = &[
    r#""hostname":"a.example""#,
    r#""hostname":"1.2.3.4""#,
    r#""hostname":"[::ffff:1.2.3.4]""#,
    r#""hostname":"b.example:1""#,
    r#""china_network":true"#,
    r#""client_certificate_forwarding":true"#,
    r#""forward_on":"every_request""#,
    r#""forward_on":[]"#,
    r#""require_client_certificate":true"#,
    r#""sni_must_match":false"#,
    r#""allow_client_certificates":[]"#,
    r#""allow_client_certificates":[{"san_dns":"*","san_uri":7,"x":1},{}]"#,
    r#""add_client_certificate_headers":true"#,
    r#""request_headers":{"X-A":"certSerial","x_a":"certSKI"}"#,
    r#""request_headers":{"Client-Cert-Chain":"certChainRFC9440"}"#,
    r#""response_headers":{"Client-Cert":"certRFC9440","Cf-Cert-Serial":"x"}"#,
    r#""response_headers":{}"#,
    r#""verified_by":"listener""#,
];

fn configurations() -> impl Strategy<Value = String> {
    let members = |known: &'static [&str], most| {
        subsequence(known, 0..=most).prop_map(|members| members.join(","))
    };
    let settings = vec(members(SETTING, 4), 0..4);
    let cut = (any::<bool>(), 0..200usize);
    (members(TOP, 4), settings, select(vec!["", "settings"]), cut).prop_map(
        |(top, settings, key, (is_cut, length))| {
            let settings: Vec<String> = settings.iter().map(|keys| format!("{{{keys}}}")).collect();
            let mut members = vec![top];
            if !key.is_empty() {
                members.push(format!(r#""settings":[{}]"#, settings.join(",")));
            }
            members.retain(|member| !member.is_empty());
            let mut text = format!("{{{}}}", members.join(","));
            if is_cut && length % 10 == 0 {
                text.truncate(length);
            }
            text
        },
    )
}

fn assert_agreement(text: &str) -> Result<(), String> {
    let report = check(text.as_bytes());
    match Config::from_json(text.as_bytes()) {
        Ok(config) if report.errors.is_empty() && config.warnings == report.warnings => Ok(()),
        Err(error) if report.errors.first() == Some(&error) => Ok(()),
        other => Err(format!("{text}\n  filter {other:?}\n  check  {report:?}")),
    }
}

#[test]
fn the_refused_examples_are_refused_by_check_in_the_same_words() {
    for (text, ..) in CONFIGURATIONS {
        assert_agreement(text).unwrap();
    }
    for (keys, ..) in KEYS {
        assert_agreement(&with_keys(keys)).unwrap();
    }
}

proptest! {
    #[test]
    fn check_refuses_what_the_filter_refuses_and_nothing_else(text in configurations()) {
        prop_assert_eq!(assert_agreement(&text), Ok(()));
    }

    #[test]
    fn each_error_has_a_place_of_its_own(text in configurations()) {
        let report = check(text.as_bytes());
        let mut places: Vec<&str> = report.errors.iter().map(|error| &*error.place).collect();
        places.sort_unstable();
        let count = places.len();
        places.dedup();
        prop_assert_eq!(places.len(), count);
        for error in &report.errors {
            prop_assert!(error.path().is_some() != error.position().is_some());
        }
    }
}
