//! The plugin configuration: the input is the JSON.

use client_cert_forwarder::config::compiled::{Header, Setting};
use client_cert_forwarder::config::{self, Config, ConfigError};

use crate::model::header_names::{folded, is_managed};
use crate::model::hostname;
use crate::model::json::Json;

pub(crate) const WORDS: &[&str] = &[
    "{\"settings\":[",
    "{\"hostname\":\"",
    "*.example.com",
    "\"}",
    "]}",
    "{}",
    "null",
    "true",
    "false",
    "1e9",
    "-1",
    "4294967296",
    "\\u000a",
    "\\ud83d",
    "\"settings\":",
    "\"hostname\":",
    "\"$schema\":\"\"",
    "::ffff:1.2.3.4",
    "\"verified_by\":\"listener\"",
    "\"verified_by\":\"attribute\"",
    "\"on_spoofed_header\":\"reject\"",
    "\"certificate_chain_source\":\"xfcc\"",
    "\"max_certificate_bytes\":",
    "\"max_certificate_chain_bytes\":",
    "\"explain\":true",
    "\"china_network\":true",
    "\"client_certificate_forwarding\":true",
    "\"forward_on\":\"every_request\"",
    "\"forward_unverified\":true",
    "\"require_client_certificate\":true",
    "\"sni_must_match\":true",
    "\"add_client_certificate_headers\":true",
    "\"request_headers\":{",
    "\"response_headers\":{",
    "\"Client-Cert\":\"certRFC9440\"",
    "\"Client-Cert-Chain\":\"certChainRFC9440\"",
    "\"X-A\":\"certSerial\"",
    "\"X_A\":",
    "\"connection\":",
    "\":path\":",
];

pub(crate) fn check(json: &[u8]) {
    let report = config::check(json);
    let outcome = Config::from_json(json);
    assert_eq!(report.errors.first(), outcome.as_ref().err());
    report.errors.iter().for_each(|error| refused(json, error));
    match outcome {
        Ok(config) if json.is_empty() => assert!(config.settings.is_empty()),
        Ok(config) => {
            let again = Config::from_json(json).expect("a configuration once accepted");
            assert_eq!(again.id, config.id);
            assert_eq!(report.warnings, config.warnings);
            accepted(&config, &Json::read(json).expect("a configuration is JSON"));
        }
        Err(_) => {}
    }
}

/// What holds for every configuration that requests can be served by.
fn accepted(config: &Config, json: &Json) {
    let given = json.get("settings").map_or(&[][..], Json::items);
    assert_eq!(given.len(), config.settings.len());
    let mut hostnames: Vec<String> = Vec::new();
    for (setting, given) in config.settings.iter().zip(given) {
        let Some(Json::Text(text)) = given.get("hostname") else {
            panic!("no hostname in {given:?}");
        };
        assert_eq!(
            Some(&setting.hostname),
            hostname::pattern(text.as_bytes()).as_ref()
        );
        assert!(!hostnames.contains(&setting.hostname), "{hostnames:?}");
        hostnames.push(setting.hostname.clone());

        let requires = given.is_true("require_client_certificate");
        assert_eq!(setting.require_client_certificate, requires);
        assert!(!requires || json.get("verified_by").is_some());
        assert_eq!(
            setting.forward_on.is_some(),
            given.is_true("client_certificate_forwarding")
        );
        assert_eq!(
            setting.forwarding_headers.is_empty(),
            setting.forward_on.is_none()
        );
        headers_of(config, setting);
    }
    for (place, name) in hostnames.iter().enumerate() {
        // Below a wildcard, at a name that no other pattern is likely to have.
        let request = name.replacen('*', "below.below", 1);
        let expected = hostname::best(request.as_bytes(), &hostnames);
        let found = config.setting(request.as_bytes()).map(|(number, _)| number);
        assert_eq!(found, expected, "{request}");
        assert!(name.contains('*') || found == Some(place), "{name}");
    }
    for (place, field) in config.fields.iter().enumerate() {
        assert!(!config.fields[..place].contains(field), "{field:?} twice");
    }
}

fn headers_of(config: &Config, setting: &Setting) {
    let to_origin: Vec<&Header> = setting
        .forwarding_headers
        .iter()
        .chain(&setting.request_headers)
        .collect();
    let to_client: Vec<&Header> = setting.response_headers.iter().collect();
    for headers in [&to_origin, &to_client] {
        for (place, header) in headers.iter().enumerate() {
            let name = header.name.as_bytes();
            assert!(is_settable(name), "{:?}", header.name);
            assert_eq!(config.fields.get(header.slot), Some(&header.field));
            let mut before = headers[..place].iter();
            let is_same = |other: &&&Header| folded(other.name.as_bytes()) == folded(name);
            assert!(before.find(is_same).is_none(), "{:?} twice", header.name);
        }
    }
    for header in &to_origin {
        // What a client can't be allowed to say.
        assert!(
            config.managed_headers.contains(header.name.as_bytes()),
            "{}",
            header.name
        );
        assert!(is_managed(header.name.as_bytes(), &[&header.name]));
    }
    let has = |name: &[u8]| {
        let mut names = to_origin
            .iter()
            .map(|header| folded(header.name.as_bytes()));
        names.any(|other| other == name)
    };
    assert!(
        !has(b"client-cert-chain") || has(b"client-cert"),
        "a chain without the leaf"
    );
    assert!(
        !to_client
            .iter()
            .any(|header| folded(header.name.as_bytes()).starts_with(b"client-cert"))
    );
}

fn is_settable(name: &[u8]) -> bool {
    let taken: [&[u8]; 4] = [
        b"host",
        b"connection",
        b"transfer-encoding",
        b"content-length",
    ];
    !name.is_empty()
        && !taken.contains(&name)
        && name
            .iter()
            .all(|byte| b"abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~".contains(byte))
}

/// A refusal is one line that starts with a place in the input.
fn refused(json: &[u8], error: &ConfigError) {
    let line = error.to_string();
    let ends_line =
        |character: char| character.is_control() || "\u{2028}\u{2029}".contains(character);
    assert!(!line.contains(ends_line), "{line:?}");
    assert!(
        !error.place.is_empty() || line.starts_with(": unknown key"),
        "{line:?}"
    );
    assert!(!error.reason.is_empty(), "{line:?}");
    let Some(read) = Json::read(json) else {
        return;
    };
    let mut places = vec!["configuration".to_owned()];
    read.places("", &["settings", "hostname"], &mut places);
    assert!(
        places.contains(&error.place),
        "{line:?} names none of {places:?}"
    );
}
