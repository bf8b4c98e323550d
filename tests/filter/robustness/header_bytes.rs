//! Header fields and hostnames of any bytes, and many of them.

use support::{Envoy, Listener, Protocol, Request, mtls_protocols, pki};

use super::assert_alive;
use crate::common::{HOST, SHA256, assert_carries, forwarding};

#[tokio::test]
async fn header_values_may_have_any_bytes() {
    let scene = Envoy::with_filter(forwarding(&[HOST])).scene().await;
    let every_byte: Vec<u8> = (0x20..=0xff).filter(|byte| *byte != 0x7f).collect();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let client = scene.connect(protocol).await;
        for value in [
            &every_byte[..],
            b"\xff",
            b"\xc3\x28",
            b"\xed\xa0\x80",
            b"",
            b"\xf0\x9f\x92\xa9",
        ] {
            let request = Request::get(HOST, "/")
                .header("x-any", value)
                .header("cf-client-cert-sha256", value)
                .header("cf_cert_verified", value)
                .header("cookie", value)
                .header("x-forwarded-client-cert", value);
            assert_eq!(
                client.send(request).await.status,
                200,
                "{protocol:?}, {value:?}"
            );
            let received = scene.origin.last_request();
            // Space around a value is not part of it.
            assert_eq!(
                received.headers.all("x-any"),
                [value.trim_ascii()],
                "{protocol:?}"
            );
            assert!(
                received
                    .headers
                    .all(SHA256)
                    .iter()
                    .all(|hash| *hash == pki().client.sha256().as_bytes())
            );
        }
    }
    assert_alive(&scene).await;
}

#[tokio::test]
async fn values_that_envoy_refuses_over_http3_never_reach_the_filter() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .listener(Listener::optional().http3())
        .scene()
        .await;
    for name in ["x-any", "cf-client-cert-sha256"] {
        let client = scene.connect_without_certificate(Protocol::Http3).await;
        let refused = client
            .try_send(Request::get(HOST, "/refused-by-envoy").header(name, b"\xff"))
            .await;
        assert!(refused.is_err(), "{refused:?}");
    }
    assert!(scene.origin.requests().is_empty());
    assert_alive(&scene).await;
}

#[tokio::test]
async fn hostnames_may_have_any_bytes() {
    let scene = Envoy::with_filter(forwarding(&[HOST, "*"])).scene().await;
    for host in [
        &b"\xff\xfe"[..],
        b"api.example.com\xff",
        b"",
        b".",
        b"..",
        b":",
        b":443",
        b"[",
        b"]",
        b"[]",
        b"[::1",
        b"[::1]:",
        b"api.example.com:99999999999999999999",
        b"api.example.com:abc",
        b"api.example.com..",
        b"*",
        b"*.example.com",
        b"a@api.example.com",
        b"%61pi.example.com",
        b"\xc4\xb0",
    ] {
        let mut connection = scene
            .client(Protocol::Http1)
            .with(&pki().client)
            .connect_raw()
            .await;
        let request = [
            b"GET / HTTP/1.1\r\nHost: ",
            host,
            b"\r\nCf-Client-Cert-Sha256: spoofed\r\n\r\n",
        ]
        .concat();
        let before = scene.origin.requests().len();
        let status = connection
            .exchange(&request)
            .await
            .map(|response| response.status);
        assert!(
            matches!(status, Some(200 | 400 | 404)),
            "{:?}: {status:?}",
            host.escape_ascii().to_string()
        );
        for request in &scene.origin.requests()[before..] {
            assert!(
                !request.headers.all(SHA256).contains(&&b"spoofed"[..]),
                "{request:#?}"
            );
        }
    }
    let mut long = scene
        .client(Protocol::Http1)
        .with(&pki().client)
        .connect_raw()
        .await;
    let request = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "a.".repeat(50_000));
    assert!(long.exchange(request.as_bytes()).await.is_some());
    assert_alive(&scene).await;
}

#[tokio::test]
async fn hundreds_of_headers_are_cleaned() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .upstream_http2()
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        let mut request = Request::get(HOST, "/");
        for number in 0..300 {
            request = request
                .header(&format!("x-kept-{number}"), "kept")
                .header(&format!("cf_client_cert_{number}"), "spoofed")
                .header("cf-client-cert-sha256", "spoofed");
        }
        assert_eq!(client.send(request).await.status, 200, "{protocol:?}");
        let received = scene.origin.last_request();
        assert_carries(&received, &pki().client);
        let kept = received
            .headers
            .names()
            .into_iter()
            .filter(|name| name.starts_with("x-kept-"))
            .count();
        assert_eq!(kept, 300);
    }
    assert_alive(&scene).await;
}

#[tokio::test]
async fn a_connection_header_cannot_take_the_certificate_away() {
    let scene = Envoy::with_filter(forwarding(&[HOST])).scene().await;
    for nominated in [
        "Cf-Client-Cert-Sha256, Cf-Client-Cert-Der-Base64",
        "close, cf-client-cert-sha256",
    ] {
        let mut connection = scene
            .client(Protocol::Http1)
            .with(&pki().client)
            .connect_raw()
            .await;
        let request =
            format!("GET /nominated HTTP/1.1\r\nHost: {HOST}\r\nConnection: {nominated}\r\n\r\n");
        let status = connection
            .exchange(request.as_bytes())
            .await
            .map(|response| response.status);
        match scene.origin.requests_for("/nominated").last() {
            Some(request) => {
                assert_carries(request, &pki().client);
                assert_eq!(
                    request.header("connection"),
                    None,
                    "the origin may drop what it names: {request:#?}"
                );
            }
            None => assert_eq!(status, Some(400)),
        }
    }
}
