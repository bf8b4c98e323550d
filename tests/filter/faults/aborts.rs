//! The client goes away, in each phase of its request.

use std::{sync::Arc, time::Duration};

use rustls::ClientConnection;
use support::{
    Answer, Client, Envoy, Protocol, Scene,
    aborted::{Begun, Part},
    connector::tls_config,
    fields::{FieldsConnection, Message},
    mtls_protocols, pki,
    raw::RawConnection,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
};

use super::{assert_counted, assert_unharmed, request_fields};
use crate::common::{HOST, assert_carries, carried, forwarding};

async fn start() -> Scene {
    Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .scene()
        .await
}

/// Where the client stops.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// In the middle of the header section.
    Head,
    /// After the header section, in the middle of the body.
    Body,
    /// While it waits for the answer.
    Waiting,
    /// In the middle of the answer.
    Answer,
}

/// A request sent up to that phase, on a connection that can be used again unless it is HTTP/1.1.
enum Aborting {
    Http1(RawConnection),
    Stream(FieldsConnection, Begun),
}

impl Aborting {
    async fn begin(protocol: Protocol, envoy: &Envoy, phase: Phase, path: &str) -> Aborting {
        let connector = Client::over(protocol, envoy).with(&pki().client);
        if protocol == Protocol::Http1 {
            let mut connection = connector.connect_raw().await;
            let head = format!(
                "POST {path} HTTP/1.1\r\nHost: {HOST}\r\nCf-Client-Cert-Sha256: spoofed\r\nContent-Length: 10\r\n"
            );
            let request = match phase {
                Phase::Head => head,
                Phase::Body => format!("{head}\r\nfirst"),
                Phase::Waiting | Phase::Answer => format!("{head}\r\nfirstlast!"),
            };
            connection.write(request.as_bytes()).await;
            return Aborting::Http1(connection);
        }
        let mut connection = connector.connect_fields().await;
        let mut fields = request_fields("POST", HOST, path).to_vec();
        fields.push(("content-length", b"10"));
        let (body, part) = match phase {
            Phase::Head => (&b"firstlast!"[..], Part::OpenHead),
            Phase::Body => (&b"first"[..], Part::OpenBody),
            Phase::Waiting | Phase::Answer => (&b"firstlast!"[..], Part::Whole),
        };
        let message = Message {
            fields: &fields,
            body,
            trailers: &[],
            representations: None,
        };
        let begun = connection.begin(&message, part).await;
        Aborting::Stream(connection, begun.expect("an open connection"))
    }

    async fn status(&mut self) -> Option<u16> {
        match self {
            Aborting::Http1(connection) => connection.read_head().await,
            Aborting::Stream(connection, begun) => connection.answer(begun).await,
        }
    }

    /// Resets the stream, or closes the connection where there are no streams.
    async fn abort(self) -> Option<FieldsConnection> {
        match self {
            Aborting::Http1(_) => None,
            Aborting::Stream(mut connection, begun) => {
                connection.reset(begun).await;
                Some(connection)
            }
        }
    }
}

#[tokio::test]
async fn a_client_that_goes_away_in_any_phase_of_a_request_loses_no_certificate_and_repeats_none() {
    let mut scene = start().await;
    let (mut forwarded, mut undelivered) = (0, 0);
    for &protocol in mtls_protocols() {
        for phase in [Phase::Head, Phase::Body, Phase::Waiting, Phase::Answer] {
            let context = format!("{protocol:?}, {phase:?}");
            let path = format!("/{protocol:?}/{phase:?}");
            let after = format!("{path}/after");
            let late = Answer::status(200).after(Duration::from_secs(30));
            scene.origin.answer(&path, [late]);
            if phase == Phase::Answer {
                scene.origin.answer(&path, [Answer::open_ended()]);
            }
            let seen = scene.origin.requests().len();
            let mut aborting = Aborting::begin(protocol, &scene.envoy, phase, &path).await;
            if phase != Phase::Head {
                scene.origin.wait_for(seen + 1).await;
                assert_carries(&scene.origin.requests()[seen], &pki().client);
            }
            if phase == Phase::Answer {
                assert_eq!(aborting.status().await, Some(200), "{context}");
            }
            let connection = aborting.abort().await;
            match phase {
                // Envoy has no request yet.
                Phase::Head => assert!(!scene.origin.has_seen(&path), "{context}"),
                Phase::Body | Phase::Waiting => undelivered += 1,
                Phase::Answer => forwarded += 1,
            }
            assert_counted(&scene.envoy, (forwarded, undelivered), &context).await;
            let Some(mut connection) = connection else {
                continue;
            };
            let fields = request_fields("GET", HOST, &after);
            let first = connection.send(&fields).await;
            if protocol == Protocol::Http2 && phase == Phase::Head {
                // A head may not be interrupted, not even by a reset: the connection has ended.
                assert_eq!(first, None, "{context}");
                assert!(!scene.origin.has_seen(&after), "{context}");
                continue;
            }
            assert_eq!(first, Some(200), "{context}");
            assert_eq!(connection.send(&fields).await, Some(200), "{context}");
            let again = phase != Phase::Answer;
            forwarded += u64::from(again);
            assert_eq!(
                carried(&scene.origin.requests_for(&after)),
                [again, false],
                "{context}"
            );
        }
    }
    assert_unharmed(&mut scene).await;
}

#[tokio::test]
async fn connections_that_end_within_their_handshake_do_no_harm() {
    let mut scene = start().await;
    let address = scene.envoy.address("main");
    for protocol in [&b"http/1.1"[..], b"h2"] {
        for stop in 0..4 {
            let mut stream = TcpStream::connect(address).await.expect("a connection");
            let mut config = tls_config(Some(&pki().client), &[&rustls::version::TLS13]);
            config.alpn_protocols = vec![protocol.to_vec()];
            let name = "api.example.com".try_into().expect("a server name");
            let mut tls = ClientConnection::new(Arc::new(config), name).expect("a client");
            let mut hello = Vec::new();
            tls.write_tls(&mut hello).expect("a ClientHello");
            match stop {
                // Before and in the middle of the ClientHello.
                0 => continue,
                1 => hello.truncate(hello.len() / 2),
                _ => {}
            }
            stream.write_all(&hello).await.expect("a write");
            if stop == 3 {
                // After the server's part: all but the client's certificate has been said.
                let mut buffer = [0; 16 * 1024];
                while tls.is_handshaking() {
                    let length = stream.read(&mut buffer).await.expect("a read");
                    assert_ne!(length, 0, "Envoy has ended the handshake");
                    let mut unread = &buffer[..length];
                    while !unread.is_empty() {
                        tls.read_tls(&mut unread).expect("TLS");
                        tls.process_new_packets().expect("TLS");
                    }
                }
            }
        }
    }
    if mtls_protocols().contains(&Protocol::Http3) {
        let socket = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
        let quic = scene.envoy.address("main-quic");
        for _ in 0..8 {
            // A client that is not there any more when the server answers.
            let connector = scene.client(Protocol::Http3).with(&pki().client);
            let handshake = connector.try_connect();
            let _ = tokio::time::timeout(Duration::from_micros(300), handshake).await;
            // A long header of QUIC version 1 and nothing behind it (RFC 9000 §17.2).
            let cut_off = [0xc0, 0, 0, 0, 1, 8, 1, 2, 3];
            socket.send_to(&cut_off, quic).await.expect("a datagram");
        }
    }
    assert!(scene.origin.requests().is_empty());
    assert!(scene.envoy.outcomes().await.is_empty());
    assert_unharmed(&mut scene).await;
}
