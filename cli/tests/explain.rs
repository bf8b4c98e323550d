//! `ccf explain`: what it says, and that a real Envoy does the same.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use support::{Client, Envoy, Identity, Listener, Protocol, Request, Response, Scene, pki};

use super::program::{Run, ccf, ccf_with, file};

/// A client's certificate, and whether Envoy verifies it.
fn clients() -> [(&'static str, Option<&'static Identity>, bool); 4] {
    [
        ("client", Some(&pki().client), true),
        ("chained", Some(&pki().chained), true),
        ("untrusted", Some(&pki().untrusted), false),
        ("none", None, true),
    ]
}

/// Settings of every kind, and the mode of `forward_client_cert_details`.
fn configurations() -> Vec<(Value, Option<&'static str>)> {
    let forwarding = json!({
        "explain": true,
        "settings": [
            { "hostname": "a.example.com", "client_certificate_forwarding": true },
            {
                "hostname": "*.example.com",
                "client_certificate_forwarding": true,
                "forward_on": "every_request",
                "forward_unverified": true,
                "request_headers": { "X-Verified": "certVerified", "X-Email": "certSanEmail" },
                "response_headers": { "X-Serial": "certSerial", "X-Email": "certSanEmail" }
            }
        ]
    });
    let enforcing = json!({
        "verified_by": "attribute",
        "explain": true,
        "settings": [
            {
                "hostname": "a.example.com",
                "require_client_certificate": true,
                "client_certificate_forwarding": true
            },
            { "hostname": "b.example.com", "request_headers": { "X-Dn": "certSubjectDN" } }
        ]
    });
    let rejecting = json!({
        "on_spoofed_header": "reject",
        "settings": [{ "hostname": "*", "client_certificate_forwarding": true }]
    });
    let limited = json!({
        "max_certificate_bytes": 100,
        "explain": true,
        "settings": [{
            "hostname": "*",
            "client_certificate_forwarding": true,
            "request_headers": { "X-Too-Large": "certRFC9440TooLarge", "X-Pem": "certPemUrlEncoded" }
        }]
    });
    let chain = json!({
        "certificate_chain_source": "xfcc",
        "settings": [{
            "hostname": "*",
            "request_headers": { "Client-Cert": "certRFC9440", "Client-Cert-Chain": "certChainRFC9440" }
        }]
    });
    vec![
        (forwarding, None),
        (enforcing, None),
        (rejecting, None),
        (limited, None),
        (chain, Some("SANITIZE_SET")),
    ]
}

/// Name and value of a header.
type Header = (&'static str, &'static str);

