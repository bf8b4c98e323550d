//! `Client-Cert` and `Client-Cert-Chain` (RFC 9440), and `x-forwarded-client-cert`, the source of
//! the chain.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sfv::{BareItem, Item, List, ListEntry, Parser};
use support::{
    Answer, Client, Envoy, Headers, Identity, Listener, Origin, Protocol, Request, mtls_protocols,
    pki,
};

#[tokio::test]
async fn leaf_and_chain_are_structured_fields_over_every_protocol() {
    let scene = Envoy::with_filter(configuration())
        .listener(
            Listener::strict()
                .every_mtls_protocol()
                .forward_client_cert("SANITIZE_SET"),
        )
        .scene()
        .await;
    let identity = root_included();
    for &protocol in mtls_protocols() {
        let client = scene.connect_with(protocol, &identity).await;
        for path in ["/first", "/second"] {
            let path = format!("{path}/{protocol:?}");
            client.get("api.example.com", &path).await;
            let headers = &scene.origin.requests_for(&path)[0].headers;
            assert_eq!(leaf(headers), Some(identity.der().to_vec()), "{path}");
            let expected: Vec<Vec<u8>> =
                identity.chain[1..].iter().map(|der| der.to_vec()).collect();
            assert_eq!(chain(headers), Some(expected), "{path}");
            assert_eq!(headers.header("x-forwarded-client-cert"), None, "{path}");
        }
    }
}

#[tokio::test]
async fn a_client_without_intermediates_has_no_chain() {
    let scene = Envoy::with_filter(configuration())
        .listener(Listener::strict().forward_client_cert("SANITIZE_SET"))
        .scene()
        .await;
    let client = scene.connect(Protocol::Http2).await;
    client.get("api.example.com", "/").await;
    let headers = &scene.origin.only_request().headers;
    assert_eq!(leaf(headers), Some(pki().client.der().to_vec()));
    assert_eq!(headers.header("client-cert-chain"), None);
}

#[tokio::test]
async fn a_chain_that_a_client_made_up_is_never_forwarded() {
    let scene = Envoy::with_filter(configuration())
        .listener(Listener::optional().forward_client_cert("SANITIZE_SET"))
        .listener(
            Listener::optional()
                .named("sanitize")
                .forward_client_cert("SANITIZE"),
        )
        .listener(
            Listener::optional()
                .named("append")
                .forward_client_cert("APPEND_FORWARD"),
        )
        .listener(Listener::optional().named("default"))
        .listener(Listener::plaintext().named("plain"))
        .scene()
        .await;
    let client = &pki().client;
    let made_up = format!(
        "Hash={};Cert=\"{leaf}\";Chain=\"{leaf}{ca}\"",
        client.sha256(),
        leaf = url_encoded(&client.chain_pem()),
        ca = url_encoded(&pki().ca_pem)
    );
    for listener in ["main", "sanitize", "append", "default", "plain"] {
        for identity in [Some(client), None] {
            let connector = scene.client(Protocol::Http1).listener(listener);
            let connector = match identity {
                Some(identity) if listener != "plain" => connector.with(identity),
                _ => connector,
            };
            let connection = connector.connect().await;
            let case = format!("/{listener}/{}", identity.is_some());
            let request = Request::get("api.example.com", &case)
                .header("x-forwarded-client-cert", &made_up)
                .header("client-cert", ":AAAA:")
                .header("client-cert-chain", ":AAAA:")
                .header("client_cert_chain", ":AAAA:");
            assert_eq!(connection.send(request).await.status, 200, "{case}");
            let headers = &scene.origin.requests_for(&case)[0].headers;
            let expected = identity.filter(|_| listener != "plain");
            assert_eq!(
                leaf(headers),
                expected.map(|identity| identity.der().to_vec()),
                "{case}"
            );
            for name in [
                "client-cert-chain",
                "client_cert_chain",
                "x-forwarded-client-cert",
            ] {
                assert_eq!(headers.header(name), None, "{case}: {name}");
            }
        }
    }
}

