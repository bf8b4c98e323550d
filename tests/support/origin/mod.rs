//! An origin server on loopback that records every request and answers as the test told it.

mod answer;
mod http2;
mod lenient;
mod recorded;
mod server;
mod state;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{net::TcpListener, task::JoinHandle};

pub use answer::Answer;
pub use recorded::Recorded;
use state::State;

/// An HTTP/1.1 and HTTP/2 server (prior knowledge, no TLS). Unless told otherwise it answers 200
/// with the request's body; a request for `/headers` gets its headers.
pub struct Origin {
    address: SocketAddr,
    state: Arc<State>,
    server: JoinHandle<()>,
}

impl Origin {
    /// Starts an origin on an ephemeral port.
    pub async fn start() -> Origin {
        Origin::start_with(server::serve).await
    }

    /// Starts an HTTP/1.1 origin that records header fields as they come, however malformed, and
    /// answers 200 to everything. Names keep their case; their bytes above 127 are recorded as the
    /// characters of these numbers.
    pub async fn start_lenient() -> Origin {
        Origin::start_with(lenient::serve).await
    }

    /// Starts an origin over HTTP/2 only, for requests with heads of one frame. It reads no more of
    /// a body than [`Answer::reset_in_body`] waits for, and answers without a body.
    pub async fn start_http2() -> Origin {
        Origin::start_with(http2::serve).await
    }

    /// Stands for an origin of the caller's own at that address. Records nothing.
    pub fn at(address: SocketAddr) -> Origin {
        Origin {
            address,
            state: Arc::default(),
            server: tokio::spawn(async {}),
        }
    }

    async fn start_with<S>(serve: fn(TcpListener, Arc<State>) -> S) -> Origin
    where
        S: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port on loopback");
        let address = listener.local_addr().expect("a bound port");
        let state = Arc::<State>::default();
        let server = tokio::spawn(serve(listener, Arc::clone(&state)));
        Origin {
            address,
            state,
            server,
        }
    }

    /// The address on which it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets the answers for that path. They are given one after the other, the last one for ever.
    pub fn answer(&self, path: &str, answers: impl IntoIterator<Item = Answer>) {
        self.state
            .answers
            .lock()
            .expect("no poison")
            .insert(path.to_owned(), answers.into_iter().collect());
    }

    /// Ends all open-ended responses.
    pub fn release(&self) {
        self.state.released.send_replace(true);
    }

    /// Every request so far, in the order in which the heads arrived.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state.requests.lock().expect("no poison").clone()
    }

    /// The requests so far for that path.
    pub fn requests_for(&self, path: &str) -> Vec<Recorded> {
        self.requests()
            .into_iter()
            .filter(|request| request.path == path)
            .collect()
    }

    /// The only request so far.
    ///
    /// # Panics
    /// When there are none or several.
    pub fn only_request(&self) -> Recorded {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "requests at the origin: {requests:#?}");
        requests.remove(0)
    }

    /// The latest request.
    ///
    /// # Panics
    /// When there is none.
    pub fn last_request(&self) -> Recorded {
        let requests = self.state.requests.lock().expect("no poison");
        requests.last().expect("a request at the origin").clone()
    }

    /// The latest request for that path.
    ///
    /// # Panics
    /// When there is none.
    pub fn last_request_for(&self, path: &str) -> Recorded {
        let latest = self.requests_for(path).pop();
        latest.unwrap_or_else(|| panic!("no request for {path} at the origin"))
    }

    /// Whether a request for that path has arrived.
    pub fn has_seen(&self, path: &str) -> bool {
        let requests = self.state.requests.lock().expect("no poison");
        requests.iter().any(|request| request.path == path)
    }

    /// Waits until that many requests have arrived.
    ///
    /// # Panics
    /// When they haven't within ten seconds.
    pub async fn wait_for(&self, count: usize) {
        for _ in 0..500 {
            if self.requests().len() >= count {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!(
            "{} of {count} requests reached the origin in 10 s",
            self.requests().len()
        );
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.server.abort();
    }
}
