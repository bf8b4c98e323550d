//! Connections: nobody without credentials can use them up.

use std::fmt::Debug;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use serde_json::json;
use support::pki;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::TlsConnector;

use crate::fixtures::{base, forward};
use crate::program::{PATIENCE, Program};
use crate::simulated::{Subscriber, WAYS, channel};

/// An address other than the tests' usual one.
const OTHER_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

const SHORT_TIMEOUTS: [&str; 4] = ["--request-timeout", "1", "--idle-timeout", "1"];

const TLS: [&str; 10] = [
    "--tls-certificate",
    "server.pem",
    "--tls-key",
    "server.key",
    "--xds-tls-certificate",
    "server.pem",
    "--xds-tls-key",
    "server.key",
    "--xds-client-ca",
    "ca.pem",
];

/// The client's connection preface and an empty SETTINGS frame (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";

/// A HEADERS frame on stream 1 that announces a CONTINUATION (RFC 9113 §6.2).
const OPEN_HEADERS: &[u8] = b"\0\0\x01\x01\0\0\0\0\x01\x82";

fn unfinished() -> [(&'static str, Vec<u8>); 5] {
    [
        ("nothing", Vec::new()),
        ("half a preface", PREFACE[..10].to_vec()),
        ("an idle HTTP/2 connection", PREFACE.to_vec()),
        (
            "an unfinished HTTP/2 head",
            [PREFACE, OPEN_HEADERS].concat(),
        ),
        (
            "half an HTTP/1.1 head",
            b"GET /healthz HTTP/1.1\r\nHost".to_vec(),
        ),
    ]
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed_on_both_ports() {
    let program = Program::with(base(), &SHORT_TIMEOUTS);
    for port in [program.api(), program.xds()] {
        let probes = unfinished().map(|(name, bytes)| async move {
            let stream = TcpStream::connect(port).await.expect("a connection");
            expect_close(stream, &bytes, (name, port)).await;
        });
        all(probes).await;
    }
}

#[tokio::test]
async fn a_connection_is_closed_when_it_is_idle_after_a_request() {
    let program = Program::with(base(), &SHORT_TIMEOUTS);
    let stream = TcpStream::connect(program.api())
        .await
        .expect("a connection");
    let request = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    let received = expect_close(stream, request, "keep-alive").await;
    assert!(received.starts_with(b"HTTP/1.1 200 OK"));
    // Keeps no stream open after this call; a subscriber's stream would.
    let connection = channel(program.xds()).await;
    let name = "client_cert_forwarder";
    let mut subscriber = Subscriber::subscribe(connection, WAYS[1], "one", &[name], &[]).await;
    let update = subscriber.next().await;
    subscriber.answer(&update, &[name], None).await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    program.put(json!([forward("a.example.com")])).await;
    assert_eq!(subscriber.next().await.hostnames(), ["a.example.com"]);
}

#[tokio::test]
async fn an_xds_stream_that_asks_for_nothing_is_ended() {
    let program = Program::with(base(), &SHORT_TIMEOUTS);
    for way in WAYS {
        let connection = channel(program.xds()).await;
        let mut stream = Subscriber::open(connection, way).await;
        let ended = tokio::time::timeout(Duration::from_secs(10), stream.receive()).await;
        assert!(ended.is_ok_and(|update| update.is_none()), "{way:?}");
    }
}

#[tokio::test]
async fn an_unfinished_tls_handshake_is_ended_on_both_ports() {
    let program = with_tls(&SHORT_TIMEOUTS);
    for port in [program.api(), program.xds()] {
        let client_hello = b"\x16\x03\x01\x02\0\x01\0".as_slice();
        let probes = [b"".as_slice(), client_hello].map(|bytes| async move {
            let stream = TcpStream::connect(port).await.expect("a connection");
            expect_close(stream, bytes, (bytes, port)).await;
        });
        all(probes).await;
    }
    // The API asks for no client certificate, so a stranger gets past its handshake.
    let api = program.api();
    let probes = unfinished().map(|(name, bytes)| async move {
        let tcp = TcpStream::connect(api).await.expect("a connection");
        let name_in_certificate = ServerName::try_from("api.example.com").expect("a name");
        let stream = connector().connect(name_in_certificate, tcp);
        expect_close(stream.await.expect("TLS"), &bytes, name).await;
    });
    all(probes).await;
}

#[tokio::test]
async fn one_address_cannot_take_every_descriptor() {
    for tls in [false, true] {
        let mut program = match tls {
            false => Program::stopped(base(), &[]),
            true => stopped_with_tls(&[]),
        };
        program.launch_by(&["prlimit", "--nofile=64:64"]);
        program.run();
        let mut held = Vec::new();
        for port in [program.api(), program.xds()] {
            for _ in 0..100 {
                // The server closes those over its limit at once, which may be seen here.
                if let Ok(mut stream) = TcpStream::connect(port).await {
                    let _ = stream.write_all(if tls { b"" } else { PREFACE }).await;
                    held.push(stream);
                }
            }
        }
        let start = Instant::now();
        for port in [program.api(), program.xds()] {
            let socket = TcpSocket::new_v4().expect("a socket");
            socket
                .bind(SocketAddr::new(OTHER_ADDRESS, 0))
                .expect("bound");
            let mut stream = socket.connect(port).await.expect("a connection");
            let answer = if tls {
                let connecting = connector().connect("api.example.com".try_into().unwrap(), stream);
                let within = tokio::time::timeout(Duration::from_secs(3), connecting).await;
                within.is_ok_and(|outcome| outcome.is_ok())
            } else {
                stream.write_all(PREFACE).await.expect("sent");
                let mut frame = [0; 9];
                let reading = stream.read_exact(&mut frame);
                let within = tokio::time::timeout(Duration::from_secs(3), reading).await;
                within.is_ok_and(|outcome| outcome.is_ok())
            };
            assert!(answer, "{port} (TLS: {tls}) serves nobody else");
        }
        assert!(start.elapsed() < Duration::from_secs(6));
        let log = program.log();
        assert!(log.contains("too many connections"), "{log}");
        drop(held);
    }
}

#[tokio::test]
async fn a_port_that_is_out_of_descriptors_says_so_and_recovers() {
    let program = Program::start();
    let pid = program.pid().to_string();
    let limit = |soft: &str| {
        let status = Command::new("prlimit")
            .args(["--pid", &pid, &format!("--nofile={soft}:")])
            .status()
            .expect("prlimit runs (it is in util-linux)");
        assert!(status.success());
    };
    limit("4");
    for port in [program.api(), program.xds()] {
        // Connected by the kernel; the program can't accept it.
        let mut stream = TcpStream::connect(port).await.expect("a connection");
        stream.write_all(PREFACE).await.expect("sent");
        let mut frame = [0; 9];
        let reading = stream.read_exact(&mut frame);
        assert!(
            tokio::time::timeout(Duration::from_secs(1), reading)
                .await
                .is_err()
        );
        let shortage = || program.log().matches("can't accept connections").count();
        assert!(shortage() >= 1, "{}", program.log());
        limit("1000");
        let reading = stream.read_exact(&mut frame);
        let recovered = tokio::time::timeout(PATIENCE, reading).await;
        assert!(recovered.is_ok_and(|outcome| outcome.is_ok()), "{port}");
        limit("4");
    }
    limit("1000");
    assert_eq!(program.get().await.status, 200);
    assert!(program.log().contains("accepts connections again"));
    assert!(program.log().lines().count() < 100, "{}", program.log());
}

/// Sends bytes, and expects the server to close the connection soon after its timeout of a second.
async fn expect_close(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    bytes: &[u8],
    name: impl Debug,
) -> Vec<u8> {
    stream.write_all(bytes).await.expect("sent");
    let mut received = Vec::new();
    // A reset counts as closed.
    let reading = stream.read_to_end(&mut received);
    let closed = tokio::time::timeout(Duration::from_secs(10), reading).await;
    assert!(closed.is_ok(), "{name:?} stays open");
    received
}

async fn all<const COUNT: usize>(probes: [impl Future<Output = ()>; COUNT]) {
    let mut running: Vec<_> = probes.into_iter().map(Box::pin).collect();
    std::future::poll_fn(|context| {
        running.retain_mut(|probe| probe.as_mut().poll(context).is_pending());
        if running.is_empty() {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
}

fn with_tls(options: &[&str]) -> Program {
    let mut program = stopped_with_tls(options);
    program.run();
    program
}

fn stopped_with_tls(options: &[&str]) -> Program {
    let program = Program::stopped(base(), &[&TLS[..], options].concat());
    program.write("server.pem", pki().server.chain_pem());
    program.write("server.key", pki().server.key_pem());
    program.write("ca.pem", &pki().ca_pem);
    program
}

fn connector() -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    let ca = CertificateDer::from_pem_slice(pki().ca_pem.as_bytes()).expect("a certificate");
    roots.add(ca).expect("a root");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsConnector::from(Arc::new(config))
}