#[tokio::test]
async fn a_chain_over_the_limit_leaves_the_leaf_alone() {
    let origin = Origin::start().await;
    let identity = root_included();
    let length: usize = identity.chain[1..]
        .iter()
        .map(|der| STANDARD.encode(der).len())
        .sum();
    let mut over_limit = configuration();
    over_limit["max_certificate_chain_bytes"] = json!(length - 1);
    let mut just_within = configuration();
    just_within["max_certificate_chain_bytes"] = json!(length);
    for (configuration, too_large) in [(over_limit, true), (just_within, false)] {
        let envoy = Envoy::with_filter(configuration)
            .listener(Listener::strict().forward_client_cert("SANITIZE_SET"))
            .start(&origin)
            .await;
        let client = Client::http2(&envoy).with(&identity).connect().await;
        let path = format!("/{too_large}");
        client.get("api.example.com", &path).await;
        let headers = &origin.requests_for(&path)[0].headers;
        assert_eq!(leaf(headers), Some(identity.der().to_vec()));
        assert_eq!(headers.header("client-cert-chain").is_none(), too_large);
        let text = too_large.to_string();
        assert_eq!(headers.header("x-chain-too-large"), Some(text.as_str()));
        assert_eq!(headers.header("x-leaf-too-large"), Some("false"));
    }
}

#[tokio::test]
async fn a_leaf_over_the_limit_goes_neither_and_its_chain_neither() {
    let mut configuration = configuration();
    let identity = root_included();
    configuration["max_certificate_bytes"] = json!(identity.der_base64().len() - 1);
    let scene = Envoy::with_filter(configuration)
        .listener(Listener::strict().forward_client_cert("SANITIZE_SET"))
        .scene()
        .await;
    let client = scene.connect_with(Protocol::Http2, &identity).await;
    client.get("api.example.com", "/").await;
    let headers = &scene.origin.only_request().headers;
    assert_eq!(headers.header("client-cert"), None);
    assert_eq!(headers.header("client-cert-chain"), None);
    assert_eq!(headers.header("x-leaf-too-large"), Some("true"));
    assert_eq!(headers.header("x-chain-too-large"), Some("false"));
}

#[tokio::test]
async fn an_unverified_certificate_is_in_neither_header() {
    let mut configuration = configuration();
    configuration["verified_by"] = json!("attribute");
    let scene = Envoy::with_filter(configuration)
        .listener(Listener::accept_untrusted().forward_client_cert("SANITIZE_SET"))
        .scene()
        .await;
    let client = scene.connect_with(Protocol::Http1, &pki().untrusted).await;
    client.get("api.example.com", "/").await;
    let headers = &scene.origin.only_request().headers;
    for name in [
        "client-cert",
        "client-cert-chain",
        "x-forwarded-client-cert",
    ] {
        assert_eq!(headers.header(name), None, "{name}");
    }
}

#[tokio::test]
async fn the_xfcc_header_is_left_alone_where_the_chain_is_not_read_from_it() {
    let mut configuration = configuration();
    configuration["certificate_chain_source"] = json!("none");
    let scene = Envoy::with_filter(configuration)
        .listener(Listener::strict().forward_client_cert("SANITIZE_SET"))
        .scene()
        .await;
    let client = scene.connect_with(Protocol::Http1, &pki().chained).await;
    client.get("api.example.com", "/").await;
    let headers = &scene.origin.only_request().headers;
    assert_eq!(leaf(headers), Some(pki().chained.der().to_vec()));
    assert_eq!(headers.header("client-cert-chain"), None);
    let xfcc = headers.header("x-forwarded-client-cert").expect("XFCC");
    assert!(xfcc.contains("Chain="), "{xfcc}");
}

#[tokio::test]
async fn the_chain_survives_a_first_request_that_was_refused() {
    let mut configuration = configuration();
    configuration["on_spoofed_header"] = json!("reject");
    configuration["settings"][0]["response_headers"] = json!({ "X-Verify": "certVerified" });
    let scene = Envoy::with_filter(configuration)
        .listener(Listener::strict().forward_client_cert("SANITIZE_SET"))
        .scene()
        .await;
    let client = scene.connect_with(Protocol::Http2, &pki().chained).await;
    let spoofed = Request::get("api.example.com", "/").header("client-cert", ":AAAA:");
    let response = client.send(spoofed).await;
    assert_eq!(
        (response.status, response.header("x-verify")),
        (400, Some("SUCCESS"))
    );
    client.get("api.example.com", "/").await;
    let expected = vec![pki().chained.chain[1].to_vec()];
    assert_eq!(chain(&scene.origin.only_request().headers), Some(expected));
}

