//! One connection's requests through the filter, against a host of memory.

use std::rc::Rc;

use super::{Action, Plugin, Request};
use crate::config::Config;
use crate::hostcalls::Map::{RequestHeaders, RequestTrailers, ResponseHeaders};
use crate::hostcalls::mock::MockEnvoy;

const DER: &str = "cf-client-cert-der-base64";
const SHA256: &str = "cf-client-cert-sha256";
pub(super) const PEM: &str = "-----BEGIN CERTIFICATE-----\nAAECAwQ=\n-----END CERTIFICATE-----\n";

pub(super) fn plugin(json: &str) -> Rc<Plugin> {
    Rc::new(Plugin::new(Config::from_json(json.as_bytes()).unwrap()))
}

fn forwarding() -> Rc<Plugin> {
    plugin(
        r#"{"settings":[{"hostname":"a.example","client_certificate_forwarding":true},{"hostname":"b.example","client_certificate_forwarding":true}]}"#,
    )
}

/// Sends the headers of a request and gives back the context, as it is while the origin works.
pub(super) fn send(
    envoy: &MockEnvoy,
    plugin: &Rc<Plugin>,
    headers: &[(&str, &str)],
) -> (Request, Action) {
    envoy.set_headers(RequestHeaders, headers);
    envoy.set_headers(ResponseHeaders, &[(":status", "200")]);
    let mut request = Request::new(Rc::clone(plugin));
    let action = request.on_request_headers(envoy);
    (request, action)
}

/// A whole request to that hostname, answered by the origin.
pub(super) fn exchange(envoy: &MockEnvoy, plugin: &Rc<Plugin>, hostname: &str) {
    let (mut request, action) = send(envoy, plugin, &[(":authority", hostname)]);
    assert_eq!(action, Action::Continue);
    request.on_response_headers(envoy);
    request.on_delete(envoy);
}

fn carried(envoy: &MockEnvoy) -> bool {
    !envoy.values(RequestHeaders, SHA256).is_empty()
}

#[test]
fn the_first_request_of_a_connection_carries_the_certificate_and_later_ones_do_not() {
    let (envoy, plugin) = (MockEnvoy::with_certificate("a.example", PEM), forwarding());
    exchange(&envoy, &plugin, "a.example");
    assert_eq!(envoy.values(RequestHeaders, DER), ["AAECAwQ="]);
    assert_eq!(
        envoy.values(RequestHeaders, SHA256),
        ["08bb5e5d6eaac1049ede0893d30ed022b1a4d9b5b48db414871f51c9cb35283d"]
    );
    exchange(&envoy, &plugin, "a.example");
    assert!(!carried(&envoy));
    assert_eq!(envoy.counted("a.example", "forwarded"), 1);
}

#[test]
fn each_hostname_of_a_connection_gets_the_certificate_once() {
    let (envoy, plugin) = (MockEnvoy::with_certificate("a.example", PEM), forwarding());
    let carried: Vec<bool> = [
        "a.example",
        "b.example",
        "A.EXAMPLE:443",
        "b.example.",
        "c.example",
    ]
    .iter()
    .map(|hostname| {
        exchange(&envoy, &plugin, hostname);
        carried(&envoy)
    })
    .collect();
    assert_eq!(carried, [true, true, false, false, false]);
}

#[test]
fn the_steady_state_reads_one_property_and_counts_nothing() {
    let (envoy, plugin) = (MockEnvoy::with_certificate("a.example", PEM), forwarding());
    exchange(&envoy, &plugin, "a.example");
    let counters = envoy.counters.borrow().clone();
    envoy.property_reads.borrow_mut().clear();
    exchange(&envoy, &plugin, "a.example");
    let property = &*plugin.config.settings[0].delivery.property;
    assert_eq!(*envoy.property_reads.borrow(), [property]);
    // Envoy would have to ask the module for memory to return anything in.
    assert_eq!(envoy.properties.borrow()[property], b"");
    assert_eq!(*envoy.counters.borrow(), counters);
}

#[test]
fn fields_are_computed_once_per_connection() {
    let envoy = MockEnvoy::with_certificate("a.example", PEM);
    let plugin = plugin(
        r#"{"settings":[{"hostname":"a.example","request_headers":{"x-sha1":"certFingerprintSHA1"},"response_headers":{"x-verify":"certVerified"}}]}"#,
    );
    for _ in 0..3 {
        exchange(&envoy, &plugin, "a.example");
        assert_eq!(envoy.values(RequestHeaders, "x-sha1").len(), 1);
        assert_eq!(envoy.values(ResponseHeaders, "x-verify"), ["SUCCESS"]);
    }
    let reads = envoy.property_reads.borrow();
    let of = |name: &str| reads.iter().filter(|read| *read == name).count();
    assert_eq!(of("connection.mtls"), 1);
    assert_eq!(of("connection.peer_certificate"), 1);
    assert_eq!(of("connection.peer_certificate_valid"), 1);
}

