//! Spellings of the protected hostname in the authority.

use serde_json::json;
use support::{Deployment, Envoy, Listener, Protocol};

use crate::enforcement::ADMIN;

/// Who answers a request for an authority.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Answer {
    /// The origin: the hostname requires no certificate.
    Origin,
    /// This filter with 403: it is the protected hostname.
    Denied,
    /// This filter with 400: it could be any hostname.
    Ambiguous,
    /// Envoy itself: 400 over HTTP/1.1; over HTTP/2 and HTTP/3 it closes the connection or resets
    /// the stream.
    Envoy,
}

use Answer::{Ambiguous, Denied, Envoy as Envoys, Origin as Origins};

/// Authority, answer over HTTP/1.1, answer over HTTP/2 and HTTP/3; Envoy's own are those of 1.40.0.
pub(super) const AUTHORITIES: [(&[u8], Answer, Answer); 53] = [
    // The protected hostname in each of its spellings.
    (b"admin.example.com", Denied, Denied),
    (b"ADMIN.Example.COM", Denied, Denied),
    (b"admin.example.com:443", Denied, Denied),
    (b"admin.example.com:99999", Denied, Denied),
    (b"admin.example.com:", Denied, Denied),
    (b"admin.example.com.", Denied, Denied),
    (b"admin.example.com.:443", Denied, Denied),
    (b"[2001:db8::1]", Denied, Denied),
    (b"[2001:DB8:0:0::1]:443", Denied, Denied),
    (b"192.0.2.1:443", Denied, Denied),
    (b"192.0.2.1.", Denied, Denied),
    (b"xn--bcher-kva.example.com", Denied, Denied),
    (b"my_host.example.com", Denied, Denied),
    // Other hostnames.
    (b"public.example.com", Origins, Origins),
    (b"your_host.example.com:8443", Origins, Origins),
    (b"xn--nxasmq6b.example.com", Origins, Origins),
    (b"admin.example.com.evil.test", Origins, Origins),
    (b"notadmin.example.com", Origins, Origins),
    (b"[::1]:443", Origins, Origins),
    (b"198.51.100.1", Origins, Origins),
    // User information: Envoy refuses it where it is not HTTP/1.1.
    (b"user@admin.example.com", Ambiguous, Envoys),
    (b"user:pw@admin.example.com:443", Ambiguous, Envoys),
    (
        b"admin.example.com:443@public.example.com",
        Ambiguous,
        Envoys,
    ),
    // Percent-encoding, which some origins decode.
    (b"%61dmin.example.com", Ambiguous, Ambiguous),
    (b"admin%2eexample.com", Ambiguous, Ambiguous),
    (b"admin.example.com%00", Ambiguous, Ambiguous),
    (b"admin.example.com%20", Ambiguous, Ambiguous),
    // More than one, or broken: an origin may cut at either end.
    (
        b"public.example.com,admin.example.com",
        Ambiguous,
        Ambiguous,
    ),
    (
        b"admin.example.com;public.example.com",
        Ambiguous,
        Ambiguous,
    ),
    (b"admin.example.com:80:443", Ambiguous, Ambiguous),
    (b"admin.example.com:443x", Ambiguous, Ambiguous),
    (b"admin.example.com:-1", Ambiguous, Ambiguous),
    (b"admin.example.com..", Ambiguous, Ambiguous),
    (b".admin.example.com", Ambiguous, Ambiguous),
    (b"admin..example.com", Ambiguous, Ambiguous),
    (b"*.example.com", Ambiguous, Ambiguous),
    (b":443", Ambiguous, Ambiguous),
    (b".", Ambiguous, Ambiguous),
    // IPv6 without brackets, with a zone, half in brackets; IPv4 as inet_aton and browsers read it.
    (b"2001:db8::1", Ambiguous, Ambiguous),
    (b"2001:db8::1:443", Ambiguous, Ambiguous),
    (b"[2001:db8::1%25eth0]", Ambiguous, Ambiguous),
    (b"[2001:db8::1", Ambiguous, Ambiguous),
    (b"192.0.513", Ambiguous, Ambiguous),
    (b"0xc0000201", Ambiguous, Ambiguous),
    (b"0300.0.2.1", Ambiguous, Ambiguous),
    // Bytes that are in no hostname: Envoy's own check.
    (b"admin .example.com", Envoys, Envoys),
    (b"admin.example.com/", Envoys, Envoys),
    (b"admin.example.com\\", Envoys, Envoys),
    (b"http://admin.example.com", Envoys, Envoys),
    (b"admin.example.com\x00", Envoys, Envoys),
    (b"\xffadmin.example.com", Envoys, Envoys),
    (b"b\xc3\xbccher.example.com", Envoys, Envoys),
    // U+FF41, which internationalised names map to `a`.
    (b"\xef\xbd\x81dmin.example.com", Envoys, Envoys),
];