#[tokio::test]
async fn a_response_that_varies_on_the_certificate_varies_on_everything() {
    let table: [(&[&str], &[&str]); 14] = [
        (&["Client-Cert"], &["*"]),
        (&["Client-Cert-Chain"], &["*"]),
        (&["client-cert"], &["*"]),
        (&["CLIENT-CERT-CHAIN"], &["*"]),
        (&["Accept-Encoding, Client-Cert"], &["*"]),
        (&["Client-Cert,Accept-Encoding"], &["*"]),
        (&["Accept-Encoding ,\tClient-Cert-Chain , Cookie"], &["*"]),
        (&["Accept-Encoding", "Client-Cert", "Cookie"], &["*"]),
        (&["Accept-Encoding", "Cookie, Client-Cert"], &["*"]),
        (&["*"], &["*"]),
        (&["Accept-Encoding, Cookie"], &["Accept-Encoding, Cookie"]),
        (
            &["Accept-Encoding", "Cookie"],
            &["Accept-Encoding", "Cookie"],
        ),
        (
            &["Client-Certificate, X-Client-Cert"],
            &["Client-Certificate, X-Client-Cert"],
        ),
        (&[], &[]),
    ];
    let scene = Envoy::with_filter(configuration())
        .every_mtls_protocol()
        .scene()
        .await;
    for (number, (lines, _)) in table.iter().enumerate() {
        let answer = Answer::status(200).header("x-other", "Client-Cert");
        let answer = lines
            .iter()
            .fold(answer, |answer, line| answer.header("vary", line));
        scene.origin.answer(&format!("/{number}"), [answer]);
    }
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        for (number, (lines, expected)) in table.iter().enumerate() {
            let response = client.get("api.example.com", &format!("/{number}")).await;
            // Envoy may fold several lines of one header into one.
            let names = |lines: &[&str]| -> Vec<String> {
                let names = lines.iter().flat_map(|line| line.split(','));
                names.map(|name| name.trim().to_owned()).collect()
            };
            let vary: Vec<&str> = response
                .headers
                .all("vary")
                .into_iter()
                .map(|value| std::str::from_utf8(value).expect("ASCII"))
                .collect();
            assert_eq!(names(&vary), names(expected), "{lines:?} over {protocol:?}");
            assert_eq!(response.header("x-other"), Some("Client-Cert"));
        }
    }
}

#[tokio::test]
async fn without_an_rfc_9440_header_vary_is_the_origins_own() {
    let configuration =
        json!({ "settings": [{ "hostname": "*", "client_certificate_forwarding": true }] });
    let scene = Envoy::with_filter(configuration).scene().await;
    scene
        .origin
        .answer("/", [Answer::status(200).header("vary", "Client-Cert")]);
    let client = scene.connect(Protocol::Http1).await;
    let response = client.get("api.example.com", "/").await;
    assert_eq!(response.header("vary"), Some("Client-Cert"));
}

fn configuration() -> Value {
    json!({
        "verified_by": "listener",
        "certificate_chain_source": "xfcc",
        "settings": [{ "hostname": "api.example.com", "request_headers": {
            "Client-Cert": "certRFC9440",
            "Client-Cert-Chain": "certChainRFC9440",
            "X-Leaf-Too-Large": "certRFC9440TooLarge",
            "X-Chain-Too-Large": "certChainRFC9440TooLarge"
        } }]
    })
}

/// A client that presents its intermediate and the root behind it.
fn root_included() -> Identity {
    let mut identity = pki().client_with(|_| {});
    identity.chain.push(pki().chained.chain[1].clone());
    identity.chain.push(pki().ca_der.clone());
    identity
}

/// The certificate in `Client-Cert`, which must be one byte sequence in one header.
fn leaf(headers: &Headers) -> Option<Vec<u8>> {
    let values = headers.all("client-cert");
    assert!(values.len() <= 1, "{values:?}");
    let text = std::str::from_utf8(values.first()?).expect("ASCII");
    let item: Item = Parser::new(text).parse().expect("a structured field item");
    Some(bytes(&item))
}

/// The certificates in `Client-Cert-Chain`, which must be a list of byte sequences.
fn chain(headers: &Headers) -> Option<Vec<Vec<u8>>> {
    let text = headers.header("client-cert-chain")?;
    let list: List = Parser::new(text).parse().expect("a structured field list");
    let items = list.iter().map(|entry| match entry {
        ListEntry::Item(item) => bytes(item),
        ListEntry::InnerList(list) => panic!("an inner list: {list:?}"),
    });
    Some(items.collect())
}

fn bytes(item: &Item) -> Vec<u8> {
    assert!(item.params.is_empty(), "{item:?}");
    match &item.bare_item {
        BareItem::ByteSequence(bytes) => bytes.clone(),
        other => panic!("no byte sequence: {other:?}"),
    }
}

fn url_encoded(pem: &str) -> String {
    pem.replace('\n', "%0A")
        .replace(' ', "%20")
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D")
}
