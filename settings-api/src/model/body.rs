//! The body of `PUT …/access/certificates/settings`.

use std::collections::HashMap;

use client_cert_forwarder::config::ConfigError;
use client_cert_forwarder::config::schema::{objects, read_object};
use client_cert_forwarder::hostname::HostnamePattern;
use serde::Deserialize;

use super::entry::Entry;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(deserialize_with = "objects")]
    settings: Vec<Entry>,
}

/// Parses a body. Hostnames come out valid, lower-case and unique.
///
/// # Errors
/// The first mistake and its JSON path.
pub(crate) fn parse(json: &[u8]) -> Result<Vec<Entry>, ConfigError> {
    let body: Body = read_object(json).map_err(in_body)?;
    let mut entries = Vec::with_capacity(body.settings.len());
    let mut places = HashMap::new();
    for (number, entry) in body.settings.into_iter().enumerate() {
        let refuse = |reason| ConfigError::new(format!("settings[{number}].hostname"), reason);
        let pattern = HostnamePattern::parse(&entry.hostname).map_err(refuse)?;
        let hostname = pattern.to_string();
        if let Some(first) = places.insert(pattern, number) {
            return Err(refuse(format!(
                "{:?} is already the hostname of settings[{first}]",
                entry.hostname
            )));
        }
        entries.push(Entry { hostname, ..entry });
    }
    Ok(entries)
}

/// Names the whole text "body": the filter's reader calls it a configuration.
fn in_body(error: ConfigError) -> ConfigError {
    match error.place.as_str() {
        "configuration" => ConfigError::new("body", error.reason),
        _ => error,
    }
}

#[cfg(test)]
mod tests {
    use super::super::entry::entry;
    use super::parse;

    #[test]
    fn cloudflares_bodies_are_read() {
        let json = br#"{"settings":[{"hostname":"API.example.com","china_network":false,"client_certificate_forwarding":true},
            {"hostname":"*.example.com","china_network":true},{"hostname":"old.example.com"}]}"#;
        assert_eq!(
            parse(json).unwrap(),
            [
                entry("api.example.com", false, true),
                entry("*.example.com", true, false),
                entry("old.example.com", false, false)
            ]
        );
        assert_eq!(parse(br#"{"settings":[]}"#).unwrap(), []);
    }

    #[test]
    fn other_bodies_are_refused_with_the_place() {
        for (json, expected) in [
            ("", "line 1, column 0: not JSON"),
            ("{", "line 1, column 1: not JSON"),
            ("{}", "settings: required, but missing"),
            ("{} x", "line 1, column 4: not JSON"),
            ("[]", "body: invalid type: sequence, expected an object"),
            ("[[]]", "body: invalid type: sequence, expected an object"),
            ("null", "body: invalid type: null, expected an object"),
            (r#"{"setting":[]}"#, "setting: unknown key \"setting\""),
            (
                r#"{"settings":{}}"#,
                "settings: invalid type: map, expected a sequence",
            ),
            (r#"{"settings":null}"#, "settings: invalid type: null"),
            (
                r#"{"settings":[],"settings":[]}"#,
                "body: given twice: \"settings\"",
            ),
            (
                r#"{"settings":[["a.example",true,true]]}"#,
                "settings[0]: invalid type: sequence, expected an object",
            ),
            (
                r#"{"settings":[{}]}"#,
                "settings[0].hostname: required, but missing",
            ),
            (
                r#"{"settings":[{"hostname":7}]}"#,
                "settings[0].hostname: invalid type: integer",
            ),
            (
                r#"{"settings":[{"hostname":"a.example","china_network":"no"}]}"#,
                "settings[0].china_network: invalid type: string",
            ),
            (
                r#"{"settings":[{"hostname":"a.example","client_certificate_forwarding":1}]}"#,
                "settings[0].client_certificate_forwarding: invalid type: integer",
            ),
            (
                r#"{"settings":[{"hostname":"a.example","client_certificate_forwarding":null}]}"#,
                "settings[0].client_certificate_forwarding: invalid type: null",
            ),
            (
                r#"{"settings":[{"hostname":"a.example","forward_on":"every_request"}]}"#,
                "settings[0].forward_on: unknown key \"forward_on\"",
            ),
            (
                r#"{"settings":[{"hostname":"a.example:443"}]}"#,
                "settings[0].hostname: \"a.example:443\" is not a DNS name",
            ),
            (
                r#"{"settings":[{"hostname":"a.example"},{"hostname":"A.EXAMPLE"}]}"#,
                "settings[1].hostname: \"A.EXAMPLE\" is already the hostname of settings[0]",
            ),
        ] {
            let error = parse(json.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{json}: {error}");
        }
    }
}
