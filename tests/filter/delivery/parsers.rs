//! An origin whose HTTP parser has a limit, as all have: its answer to a request that is too large
//! says nothing of the application, which never saw it (contract §4.5).

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use http_body_util::Empty;
use hyper::{body::Bytes, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use support::{Envoy, Headers, Origin, Request, mtls_protocols, pki};
use tokio::net::TcpListener;

use crate::common::{DER, HOST, forwarding};

/// hyper's parser answers a longer head 431, as Node's does.
const LONGEST_HEAD: usize = 16 * 1024;

/// The header fields of each request that the application saw.
type Seen = Arc<Mutex<Vec<Headers>>>;

async fn limited_origin() -> (Origin, Seen) {
    let listener = TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port on loopback");
    let address = listener.local_addr().expect("a bound port");
    let seen = Seen::default();
    let application = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let seen = Arc::clone(&application);
            let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                let headers = Headers::from(request.headers());
                seen.lock().expect("no poison").push(headers);
                async { Ok::<_, Infallible>(hyper::Response::new(Empty::<Bytes>::new())) }
            });
            let mut server = http1::Builder::new();
            server.max_buf_size(LONGEST_HEAD);
            // Ends in an error when it has answered 431.
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    (Origin::at(address), seen)
}

#[tokio::test]
async fn after_an_answer_of_the_origins_parser_the_certificate_is_still_due() {
    let (origin, seen) = limited_origin().await;
    let envoy = Envoy::with_filter(forwarding(&[HOST]))
        .every_mtls_protocol()
        .start(&origin)
        .await;
    let junk = "x".repeat(20 * 1024);
    for &protocol in mtls_protocols() {
        seen.lock().expect("no poison").clear();
        let client = support::Client::over(protocol, &envoy).with(&pki().client);
        let client = client.connect().await;
        let refused = client
            .send(Request::get(HOST, "/").header("x-junk", &junk))
            .await;
        assert_eq!(refused.status, 431, "{protocol:?}");
        assert_eq!(seen.lock().expect("no poison").len(), 0, "{protocol:?}");
        for _ in 0..2 {
            assert_eq!(client.get(HOST, "/").await.status, 200, "{protocol:?}");
        }
        let seen = seen.lock().expect("no poison");
        let carried: Vec<bool> = seen
            .iter()
            .map(|headers| headers.header(DER).is_some())
            .collect();
        assert_eq!(carried, [true, false], "{protocol:?}");
    }
    let protocols = mtls_protocols().len() as u64;
    assert_eq!(envoy.counter(HOST, "undelivered").await, protocols);
    assert_eq!(envoy.counter(HOST, "forwarded").await, protocols);
}
