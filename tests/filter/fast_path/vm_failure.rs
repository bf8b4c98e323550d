//! The VM fails: requests that need the filter are refused until the VM is back, the others go on.

use std::time::{Duration, Instant};

use serde_json::json;
use support::{
    Answer, Client, Deployment, Envoy, Listener, Protocol, Request, Scene, TRAP_FIELDS, Update,
    envoy::EnvoyBuilder,
    mtls_protocols,
    origin::Recorded,
    trapping_module::{Trap, write_trapping_module},
};
use tempfile::TempDir;

use super::delegation_errors;
use crate::common::{HOST, carried, forwarding, is_managed};

const OTHER: &str = "www.example.com";
const SPOOFED: &str = "spoofed";

/// How often the test may make the VM fail until it stays down: Envoy reloads a failed VM at the
/// next request, unless it has loaded it just before.
const ATTEMPTS: usize = 5;

/// Envoy's default is a second; shorter keeps the tests fast.
const BACKOFF: &str = "0.3s";

/// An Envoy whose filter can be made to fail, and which reloads it after that time at the earliest.
/// The folder holds its module.
fn failing(trap: Trap, backoff: &'static str) -> (EnvoyBuilder, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let module = folder.path().join("trapping.wasm");
    write_trapping_module(&module, trap);
    let envoy = Envoy::with_filter(forwarding(&[HOST, OTHER, "*.example.org"]))
        .deployment(Deployment::FastPath)
        .module(&module)
        .adapt_filter(move |filter| {
            filter["config"]["reload_config"] = json!({ "backoff": { "base_interval": backoff } });
        })
        .listener(Listener::strict().every_mtls_protocol());
    (envoy, folder)
}

async fn start(trap: Trap) -> (Scene, TempDir) {
    let (envoy, module) = failing(trap, BACKOFF);
    (envoy.scene().await, module)
}

/// A GET with spoofed headers.
fn spoofing(hostname: &str, path: &str) -> Request {
    Request::get(hostname, path)
        .header("cf-client-cert-sha256", SPOOFED)
        .header("cf_client.cert-der_base64", SPOOFED)
}

fn trapping(hostname: &str, path: &str) -> Request {
    (0..TRAP_FIELDS).fold(spoofing(hostname, path), |request, number| {
        request.header(&format!("x-trap-{number}"), "1")
    })
}

/// A connection, and a hostname for which it has no delivery yet.
struct Unserved<'a> {
    client: &'a Client,
    hostname: &'static str,
    path: String,
    answered: usize,
}

impl<'a> Unserved<'a> {
    fn new(client: &'a Client, hostname: &'static str, path: String) -> Self {
        Unserved {
            client,
            hostname,
            path,
            answered: 0,
        }
    }

    /// Whether it was served.
    async fn ask(&mut self) -> bool {
        let request = spoofing(self.hostname, &self.path);
        let status = self.client.send(request).await.status;
        assert!(matches!(status, 200 | 503), "{} {status}", self.path);
        self.answered += usize::from(status == 200);
        status == 200
    }
}

