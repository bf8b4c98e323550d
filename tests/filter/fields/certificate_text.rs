//! Text that a client chose for its certificate never breaks out of its header (the class of
//! CVE-2026-47778).

use client_cert_forwarder::certificate::field::Field;
use rcgen::{DnType, SanType};
use serde_json::{Map, Value, json};
use support::{Envoy, Headers, Identity, Listener, Origin, Protocol, mtls_protocols, pki};

use super::distinguished_name;

#[tokio::test]
async fn control_characters_in_names_are_escaped_as_openssl_does() {
    let table = [
        (
            "a\r\nX-Admin: 1",
            r"CN=a\0D\0AX-Admin: 1",
            r"/CN=a\x0D\x0AX-Admin: 1",
        ),
        (
            "a\r\n\r\nGET /admin HTTP/1.1",
            r"CN=a\0D\0A\0D\0AGET /admin HTTP/1.1",
            r"/CN=a\x0D\x0A\x0D\x0AGET \/admin HTTP\/1.1",
        ),
        ("admin\0.evil", r"CN=admin\00.evil", r"/CN=admin\x00.evil"),
        (
            "a\u{7f}\t\u{1b}[2J",
            r"CN=a\7F\09\1B[2J",
            r"/CN=a\x7F\x09\x1B[2J",
        ),
        ("a,CN=admin", r"CN=a\,CN=admin", "/CN=a,CN=admin"),
        ("a+CN=admin", r"CN=a\+CN=admin", r"/CN=a\+CN=admin"),
        ("a/CN=admin", "CN=a/CN=admin", r"/CN=a\/CN=admin"),
        (
            "a\";Chain=\"x",
            "CN=a\\\"\\;Chain=\\\"x",
            "/CN=a\";Chain=\"x",
        ),
        ("a\\", r"CN=a\\", r"/CN=a\"),
        (
            "\u{2028}\u{202e}nimda",
            r"CN=\E2\80\A8\E2\80\AEnimda",
            r"/CN=\xE2\x80\xA8\xE2\x80\xAEnimda",
        ),
        // Unlike OpenSSL: HTTP would take a space off the end of the value.
        (" admin ", r"CN=\ admin\20", r"/CN= admin\x20"),
    ];
    let scene = Envoy::with_filter(configuration())
        .listener(Listener::accept_untrusted().every_mtls_protocol())
        .scene()
        .await;
    let mut wrong = Vec::new();
    for (number, (common_name, rfc2253, legacy)) in table.iter().enumerate() {
        let identity = pki().client_with(|params| {
            params.distinguished_name = distinguished_name(&[(DnType::CommonName, common_name)]);
        });
        for &protocol in mtls_protocols() {
            let path = format!("/{number}/{protocol:?}");
            let headers = request(&scene.origin, scene.client(protocol), &identity, &path).await;
            for (field, expected) in [("certSubjectDN", rfc2253), ("certSubjectDNLegacy", legacy)] {
                let sent = headers.header(&header_of(field));
                if sent != Some(expected) {
                    wrong.push(format!(
                        "{common_name:?} {path} {field}: {sent:?}, expected {expected}"
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn a_name_that_could_pass_for_two_is_left_out_of_its_list() {
    let dangerous = [
        "a.example,admin.example",
        "admin.example\0.evil.example",
        "a.example\r\nX-Admin: 1",
        "a.example\nX-Admin: 1",
        "a.example admin.example",
        "a\u{7f}.example",
        "\t",
    ];
    let scene = Envoy::with_filter(configuration())
        .listener(Listener::accept_untrusted().every_mtls_protocol())
        .scene()
        .await;
    let ascii = |name: &str| name.try_into().expect("ASCII");
    let every_kind = |name: &str| {
        [
            SanType::DnsName(ascii(name)),
            SanType::URI(ascii(name)),
            SanType::Rfc822Name(ascii(name)),
        ]
    };
    for (number, name) in dangerous.iter().enumerate() {
        let identity = pki().client_with(|params| {
            let names = ["first.example", name, "last.example"];
            params.subject_alt_names = names.into_iter().flat_map(every_kind).collect();
        });
        for &protocol in mtls_protocols() {
            let path = format!("/{number}/{protocol:?}");
            let headers = request(&scene.origin, scene.client(protocol), &identity, &path).await;
            for field in ["certSanDns", "certSanUri", "certSanEmail"] {
                let sent = headers.header(&header_of(field));
                assert_eq!(
                    sent,
                    Some("first.example,last.example"),
                    "{name:?} {path} {field}"
                );
            }
        }
    }
}

#[tokio::test]
async fn a_name_with_xfccs_separators_gives_no_chain_of_its_own() {
    let mut configuration = configuration();
    configuration["certificate_chain_source"] = json!("xfcc");
    let scene = Envoy::with_filter(configuration)
        .listener(Listener::strict().forward_client_cert("SANITIZE_SET"))
        .scene()
        .await;
    let other = pki().chained.chain_pem();
    let other = other
        .replace('\n', "%0A")
        .replace(' ', "%20")
        .replace('+', "%2B");
    for (number, name) in [
        format!("a;Chain=\"{other}\""),
        format!("a,Chain=\"{other}\""),
        "a\";x=\"".to_owned(),
        "a,b".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        let mut identity = pki().client_with(|params| {
            let san = SanType::URI(name.as_str().try_into().expect("ASCII"));
            params.subject_alt_names = vec![san];
        });
        identity.chain.push(pki().ca_der.clone());
        let path = format!("/{number}");
        let headers = request(
            &scene.origin,
            scene.client(Protocol::Http2),
            &identity,
            &path,
        )
        .await;
        let leaf = format!(":{}:", identity.der_base64());
        assert_eq!(
            headers.header(&header_of("certRFC9440")),
            Some(leaf.as_str()),
            "{name}"
        );
        let chain = headers.header(&header_of("certChainRFC9440"));
        let genuine = Identity::der(&pki().chained);
        let theirs = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, genuine);
        assert!(
            !chain.unwrap_or_default().contains(&theirs),
            "{name}: {chain:?}"
        );
        assert_eq!(headers.header("x-forwarded-client-cert"), None, "{name}");
    }
}

/// The headers of one request at the origin, after the checks that hold for all.
async fn request(
    origin: &Origin,
    connector: support::connector::Connector<'_>,
    identity: &Identity,
    path: &str,
) -> Headers {
    let client = connector.with(identity).connect().await;
    let response = client.get("api.example.com", path).await;
    assert_eq!(response.status, 200, "{path}");
    let requests = origin.requests_for(path);
    assert_eq!(requests.len(), 1, "{path}");
    let headers = &requests[0].headers;
    assert_eq!(headers.header("x-admin"), None, "{path}");
    for (name, value) in &headers.0 {
        let is_printable = value.iter().all(|byte| (0x20..0x7f).contains(byte));
        assert!(is_printable, "{path}: {name}: {}", value.escape_ascii());
    }
    headers.clone()
}

fn header_of(field: &str) -> String {
    format!("x-field-{}", field.to_ascii_lowercase())
}

/// Every field, on a listener that accepts certificates that verification would refuse.
fn configuration() -> Value {
    let headers: Map<String, Value> = Field::ALL
        .iter()
        .map(|(name, _)| (header_of(name), json!(name)))
        .collect();
    json!({
        "verified_by": "listener",
        "settings": [{ "hostname": "*", "request_headers": headers }]
    })
}
