//! No input makes the VM fail (contract §4.8, §4.10).

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;
use support::{Client, Envoy, Identity, Listener, Origin, Protocol, Request, mtls_protocols, pki};

use crate::common::{
    DER, HOST, SHA256, assert_carries, assert_carries_none, forwarding, is_managed, protocols_count,
};

/// Fails when the VM was restarted or the filter no longer does its work.
async fn assert_alive(envoy: &Envoy, origin: &Origin) {
    let client = Client::http2(envoy).with(&pki().client).connect().await;
    assert_eq!(client.get(HOST, "/alive").await.status, 200);
    assert_carries(
        origin.requests_for("/alive").last().expect("a request"),
        &pki().client,
    );
    assert_eq!(envoy.vm_reloads().await, 0);
    let failures = envoy.log_lines_with("][critical][wasm]");
    assert!(failures.is_empty(), "{failures:?}");
}

#[tokio::test]
async fn header_values_may_have_any_bytes() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&[HOST])).start(&origin).await;
    let every_byte: Vec<u8> = (0x20..=0xff).filter(|byte| *byte != 0x7f).collect();
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let client = Client::over(protocol, &envoy)
            .with(&pki().client)
            .connect()
            .await;
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
            let received = origin.requests().pop().expect("a request");
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
    assert_alive(&envoy, &origin).await;
}

#[tokio::test]
async fn values_that_envoy_refuses_over_http3_never_reach_the_filter() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&[HOST]))
        .listener(Listener::optional().http3())
        .start(&origin)
        .await;
    for name in ["x-any", "cf-client-cert-sha256"] {
        let client = Client::http3(&envoy).connect().await;
        let refused = client
            .try_send(Request::get(HOST, "/refused-by-envoy").header(name, b"\xff"))
            .await;
        assert!(refused.is_err(), "{refused:?}");
    }
    assert!(origin.requests().is_empty());
    assert_alive(&envoy, &origin).await;
}

#[tokio::test]
async fn hostnames_may_have_any_bytes() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&[HOST, "*"]))
        .start(&origin)
        .await;
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
        let mut connection = Client::http1(&envoy)
            .with(&pki().client)
            .connect_raw()
            .await;
        let request = [
            b"GET / HTTP/1.1\r\nHost: ",
            host,
            b"\r\nCf-Client-Cert-Sha256: spoofed\r\n\r\n",
        ]
        .concat();
        let before = origin.requests().len();
        let status = connection
            .exchange(&request)
            .await
            .map(|response| response.status);
        assert!(
            matches!(status, Some(200 | 400 | 404)),
            "{:?}: {status:?}",
            host.escape_ascii().to_string()
        );
        for request in &origin.requests()[before..] {
            assert!(
                !request.headers.all(SHA256).contains(&&b"spoofed"[..]),
                "{request:#?}"
            );
        }
    }
    let mut long = Client::http1(&envoy)
        .with(&pki().client)
        .connect_raw()
        .await;
    let request = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "a.".repeat(50_000));
    assert!(long.exchange(request.as_bytes()).await.is_some());
    assert_alive(&envoy, &origin).await;
}

#[tokio::test]
async fn hundreds_of_headers_are_cleaned() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&[HOST]))
        .listener(Listener::strict().every_mtls_protocol())
        .upstream_http2()
        .start(&origin)
        .await;
    for &protocol in mtls_protocols() {
        let client = Client::over(protocol, &envoy)
            .with(&pki().client)
            .connect()
            .await;
        let mut request = Request::get(HOST, "/");
        for number in 0..300 {
            request = request
                .header(&format!("x-kept-{number}"), "kept")
                .header(&format!("cf_client_cert_{number}"), "spoofed")
                .header("cf-client-cert-sha256", "spoofed");
        }
        assert_eq!(client.send(request).await.status, 200, "{protocol:?}");
        let received = origin.requests().pop().expect("a request");
        assert_carries(&received, &pki().client);
        let kept = received
            .headers
            .names()
            .into_iter()
            .filter(|name| name.starts_with("x-kept-"))
            .count();
        assert_eq!(kept, 300);
    }
    assert_alive(&envoy, &origin).await;
}

