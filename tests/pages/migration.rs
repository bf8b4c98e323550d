//! docs/migration.md: what stands behind each "after" does what stood behind "before".

use std::{fs, process::Command};

use rcgen::{DistinguishedName, DnType, SanType};
use serde_json::{Value, json};
use support::{
    Client, Envoy, Identity, Listener, Origin, Protocol,
    origin::Recorded,
    pki,
    settings_api::{EMAIL, SettingsApi, ZONE},
    wasm::repository,
};

const HOST: &str = "api.example.com";

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

fn yaml(path: &str) -> Value {
    serde_saphyr::from_str(&read(path)).expect("YAML")
}

/// The configuration in the section with that heading.
fn configuration(heading: &str) -> Value {
    let page = read("docs/migration.md");
    let (_, section) = page
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("no section {heading}"));
    let section = section.split("\n## ").next().expect("a section");
    let (_, block) = section.split_once("```json\n").expect("a configuration");
    let (json, _) = block.split_once("```").expect("the block's end");
    serde_json::from_str(json).expect("JSON")
}

/// What the origin gets of the client with that configuration.
async fn received(configuration: Value, listener: Listener, identity: &Identity) -> Recorded {
    let scene = Envoy::with_filter(configuration)
        .listener(listener)
        .scene()
        .await;
    let client = scene.connect_with(Protocol::Http2, identity).await;
    assert_eq!(client.get(HOST, "/").await.status, 200);
    scene.origin.only_request()
}

#[tokio::test]
async fn the_configuration_for_ingress_nginx_admits_whom_the_annotations_admit() {
    let mut tls = yaml("examples/migration/ingress-nginx-listener.yaml");
    let common = &mut tls["common_tls_context"];
    common["tls_certificates"][0] = json!({
        "certificate_chain": { "inline_string": pki().server.chain_pem() },
        "private_key": { "inline_string": pki().server.key_pem() }
    });
    common["validation_context"]["trusted_ca"] = json!({ "inline_string": pki().ca_pem });
    tls["@type"] =
        json!("type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext");
    let scene = Envoy::with_filter(configuration("From ingress-nginx"))
        .adapt(|bootstrap| {
            let listener = &mut bootstrap["static_resources"]["listeners"][0];
            listener["filter_chains"][0]["transport_socket"]["typed_config"] = tls;
        })
        .scene()
        .await;
    let partner = pki().client_with(|params| {
        params.distinguished_name = DistinguishedName::new();
        params
            .distinguished_name
            .push(DnType::OrganizationName, "Example");
        params
            .distinguished_name
            .push(DnType::CommonName, "partner");
    });
    let client = scene.connect_with(Protocol::Http2, &partner).await;
    assert_eq!(client.get(HOST, "/").await.status, 200);
    let request = scene.origin.only_request();
    assert_eq!(request.header("ssl-client-verify"), Some("SUCCESS"));
    let pem = request.header("ssl-client-cert").expect("the certificate");
    assert!(pem.starts_with("-----BEGIN%20CERTIFICATE-----%0A"), "{pem}");
    let other = scene.connect_with(Protocol::Http2, &pki().client).await;
    assert_eq!(other.get(HOST, "/").await.status, 403);
    let refused = scene.client(Protocol::Http1).connect().await;
    let answer = refused.try_send(support::Request::get(HOST, "/")).await;
    assert!(answer.is_err(), "without a certificate: {answer:?}");
}

#[tokio::test]
async fn the_ingress_is_one_whose_annotations_the_page_lists() {
    let ingress = yaml("examples/migration/ingress-nginx.yaml");
    let annotations = ingress["metadata"]["annotations"]
        .as_object()
        .expect("annotations");
    let page = read("docs/migration.md");
    assert_eq!(annotations.len(), 5);
    for name in annotations.keys() {
        let name = name.trim_start_matches("nginx.ingress.kubernetes.io/");
        assert!(
            page.contains(&format!("| `{name}")),
            "the table lacks {name}"
        );
    }
}

