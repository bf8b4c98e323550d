//! Which requests carry the certificate (contract §1, §4.2, §4.5).

use std::time::Duration;

use support::{
    Answer, Envoy, Listener, Origin, PROTOCOLS, Protocol, Request, envoy_version, mtls_protocols,
    pki,
};
use tokio::task::JoinSet;

use crate::common::{
    HOST, assert_carries, assert_carries_none, carried, configuration, forward, forward_every,
    forwarding, multiplexed,
};

#[tokio::test]
async fn the_first_request_of_a_connection_carries_the_certificate_over_every_protocol() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        let path = format!("/{protocol:?}");
        let client = scene.connect(protocol).await;
        for _ in 0..3 {
            assert_eq!(client.get(HOST, &path).await.status, 200, "{protocol:?}");
        }
        let requests = scene.origin.requests_for(&path);
        assert_carries(&requests[0], &pki().client);
        assert_eq!(carried(&requests), [true, false, false], "{protocol:?}");
    }
}

#[tokio::test]
async fn every_connection_carries_its_own_certificate() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        for identity in [
            &pki().client,
            &pki().other_client,
            &pki().chained,
            &pki().client,
        ] {
            let client = scene.connect_with(protocol, identity).await;
            client.get(HOST, "/").await;
            assert_carries(&scene.origin.last_request(), identity);
        }
    }
}

#[tokio::test]
async fn every_request_carries_the_certificate_where_the_setting_says_so() {
    let scene = Envoy::with_filter(configuration(vec![forward_every(HOST)]))
        .every_mtls_protocol()
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        for _ in 0..3 {
            client.get(HOST, "/").await;
        }
    }
    for request in scene.origin.requests() {
        assert_carries(&request, &pki().client);
    }
    assert_eq!(scene.origin.requests().len(), 3 * mtls_protocols().len());
}

#[tokio::test]
async fn two_hostnames_on_one_connection_each_get_the_certificate_once() {
    let settings = vec![
        forward("a.example.com"),
        forward_every("b.example.com"),
        forward("c.example.com"),
    ];
    let scene = Envoy::with_filter(configuration(settings))
        .every_mtls_protocol()
        .scene()
        .await;
    for &protocol in mtls_protocols() {
        let path = format!("/{protocol:?}");
        let client = scene.connect(protocol).await;
        for hostname in [
            "a.example.com",
            "c.example.com",
            "b.example.com",
            "a.example.com",
            "b.example.com",
            "c.example.com",
        ] {
            client.get(hostname, &path).await;
        }
        assert_eq!(
            carried(&scene.origin.requests_for(&path)),
            [true, true, true, false, true, false],
            "{protocol:?}"
        );
    }
}

#[tokio::test]
async fn concurrent_streams_repeat_the_certificate_only_while_none_was_delivered() {
    const STREAMS: usize = 20;
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .scene()
        .await;
    scene.origin.answer(
        "/slow",
        [Answer::status(200).after(Duration::from_millis(100))],
    );
    for protocol in multiplexed() {
        let client = std::sync::Arc::new(scene.connect(protocol).await);
        let before = scene.origin.requests().len();
        for (round, must_carry) in [("first", true), ("second", false)] {
            let mut streams = JoinSet::new();
            for _ in 0..STREAMS {
                let client = std::sync::Arc::clone(&client);
                streams.spawn(async move { client.get(HOST, "/slow").await.status });
            }
            assert_eq!(streams.join_all().await, [200; STREAMS]);
            let requests = &scene.origin.requests()[before..];
            let requests = &requests[requests.len() - STREAMS..];
            assert_eq!(
                carried(requests).contains(&true),
                must_carry,
                "{protocol:?}, {round} round"
            );
        }
    }
}

#[tokio::test]
async fn many_connections_to_several_workers_each_carry_the_certificate_once() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .concurrency(3)
        .scene()
        .await;
    for number in 0..24 {
        let path = format!("/{number}");
        let client = scene.connect(Protocol::Http2).await;
        for _ in 0..3 {
            client.get(HOST, &path).await;
        }
        assert_eq!(
            carried(&scene.origin.requests_for(&path)),
            [true, false, false],
            "connection {number}"
        );
    }
}

#[tokio::test]
async fn a_client_without_a_certificate_is_served_without_one() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .listener(Listener::optional().http3())
        .listener(Listener::plaintext().named("plain"))
        .scene()
        .await;
    for protocol in PROTOCOLS {
        let client = scene.connect_without_certificate(protocol).await;
        assert_eq!(client.get(HOST, "/").await.status, 200);
    }
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let client = scene.client(protocol).listener("plain").connect().await;
        assert_eq!(client.get(HOST, "/").await.status, 200);
    }
    assert_eq!(carried(&scene.origin.requests()), [false; 5]);
    assert_eq!(scene.envoy.counter(HOST, "no_certificate").await, 5);
}

#[tokio::test]
async fn nothing_else_in_a_request_changes() {
    let scene = Envoy::with_filter(forwarding(&[HOST])).scene().await;
    let request = || {
        Request::post(HOST, "/echo?q=1", "body")
            .header("x-repeated", "one")
            .header("x-repeated", "two")
            .header("cookie", "a=b")
            .header("x-bytes", b"\xc3\x28\xff")
            .trailer("x-trailer", "end")
    };
    let client = scene.connect(Protocol::Http2).await;
    for served in [false, true] {
        let response = client.send(request()).await;
        assert_eq!((response.status, &response.body[..]), (200, &b"body"[..]));
        assert!(
            !response
                .headers
                .names()
                .iter()
                .any(|name| name.contains("cert")),
            "{response:?}"
        );
        let received = scene.origin.last_request();
        assert_eq!(
            (received.method.as_str(), received.path.as_str()),
            ("POST", "/echo?q=1")
        );
        assert_eq!(received.authority, HOST);
        assert_eq!(received.headers.all("x-repeated"), [b"one", b"two"]);
        assert_eq!(received.headers.all("cookie"), [b"a=b"]);
        assert_eq!(received.headers.all("x-bytes"), [b"\xc3\x28\xff"]);
        assert_eq!(received.trailers.all("x-trailer"), [b"end"]);
        assert_eq!(carried(&[received]), [!served]);
    }
}

#[tokio::test]
async fn an_origin_that_speaks_http2_gets_the_certificate_too() {
    let scene = Envoy::with_filter(forwarding(&[HOST]))
        .upstream_http2()
        .scene()
        .await;
    let client = scene.connect(Protocol::Http1).await;
    client.get(HOST, "/").await;
    client.get(HOST, "/").await;
    let requests = scene.origin.requests();
    assert_eq!(requests[0].version, http::Version::HTTP_2);
    assert_carries(&requests[0], &pki().client);
    assert_carries_none(&requests[1]);
}

#[tokio::test]
async fn an_envoy_that_cannot_ask_for_certificates_over_quic_refuses_to_listen_so() {
    let origin = Origin::start().await;
    let started = Envoy::with_filter(forwarding(&[HOST]))
        .listener(Listener::strict().http3())
        .try_start(&origin)
        .await;
    if envoy_version().has_quic_client_certificates() {
        assert!(started.is_ok());
    } else {
        let log = started.err().expect("an Envoy that does not start");
        assert!(
            log.contains("TLS Client Authentication is not supported over QUIC"),
            "{log}"
        );
    }
}
