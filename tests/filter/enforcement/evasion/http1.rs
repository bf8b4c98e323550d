//! Bytes of HTTP/1.0 and HTTP/1.1 that name two hosts or none.

use serde_json::json;
use support::{Envoy, Listener, Protocol};

use crate::enforcement::{ADMIN, PUBLIC, enforcing_scene, settings};

#[tokio::test]
async fn bytes_of_http1_that_name_two_hosts_or_none_do_not_get_past_the_filter() {
    let old_clients = json!({ "accept_http_10": true });
    let scene = Envoy::with_filter(settings("listener"))
        .listener(Listener::optional())
        .listener(
            Listener::optional()
                .named("http10")
                .connection_manager("http_protocol_options", old_clients),
        )
        .scene()
        .await;
    for (listener, request, status) in [
        // Several Host headers: Envoy joins them with a comma.
        (
            "main",
            "GET / HTTP/1.1\r\nHost: public.example.com\r\nHost: admin.example.com\r\n\r\n",
            400,
        ),
        (
            "main",
            "GET / HTTP/1.1\r\nHost: admin.example.com\r\nHost: public.example.com\r\n\r\n",
            400,
        ),
        (
            "main",
            "GET / HTTP/1.1\nHost: public.example.com\nHost: admin.example.com\n\n",
            400,
        ),
        (
            "main",
            "GET / HTTP/1.1\r\nHost: public.example.com\r\nhOST: admin.example.com\r\n\r\n",
            400,
        ),
        // Absolute-form: the target counts, not Host (RFC 9112 §3.2.2). Envoy drops the user
        // information.
        (
            "main",
            "GET http://admin.example.com/ HTTP/1.1\r\nHost: public.example.com\r\n\r\n",
            403,
        ),
        (
            "main",
            "GET https://ADMIN.example.com.:443/ HTTP/1.1\r\nHost: public.example.com\r\n\r\n",
            403,
        ),
        (
            "main",
            "GET HTTPS://user@admin.example.com/ HTTP/1.1\r\nHost: public.example.com\r\n\r\n",
            403,
        ),
        (
            "main",
            "GET http://admin.example.com:80:443/ HTTP/1.1\r\nHost: public.example.com\r\n\r\n",
            400,
        ),
        (
            "main",
            "GET http://%61dmin.example.com/ HTTP/1.1\r\nHost: public.example.com\r\n\r\n",
            400,
        ),
        (
            "main",
            "GET http://admin.example.com?x HTTP/1.1\r\nHost: public.example.com\r\n\r\n",
            404,
        ),
        (
            "main",
            "GET http:///x HTTP/1.1\r\nHost: admin.example.com\r\n\r\n",
            400,
        ),
        (
            "main",
            "GET ftp://admin.example.com/ HTTP/1.1\r\nHost: public.example.com\r\n\r\n",
            400,
        ),
        (
            "main",
            "GET admin.example.com HTTP/1.1\r\nHost: public.example.com\r\n\r\n",
            400,
        ),
        // Spellings of the header that some parsers take for Host.
        (
            "main",
            "GET / HTTP/1.1\r\nHost : admin.example.com\r\nHost: public.example.com\r\n\r\n",
            400,
        ),
        (
            "main",
            "GET / HTTP/1.1\r\nHost: public.example.com\r\n admin.example.com\r\n\r\n",
            400,
        ),
        (
            "main",
            "GET / HTTP/1.1\r\nHost: public.example.com\rHost: admin.example.com\r\n\r\n",
            400,
        ),
        (
            "main",
            "GET / HTTP/1.1\r\n:authority: admin.example.com\r\nHost: public.example.com\r\n\r\n",
            400,
        ),
        (
            "main",
            "GET / HTTP/1.1\r\nHost: \t admin.example.com \t \r\n\r\n",
            403,
        ),
        // No hostname at all.
        ("main", "GET / HTTP/1.1\r\n\r\n", 400),
        ("main", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400),
        (
            "main",
            "OPTIONS * HTTP/1.1\r\nHost: admin.example.com\r\n\r\n",
            404,
        ),
        // HTTP/1.0: 426 unless the listener takes it.
        (
            "main",
            "GET / HTTP/1.0\r\nHost: admin.example.com\r\n\r\n",
            426,
        ),
        ("http10", "GET / HTTP/1.0\r\n\r\n", 400),
        ("http10", "GET / HTTP/1.0\r\nHost:\r\n\r\n", 400),
        (
            "http10",
            "GET / HTTP/1.0\r\nHost: admin.example.com\r\n\r\n",
            403,
        ),
        (
            "http10",
            "GET http://admin.example.com/ HTTP/1.0\r\n\r\n",
            403,
        ),
    ] {
        let mut connection = scene
            .client(Protocol::Http1)
            .listener(listener)
            .connect_raw()
            .await;
        let response = connection.exchange(request.as_bytes()).await;
        assert_eq!(response.expect("a response").status, status, "{request:?}");
    }
    assert!(
        scene.origin.requests().is_empty(),
        "{:#?}",
        scene.origin.requests()
    );
}

#[tokio::test]
async fn http10_without_host_is_judged_by_the_listeners_default_host() {
    let with_default = |name: &str, hostname: &str| {
        let options = json!({ "accept_http_10": true, "default_host_for_http_10": hostname });
        Listener::optional()
            .named(name)
            .connection_manager("http_protocol_options", options)
    };
    let scene = Envoy::with_filter(settings("listener"))
        .listener(with_default("admin", ADMIN))
        .listener(with_default("public", PUBLIC))
        .scene()
        .await;
    for (listener, status) in [("admin", 403), ("public", 200)] {
        let mut connection = scene
            .client(Protocol::Http1)
            .listener(listener)
            .connect_raw()
            .await;
        let response = connection.exchange(b"GET / HTTP/1.0\r\n\r\n").await;
        assert_eq!(response.expect("a response").status, status, "{listener}");
    }
    assert_eq!(scene.origin.only_request().authority, PUBLIC);
}

#[tokio::test]
async fn a_second_request_on_a_raw_connection_is_judged_by_its_own_host() {
    let scene = enforcing_scene().await;
    let mut connection = scene.client(Protocol::Http1).connect_raw().await;
    let request =
        |hostname: &str| format!("GET / HTTP/1.1\r\nHost: {hostname}\r\n\r\n").into_bytes();
    // Both in one write: pipelined.
    let first = connection
        .exchange(&[request(PUBLIC), request(ADMIN)].concat())
        .await;
    let second = connection.exchange(b"").await;
    assert_eq!(first.map(|response| response.status), Some(200));
    assert_eq!(second.map(|response| response.status), Some(403));
    assert_eq!(scene.origin.only_request().authority, PUBLIC);
}