/// Every hostname that the table above protects.
pub(super) const PROTECTED: [&str; 5] = [
    ADMIN,
    "2001:db8::1",
    "192.0.2.1",
    "xn--bcher-kva.example.com",
    "my_host.example.com",
];

/// `explain`, which the fast path can't have, tells the filter's answers from Envoy's.
fn explains() -> bool {
    Deployment::from_environment() == Deployment::Plain
}

fn protected() -> serde_json::Value {
    let settings = PROTECTED.map(|hostname| {
        json!({ "hostname": hostname, "require_client_certificate": true, "sni_must_match": false })
    });
    json!({ "verified_by": "listener", "explain": explains(), "settings": settings })
}

#[tokio::test]
async fn no_spelling_of_the_protected_hostname_gets_past_the_filter() {
    let scene = Envoy::with_filter(protected())
        .listener(Listener::optional().http3())
        .scene()
        .await;
    let mut expected_at_origin = 0;
    for (authority, http1, http2) in AUTHORITIES {
        let context = authority.escape_ascii();
        let mut connection = scene.client(Protocol::Http1).connect_raw().await;
        let request = [b"GET / HTTP/1.1\r\nHost: ", authority, b"\r\n\r\n"].concat();
        let response = connection.exchange(&request).await.expect("a response");
        assert_eq!(
            Some(response.status),
            status(http1, Protocol::Http1),
            "{context}"
        );
        let explained = response.headers.header("client-cert-forwarder");
        let expected = explains() && http1 != Envoys;
        assert_eq!(explained.is_some(), expected, "{context}");
        expected_at_origin += usize::from(http1 == Origins);
        for protocol in [Protocol::Http2, Protocol::Http3] {
            let mut connection = scene.client(protocol).connect_fields().await;
            let fields: [(&str, &[u8]); 4] = [
                (":method", b"GET"),
                (":scheme", b"https"),
                (":authority", authority),
                (":path", b"/"),
            ];
            let answered = connection.send(&fields).await;
            assert_eq!(answered, status(http2, protocol), "{context}");
            expected_at_origin += usize::from(http2 == Origins);
        }
        assert_eq!(
            scene.origin.requests().len(),
            expected_at_origin,
            "{context}"
        );
    }
    let ambiguous = AUTHORITIES.iter().map(|(_, http1, http2)| {
        u64::from(*http1 == Ambiguous) + 2 * u64::from(*http2 == Ambiguous)
    });
    assert_eq!(
        scene.envoy.counter("(none)", "denied").await,
        ambiguous.sum::<u64>()
    );
}

pub(super) fn status(answer: Answer, protocol: Protocol) -> Option<u16> {
    match answer {
        Origins => Some(200),
        Denied => Some(403),
        Ambiguous => Some(400),
        Envoys => (protocol == Protocol::Http1).then_some(400),
    }
}

#[tokio::test]
async fn where_nothing_is_required_odd_hostnames_pass_as_before() {
    let scene = Envoy::with_filter(
        json!({ "settings": [{ "hostname": ADMIN, "client_certificate_forwarding": true }] }),
    )
    .listener(Listener::optional())
    .scene()
    .await;
    let mut connection = scene.client(Protocol::Http1).connect_raw().await;
    for host in ["a,b", "user@admin.example.com", "%61dmin.example.com", ""] {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
        let response = connection.exchange(request.as_bytes()).await;
        assert_eq!(response.expect("a response").status, 200, "{host:?}");
    }
}
