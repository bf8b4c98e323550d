//! Configurations that are refused, and in which words; tests/schema.rs reads this file too.
//!
//! The last value of each says whether the JSON Schema refuses it as well. A schema cannot see a
//! key that is given twice, compare two names or hostnames folded, or read an IPv6 address, of
//! which its pattern knows the characters.

/// Whole configurations: the text, the refusal or a part of it, and whether the schema refuses it.
pub(crate) const CONFIGURATIONS: &[(&str, &str, bool)] = &[
    (
        r#"{"settings":["#,
        "line 1, column 13: not JSON: the text ends inside an array",
        true,
    ),
    (
        r#"{"settings":[]} {}"#,
        "line 1, column 17: not JSON: more text behind the end of the value",
        true,
    ),
    (
        "{\"settings\":[\n  {\"hostname\" 1}]}",
        "line 2, column 15: not JSON: expected `:`",
        true,
    ),
    (
        r#"[]"#,
        "configuration: expected an object, not an array",
        true,
    ),
    (
        r#"{"settings":[["a.example"]]}"#,
        "settings[0]: expected an object, not an array",
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
        "settings: expected an array, not an object",
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
        "verified_by: expected a string, not null",
        true,
    ),
    (
        r#"{"settings":[],"verified_by":"listner"}"#,
        r#"verified_by: unknown value "listner", did you mean "listener"? Expected "attribute" or "listener""#,
        true,
    ),
    (
        r#"{"settings":[],"max_certificate_bytes":4294967296}"#,
        "max_certificate_bytes: expected a number from 0 to 4294967295, not 4294967296",
        true,
    ),
    (
        r#"{"settings":[],"max_certificate_chain_bytes":1.5}"#,
        "max_certificate_chain_bytes: expected a number from 0 to 4294967295, not another number",
        true,
    ),
    (
        r#"{"settings":[],"max_certificate_bytes":"10240"}"#,
        "not \"10240\": leave out the quotes",
        true,
    ),
    (
        r#"{"settings":[],"explain":"true"}"#,
        "explain: expected true or false, not \"true\": leave out the quotes",
        true,
    ),
    (
        r#"{"settings":[],"revoked_certificates":[{}]}"#,
        r#"revoked_certificates[0]: needs either "sha256", or "issuer_dn" and "serial""#,
        true,
    ),
    (
        r#"{"settings":[],"revoked_certificates":[{"issuer_dn":"CN=a"}]}"#,
        r#"revoked_certificates[0]: needs either "sha256", or "issuer_dn" and "serial""#,
        true,
    ),
    (
        r#"{"settings":[],"revoked_certificates":[{"issuer_dn":"CN=a","serial":"0x1"}]}"#,
        r#"revoked_certificates[0].serial: "0x1" is not a serial number in hex, as "certSerial" has it, did you mean "1"?"#,
        true,
    ),
    (
        r#"{"settings":[],"revoked_certificates":[{"issuer_dn":"CN = a","serial":"1"}]}"#,
        r#"revoked_certificates[0].issuer_dn: "CN = a" is not a name as "certSubjectDN" has it: "CN=a,O=b,C=US", did you mean "CN=a"?"#,
        true,
    ),
    (
        r#"{"settings":[],"revoked_certificates":[{"sha256":"00","serial":"1"}]}"#,
        "revoked_certificates[0]: needs either",
        true,
    ),
    (
        r#"{"settings":[],"revoked_certificates":["00"]}"#,
        "revoked_certificates[0]: expected an object, not \"00\"",
        true,
    ),
    (
        r#"{"settings":[],"revoked_certificates":[{"sha256":"00","san_dns":"a"}]}"#,
        r#"revoked_certificates[0].san_dns: "san_dns" belongs into "allow_client_certificates""#,
        true,
    ),
    (
        r#"{"settings":[{"hostname":"127.1"}]}"#,
        "not an IP address",
        true,
    ),
    (
        r#"{"settings":[{"hostname":"-a.example"}]}"#,
        "no label starts or ends with -",
        true,
    ),
    (
        r#"{"settings":[],"$schema":1}"#,
        "$schema: expected a string, not 1",
        true,
    ),
    (
        r#"{"settings":[],"forward_on":"every_request"}"#,
        r#"forward_on: "forward_on" belongs into an object of "settings""#,
        true,
    ),
    (
        r#"{"settings":[{"hostname":"a.example","verified_by":"listener"}]}"#,
        r#"settings[0].verified_by: "verified_by" belongs to the top level, beside "settings""#,
        true,
    ),
    (
        r#"{"settings":[{"hostname":"a.example","client_cert_forwarding":true}]}"#,
        r#"settings[0].client_cert_forwarding: unknown key "client_cert_forwarding", did you mean "client_certificate_forwarding"?"#,
        true,
    ),
    (
        r#"{"settings":[{"hostname":"a.example","clientCertificateForwarding":true}]}"#,
        r#"did you mean "client_certificate_forwarding"?"#,
        true,
    ),
    (
        r#"{"settings":[{"hostname":"1.2.3.4"},{"hostname":"[::ffff:1.2.3.4]"}]}"#,
        r#"settings[1].hostname: "[::ffff:1.2.3.4]" is already the hostname of settings[0]"#,
        false,
    ),
    (
        r#"{"settings":[],"explain":1}"#,
        "explain: expected true or false, not 1",
        true,
    ),
    (
        r#"{"settings":[],"max_certificate_bytes":-1}"#,
        "max_certificate_bytes: expected a number from 0 to 4294967295, not another number",
        true,
    ),
    (
        r#"{"settings":[],"settings":[]}"#,
        "settings: given twice",
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
        "* stands for whole labels, alone or in front of a dot, did you mean \"*.example\"?",
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
        ".forward_on: expected a string, not 1",
        true,
    ),
    (
        r#""forward_on":{"every_request":null}"#,
        ".forward_on: expected a string, not an object",
        true,
    ),
    (
        r#""sni_must_match":null"#,
        ".sni_must_match: expected true or false, not null",
        true,
    ),
    (
        r#""request_headers":{"X-A":1}"#,
        ".request_headers.X-A: expected a string, not 1",
        true,
    ),
    (
        r#""request_headers":["X-A"]"#,
        ".request_headers: expected an object, not an array",
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
        r#""allow_client_certificates":[]"#,
        r#".allow_client_certificates: needs "require_client_certificate": true"#,
        true,
    ),
    (
        r#""require_client_certificate":true,"allow_client_certificates":{}"#,
        ".allow_client_certificates: expected an array, not an object",
        true,
    ),
    (
        r#""require_client_certificate":true,"allow_client_certificates":[{}]"#,
        ".allow_client_certificates[0]: allows nothing: give \"sha256\", ",
        true,
    ),
    (
        r#""require_client_certificate":true,"allow_client_certificates":[{"sha256":null}]"#,
        ".allow_client_certificates[0].sha256: expected a string, not null",
        true,
    ),
    (
        r#""require_client_certificate":true,"allow_client_certificates":[{"sha256":"ab"}]"#,
        ".allow_client_certificates[0].sha256: \"ab\" is not a SHA-256 fingerprint",
        true,
    ),
    (
        r#""require_client_certificate":true,"allow_client_certificates":[{"san_dsn":"a.example"}]"#,
        ".allow_client_certificates[0].san_dsn: unknown key \"san_dsn\", did you mean \"san_dns\"?",
        true,
    ),
    (
        r#""require_client_certificate":true,"allow_client_certificates":[{"san_dns":"a.*.example"}]"#,
        ".allow_client_certificates[0].san_dns: \"a.*.example\" is not a DNS name: * stands",
        true,
    ),
    (
        r#""require_client_certificate":true,"allow_client_certificates":[{"san_uri":"spiffe://a*"}]"#,
        ".allow_client_certificates[0].san_uri: \"spiffe://a*\": a / stands between",
        true,
    ),
    (
        r#""require_client_certificate":true,"allow_client_certificates":[{"san_email":"*@b.example"}]"#,
        ".allow_client_certificates[0].san_email: \"*@b.example\" is not an e-mail address",
        true,
    ),
    (
        r#""require_client_certificate":true,"allow_client_certificates":[{"subject_dn":"/C=US/CN=a"}]"#,
        ".allow_client_certificates[0].subject_dn: \"/C=US/CN=a\" is not a name as",
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
