//! Which setting a hostname gets (contract §4.2).

use serde_json::json;
use support::{Envoy, Protocol, mtls_protocols, pki};

use crate::common::{
    HOST, assert_carries, assert_carries_none, carried, configuration, forward_every, forwarding,
};

#[tokio::test]
async fn hostnames_under_one_wildcard_setting_get_the_certificate_once_between_them() {
    let scene = Envoy::with_filter(forwarding(&["*.example.com"]))
        .scene()
        .await;
    let client = scene.connect(Protocol::Http2).await;
    for hostname in ["a.example.com", "b.example.com", "deep.c.example.com"] {
        client.get(hostname, "/").await;
    }
    assert_eq!(carried(&scene.origin.requests()), [true, false, false]);
}

#[tokio::test]
async fn the_most_specific_setting_decides_wherever_it_stands() {
    let silent =
        |hostname: &str| json!({ "hostname": hostname, "client_certificate_forwarding": false });
    let settings = vec![
        forward_every("*"),
        silent("*.example.com"),
        forward_every("*.eu.example.com"),
        silent("quiet.eu.example.com"),
        forward_every("api.example.com"),
    ];
    let scene = Envoy::with_filter(configuration(settings)).scene().await;
    let client = scene.connect(Protocol::Http2).await;
    for (hostname, carries) in [
        ("example.org", true),
        ("example.com", true),
        ("www.example.com", false),
        ("eu.example.com", false),
        ("a.eu.example.com", true),
        ("a.b.eu.example.com", true),
        ("quiet.eu.example.com", false),
        ("api.example.com", true),
        ("x.api.example.com", false),
        ("xexample.com", true),
        ("127.0.0.1", true),
    ] {
        client.get(hostname, "/").await;
        let request = scene.origin.last_request();
        assert_eq!(carried(&[request]), [carries], "{hostname}");
    }
}

#[tokio::test]
async fn a_hostname_matches_in_any_case_with_a_port_and_with_a_trailing_dot() {
    let settings = vec![
        forward_every("API.Example.com"),
        forward_every("10.0.0.1"),
        forward_every("2001:db8::1"),
    ];
    let scene = Envoy::with_filter(configuration(settings)).scene().await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let client = scene.connect(protocol).await;
        for (authority, carries) in [
            ("api.example.com", true),
            ("API.EXAMPLE.COM", true),
            ("api.example.com:8443", true),
            ("api.example.com.", true),
            ("Api.Example.Com.:8443", true),
            ("10.0.0.1", true),
            ("10.0.0.1:8443", true),
            ("[2001:db8::1]", true),
            ("[2001:DB8::1]:8443", true),
            ("api.example.com.evil.test", false),
            ("notapi.example.com", false),
            ("[2001:db8::2]", false),
        ] {
            client.get(authority, "/").await;
            let request = scene.origin.last_request();
            assert_eq!(carried(&[request]), [carries], "{protocol:?}, {authority}");
        }
    }
}

#[tokio::test]
async fn a_hostname_without_a_setting_gets_nothing() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        // The connection's server name is that of the setting, but only the request's own hostname
        // counts.
        let client = scene
            .client(protocol)
            .with(&pki().client)
            .sni(HOST)
            .connect()
            .await;
        client.get("www.example.com", "/").await;
        assert_carries_none(&scene.origin.last_request());
    }
}

#[tokio::test]
async fn the_server_name_of_the_connection_does_not_matter_to_forwarding() {
    let scene = Envoy::with_filter(forwarding(&[HOST])).scene().await;
    let other = scene
        .client(Protocol::Http2)
        .with(&pki().client)
        .sni("other.example.com")
        .connect()
        .await;
    other.get(HOST, "/other").await;
    assert_carries(&scene.origin.requests_for("/other")[0], &pki().client);
    let none = scene
        .client(Protocol::Http2)
        .with(&pki().client)
        .no_sni()
        .connect()
        .await;
    none.get(HOST, "/none").await;
    assert_carries(&scene.origin.requests_for("/none")[0], &pki().client);
}
