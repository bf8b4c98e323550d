//! Configurations that are refused, and in which words. The test of the JSON Schema (tests/schema.rs) reads this file too.
//!
//! The last word of each is whether the schema refuses it as well. A schema sees no key that is given twice, compares no two names or
//! hostnames folded, takes `1.0` for an integer, and its pattern knows only the characters of an IPv6 address.

/// Whole configurations: the text, the refusal or a part of it, and whether the schema refuses it.
pub(crate) const CONFIGURATIONS: &[(&str, &str, bool)] = &[
    (
        r#"{"settings":["#,
        "line 1, column 13: not JSON: EOF while parsing a list",
        true,
    ),
    (
        r#"{"settings":[]} {}"#,
        "line 1, column 17: not JSON: trailing characters",
        true,
    ),
    (
        "{\"settings\":[\n  {\"hostname\" 1}]}",
        "line 2, column 15: not JSON: expected `:`",
        true,
    ),
    (
        r#"[]"#,
        "configuration: invalid type: sequence, expected an object",
        true,
    ),
    (
        r#"{"settings":[["a.example"]]}"#,
        "settings[0]: invalid type: sequence, expected an object",
        true,
    ),
    (r#"{}"#, "settings: required, but missing", true),
    (
        r#"{"settings":[{}]}"#,
        "settings[0].hostname: required, but missing",
        true,
    ),
    (
        r#"{"settings":{}}"#,
        "settings: invalid type: map, expected a sequence",
        true,
    ),
    (
        r#"{"settings":[],"verified_by":"trust"}"#,
        r#"verified_by: unknown value "trust", expected "attribute" or "listener""#,
        true,
    ),
    (
        r#"{"settings":[],"on_spoofed_header":"x"}"#,
        r#"on_spoofed_header: unknown value "x", expected "strip" or "reject""#,
        true,
    ),
    (
        r#"{"settings":[],"explian":true}"#,
        r#"explian: unknown key "explian", did you mean "explain"? Expected one of "settings", "verified_by", "#,
        true,
    ),
    (
        r#"{"settings":[],"something_else":true}"#,
        r#"something_else: unknown key "something_else", expected one of "settings", "#,
        true,
    ),
    (
        r#"{"settings":[],"a\nb":1}"#,
        r#"a\nb: unknown key "a\nb", expected one of "settings", "#,
        true,
    ),
    (
        r#"{"settings":[],"verified_by":null}"#,
        "verified_by: invalid type: null, expected a string",
        true,
    ),
    (
        r#"{"settings":[],"verified_by":"listner"}"#,
        r#"verified_by: unknown value "listner", did you mean "listener"? Expected "attribute" or "listener""#,
        true,
    ),
    (
        r#"{"settings":[],"max_certificate_bytes":4294967296}"#,
        "max_certificate_bytes: invalid value: integer `4294967296`, expected u32",
        true,
    ),
    (
        r#"{"settings":[],"max_certificate_chain_bytes":1.0}"#,
        "max_certificate_chain_bytes: invalid type: floating point `1.0`, expected u32",
        false,
    ),
    (
        r#"{"settings":[],"explain":1}"#,
        "explain: invalid type: integer `1`, expected a boolean",
        true,
    ),
    (
        r#"{"settings":[],"max_certificate_bytes":-1}"#,
        "max_certificate_bytes: invalid value: integer `-1`, expected u32",
        true,
    ),
    (
        r#"{"settings":[],"settings":[]}"#,
        r#"given twice: "settings""#,
        false,
    ),
    (
        r#"{"settings":[{"hostname":"a..b"}]}"#,
        r#"settings[0].hostname: "a..b" is not a DNS name"#,
        true,
    ),
    (
        r#"{"settings":[{"hostname":"a.example:443"}]}"#,
        "leave out the port",
        true,
    ),
    (
        r#"{"settings":[{"hostname":"a.example."}]}"#,
        "leave out the trailing dot",
        true,
    ),
    (
        r#"{"settings":[{"hostname":"*example"}]}"#,
        "only letters, digits, - and _ between the dots",
        true,
    ),
    (
        r#"{"settings":[{"hostname":"192.0.2.256"}]}"#,
        "not an IP address",
        true,
    ),
    (
        r#"{"settings":[{"hostname":"1::2::3"}]}"#,
        "not an IP address",
        false,
    ),
    (
        r#"{"settings":[{"hostname":"b\u00fccher.example"}]}"#,
        "use its ASCII form (xn--…)",
        true,
    ),
    (
        r#"{"settings":[{"hostname":"A.example"},{"hostname":"a.example"}]}"#,
        r#"settings[1].hostname: "a.example" is already the hostname of settings[0]"#,
        false,
    ),
    (
        r#"{"settings":[{"hostname":"a.example","require_client_certificate":true}]}"#,
        r#"settings[0].require_client_certificate: needs "verified_by" to be given"#,
        true,
    ),
];

/// Keys of the second setting of [`with_keys`], and the refusal's beginning behind `settings[1]`.
pub(crate) const KEYS: &[(&str, &str, bool)] = &[
    (
        r#""forward_on":"sometimes""#,
        r#".forward_on: unknown value "sometimes", expected "first_request" or "every_request""#,
        true,
    ),
    (
        r#""forward":true"#,
        r#".forward: unknown key "forward", did you mean "forward_on"? Expected one of "hostname", "#,
        true,
    ),
    (
        r#""forward_on":1"#,
        ".forward_on: invalid type: integer `1`, expected a string",
        true,
    ),
    (
        r#""forward_on":{"every_request":null}"#,
        ".forward_on: invalid type: map, expected a string",
        true,
    ),
    (
        r#""sni_must_match":null"#,
        ".sni_must_match: invalid type: null, expected a boolean",
        true,
    ),
    (
        r#""request_headers":{"X-A":1}"#,
        ".request_headers.X-A: invalid type: integer `1`, expected a string",
        true,
    ),
    (
        r#""request_headers":["X-A"]"#,
        ".request_headers: invalid type: sequence, expected an object of header name to field name",
        true,
    ),
    (
        r#""request_headers":{"X-A":"certSubjectDm"}"#,
        r#".request_headers.X-A: unknown field name "certSubjectDm", did you mean "certSubjectDN"?"#,
        true,
    ),
    (
        r#""request_headers":{"X A":"certSerial"}"#,
        r#".request_headers.X A: not a header name (RFC 9110 §5.1: letters, digits and !#$%&'*+-.^_`|~), did you mean "X-A"?"#,
        true,
    ),
    (
        r#""request_headers":{"X-Caf\u00e9:":"certSerial"}"#,
        r#".request_headers.X-Café:: not a header name"#,
        true,
    ),
    (
        r#""request_headers":{"X-A\r\nX-B":"certSerial"}"#,
        r#".request_headers.X-A\r\nX-B: not a header name"#,
        true,
    ),
    (
        r#""request_headers":{"":"certSerial"}"#,
        ".request_headers.: not a header name",
        true,
    ),
    (
        r#""request_headers":{":path":"certSerial"}"#,
        ".request_headers.:path: a pseudo-header can't be set",
        true,
    ),
    (
        r#""request_headers":{"Host":"certSerial"}"#,
        ".request_headers.Host: this header belongs to",
        true,
    ),
    (
        r#""response_headers":{"Connection":"certSerial"}"#,
        ".response_headers.Connection: this header belongs to",
        true,
    ),
    (
        r#""request_headers":{"X-A":"certSerial","x-a":"certSKI"}"#,
        ".request_headers.x-a: given twice",
        false,
    ),
    (
        r#""request_headers":{"X-A":"certSerial","X-A":"certSKI"}"#,
        ".request_headers.X-A: given twice",
        false,
    ),
    (
        r#""request_headers":{"X-A":"certSerial","X_A":"certSKI"}"#,
        ".request_headers.X_A: given twice",
        false,
    ),
    (
        r#""client_certificate_forwarding":true,"request_headers":{"Cf-Client-Cert-Sha256":"certSerial"}"#,
        ".request_headers.Cf-Client-Cert-Sha256: given twice",
        false,
    ),
    (
        r#""add_client_certificate_headers":true,"request_headers":{"cf_cert_serial":"certSerial"}"#,
        ".request_headers.cf_cert_serial: given twice",
        false,
    ),
    (
        r#""request_headers":{"Client-Cert-Chain":"certChainRFC9440"}"#,
        ".request_headers.Client-Cert-Chain: RFC 9440 §2.3 sends no chain without the leaf",
        true,
    ),
    (
        r#""request_headers":{"X-A":"certSerial","client_cert_chain":"certChainRFC9440"}"#,
        ".request_headers.client_cert_chain: RFC 9440",
        true,
    ),
    (
        r#""response_headers":{"Client-Cert":"certRFC9440"}"#,
        ".response_headers.Client-Cert: RFC 9440",
        true,
    ),
    (
        r#""response_headers":{"client_cert_chain":"certChainRFC9440"}"#,
        ".response_headers.client_cert_chain: RFC 9440",
        true,
    ),
];

/// A configuration with `keys` in its second setting.
pub(crate) fn with_keys(keys: &str) -> String {
    format!(
        r#"{{"verified_by":"listener","settings":[{{"hostname":"a.example"}},{{"hostname":"b.example",{keys}}}]}}"#
    )
}