/// Host, SNI and header of a request.
const REQUESTS: [(&str, &str, Option<Header>); 5] = [
    ("a.example.com", "a.example.com", None),
    ("b.example.com", "a.example.com", None),
    (
        "A.Example.Com:443",
        "a.example.com",
        Some(("cf_cert.x", "forged")),
    ),
    (
        "a.example.com",
        "b.example.com",
        Some(("client-cert", "forged")),
    ),
    ("example.org", "a.example.com", Some(("x-mine", "kept"))),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_says_what_a_real_envoy_does() {
    let folder = tempfile::tempdir().unwrap();
    for (name, identity, _) in clients() {
        if let Some(identity) = identity {
            fs::write(folder.path().join(name), identity.chain_pem()).unwrap();
        }
    }
    for (configuration, mode) in configurations() {
        fs::write(folder.path().join("plugin.json"), configuration.to_string()).unwrap();
        let mut listener = Listener::accept_untrusted().no_resumption();
        if let Some(mode) = mode {
            listener = listener.forward_client_cert(mode);
        }
        let scene = Envoy::with_filter(configuration.clone())
            .listener(listener)
            .scene()
            .await;
        for (client, (name, identity, is_verified)) in clients().into_iter().enumerate() {
            for (number, (host, sni, header)) in REQUESTS.into_iter().enumerate() {
                let explained = explain(folder.path(), name, is_verified, host, sni, header).json();
                let connector = scene.client(Protocol::Http2).sni(sni);
                let connection = match identity {
                    Some(identity) => connector.with(identity).connect().await,
                    None => connector.connect().await,
                };
                for order in ["first_request", "next_request"] {
                    let path = format!("/{client}/{number}/{order}");
                    let context = format!("{configuration}\n{name}: {host} over {sni}, {order}");
                    let response = send(&connection, host, &path, header).await;
                    compare(&explained[order], &scene, &path, &response, &context);
                }
            }
        }
    }
}

fn explain(
    folder: &Path,
    client: &str,
    is_verified: bool,
    host: &str,
    sni: &str,
    header: Option<(&str, &str)>,
) -> Run {
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (plugin, cert) = (path("plugin.json"), path(client));
    let mut arguments = vec![
        "--format", "json", "explain", &plugin, "--host", host, "--sni", sni,
    ];
    if client != "none" {
        arguments.extend(["--cert", &cert]);
    }
    if !is_verified {
        arguments.push("--unverified");
    }
    let header = header.map(|(name, value)| format!("{name}={value}"));
    if let Some(header) = &header {
        arguments.extend(["--header", header]);
    }
    ccf_with(&arguments, "", &[])
}

async fn send(
    connection: &Client,
    host: &str,
    path: &str,
    header: Option<(&str, &str)>,
) -> Response {
    let mut request = Request::get(host, path);
    if let Some((name, value)) = header {
        request = request.header(name, value);
    }
    connection.send(request).await
}

/// Names of headers that only the filter sets in these configurations.
fn is_the_filters(name: &str) -> bool {
    ["cf-", "cf_", "client-cert", "x-forwarded-client-cert"]
        .iter()
        .any(|start| name.starts_with(start))
        || ["x-verified", "x-email", "x-dn", "x-too-large", "x-pem"].contains(&name)
}

fn compare(explained: &Value, scene: &Scene, path: &str, response: &Response, context: &str) {
    let seen = scene.origin.requests_for(path);
    let refusal = &explained["refusal"];
    if refusal.is_null() {
        let [request] = seen.as_slice() else {
            panic!("{} requests at the origin: {context}", seen.len());
        };
        let mut actual: Vec<(String, String)> = Vec::new();
        for (name, value) in &request.headers.0 {
            if is_the_filters(name) {
                actual.push((name.clone(), String::from_utf8(value.clone()).unwrap()));
            }
        }
        let forged_stays = explained["removed"].as_array().unwrap().is_empty();
        if forged_stays {
            actual.retain(|(_, value)| value != "forged");
        }
        let mut expected = pairs(&explained["added"]);
        actual.sort();
        expected.sort();
        assert_eq!(actual, expected, "{context}");
    } else {
        assert!(seen.is_empty(), "{context}");
        assert_eq!(u64::from(response.status), refusal["status"], "{context}");
        assert_eq!(
            String::from_utf8_lossy(&response.body),
            refusal["body"].as_str().unwrap(),
            "{context}"
        );
    }
    for (name, value) in pairs(&explained["response_set"]) {
        assert_eq!(
            response.headers.header(&name),
            Some(value.as_str()),
            "{context}"
        );
    }
    for name in explained["response_removed"].as_array().unwrap() {
        assert_eq!(
            response.headers.header(name.as_str().unwrap()),
            None,
            "{context}"
        );
    }
    let own = response.headers.header("client-cert-forwarder").is_some();
    let said = pairs(&explained["response_set"])
        .iter()
        .any(|(name, _)| name == "client-cert-forwarder");
    assert_eq!(own, said, "{context}");
}

fn pairs(lines: &Value) -> Vec<(String, String)> {
    let text = |line: &Value, key: &str| line[key].as_str().unwrap().to_owned();
    let lines = lines.as_array().unwrap().iter();
    lines
        .map(|line| (text(line, "name"), text(line, "value")))
        .collect()
}

const CERTIFICATE: &str = "src/certificate/testdata/rfc9440.pem";

#[test]
fn a_missing_header_has_its_reason() {
    let plugin = json!({ "settings": [{
        "hostname": "*",
        "request_headers": { "X-Uri": "certSanUri", "Client-Cert": "certRFC9440",
            "Client-Cert-Chain": "certChainRFC9440" }
    }] });
    let (_folder, path) = file("plugin.json", &plugin.to_string());
    let reasons = |more: &[&str]| {
        let arguments = [
            &["--format", "json", "explain", &path, "--host", "x.example"],
            more,
        ]
        .concat();
        let explained = ccf_with(&arguments, "", &[]).json();
        let missing = explained["first_request"]["missing"]
            .as_array()
            .unwrap()
            .clone();
        let line = |line: &Value| {
            format!(
                "{}: {}",
                line["name"].as_str().unwrap(),
                line["reason"].as_str().unwrap()
            )
        };
        missing.iter().map(line).collect::<Vec<String>>().join("\n")
    };
    let verified = reasons(&["--cert", CERTIFICATE]);
    assert!(
        verified.contains("x-uri: the certificate has no such part"),
        "{verified}"
    );
    assert!(
        verified.contains("client-cert-chain: there is no chain; \"certificate_chain_source\""),
        "{verified}"
    );
    let unverified = reasons(&["--cert", CERTIFICATE, "--unverified"]);
    assert!(
        unverified.contains("client-cert: the certificate does not count as verified"),
        "{unverified}"
    );
    let none = reasons(&[]);
    assert!(
        none.contains("client-cert: the client presented no certificate"),
        "{none}"
    );
}

#[test]
fn a_bad_configuration_is_reported_as_ccf_check_does() {
    let (_folder, path) = file("plugin.json", r#"{"settings": [{"hostname": "a b"}]}"#);
    let run = ccf(["explain", &path, "--host", "a.example"]);
    assert_eq!(run.code, 1);
    assert!(
        run.stdout
            .contains("plugin.json:1: error: settings[0].hostname: "),
        "{run:?}"
    );
}

#[test]
fn explanations_fit_80_columns() {
    let run = ccf([
        "explain",
        "envoy/envoy.yaml",
        "--host",
        "api.example.com",
        "--cert",
        CERTIFICATE,
        "--header",
        "cf-cert-x=1",
    ]);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert!(
        run.stdout
            .starts_with("Setting: api.example.com (settings[0])"),
        "{}",
        run.stdout
    );
    for line in run.stdout.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
}
