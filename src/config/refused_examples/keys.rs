//! Keys of a setting that are refused.

/// Keys of the second setting of [`super::with_keys`], the refusal's beginning behind
/// `settings[1]`, and whether the schema refuses it.
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
