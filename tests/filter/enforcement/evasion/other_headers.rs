//! Headers in which proxies and clients name another host (SECURITY.md, *Headers that are not this
//! filter's*): the filter decides by `:authority` and passes them on.

use support::{Request, pki};

use crate::common::SHA256;
use crate::enforcement::{ADMIN, PUBLIC, asking_protocols, enforcing_scene, verifies_by_attribute};

const HEADERS: [(&str, bool); 5] = [
    ("x-forwarded-host", false),
    ("x-original-host", false),
    ("x-host", false),
    ("forwarded", true),
    ("x-original-url", false),
];

fn naming(hostname: &str, other: &str) -> Request {
    HEADERS
        .iter()
        .fold(Request::get(hostname, "/"), |request, (name, is_list)| {
            let value = if *is_list {
                format!("host={other}")
            } else {
                other.to_owned()
            };
            request.header(name, &value)
        })
}

#[tokio::test]
async fn a_host_in_another_header_neither_opens_nor_closes_anything() {
    if !verifies_by_attribute() {
        return;
    }
    let scene = enforcing_scene().await;
    for &protocol in asking_protocols() {
        let anonymous = scene.connect_without_certificate(protocol).await;
        let admitted = scene.connect(protocol).await;
        assert_eq!(admitted.get(ADMIN, "/").await.status, 200, "{protocol:?}");
        for _ in 0..2 {
            let refused = anonymous.send(naming(ADMIN, PUBLIC)).await;
            assert_eq!(refused.status, 403, "{protocol:?}");
            for client in [&anonymous, &admitted] {
                // What an origin must not choose a tenant by.
                assert_eq!(client.send(naming(PUBLIC, ADMIN)).await.status, 200);
                let request = scene.origin.last_request();
                assert_eq!(request.authority, PUBLIC, "{protocol:?}");
                assert_eq!(request.header("x-forwarded-host"), Some(ADMIN));
            }
        }
    }
    let of_admin = scene.origin.requests();
    let of_admin = of_admin.iter().filter(|request| request.authority == ADMIN);
    assert_eq!(of_admin.count(), asking_protocols().len());
    let requests = scene.origin.requests();
    let mut sent = requests.iter().filter_map(|request| request.header(SHA256));
    let expected = pki().client.sha256();
    assert!(sent.all(|sha256| sha256 == expected));
}
