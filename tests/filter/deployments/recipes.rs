//! The configurations in `envoy/recipes` send the same headers as the systems that they replace.

use std::{collections::BTreeMap, fs};

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{DnType, SanType, SerialNumber, date_time_ymd};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use support::{Client, Envoy, Headers, Identity, Listener, Origin, pki, wasm::repository};

use super::nginx::Nginx;
use crate::fields::distinguished_name;

#[tokio::test]
async fn each_recipe_sends_what_the_other_system_sends() {
    let origin = Origin::start().await;
    let identity = client();
    let of_leaf = identity.der_base64();
    let of_chain: Vec<String> = identity.chain[1..]
        .iter()
        .map(|der| STANDARD.encode(der))
        .collect();
    let leaf = format!(":{of_leaf}:");
    let chain = format!(":{}:", of_chain.join(":, :"));
    let pem = leaf_pem(&identity);
    let issuer = "O=Client Certificate Forwarder,CN=Test Root CA";
    let subject = r#"CN=Zo\C3\AB \"A\",O=Example\, Ltd,C=GB"#;
    let issuer_legacy = "/CN=Test Root CA/O=Client Certificate Forwarder";
    let sha1: String = sha1::Sha1::digest(identity.der())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let escaped = escape(&pem, &["\n", " ", "+", "/", "="]);
    let table: [(&str, &[(&str, &str)]); 11] = [
        ("aspnet-core", &[("x-client-cert", &of_leaf)]),
        (
            // Values from AWS's documentation of the Application Load Balancer's mutual TLS
            // headers.
            "aws-alb-verify",
            &[
                ("x-amzn-mtls-clientcert-serial-number", "936EACBE"),
                ("x-amzn-mtls-clientcert-issuer", issuer),
                ("x-amzn-mtls-clientcert-subject", subject),
                (
                    "x-amzn-mtls-clientcert-validity",
                    "NotBefore=2024-05-05T00:00:00Z;NotAfter=2051-12-31T00:00:00Z",
                ),
                ("x-amzn-mtls-clientcert-leaf", &escape(&pem, &["\n", " "])),
            ],
        ),
        ("azure-app-service", &[("x-arr-clientcert", &of_leaf)]),
        (
            // Names and formats from AWS's page on viewer mTLS headers, but for the serial number's
            // colons.
            "cloudfront",
            &[
                ("cloudfront-viewer-cert-present", "1"),
                ("cloudfront-viewer-cert-serial-number", "936EACBE"),
                ("cloudfront-viewer-cert-issuer", issuer),
                ("cloudfront-viewer-cert-subject", subject),
                ("cloudfront-viewer-cert-sha256", &identity.sha256()),
                (
                    "cloudfront-viewer-cert-validity",
                    "NotBefore=2024-05-05T00:00:00Z;NotAfter=2051-12-31T00:00:00Z",
                ),
                ("cloudfront-viewer-cert-pem", &escaped),
            ],
        ),
        // What GitLab's documentation makes nginx send: $ssl_client_escaped_cert.
        (
            "gitlab-smartcard",
            &[("x-ssl-client-certificate", &escaped)],
        ),
        (
            "google-cloud",
            &[
                ("x-client-cert-present", "true"),
                ("x-client-cert-chain-verified", "true"),
                (
                    "x-client-cert-hash",
                    &STANDARD.encode(Sha256::digest(identity.der())),
                ),
                ("x-client-cert-serial-number", "936EACBE"),
                ("x-client-cert-valid-not-before", "2024-05-05T00:00:00Z"),
                ("x-client-cert-valid-not-after", "2051-12-31T00:00:00Z"),
                ("x-client-cert-leaf", &leaf),
                ("x-client-cert-chain", &chain),
            ],
        ),
        (
            "ingress-nginx",
            &[
                ("ssl-client-cert", &escaped),
                ("ssl-client-verify", "SUCCESS"),
                ("ssl-client-subject-dn", subject),
                ("ssl-client-issuer-dn", issuer),
            ],
        ),
        (
            "keycloak",
            &[("client-cert", &leaf), ("client-cert-chain", &chain)],
        ),
        (
            "nginx",
            &[
                ("x-ssl-client-escaped-cert", &escaped),
                ("x-ssl-client-verify", "SUCCESS"),
                ("x-ssl-client-s-dn", subject),
                (
                    "x-ssl-client-s-dn-legacy",
                    r#"/C=GB/O=Example, Ltd/CN=Zo\xC3\xAB "A""#,
                ),
                ("x-ssl-client-i-dn", issuer),
                ("x-ssl-client-i-dn-legacy", issuer_legacy),
                ("x-ssl-client-serial", "936EACBE"),
                ("x-ssl-client-fingerprint", &sha1),
                ("x-ssl-client-v-start", "May  5 00:00:00 2024 GMT"),
                ("x-ssl-client-v-end", "Dec 31 00:00:00 2051 GMT"),
            ],
        ),
        ("openbao", &[("client-cert", &leaf)]),
        (
            "traefik",
            &[(
                "x-forwarded-tls-client-cert",
                &format!("{of_leaf},{}", of_chain.join(",")),
            )],
        ),
    ];
    let tested: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        tested,
        recipes(),
        "each recipe in envoy/recipes is tested here"
    );
    for (name, expected) in table {
        let recipe = recipe(name);
        let envoy = start(recipe.clone(), Listener::strict(), &origin).await;
        let client = Client::http2(&envoy).with(&identity).connect().await;
        let path = format!("/{name}");
        client.get("api.example.com", &path).await;
        let request = &origin.requests_for(&path)[0];
        let expected: BTreeMap<String, String> = expected
            .iter()
            .map(|(header, value)| ((*header).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(
            only(&request.headers, &headers_of(&recipe)),
            expected,
            "{name}"
        );
    }
}

#[tokio::test]
async fn ingress_nginx_and_its_recipe_say_the_same() {
    // As the template of ingress-nginx has them.
    let sent_by_nginx = [
        ("ssl-client-verify", "$ssl_client_verify"),
        ("ssl-client-subject-dn", "$ssl_client_s_dn"),
        ("ssl-client-issuer-dn", "$ssl_client_i_dn"),
        ("ssl-client-cert", "$ssl_client_escaped_cert"),
    ];
    assert_same_as_nginx("ingress-nginx", &sent_by_nginx, "ssl-client-verify").await;
}

#[tokio::test]
async fn nginx_and_its_recipe_say_the_same() {
    let sent_by_nginx = [
        ("X-SSL-Client-Escaped-Cert", "$ssl_client_escaped_cert"),
        ("X-SSL-Client-Verify", "$ssl_client_verify"),
        ("X-SSL-Client-S-DN", "$ssl_client_s_dn"),
        ("X-SSL-Client-S-DN-Legacy", "$ssl_client_s_dn_legacy"),
        ("X-SSL-Client-I-DN", "$ssl_client_i_dn"),
        ("X-SSL-Client-I-DN-Legacy", "$ssl_client_i_dn_legacy"),
        ("X-SSL-Client-Serial", "$ssl_client_serial"),
        ("X-SSL-Client-Fingerprint", "$ssl_client_fingerprint"),
        ("X-SSL-Client-V-Start", "$ssl_client_v_start"),
        ("X-SSL-Client-V-End", "$ssl_client_v_end"),
    ];
    assert_same_as_nginx("nginx", &sent_by_nginx, "x-ssl-client-verify").await;
}

/// Sends the same clients through nginx and through the recipe, and compares the received headers
/// one by one.
async fn assert_same_as_nginx(name: &str, sent_by_nginx: &[(&str, &str)], verify: &str) {
    let origin = Origin::start().await;
    let Some(nginx) = Nginx::start(&origin, sent_by_nginx).await else {
        return;
    };
    let mut recipe = recipe(name);
    let names = headers_of(&recipe);
    // nginx accepts every certificate here, to show its values for an unverified one.
    recipe["verified_by"] = json!("attribute");
    recipe["settings"][0]["forward_unverified"] = json!(true);
    let listener = Listener::accept_untrusted().no_resumption();
    let envoy = start(recipe, listener, &origin).await;
    let (shaped, plain) = (client(), &pki().client);
    // Left out: a serial of more than 35 octets. OpenSSL, and so nginx, breaks it into lines, which
    // no origin accepts.
    let clients = [
        ("shaped", Some(&shaped)),
        ("plain", Some(plain)),
        ("chained", Some(&pki().chained)),
        ("untrusted", Some(&pki().untrusted)),
        ("no certificate", None),
    ];
    for (number, (case, identity)) in clients.into_iter().enumerate() {
        let path = format!("/{number}");
        nginx.get(identity, &path).await;
        let connector = Client::http1(&envoy);
        let client = match identity {
            Some(identity) => connector.with(identity).connect().await,
            None => connector.connect().await,
        };
        client.get("api.example.com", &path).await;
        let requests = origin.requests_for(&path);
        let mut of_nginx = only(&requests[0].headers, &names);
        let mut of_recipe = only(&requests[1].headers, &names);
        let (said_by_nginx, said) = (of_nginx.remove(verify), of_recipe.remove(verify));
        assert_eq!(of_recipe, of_nginx, "{case}");
        if identity.is_some() {
            assert_eq!(of_recipe.len() + 1, names.len(), "{case}");
        }
        if case == "untrusted" {
            // nginx adds OpenSSL's reason, which Envoy doesn't tell.
            let said_by_nginx = said_by_nginx.expect("a result");
            assert!(said_by_nginx.starts_with("FAILED:"), "{said_by_nginx}");
            assert_eq!(said.as_deref(), Some("FAILED"));
        } else if support::envoy_version().has_peer_certificate_valid() {
            assert_eq!(said, said_by_nginx, "{case}");
        }
    }
}

async fn start(recipe: Value, listener: Listener, origin: &Origin) -> Envoy {
    Envoy::with_filter(recipe)
        .listener(listener.forward_client_cert("SANITIZE_SET"))
        .start(origin)
        .await
}

/// The names of all recipes, sorted.
fn recipes() -> Vec<String> {
    let folder = repository().join("envoy/recipes");
    let mut names: Vec<String> = fs::read_dir(folder)
        .expect("envoy/recipes")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            path.file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}

fn recipe(name: &str) -> Value {
    let path = repository().join(format!("envoy/recipes/{name}.json"));
    serde_json::from_str(&fs::read_to_string(path).expect(name)).expect(name)
}

/// The names of the request headers that the recipe sets, in lower case.
fn headers_of(recipe: &Value) -> Vec<String> {
    let headers = recipe["settings"][0]["request_headers"].as_object();
    let names = headers.expect("request headers").keys();
    names.map(|name| name.to_ascii_lowercase()).collect()
}

/// The headers of these names, each of which must be there once at most.
fn only(headers: &Headers, names: &[String]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for (name, value) in &headers.0 {
        if names.contains(name) {
            let value = String::from_utf8(value.clone()).expect("UTF-8");
            assert_eq!(found.insert(name.clone(), value), None, "{name} twice");
        }
    }
    found
}

/// A client whose fields have something to escape. It presents an intermediate and the root.
fn client() -> Identity {
    let mut identity = pki().client_with(|params| {
        params.distinguished_name = distinguished_name(&[
            (DnType::CountryName, "GB"),
            (DnType::OrganizationName, "Example, Ltd"),
            (DnType::CommonName, "Zo\u{eb} \"A\""),
        ]);
        params.serial_number = Some(SerialNumber::from_slice(&[0x93, 0x6e, 0xac, 0xbe]));
        params.not_before = date_time_ymd(2024, 5, 5);
        params.not_after = date_time_ymd(2051, 12, 31);
        params.subject_alt_names = vec![SanType::DnsName("a.example".try_into().expect("ASCII"))];
    });
    identity.chain.push(pki().chained.chain[1].clone());
    identity.chain.push(pki().ca_der.clone());
    identity
}

fn leaf_pem(identity: &Identity) -> String {
    let end = "-----END CERTIFICATE-----\n";
    let pem = identity.chain_pem();
    let (body, _) = pem.split_once(end).expect("a certificate");
    format!("{body}{end}")
}

/// The text with these characters URL-encoded.
fn escape(text: &str, characters: &[&str]) -> String {
    characters.iter().fold(text.to_owned(), |text, character| {
        text.replace(character, &format!("%{:02X}", character.as_bytes()[0]))
    })
}
