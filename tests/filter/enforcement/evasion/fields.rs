//! Fields of HTTP/2 and HTTP/3 that name two hosts or none.

use support::{Protocol, envoy_version, origin::Recorded, version::Version};

use crate::enforcement::{PUBLIC, enforcing_scene};

#[tokio::test]
async fn fields_of_http2_and_http3_that_name_two_hosts_or_none_do_not_get_past_the_filter() {
    let scene = enforcing_scene().await;
    const GET: [(&str, &[u8]); 3] = [(":method", b"GET"), (":scheme", b"https"), (":path", b"/")];
    type Case<'a> = (&'a [(&'a str, &'a [u8])], Option<u16>, Option<u16>);
    // The fields after `GET`; the status over HTTP/2; the status over HTTP/3. `None` when Envoy
    // itself ends the stream or connection.
    let cases: [Case<'_>; 12] = [
        // Over HTTP/2 Envoy drops a Host beside :authority, so the origin sees the hostname that
        // the filter judged.
        (
            &[
                (":authority", b"admin.example.com"),
                ("host", b"public.example.com"),
            ],
            Some(403),
            None,
        ),
        (
            &[
                (":authority", b"public.example.com"),
                ("host", b"admin.example.com"),
            ],
            Some(200),
            None,
        ),
        // Alone it counts as :authority.
        (&[("host", b"admin.example.com")], Some(403), None),
        (
            &[
                ("host", b"public.example.com"),
                ("host", b"admin.example.com"),
            ],
            None,
            None,
        ),
        (
            &[
                (":authority", b"public.example.com"),
                (":authority", b"admin.example.com"),
            ],
            None,
            None,
        ),
        (
            &[(":authority", b""), ("host", b"admin.example.com")],
            None,
            None,
        ),
        (&[(":authority", b"")], None, Some(400)),
        (&[], None, None),
        (
            &[
                (":authority", b"public.example.com"),
                ("Host", b"admin.example.com"),
            ],
            None,
            None,
        ),
        (
            &[(
                ":authority",
                b"public.example.com\r\nHost: admin.example.com",
            )],
            None,
            None,
        ),
        (
            &[
                (":authority", b"public.example.com"),
                ("x", b"1\r\nHost: admin.example.com"),
            ],
            None,
            None,
        ),
        (
            &[
                (":authority", b"public.example.com"),
                (":path", b"https://admin.example.com/"),
            ],
            None,
            None,
        ),
    ];
    for (fields, http2, http3) in cases {
        for (protocol, status) in [(Protocol::Http2, http2), (Protocol::Http3, http3)] {
            let mut connection = scene.client(protocol).connect_fields().await;
            let answered = connection.send(&[&GET, fields].concat()).await;
            // Older Envoys let some of their own cases pass, with one host of the two.
            if status.is_some() || envoy_version() >= Version(1, 40, 0) {
                assert_eq!(answered, status, "{protocol:?} {fields:?}");
            }
            let hosts = |request: &Recorded| request.headers.all("host") == [PUBLIC.as_bytes()];
            assert!(
                scene.origin.requests().iter().all(hosts),
                "{:#?}",
                scene.origin.requests()
            );
        }
    }
    for path in [
        "https://admin.example.com/",
        "admin.example.com",
        "/ HTTP/1.1\r\nHost: admin.example.com\r\nx:",
    ] {
        for protocol in [Protocol::Http2, Protocol::Http3] {
            let mut connection = scene.client(protocol).connect_fields().await;
            let fields: [(&str, &[u8]); 4] = [
                (":method", b"GET"),
                (":scheme", b"https"),
                (":authority", PUBLIC.as_bytes()),
                (":path", path.as_bytes()),
            ];
            assert_eq!(
                connection.send(&fields).await,
                None,
                "{protocol:?} {path:?}"
            );
        }
    }
    assert!(!scene.origin.requests().is_empty());
}
