//! Whole configurations that are refused.

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
        "max_certificate_bytes: expected a number from 0 to 49152, not 4294967296",
        true,
    ),
    (
        r#"{"settings":[],"max_certificate_chain_bytes":1.5}"#,
        "max_certificate_chain_bytes: expected a number from 0 to 49152, not another number",
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
        r#"{"settings":[],"max_certificate_chain_bytes":49153}"#,
        "max_certificate_chain_bytes: expected a number from 0 to 49152, not 49153",
        true,
    ),
    (
        r#"{"max_certificate_bytes":49152,"settings":[{"hostname":"a.example","request_headers":{"X-A":"certPemUrlEncoded"}}]}"#,
        "settings[0].request_headers.X-A: up to 147456 bytes in one header, over which HTTP/2 origins",
        false,
    ),
    (
        r#"{"max_certificate_chain_bytes":49152,"settings":[{"hostname":"a.example","response_headers":{"X-A":"certChainRFC9440","X-B":"certChainRFC9440","X-C":"certChainRFC9440"}}]}"#,
        "settings[0].response_headers: up to 147456 bytes in one message (most 131072): the certificate counts",
        false,
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
        "max_certificate_bytes: expected a number from 0 to 49152, not another number",
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