#[tokio::test]
async fn a_certificate_over_the_limit_is_named_by_its_hash_only() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&[HOST]))
        .listener(Listener::strict().every_mtls_protocol())
        .start(&origin)
        .await;
    assert!(pki().huge.der().len() > 20_000);
    for &protocol in mtls_protocols() {
        let path = format!("/{protocol:?}");
        let client = Client::over(protocol, &envoy)
            .with(&pki().huge)
            .connect()
            .await;
        for _ in 0..2 {
            assert_eq!(client.get(HOST, &path).await.status, 200, "{protocol:?}");
        }
        let requests = origin.requests_for(&path);
        assert_eq!(
            requests[0].header(SHA256),
            Some(pki().huge.sha256().as_str()),
            "{protocol:?}"
        );
        assert_eq!(requests[0].header(DER), None, "{protocol:?}");
        assert_carries_none(&requests[1]);
    }
    assert_eq!(envoy.counter(HOST, "too_large").await, protocols_count());
    assert_eq!(envoy.counter(HOST, "forwarded").await, 0);
    assert_alive(&envoy, &origin).await;
}

#[tokio::test]
async fn the_limit_is_the_length_of_the_encoded_certificate() {
    let encoded = pki().client.der_base64().len();
    for (limit, fits) in [
        (encoded - 1, false),
        (encoded, true),
        (0, false),
        (49_152, true),
    ] {
        let origin = Origin::start().await;
        let mut configuration = forwarding(&[HOST]);
        configuration["max_certificate_bytes"] = json!(limit);
        let envoy = Envoy::with_filter(configuration).start(&origin).await;
        let client = Client::http2(&envoy).with(&pki().client).connect().await;
        client.get(HOST, "/").await;
        let request = origin.only_request();
        assert_eq!(request.header(DER).is_some(), fits, "limit {limit}");
        assert_eq!(
            request.header(SHA256),
            Some(pki().client.sha256().as_str()),
            "limit {limit}"
        );
    }
}

#[tokio::test]
async fn a_twenty_kilobyte_certificate_goes_where_the_limit_allows_it() {
    let origin = Origin::start().await;
    let mut configuration = forwarding(&[HOST]);
    configuration["max_certificate_bytes"] = json!(49_152);
    let envoy = Envoy::with_filter(configuration)
        .listener(Listener::strict().every_mtls_protocol())
        .start(&origin)
        .await;
    for &protocol in mtls_protocols() {
        let client = Client::over(protocol, &envoy)
            .with(&pki().huge)
            .connect()
            .await;
        assert_eq!(client.get(HOST, "/").await.status, 200, "{protocol:?}");
        assert_carries(origin.requests().last().expect("a request"), &pki().huge);
    }
    assert_alive(&envoy, &origin).await;
}

#[tokio::test]
async fn odd_certificates_are_forwarded_even_when_the_x509_parser_refuses_them() {
    use rcgen::{CustomExtension, DnType, DnValue, SerialNumber};
    let odd: Vec<(&str, Identity)> = vec![
        (
            "an extension that is not DER",
            pki().client_with(|params| {
                params.custom_extensions = vec![CustomExtension::from_oid_content(
                    &[1, 3, 6, 1, 4, 1, 99999, 2],
                    vec![0xff; 40],
                )];
            }),
        ),
        (
            "an empty extension",
            pki().client_with(|params| {
                params.custom_extensions = vec![CustomExtension::from_oid_content(
                    &[1, 3, 6, 1, 4, 1, 99999, 3],
                    Vec::new(),
                )];
            }),
        ),
        (
            "a name with control characters",
            pki().client_with(|params| {
                params.distinguished_name.push(
                    DnType::LocalityName,
                    DnValue::Utf8String("a\r\nx: y\0\u{7f}\u{202e}".to_owned()),
                );
            }),
        ),
        (
            "a serial number of one zero",
            pki().client_with(|params| {
                params.serial_number = Some(SerialNumber::from_slice(&[0]));
            }),
        ),
    ];
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&[HOST])).start(&origin).await;
    let named = odd.iter().map(|(what, identity)| (*what, identity));
    // Of these x509-cert refuses the last one only; BoringSSL takes them all.
    for (what, identity) in named.chain([("a serial number of 64 octets", &pki().long_serial)]) {
        let client = Client::http2(&envoy).with(identity).connect().await;
        assert_eq!(client.get(HOST, "/").await.status, 200, "{what}");
        let request = origin.requests().pop().expect("a request");
        assert_eq!(
            request.header(SHA256),
            Some(identity.sha256().as_str()),
            "{what}"
        );
        assert_carries(&request, identity);
    }
    assert_alive(&envoy, &origin).await;
}

