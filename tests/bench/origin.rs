//! An origin of little cost: one thread, one answer, and a count of the received bytes.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use support::Headers;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::outcome::{Failure, setup};

/// The path below which requests are kept for [`SmallOrigin::received`].
pub(crate) const CHECKED: &str = "/check/";
const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok\n";

/// An HTTP/1.1 server for requests without a body. Its thread ends with the process.
pub(crate) struct SmallOrigin {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    bytes: AtomicU64,
    received: Mutex<HashMap<String, Headers>>,
}

impl SmallOrigin {
    /// Starts it on an ephemeral port of loopback.
    ///
    /// # Errors
    /// When there is no port or no thread.
    pub(crate) fn start() -> Result<SmallOrigin, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .build()
            .map_err(setup("the origin's runtime"))?;
        let listener = std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(setup("the origin's port"))?;
        let address = listener.local_addr().map_err(setup("the origin's port"))?;
        let state = Arc::<State>::default();
        let shared = Arc::clone(&state);
        std::thread::Builder::new()
            .name("origin".to_owned())
            .spawn(move || {
                runtime.block_on(async move {
                    let listener = TcpListener::from_std(listener).expect("a runtime with I/O");
                    while let Ok((stream, _)) = listener.accept().await {
                        tokio::spawn(serve(stream, Arc::clone(&shared)));
                    }
                });
            })
            .map_err(setup("the origin's thread"))?;
        Ok(SmallOrigin { address, state })
    }

    /// The header fields of the request for that path, and forgets them.
    pub(crate) fn received(&self, path: &str) -> Option<Headers> {
        self.state.received.lock().expect("no poison").remove(path)
    }

    /// How many bytes of requests have come so far.
    pub(crate) fn bytes(&self) -> u64 {
        self.state.bytes.load(Ordering::Relaxed)
    }
}

async fn serve(mut stream: TcpStream, state: Arc<State>) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut unread = Vec::new();
    loop {
        let read = stream.read_buf(&mut unread).await?;
        if read == 0 {
            return Ok(());
        }
        state.bytes.fetch_add(read as u64, Ordering::Relaxed);
        while let Some(length) = end_of_head(&unread) {
            if unread.starts_with(b"GET /check/") {
                keep(&unread[..length], &state);
            }
            unread.drain(..length);
            stream.write_all(ANSWER).await?;
        }
    }
}

fn end_of_head(bytes: &[u8]) -> Option<usize> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some(end + 4)
}

fn keep(head: &[u8], state: &State) {
    let mut fields = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut fields);
    if request.parse(head).is_err() {
        return;
    }
    let headers = request
        .headers
        .iter()
        .map(|field| (field.name.to_ascii_lowercase(), field.value.to_vec()))
        .collect();
    let path = request.path.unwrap_or_default().to_owned();
    let mut received = state.received.lock().expect("no poison");
    received.insert(path, Headers(headers));
}