/// Sends requests until all are served, and on the served connection, which must always be
/// answered. Returns the number of refusals.
async fn until_all_are_served(unserved: &mut [Unserved<'_>], served: &Client) -> usize {
    let start = Instant::now();
    let mut refused = 0;
    loop {
        let mut all = true;
        for each in &mut *unserved {
            all &= each.ask().await;
        }
        // One with too many fields for the VM too: it does not get there.
        assert_eq!(served.send(trapping(HOST, "/served")).await.status, 200);
        if all {
            return refused;
        }
        refused += 1;
        assert!(start.elapsed() < Duration::from_secs(20), "it stays down");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[track_caller]
fn assert_nothing_spoofed(requests: &[Recorded]) {
    for request in requests {
        let mut fields = request.headers.0.iter().chain(&request.trailers.0);
        let spoofed = fields.any(|(name, value)| is_managed(name) && value == SPOOFED.as_bytes());
        assert!(!spoofed, "{request:#?}");
    }
}

#[tokio::test]
async fn while_the_vm_is_down_served_connections_go_on_and_others_are_refused() {
    let (mut scene, _module) = start(Trap::RequestHeaders).await;
    for &protocol in mtls_protocols() {
        let served = scene.connect(protocol).await;
        let path = format!("/before/{protocol:?}");
        for _ in 0..2 {
            assert_eq!(served.send(spoofing(HOST, &path)).await.status, 200);
        }
        assert_eq!(carried(&scene.origin.requests_for(&path)), [true, false]);
        let mut refused = 0;
        for attempt in 0..ATTEMPTS {
            let (unlucky, fresh, wild) = (
                scene.connect(protocol).await,
                scene.connect(protocol).await,
                scene.connect(protocol).await,
            );
            let trap = unlucky.send(trapping(HOST, "/trap")).await;
            assert_eq!(trap.status, 503, "{protocol:?}");
            let path = |name: &str| format!("/{name}/{protocol:?}/{attempt}");
            let mut unserved = [
                Unserved::new(&unlucky, HOST, path("unlucky")),
                Unserved::new(&fresh, HOST, path("fresh")),
                Unserved::new(&wild, "any.example.org", path("wildcard")),
                Unserved::new(&wild, "elsewhere.example", path("no-setting")),
                Unserved::new(&served, OTHER, path("other")),
            ];
            // For the last one the served connection may be served by the attempt before.
            let count = if attempt == 0 { 5 } else { 4 };
            refused = until_all_are_served(&mut unserved[..count], &served).await;
            for each in &unserved[..count] {
                let carried = carried(&scene.origin.requests_for(&each.path));
                assert_eq!(carried.len(), each.answered, "{}", each.path);
                let forwards = each.hostname != "elsewhere.example";
                assert_eq!(carried[0], forwards, "{} {carried:?}", each.path);
                assert!(!carried[1..].contains(&true), "{} {carried:?}", each.path);
            }
            if refused > 0 {
                break;
            }
        }
        assert!(refused > 0, "{protocol:?}: it was not down");
    }
    assert!(!scene.origin.has_seen("/trap"));
    assert_nothing_passed(&mut scene).await;
}

#[tokio::test]
async fn an_answer_at_which_the_vm_fails_is_no_delivery() {
    let many = (0..TRAP_FIELDS).fold(Answer::status(200), |answer, number| {
        answer.header(&format!("x-trap-{number}"), "1")
    });
    let (mut scene, _module) = start(Trap::ResponseHeaders).await;
    scene.origin.answer("/trap", [many]);
    for &protocol in mtls_protocols() {
        let served = scene.connect(protocol).await;
        served.get(HOST, "/before").await;
        // Where the filter is not made, it can't fail.
        assert_eq!(served.get(HOST, "/trap").await.status, 200);
        let unlucky = scene.connect(protocol).await;
        let answer = unlucky.try_send(spoofing(HOST, "/trap")).await;
        let status = answer.map(|answer| answer.status);
        assert!(!matches!(status, Ok(200)), "{protocol:?}");
        let next = match protocol {
            // Envoy may have closed the connection.
            Protocol::Http1 => scene.connect(protocol).await,
            _ => unlucky,
        };
        let path = format!("/after/{protocol:?}");
        let mut unserved = [Unserved::new(&next, HOST, path.clone())];
        until_all_are_served(&mut unserved, &served).await;
        next.get(HOST, &path).await;
        assert_eq!(carried(&scene.origin.requests_for(&path)), [true, false]);
    }
    let trapped = carried(&scene.origin.requests_for("/trap"));
    assert_eq!(trapped, [false, true].repeat(mtls_protocols().len()));
    assert_nothing_passed(&mut scene).await;
}

/// An upload with spoofed trailers, of which there are enough to make the VM fail.
fn trapping_trailers(path: &str) -> Request {
    let upload = Request::post(HOST, path, "first").trailer("cf-client-cert-sha256", SPOOFED);
    (0..TRAP_FIELDS).fold(upload, |request, number| {
        request.trailer(&format!("x-trap-{number}"), "1")
    })
}

#[tokio::test]
async fn trailers_at_which_the_vm_fails_pass_only_where_the_filter_is_not_made() {
    let (mut scene, _module) = start(Trap::RequestTrailers).await;
    for &protocol in mtls_protocols() {
        let served = scene.connect(protocol).await;
        let trapped = format!("/trap/{protocol:?}");
        let (before, after) = (format!("/before{trapped}"), format!("/after{trapped}"));
        served.get(HOST, &before).await;
        let passed = served.send(trapping_trailers(&before)).await;
        assert_eq!(passed.status, 200, "{protocol:?}");
        let requests = scene.origin.requests_for(&before);
        assert_eq!(carried(&requests), [true, false], "{protocol:?}");
        assert_eq!(requests[1].trailers.0.len(), TRAP_FIELDS, "{protocol:?}");

        let unlucky = scene.connect(protocol).await;
        let answer = unlucky.try_send(trapping_trailers(&trapped)).await;
        let status = answer.map(|answer| answer.status);
        assert!(!matches!(status, Ok(200)), "{protocol:?}: {status:?}");
        let next = match protocol {
            // Envoy may have closed the connection.
            Protocol::Http1 => scene.connect(protocol).await,
            _ => unlucky,
        };
        let mut unserved = [Unserved::new(&next, HOST, after.clone())];
        until_all_are_served(&mut unserved, &served).await;
        next.get(HOST, &after).await;
        assert_eq!(carried(&scene.origin.requests_for(&after)), [true, false]);
        for request in scene.origin.requests_for(&trapped) {
            assert_eq!(request.trailers.names(), [""; 0], "{protocol:?}");
        }
    }
    assert_nothing_passed(&mut scene).await;
}

#[tokio::test]
async fn an_update_brings_a_vm_back_that_is_down_and_served_connections_notice_nothing() {
    const LATE: &str = "late.example.com";
    // It stays down.
    let (envoy, _module) = failing(Trap::RequestHeaders, "3600s");
    let mut scene = envoy.discovered().scene().await;
    let (mut served, mut unlucky) = (Vec::new(), Vec::new());
    for &protocol in mtls_protocols() {
        let client = scene.connect(protocol).await;
        client.get(HOST, "/before").await;
        served.push(client);
        unlucky.push(scene.connect(protocol).await);
    }
    let trap = unlucky[0].send(trapping(HOST, "/trap")).await;
    assert_eq!(trap.status, 503);
    let status = async |client: &Client, hostname: &str, path: &str| {
        client.send(spoofing(hostname, path)).await.status
    };
    for (served, unlucky) in served.iter().zip(&unlucky) {
        assert_eq!(status(served, HOST, "/served").await, 200);
        assert_eq!(status(served, OTHER, "/down").await, 503);
        assert_eq!(status(unlucky, HOST, "/down").await, 503);
    }

    let updated = forwarding(&[HOST, OTHER, LATE]);
    assert_eq!(scene.envoy.update_config(&updated).await, Update::Accepted);
    let start = Instant::now();
    loop {
        assert_eq!(status(&served[0], HOST, "/served").await, 200);
        match status(&unlucky[0], LATE, "/back").await {
            200 => break,
            status => assert_eq!(status, 503),
        }
        assert!(start.elapsed() < Duration::from_secs(20), "it stays down");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for (number, (served, unlucky)) in served.iter().zip(&unlucky).enumerate() {
        assert_eq!(status(served, HOST, "/served").await, 200);
        for (client, hostname) in [(unlucky, HOST), (served, OTHER), (served, LATE)] {
            let path = format!("/after/{number}/{hostname}");
            for _ in 0..2 {
                assert_eq!(status(client, hostname, &path).await, 200, "{path}");
            }
            let carried = carried(&scene.origin.requests_for(&path));
            assert_eq!(carried, [true, false], "{path}");
        }
    }
    let before = carried(&scene.origin.requests_for("/before"));
    assert_eq!(before, vec![true; served.len()]);
    assert!(!carried(&scene.origin.requests_for("/served")).contains(&true));
    assert!(carried(&scene.origin.requests_for("/back"))[0]);
    assert!(!scene.origin.has_seen("/trap") && !scene.origin.has_seen("/down"));
    assert_nothing_spoofed(&scene.origin.requests());
    let reloads = scene
        .envoy
        .stat("wasm.client_cert_forwarder.vm_reload_success");
    assert_eq!(reloads.await, 0);
    assert_eq!(delegation_errors(&scene.envoy).await, 0);
    assert!(scene.envoy.is_running());
}

/// Fails if a spoofed header has passed, a certificate was sent twice, or Envoy has ended.
async fn assert_nothing_passed(scene: &mut Scene) {
    let served = carried(&scene.origin.requests_for("/served"));
    assert!(!served.contains(&true), "{served:?}");
    assert_nothing_spoofed(&scene.origin.requests());
    assert!(scene.envoy.is_running());
    let reload = |result| format!("wasm.client_cert_forwarder.vm_reload_{result}");
    assert_eq!(scene.envoy.stat(&reload("failure")).await, 0);
    assert_ne!(scene.envoy.stat(&reload("success")).await, 0);
    assert_eq!(delegation_errors(&scene.envoy).await, 0);
}