#[tokio::test]
async fn a_connection_header_cannot_take_the_certificate_away() {
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&[HOST])).start(&origin).await;
    for nominated in [
        "Cf-Client-Cert-Sha256, Cf-Client-Cert-Der-Base64",
        "close, cf-client-cert-sha256",
    ] {
        let mut connection = Client::http1(&envoy)
            .with(&pki().client)
            .connect_raw()
            .await;
        let request =
            format!("GET /nominated HTTP/1.1\r\nHost: {HOST}\r\nConnection: {nominated}\r\n\r\n");
        let status = connection
            .exchange(request.as_bytes())
            .await
            .map(|response| response.status);
        match origin.requests_for("/nominated").last() {
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

#[tokio::test]
async fn random_requests_break_nothing() {
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock")
        .subsec_nanos();
    println!("seed {seed}");
    let mut random = Random(u64::from(seed) | 1);
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(forwarding(&[HOST])).start(&origin).await;
    for _ in 0..150 {
        let mut connection = Client::http1(&envoy)
            .with(&pki().client)
            .connect_raw()
            .await;
        for _ in 0..2 {
            let request = random.request();
            let before = origin.requests().len();
            let response = connection.exchange(&request).await;
            for received in &origin.requests()[before..] {
                let spoofed = received
                    .headers
                    .0
                    .iter()
                    .find(|(name, value)| is_managed(name) && value.starts_with(b"s"));
                assert_eq!(spoofed, None, "seed {seed}: {}", request.escape_ascii());
            }
            if response.is_none_or(|response| response.status != 200) {
                break;
            }
        }
    }
    assert_alive(&envoy, &origin).await;
}

/// xorshift64: enough to vary requests, and a seed is enough to repeat them.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % bound
    }

    fn pick<'a>(&mut self, choices: &[&'a [u8]]) -> &'a [u8] {
        choices[self.below(choices.len())]
    }

    /// A request whose managed headers all have a value that starts with `s`, as neither base64 of DER nor a hex hash does.
    fn request(&mut self) -> Vec<u8> {
        let mut request = b"GET / HTTP/1.1\r\nHost: ".to_vec();
        request.extend_from_slice(self.pick(&[
            b"api.example.com",
            b"API.example.com.:1",
            b"other.test",
            b"[::1]",
        ]));
        for _ in 0..self.below(40) {
            request.extend_from_slice(b"\r\n");
            match self.below(4) {
                0 => {
                    let length = 1 + self.below(20);
                    request.extend((0..length).map(|_| b"abc-_.xyz"[self.below(9)]));
                    request.extend_from_slice(b": ");
                    let length = self.below(50);
                    request.extend(
                        (0..length).map(|_| u8::try_from(self.below(256)).expect("a byte")),
                    );
                }
                _ => {
                    request.extend_from_slice(self.pick(&[b"c", b"C"]));
                    request.extend_from_slice(self.pick(&[b"f", b"F"]));
                    request.extend_from_slice(self.pick(&[b"-", b"_", b"."]));
                    request.extend_from_slice(self.pick(&[
                        b"client-cert",
                        b"CLIENT_CERT",
                        b"client.Cert",
                        b"cert",
                        b"Cert",
                    ]));
                    request.extend_from_slice(self.pick(&[b"-", b"_", b"."]));
                    request.extend_from_slice(self.pick(&[
                        b"sha256",
                        b"der_base64",
                        b"x",
                        b"",
                        b"verified",
                    ]));
                    request.extend_from_slice(b": s");
                    let length = self.below(30);
                    request.extend(
                        (0..length).map(|_| u8::try_from(0x80 + self.below(0x80)).expect("a byte")),
                    );
                }
            }
        }
        request.extend_from_slice(b"\r\n\r\n");
        request
    }
}