#[test]
fn a_request_that_the_origin_never_answered_does_not_count_as_the_first() {
    let (envoy, plugin) = (MockEnvoy::with_certificate("a.example", PEM), forwarding());
    let (mut reset, _) = send(&envoy, &plugin, &[(":authority", "a.example")]);
    reset.on_delete(&envoy);
    envoy.set(
        "response.code_details",
        b"upstream_reset_before_response_started{connection_failure}",
    );
    exchange(&envoy, &plugin, "a.example");
    assert!(carried(&envoy));
    envoy.set("response.code_details", b"via_upstream");
    exchange(&envoy, &plugin, "a.example");
    assert!(carried(&envoy));
    exchange(&envoy, &plugin, "a.example");
    assert!(!carried(&envoy));
    assert_eq!(
        (
            envoy.counted("a.example", "undelivered"),
            envoy.counted("a.example", "forwarded")
        ),
        (2, 1)
    );
}

#[test]
fn concurrent_streams_repeat_the_certificate_until_one_is_answered() {
    let (envoy, plugin) = (MockEnvoy::with_certificate("a.example", PEM), forwarding());
    let mut streams: Vec<Request> = (0..3)
        .map(|_| {
            let (stream, _) = send(&envoy, &plugin, &[(":authority", "a.example")]);
            assert!(carried(&envoy));
            stream
        })
        .collect();
    streams[1].on_response_headers(&envoy);
    let _ = send(&envoy, &plugin, &[(":authority", "a.example")]);
    assert!(
        !carried(&envoy),
        "one was delivered, although its stream is still open"
    );
}

#[test]
fn after_a_reload_only_settings_that_were_served_count_as_served() {
    let (envoy, before) = (MockEnvoy::with_certificate("a.example", PEM), forwarding());
    exchange(&envoy, &before, "a.example");
    let after = plugin(
        r#"{"settings":[{"hostname":"new.example","client_certificate_forwarding":true},{"hostname":"a.example","client_certificate_forwarding":true}]}"#,
    );
    exchange(&envoy, &after, "a.example");
    assert!(!carried(&envoy));
    exchange(&envoy, &after, "new.example");
    assert!(carried(&envoy));
}

