//! The VM fails (it never should): `FAIL_RELOAD` starts it again, and no request passes meanwhile
//! (contract §4.10).

use std::time::{Duration, Instant};

use support::{
    Answer, Client, Envoy, Origin, Protocol, Request, Scene, TRAP_FIELDS,
    aborted::Part,
    fields::{FieldsConnection, Message},
    mtls_protocols, pki,
    trapping_module::Trap,
};
use tempfile::TempDir;

use super::{
    ADMIN, SPOOFED, assert_nothing_spoofed, counted, delivered, failing, request_fields, spoofing,
    trapping,
};
use crate::common::{HOST, carried, multiplexed, protocols_count};

/// Envoy's default is a second; shorter keeps the tests fast.
const BACKOFF: &str = "0.3s";

async fn start(trap: Trap) -> (Scene, TempDir) {
    let (envoy, module) = failing(trap, BACKOFF);
    (envoy.scene().await, module)
}

/// How often a test may make the VM fail until it stays down: Envoy reloads a failed VM at the next
/// request, unless it has loaded it just before.
const ATTEMPTS: usize = 5;

/// Sends requests that need the filter until it serves them all again. Returns the number of rounds
/// in which it didn't.
async fn until_it_serves_again(envoy: &Envoy, known: &[Client]) -> usize {
    let anonymous = Client::http2(envoy).connect().await;
    let start = Instant::now();
    let mut refused = 0;
    loop {
        let admin = anonymous.send(spoofing(ADMIN, "/admin")).await.status;
        assert!(matches!(admin, 403 | 503), "{admin}");
        let mut all = admin == 403;
        for client in known {
            let status = client.send(spoofing(HOST, "/meanwhile")).await.status;
            assert!(matches!(status, 200 | 503), "{status}");
            all &= status == 200;
        }
        if all {
            return refused;
        }
        refused += 1;
        assert!(start.elapsed() < Duration::from_secs(20), "it stays down");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Fails if a connection got its certificate twice, a forbidden request reached the origin, or
/// Envoy has ended.
async fn assert_nothing_passed(scene: &mut Scene) {
    // The connections' memory is Envoy's own.
    let meanwhile = carried(&scene.origin.requests_for("/meanwhile"));
    assert!(!meanwhile.contains(&true), "{meanwhile:?}");
    assert!(!scene.origin.has_seen("/admin"));
    assert_nothing_spoofed(&scene.origin);
    assert!(scene.envoy.is_running());
    let reload = |result| format!("wasm.client_cert_forwarder.vm_reload_{result}");
    assert_eq!(scene.envoy.stat(&reload("failure")).await, 0);
    assert_ne!(scene.envoy.stat(&reload("success")).await, 0);
}

#[tokio::test]
async fn while_the_vm_is_down_nothing_passes_and_then_connections_go_on_as_before() {
    let (mut scene, _module) = start(Trap::RequestHeaders).await;
    let delivered = delivered(&scene).await;
    for &protocol in mtls_protocols() {
        let unlucky = scene.connect(protocol).await;
        let mut refused = 0;
        for _ in 0..ATTEMPTS {
            let trap = trapping(spoofing(HOST, "/trap"));
            assert_eq!(unlucky.send(trap).await.status, 503, "{protocol:?}");
            refused = until_it_serves_again(&scene.envoy, &delivered).await;
            if refused > 0 {
                break;
            }
        }
        assert!(refused > 0, "{protocol:?}: it was not down");
        // The undelivered certificate is delivered now.
        let path = format!("/after/{protocol:?}");
        unlucky.get(HOST, &path).await;
        unlucky.get(HOST, &path).await;
        assert_eq!(carried(&scene.origin.requests_for(&path)), [true, false]);
    }
    assert!(!scene.origin.has_seen("/trap"));
    assert_nothing_passed(&mut scene).await;
    assert_eq!(counted(&scene.envoy).await, (2 * protocols_count(), 0));
}

#[tokio::test]
async fn an_answer_that_the_failed_vm_did_not_see_brings_the_certificate_again() {
    let many = (0..TRAP_FIELDS).fold(Answer::status(200), |answer, number| {
        answer.header(&format!("x-trap-{number}"), "1")
    });
    let (mut scene, _module) = start(Trap::ResponseHeaders).await;
    scene.origin.answer("/trap", [many]);
    let delivered = delivered(&scene).await;
    for &protocol in mtls_protocols() {
        let unlucky = scene.connect(protocol).await;
        // Nobody has sanitised this answer: it may be cut off, but not passed on.
        let answer = unlucky.try_send(spoofing(HOST, "/trap")).await;
        let status = answer.map(|answer| answer.status);
        assert!(!matches!(status, Ok(200)), "{protocol:?}");
        until_it_serves_again(&scene.envoy, &delivered).await;
        let path = format!("/after/{protocol:?}");
        let next = match protocol {
            // Envoy may have closed the connection.
            Protocol::Http1 => scene.connect(protocol).await,
            _ => unlucky,
        };
        next.get(HOST, &path).await;
        next.get(HOST, &path).await;
        assert_eq!(carried(&scene.origin.requests_for(&path)), [true, false]);
    }
    assert_eq!(
        carried(&scene.origin.requests_for("/trap")),
        vec![true; delivered.len()]
    );
    assert_nothing_passed(&mut scene).await;
}

#[tokio::test]
async fn a_failure_at_a_requests_end_takes_no_delivery_back() {
    let (mut scene, _module) = start(Trap::Delete).await;
    let delivered = delivered(&scene).await;
    for &protocol in mtls_protocols() {
        let unlucky = scene.connect(protocol).await;
        let path = format!("/trap/{protocol:?}");
        let mut refused = 0;
        for _ in 0..ATTEMPTS {
            let trap = trapping(spoofing(HOST, &path));
            assert_eq!(unlucky.send(trap).await.status, 200, "{protocol:?}");
            refused = until_it_serves_again(&scene.envoy, &delivered).await;
            if refused > 0 {
                break;
            }
        }
        assert!(refused > 0, "{protocol:?}: it was not down");
        assert_eq!(unlucky.get(HOST, &path).await.status, 200);
        let carried = carried(&scene.origin.requests_for(&path));
        assert!(carried[0] && carried.len() > 1, "{carried:?}");
        assert!(!carried[1..].contains(&true), "{carried:?}");
    }
    assert_nothing_passed(&mut scene).await;
    assert_eq!(counted(&scene.envoy).await, (2 * protocols_count(), 0));
}

#[tokio::test]
async fn a_request_under_way_when_the_vm_fails_brings_no_trailers_that_nobody_has_seen() {
    let (mut scene, _module) = start(Trap::RequestHeaders).await;
    let delivered = delivered(&scene).await;
    for protocol in multiplexed() {
        let path = format!("/trailers/{protocol:?}");
        let connector = scene.client(protocol).with(&pki().client);
        let mut connection = connector.connect_fields().await;
        let message = Message {
            fields: &request_fields("POST", HOST, &path),
            body: b"first",
            trailers: &[("cf-client-cert-sha256", SPOOFED.as_bytes())],
            representations: None,
        };
        let seen = scene.origin.requests().len();
        let mut begun = connection.begin(&message, Part::OpenTrailers).await;
        let begun = begun.as_mut().expect("an open connection");
        scene.origin.wait_for(seen + 1).await;
        let trap = trapping(spoofing(HOST, "/trap"));
        assert_eq!(delivered[0].send(trap).await.status, 503, "{protocol:?}");
        connection.rest(begun).await;
        let status = connection.answer(begun).await;
        assert!(!matches!(status, Some(200)), "{protocol:?}");
        until_it_serves_again(&scene.envoy, &delivered).await;
        // That request was not answered, or the answer did not get through.
        let again = request_fields("GET", HOST, &path);
        assert_eq!(connection.send(&again).await, Some(200), "{protocol:?}");
        assert_eq!(connection.send(&again).await, Some(200), "{protocol:?}");
        let requests = scene.origin.requests_for(&path);
        assert_eq!(carried(&requests), [true, true, false], "{protocol:?}");
        assert_eq!(requests[0].trailers.names(), [""; 0], "{protocol:?}");
    }
    assert_nothing_passed(&mut scene).await;
}

/// The names of as many trailer fields as it takes to spring the trap.
fn trap_names() -> Vec<String> {
    let names = (0..TRAP_FIELDS).map(|number| format!("x-trap-{number}"));
    names.collect()
}

/// Sends a request whose trailers are spoofed and spring the trap once the origin has its head.
/// Returns the status of the answer, if any, and the connection if it has streams.
async fn send_trapping_trailers(
    protocol: Protocol,
    envoy: &Envoy,
    origin: &Origin,
    path: &str,
) -> (Option<u16>, Option<FieldsConnection>) {
    let connector = Client::over(protocol, envoy).with(&pki().client);
    let seen = origin.requests().len();
    let names = trap_names();
    if protocol == Protocol::Http1 {
        let mut connection = connector.connect_raw().await;
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {HOST}\r\nCf-Client-Cert-Sha256: {SPOOFED}\r\n\
             Transfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"
        );
        connection.write(head.as_bytes()).await;
        origin.wait_for(seen + 1).await;
        let trap = names.join(": 1\r\n");
        let rest = format!("0\r\nCf-Client-Cert-Sha256: {SPOOFED}\r\n{trap}: 1\r\n\r\n");
        connection.write(rest.as_bytes()).await;
        return (connection.read_head().await, None);
    }
    let mut connection = connector.connect_fields().await;
    let mut trailers = vec![("cf-client-cert-sha256", SPOOFED.as_bytes())];
    trailers.extend(names.iter().map(|name| (name.as_str(), &b"1"[..])));
    let message = Message {
        fields: &request_fields("POST", HOST, path),
        body: b"first",
        trailers: &trailers,
        representations: None,
    };
    let mut begun = connection.begin(&message, Part::OpenTrailers).await;
    let begun = begun.as_mut().expect("an open connection");
    origin.wait_for(seen + 1).await;
    connection.rest(begun).await;
    (connection.answer(begun).await, Some(connection))
}

#[tokio::test]
async fn trailers_at_which_the_vm_fails_never_arrive_and_their_request_delivers_nothing() {
    let (mut scene, _module) = start(Trap::RequestTrailers).await;
    let delivered = delivered(&scene).await;
    for &protocol in mtls_protocols() {
        let path = format!("/trailers/{protocol:?}");
        let (status, connection) =
            send_trapping_trailers(protocol, &scene.envoy, &scene.origin, &path).await;
        assert!(!matches!(status, Some(200)), "{protocol:?}: {status:?}");
        until_it_serves_again(&scene.envoy, &delivered).await;
        if let Some(mut connection) = connection {
            let again = request_fields("GET", HOST, &path);
            for _ in 0..2 {
                assert_eq!(connection.send(&again).await, Some(200), "{protocol:?}");
            }
        } else {
            let client = scene.connect(protocol).await;
            for _ in 0..2 {
                assert_eq!(client.send(spoofing(HOST, &path)).await.status, 200);
            }
        }
        let requests = scene.origin.requests_for(&path);
        assert_eq!(carried(&requests), [true, true, false], "{protocol:?}");
        assert_eq!(requests[0].trailers.names(), [""; 0], "{protocol:?}");
        assert_eq!(requests[0].answered, None, "{protocol:?}");
    }
    assert_nothing_passed(&mut scene).await;
}

#[tokio::test]
async fn a_request_that_comes_in_one_piece_with_such_trailers_does_not_get_through_either() {
    let (mut scene, _module) = start(Trap::RequestTrailers).await;
    let delivered = delivered(&scene).await;
    for (client, protocol) in delivered.iter().zip(mtls_protocols()) {
        let upload = |path: &str| {
            let upload = Request::post(HOST, path, "first");
            upload.trailer("cf-client-cert-sha256", SPOOFED)
        };
        let trapped = format!("/trapped/{protocol:?}");
        let names = trap_names();
        let trap = names
            .iter()
            .fold(upload(&trapped), |request, name| request.trailer(name, "1"));
        let unlucky = scene.connect(*protocol).await;
        let answer = unlucky.try_send(trap).await.map(|answer| answer.status);
        assert!(!matches!(answer, Ok(200)), "{protocol:?}: {answer:?}");
        until_it_serves_again(&scene.envoy, &delivered).await;
        for request in scene.origin.requests_for(&trapped) {
            assert_eq!(request.trailers.names(), [""; 0], "{protocol:?}");
            assert_eq!(request.answered, None, "{protocol:?}");
        }
        // Fewer trailers pass, without the spoofed ones.
        let path = format!("/fewer/{protocol:?}");
        let fewer = upload(&path).trailer("x-checksum", "1");
        assert_eq!(client.send(fewer).await.status, 200, "{protocol:?}");
        let requests = scene.origin.requests_for(&path);
        assert_eq!(carried(&requests), [false], "{protocol:?}");
        assert_eq!(requests[0].trailers.names(), ["x-checksum"]);
    }
    assert_nothing_passed(&mut scene).await;
}
