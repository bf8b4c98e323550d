//! HTTP/2 and HTTP/3 streams and connections that end early: floods of resets, and GOAWAY from
//! clients and from the origin.

use std::time::Duration;

use support::{
    Answer, Envoy, Listener, Origin,
    aborted::Part,
    fields::{FieldsConnection, Message},
    mtls_protocols, pki,
};

use super::{assert_counted, assert_unharmed, counted, request_fields, spoofing};
use crate::common::{HOST, assert_carries, assert_carries_none, carried, forwarding, multiplexed};

/// Number of streams that a connection opens and resets at once, twice. Envoy ends a connection
/// after 250 of them.
const FLOOD: usize = 100;

/// Path and certificate of each request that has passed the filter.
const LOG: &str = "request %REQ(:PATH)% carried %REQ(CF-CLIENT-CERT-SHA256)%";

/// Number of finished requests for that path that have passed the filter: with the certificate, and
/// without.
async fn passed(envoy: &Envoy, path: &str) -> (u64, u64) {
    let start = format!("request {path} carried ");
    let (mut last, mut passed) = (None, (0, 0));
    // They are complete when no more come.
    while last != Some(passed) {
        last = Some(passed);
        tokio::time::sleep(Duration::from_millis(60)).await;
        let lines = envoy.log_lines_with(&start);
        let without = lines.iter().filter(|line| line.ends_with(" -")).count();
        passed = ((lines.len() - without) as u64, without as u64);
    }
    passed
}

/// Begins and resets so many streams; whether the connection stays open meanwhile.
async fn flood(connection: &mut FieldsConnection, message: &Message<'_>, streams: usize) -> bool {
    const AT_ONCE: usize = 20;
    for _ in 0..streams / AT_ONCE {
        let mut begun = Vec::new();
        for _ in 0..AT_ONCE {
            let Some(stream) = connection.begin(message, Part::Whole).await else {
                return false;
            };
            begun.push(stream);
        }
        // QUIC drops unsent data of a reset stream, so the data must be on its way first.
        tokio::time::sleep(Duration::from_millis(2)).await;
        for stream in begun {
            connection.reset(stream).await;
        }
    }
    connection.is_open()
}

#[tokio::test]
async fn a_flood_of_resets_neither_loses_the_certificate_nor_brings_it_again() {
    let mut scene = Envoy::with_filter(forwarding(&[HOST]))
        .listener(Listener::strict().every_mtls_protocol().access_log(LOG))
        .scene()
        .await;
    let (mut forwarded, mut undelivered) = (0, 0);
    for protocol in multiplexed() {
        let connector = scene.client(protocol).with(&pki().client);
        let mut connection = connector.connect_fields().await;
        let next = format!("/next/{protocol:?}");
        for delivered in [false, true] {
            let path = format!("/flood/{protocol:?}/{delivered}");
            scene
                .origin
                .answer(&path, [Answer::status(200).after(Duration::from_secs(30))]);
            let message = Message {
                fields: &request_fields("GET", HOST, &path),
                body: b"",
                trailers: &[],
                representations: None,
            };
            assert!(flood(&mut connection, &message, FLOOD).await, "{path}");
            // Behind them on the same connection; the first of these four is answered and delivers.
            for _ in 0..2 {
                let status = connection.send(&request_fields("GET", HOST, &next)).await;
                assert_eq!(status, Some(200), "{protocol:?}");
            }
            let (with, without) = passed(&scene.envoy, &path).await;
            assert!(with + without > FLOOD as u64 / 4, "{path}: no flood");
            assert_eq!(if delivered { with } else { without }, 0, "{path}");
            undelivered += with;
            assert!(!carried(&scene.origin.requests_for(&path)).contains(&delivered));
        }
        forwarded += 1;
        let expected = [true, false, false, false];
        assert_eq!(carried(&scene.origin.requests_for(&next)), expected);
        let context = format!("{protocol:?}");
        assert_counted(&scene.envoy, (forwarded, undelivered), &context).await;
    }
    assert_unharmed(&mut scene).await;
}

#[tokio::test]
async fn a_flood_that_envoy_ends_the_connection_for_harms_no_other() {
    let late = Answer::status(200).after(Duration::from_secs(30));
    let mut scene = Envoy::with_filter(forwarding(&[HOST]))
        .listener(Listener::strict().every_mtls_protocol().access_log(LOG))
        .scene()
        .await;
    scene.origin.answer("/flood", [late]);
    let mut rounds = 0;
    for protocol in multiplexed() {
        let other = scene.connect(protocol).await;
        other.send(spoofing(HOST, "/other")).await;
        let connector = scene.client(protocol).with(&pki().client);
        let mut connection = connector.connect_fields().await;
        let message = Message {
            fields: &request_fields("GET", HOST, "/flood"),
            body: b"",
            trailers: &[],
            representations: None,
        };
        let open = flood(&mut connection, &message, 3000).await;
        assert!(!open, "{protocol:?}: Envoy let it go on");
        assert_eq!(other.send(spoofing(HOST, "/other")).await.status, 200);
        rounds += 1;
        let (with, without) = passed(&scene.envoy, "/flood").await;
        assert_eq!(without, 0, "{protocol:?}");
        let context = format!("{protocol:?}");
        assert_counted(&scene.envoy, (rounds, with), &context).await;
    }
    let expected = [true, false].repeat(multiplexed().count());
    assert_eq!(carried(&scene.origin.requests_for("/other")), expected);
    assert_unharmed(&mut scene).await;
}