#[tokio::test]
async fn cloudflares_curl_line_works_with_the_settings_api() {
    let plugin = json!({ "verified_by": "listener", "settings": [] });
    let api = SettingsApi::start(&plugin).await.expect("the settings API");
    let output = Command::new("bash")
        .arg(repository().join("examples/migration/cloudflare.sh"))
        .env(
            "CLOUDFLARE_API",
            format!("http://{}/client/v4", api.address()),
        )
        .env("ZONE_ID", ZONE)
        .env("CLOUDFLARE_EMAIL", EMAIL)
        .env("CLOUDFLARE_API_KEY", &api.key)
        .output()
        .expect("bash runs");
    assert!(output.status.success(), "{output:?}");
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(answer["success"], true, "{answer}");
    assert_eq!(answer["result"][0]["hostname"], HOST, "{answer}");
    let origin = Origin::start().await;
    let envoy = api.envoy(&origin).await;
    let client = Client::http2(&envoy)
        .listener("https")
        .with(&pki().client)
        .connect()
        .await;
    client.get(HOST, "/").await;
    let sha256 = pki().client.sha256();
    let request = origin.only_request();
    assert_eq!(
        request.header("cf-client-cert-sha256"),
        Some(sha256.as_str())
    );
}

#[tokio::test]
async fn cloudflares_body_is_a_configuration_that_forwards_what_the_attribute_says_is_verified() {
    if !support::envoy_version().has_peer_certificate_valid() {
        return;
    }
    let listener = Listener::strict().no_resumption();
    let request = received(configuration("From Cloudflare"), listener, &pki().client).await;
    let sha256 = pki().client.sha256();
    assert_eq!(
        request.header("cf-client-cert-sha256"),
        Some(sha256.as_str())
    );
}

#[tokio::test]
async fn the_configurations_for_aws_are_their_recipes_or_a_part_of_them() {
    for (heading, recipe) in [
        ("From an AWS load balancer", "aws-alb-verify"),
        ("From CloudFront", "cloudfront"),
    ] {
        let after = configuration(heading);
        let recipe: Value =
            serde_json::from_str(&read(&format!("envoy/recipes/{recipe}.json"))).expect("JSON");
        let headers = |value: &Value| value["settings"][0]["request_headers"].clone();
        for (name, field) in headers(&after).as_object().expect("headers") {
            assert_eq!(&headers(&recipe)[name], field, "{heading}: {name}");
        }
        let request = received(after.clone(), Listener::strict(), &pki().client).await;
        for name in headers(&after).as_object().expect("headers").keys() {
            let name = name.to_ascii_lowercase();
            assert!(request.header(&name).is_some(), "{heading}: {name}");
        }
    }
}

#[tokio::test]
async fn each_part_of_xfcc_has_the_value_of_its_field_and_both_can_be_sent() {
    let before = yaml("examples/migration/xfcc.yaml");
    let mut listener = Listener::strict();
    for field in [
        "forward_client_cert_details",
        "set_current_client_cert_details",
    ] {
        listener = listener.connection_manager(field, before[field].clone());
    }
    let uri = "spiffe://example.org/ns/prod/sa/client";
    let identity = pki().client_with(|params| {
        params.subject_alt_names = vec![SanType::URI(uri.try_into().expect("ASCII"))];
    });
    let request = received(
        configuration("From `x-forwarded-client-cert`"),
        listener,
        &identity,
    )
    .await;
    let xfcc = request.header("x-forwarded-client-cert").expect("XFCC");
    for (part, header) in [
        ("Hash=", "x-client-sha256"),
        ("Subject=", "x-client-subject"),
        ("URI=", "x-client-uri"),
        ("Cert=", "x-client-cert"),
    ] {
        let value = request
            .header(header)
            .unwrap_or_else(|| panic!("no {header}"));
        let found = xfcc.split(';').find_map(|text| text.strip_prefix(part));
        let found = found.unwrap_or_else(|| panic!("no {part} in {xfcc}"));
        assert_eq!(found.trim_matches('"'), value, "{part}");
    }
}