#[test]
fn what_was_computed_under_another_configuration_is_computed_again() {
    let envoy = MockEnvoy::with_certificate("a.example", PEM);
    let setting = r#"{"hostname":"a.example","client_certificate_forwarding":true,"forward_on":"every_request"}"#;
    exchange(
        &envoy,
        &plugin(&format!(
            r#"{{"max_certificate_bytes":4,"settings":[{setting}]}}"#
        )),
        "a.example",
    );
    assert_eq!(
        (
            envoy.values(RequestHeaders, DER).len(),
            envoy.counted("a.example", "too_large")
        ),
        (0, 1)
    );
    exchange(
        &envoy,
        &plugin(&format!(r#"{{"settings":[{setting}]}}"#)),
        "a.example",
    );
    assert_eq!(envoy.values(RequestHeaders, DER).len(), 1);
}

#[test]
fn a_clients_managed_headers_are_removed_whatever_the_hostname_and_the_connection() {
    for (envoy, hostname) in [
        (MockEnvoy::with_certificate("a.example", PEM), "a.example"),
        (
            MockEnvoy::with_certificate("a.example", PEM),
            "unknown.example",
        ),
        (MockEnvoy::default(), "a.example"),
    ] {
        let plugin = forwarding();
        for round in 0..2 {
            let spoofed = [
                (":authority", hostname),
                (DER, "x"),
                (DER, "y"),
                ("cf_client.cert-SHA256", "z"),
                ("cf-cert-verified", "true"),
            ];
            let (mut request, action) = send(
                &envoy,
                &plugin,
                &[&spoofed[..], &[("cf-client-certificate", "kept")]].concat(),
            );
            assert_eq!(action, Action::Continue);
            let left = envoy.headers.borrow()[&RequestHeaders].clone();
            assert!(
                left.iter().all(|(_, value)| !["x", "y", "z", "true"]
                    .map(str::as_bytes)
                    .contains(&value.as_slice())),
                "{hostname} {round}"
            );
            assert_eq!(
                envoy.values(RequestHeaders, "cf-client-certificate"),
                ["kept"]
            );
            request.on_response_headers(&envoy);
        }
        let label = if hostname == "a.example" {
            hostname
        } else {
            "(none)"
        };
        assert_eq!(envoy.counted(label, "spoof_stripped"), 2);
    }
}

#[test]
fn with_reject_such_a_request_is_answered_400() {
    let envoy = MockEnvoy::with_certificate("a.example", PEM);
    let plugin = plugin(
        r#"{"on_spoofed_header":"reject","settings":[{"hostname":"a.example","client_certificate_forwarding":true}]}"#,
    );
    let (_, action) = send(
        &envoy,
        &plugin,
        &[(":authority", "a.example"), ("cf_cert.x", "1")],
    );
    assert_eq!(
        (action, envoy.replied.borrow().as_ref().unwrap().status),
        (Action::Stop, 400)
    );
    assert_eq!(
        (
            envoy.counted("a.example", "spoof_rejected"),
            envoy.counted("a.example", "forwarded")
        ),
        (1, 0)
    );
}

#[test]
fn managed_names_are_removed_from_trailers_too() {
    let (envoy, plugin) = (MockEnvoy::default(), forwarding());
    envoy.set_headers(
        RequestTrailers,
        &[("grpc-status", "0"), ("cf_client_cert_sha256", "x")],
    );
    assert_eq!(
        Request::new(plugin).on_request_trailers(&envoy),
        Action::Continue
    );
    assert_eq!(envoy.headers.borrow()[&RequestTrailers].len(), 1);
}

#[test]
fn with_reject_a_request_is_answered_400_for_its_trailers_too() {
    let envoy = MockEnvoy::with_certificate("a.example", PEM);
    let plugin = plugin(
        r#"{"on_spoofed_header":"reject","settings":[{"hostname":"a.example","client_certificate_forwarding":true}]}"#,
    );
    let (mut request, _) = send(&envoy, &plugin, &[(":authority", "a.example")]);
    envoy.set_headers(RequestTrailers, &[("cf_client_cert_sha256", "x")]);
    assert_eq!(request.on_request_trailers(&envoy), Action::Stop);
    assert_eq!(envoy.replied.borrow().as_ref().unwrap().status, 400);
    request.on_response_headers(&envoy);
    request.on_delete(&envoy);
    let counts = ["spoof_rejected", "forwarded", "undelivered"]
        .map(|outcome| envoy.counted("a.example", outcome));
    assert_eq!(counts, [1, 0, 0]);
}

#[test]
fn headers_that_cannot_be_read_or_removed_never_go_on() {
    let (envoy, plugin) = (MockEnvoy::default(), forwarding());
    envoy.unreadable.set(true);
    let (_, action) = send(&envoy, &plugin, &[(":authority", "a.example")]);
    assert_eq!(
        (action, envoy.replied.take().unwrap().status),
        (Action::Stop, 500)
    );
    envoy.unreadable.set(false);
    envoy.unremovable.set(true);
    let (_, action) = send(&envoy, &plugin, &[(":authority", "a.example"), (DER, "x")]);
    assert_eq!(
        (action, envoy.replied.take().unwrap().status),
        (Action::Stop, 500)
    );
}

#[test]
fn certificates_that_are_not_there_or_not_verified_are_counted_and_said_once() {
    for (property, value, outcome) in [
        ("connection.mtls", &[0][..], "no_certificate"),
        (
            "connection.peer_certificate",
            b"not a PEM",
            "source_missing",
        ),
        ("connection.peer_certificate_valid", &[0], "unverified"),
    ] {
        let (envoy, plugin) = (MockEnvoy::with_certificate("a.example", PEM), forwarding());
        envoy.set(property, value);
        for _ in 0..3 {
            exchange(&envoy, &plugin, "a.example");
            assert!(!carried(&envoy), "{outcome}");
        }
        assert_eq!(envoy.counted("a.example", outcome), 3, "{outcome}");
        assert_eq!(
            envoy.logged.borrow().len(),
            usize::from(outcome != "no_certificate"),
            "{outcome}"
        );
    }
}

#[test]
fn the_listener_may_vouch_and_a_setting_may_not_mind() {
    for json in [
        r#"{"verified_by":"listener","settings":[{"hostname":"*","client_certificate_forwarding":true}]}"#,
        r#"{"settings":[{"hostname":"*","client_certificate_forwarding":true,"forward_unverified":true}]}"#,
    ] {
        let envoy = MockEnvoy::with_certificate("a.example", PEM);
        envoy.set("connection.peer_certificate_valid", &[0]);
        exchange(&envoy, &plugin(json), "a.example");
        assert!(carried(&envoy), "{json}");
    }
}

#[test]
fn the_filter_state_serves_where_the_attribute_is_missing() {
    let (envoy, plugin) = (MockEnvoy::with_certificate("a.example", PEM), forwarding());
    envoy
        .properties
        .borrow_mut()
        .remove("connection.peer_certificate");
    envoy.set(
        "filter_state.client_cert_forwarder.pem",
        PEM.replace('\n', "%0A").as_bytes(),
    );
    exchange(&envoy, &plugin, "a.example");
    assert!(carried(&envoy));
}