#[tokio::test]
async fn requests_in_progress_when_the_client_sends_goaway_are_delivered() {
    let slow = Answer::status(200).after(Duration::from_millis(100));
    let mut scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .scene()
        .await;
    scene.origin.answer("/slow", [slow]);
    let mut forwarded = 0;
    for protocol in multiplexed() {
        let connector = scene.client(protocol).with(&pki().client);
        let mut connection = connector.connect_fields().await;
        let message = Message {
            fields: &request_fields("GET", HOST, "/slow"),
            body: b"",
            trailers: &[],
            representations: None,
        };
        let begun = connection.begin(&message, Part::Whole).await;
        let mut begun = begun.expect("an open connection");
        connection.go_away().await;
        assert_eq!(connection.answer(&mut begun).await, Some(200));
        // GOAWAY limits the streams of the peer, so the client itself might go on; Envoy does not
        // always answer it.
        let next = format!("/next/{protocol:?}");
        let message = Message {
            fields: &request_fields("GET", HOST, &next),
            ..message
        };
        if let Some(mut late) = connection.begin(&message, Part::Whole).await {
            let answer = connection.answer(&mut late);
            let _ = tokio::time::timeout(Duration::from_millis(150), answer).await;
        }
        for request in scene.origin.requests_for(&next) {
            assert_carries_none(&request);
        }
        forwarded += 1;
        assert_counted(&scene.envoy, (forwarded, 0), &next).await;
    }
    for request in scene.origin.requests_for("/slow") {
        assert_carries(&request, &pki().client);
    }
    assert_unharmed(&mut scene).await;
}

#[tokio::test]
async fn a_stream_or_connection_that_the_origin_ends_without_an_answer_delivers_nothing() {
    let mut scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .upstream_http2()
        .scene_with(Origin::start_http2().await)
        .await;
    let (mut forwarded, mut undelivered) = (0, 0);
    for &protocol in mtls_protocols() {
        for (what, answer, status) in [
            ("reset", Answer::reset(), 503),
            ("refused-stream", Answer::refused_stream(), 503),
            ("unprocessed", Answer::unprocessed(), 503),
            ("connection-error", Answer::connection_error(), 503),
            ("graceful-shutdown", Answer::graceful_shutdown(), 200),
        ] {
            let context = format!("{protocol:?}, {what}");
            let path = format!("/{protocol:?}/{what}");
            scene.origin.answer(&path, [answer, Answer::status(200)]);
            let client = scene.connect(protocol).await;
            let first = client.send(spoofing(HOST, &path)).await.status;
            assert_eq!(first, status, "{context}");
            let answered = status == 200;
            forwarded += 1;
            undelivered += u64::from(!answered);
            for _ in 0..2 {
                assert_eq!(client.send(spoofing(HOST, &path)).await.status, 200);
            }
            let seen = carried(&scene.origin.requests_for(&path));
            assert_eq!(seen, [true, !answered, false], "{context}");
            assert_counted(&scene.envoy, (forwarded, undelivered), &context).await;
        }
    }
    assert_unharmed(&mut scene).await;
}

#[tokio::test]
async fn requests_that_are_retried_after_the_origins_goaway_carry_the_certificate_again() {
    let mut scene = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .upstream_http2()
        .scene_with(Origin::start_http2().await)
        .await;
    for (rounds, &protocol) in (1..).zip(mtls_protocols()) {
        let path = format!("/retry/{protocol:?}");
        let answers = [
            Answer::unprocessed(),
            Answer::connection_error(),
            Answer::status(200),
        ];
        scene.origin.answer(&path, answers);
        let client = scene.connect(protocol).await;
        for _ in 0..2 {
            assert_eq!(client.send(spoofing(HOST, &path)).await.status, 200);
        }
        let attempts = scene.origin.requests_for(&path);
        let expected = [true, true, true, false];
        assert_eq!(carried(&attempts), expected, "{protocol:?}");
        for attempt in &attempts[..3] {
            assert_carries(attempt, &pki().client);
        }
        assert_eq!(counted(&scene.envoy).await, (rounds, 0));
    }
    assert_unharmed(&mut scene).await;
}
