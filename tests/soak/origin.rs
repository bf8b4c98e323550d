//! An origin that keeps only counts: it tells the client what it received, and the soak how often.

use std::{
    collections::{BTreeMap, HashMap},
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header::HOST};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, sync::oneshot};

/// The response header with the SHA-256 of the certificate that the origin was told of.
pub(crate) const SEEN_SHA256: &str = "x-seen-sha256";
/// The response header with the number of managed headers that the origin saw.
pub(crate) const SEEN_MANAGED: &str = "x-seen-managed";
/// The value of spoofed headers.
pub(crate) const FORGED: &str = "forged";

/// The origin's address and counts; clones share them.
#[derive(Clone)]
pub(crate) struct CountingOrigin {
    pub(crate) address: SocketAddr,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    counts: Counts,
    /// Who waits for the request of that path.
    awaited: HashMap<String, oneshot::Sender<()>>,
}

/// The origin's counts.
#[derive(Clone, Default)]
pub(crate) struct Counts {
    /// Requests in all.
    pub(crate) requests: u64,
    /// Requests with a managed header that the client had made.
    pub(crate) forged: u64,
    /// Requests with a certificate that the origin answered, by hostname.
    pub(crate) answered: BTreeMap<String, u64>,
    /// Requests with a certificate that it did not answer, by hostname.
    pub(crate) unanswered: BTreeMap<String, u64>,
}

impl CountingOrigin {
    /// Starts on an ephemeral port of loopback; it runs until the program ends.
    ///
    /// # Errors
    /// When the port can't be had.
    pub(crate) async fn start() -> io::Result<CountingOrigin> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let origin = CountingOrigin {
            address: listener.local_addr()?,
            state: Arc::default(),
        };
        tokio::spawn(origin.clone().serve(listener));
        Ok(origin)
    }

    pub(crate) fn counts(&self) -> Counts {
        self.state().counts.clone()
    }

    /// Resolves when the request for that path has arrived. It is never answered.
    pub(crate) fn arrival(&self, path: &str) -> oneshot::Receiver<()> {
        let (sender, receiver) = oneshot::channel();
        self.state().awaited.insert(path.to_owned(), sender);
        receiver
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn serve(self, listener: TcpListener) {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            let origin = self.clone();
            tokio::spawn(async move {
                let service = service_fn(|request| origin.respond(request));
                // A connection that ends in an error is one that the soak breaks on purpose.
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    }

    async fn respond(
        &self,
        request: hyper::Request<Incoming>,
    ) -> io::Result<hyper::Response<Full<Bytes>>> {
        let (head, body) = request.into_parts();
        let seen = Seen::in_headers(&head.headers);
        let path = head.uri.path();
        let answers = !path.starts_with("/reset") && !path.starts_with("/abandoned");
        self.count(&head.headers, &seen, answers);
        if path.starts_with("/abandoned") {
            if let Some(sender) = self.state().awaited.remove(path) {
                let _ = sender.send(());
            }
            std::future::pending::<Infallible>().await;
        }
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        if !answers {
            return Err(io::Error::other("reset as the soak asked for"));
        }
        let mut response = hyper::Response::new(Full::new(body));
        let headers = response.headers_mut();
        headers.insert(SEEN_MANAGED, HeaderValue::from(seen.managed));
        if let Some(sha256) = seen.sha256 {
            headers.insert(SEEN_SHA256, sha256);
        }
        Ok(response)
    }

    fn count(&self, headers: &HeaderMap, seen: &Seen, answers: bool) {
        let host = headers.get(HOST).and_then(|host| host.to_str().ok());
        let counts = &mut self.state().counts;
        counts.requests += 1;
        counts.forged += u64::from(seen.forged);
        if seen.sha256.is_some() {
            let by_host = if answers {
                &mut counts.answered
            } else {
                &mut counts.unanswered
            };
            *by_host
                .entry(host.unwrap_or_default().to_owned())
                .or_default() += 1;
        }
    }
}

struct Seen {
    managed: u64,
    sha256: Option<HeaderValue>,
    forged: bool,
}

impl Seen {
    fn in_headers(headers: &HeaderMap) -> Seen {
        let mut seen = Seen {
            managed: 0,
            sha256: None,
            forged: false,
        };
        for (name, value) in headers {
            if !is_managed(name.as_str()) {
                continue;
            }
            seen.managed += 1;
            seen.forged |= value == FORGED;
            if matches!(name.as_str(), "cf-client-cert-sha256" | "cf-cert-sha256") {
                seen.sha256 = Some(value.clone());
            }
        }
        seen
    }
}

/// Whether an origin that folds names could take this one for a managed header (contract §4.1).
fn is_managed(name: &str) -> bool {
    let folded = name.replace(['_', '.'], "-");
    folded.starts_with("cf-client-cert-") || folded.starts_with("cf-cert-")
}
