//! An origin server on loopback that records every request and answers as the test told it.

use std::{
    collections::{HashMap, VecDeque},
    convert::Infallible,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body_util::{BodyExt, Channel, Full, combinators::BoxBody};
use hyper::{Version, body::Incoming, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{JoinHandle, JoinSet},
};

use crate::{goaway_origin, lenient_origin, message::Headers};

/// An HTTP/1.1 and HTTP/2 (prior knowledge, no TLS) server. It answers 200 with the request's body unless told
/// otherwise, and `/headers` with the headers.
pub struct Origin {
    address: SocketAddr,
    state: Arc<State>,
    server: JoinHandle<()>,
}

/// One request as the origin got it.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// When its head arrived.
    pub arrived: Instant,
    /// When the origin began to answer, which is before anybody saw the answer; `None` as long as it has not, and when it never does.
    pub answered: Option<Instant>,
    /// The method.
    pub method: String,
    /// `:authority`, or `Host` in HTTP/1.1.
    pub authority: String,
    /// Path and query.
    pub path: String,
    /// The protocol that Envoy spoke to the origin.
    pub version: Version,
    /// The header fields.
    pub headers: Headers,
    /// The body, as far as the origin read it.
    pub body: Bytes,
    /// The trailer fields, as far as the origin read them.
    pub trailers: Headers,
}

impl Recorded {
    /// The first value of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.header(name)
    }
}

impl Default for Recorded {
    /// A request that arrives now, with nothing in it.
    fn default() -> Recorded {
        Recorded {
            arrived: Instant::now(),
            answered: None,
            method: String::new(),
            authority: String::new(),
            path: String::new(),
            version: Version::HTTP_11,
            headers: Headers::default(),
            body: Bytes::new(),
            trailers: Headers::default(),
        }
    }
}

/// What the origin does with a request.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    trailers: HeaderMap,
    pub(crate) delay: Duration,
    pub(crate) course: Course,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Course {
    Echo,
    BeforeBody,
    Reset,
    ResetEarly,
    ResetInBody,
    Refused,
    Disowned,
    GoneAway,
    Farewell,
    Upgrade,
    OpenEnded,
    CutShort,
}

impl Answer {
    /// Reads the request to its end, then answers with that status and the request's body.
    pub fn status(status: u16) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            trailers: HeaderMap::new(),
            delay: Duration::ZERO,
            course: Course::Echo,
        }
    }

    /// Answers 200 at once, and reads the request's body only when the test calls [`Origin::release`].
    pub fn before_body() -> Answer {
        Answer {
            course: Course::BeforeBody,
            ..Answer::status(200)
        }
    }

    /// Closes the connection (HTTP/1.1) or resets the stream (HTTP/2) instead of answering.
    pub fn reset() -> Answer {
        Answer {
            course: Course::Reset,
            ..Answer::status(200)
        }
    }

    /// The same as soon as the head has arrived, while the body is still coming.
    pub fn reset_early() -> Answer {
        Answer {
            course: Course::ResetEarly,
            ..Answer::status(200)
        }
    }

    /// Resets the stream when the beginning of the request's body has arrived; of [`Origin::start_http2`] only, like those that follow.
    pub fn reset_in_body() -> Answer {
        Answer {
            course: Course::ResetInBody,
            ..Answer::status(200)
        }
    }

    /// Refuses the stream as one that was not looked at (`REFUSED_STREAM`).
    pub fn refused() -> Answer {
        Answer {
            course: Course::Refused,
            ..Answer::status(200)
        }
    }

    /// Sends a GOAWAY that says that this request was not looked at.
    pub fn disowned() -> Answer {
        Answer {
            course: Course::Disowned,
            ..Answer::status(200)
        }
    }

    /// Sends a GOAWAY that says that this request may have been processed, and ends the connection without an answer.
    pub fn gone_away() -> Answer {
        Answer {
            course: Course::GoneAway,
            ..Answer::status(200)
        }
    }

    /// Sends a GOAWAY and answers the request nevertheless.
    pub fn farewell() -> Answer {
        Answer {
            course: Course::Farewell,
            ..Answer::status(200)
        }
    }

    /// Whether the origin answers so at all.
    pub(crate) fn is_given(&self) -> bool {
        use Course::{Disowned, GoneAway, Refused, Reset, ResetEarly, ResetInBody};
        !matches!(
            self.course,
            Reset | ResetEarly | ResetInBody | Refused | Disowned | GoneAway
        )
    }

    /// Answers 101 with `Upgrade: websocket` and sends back what comes then (HTTP/1.1).
    pub fn upgrade() -> Answer {
        Answer {
            course: Course::Upgrade,
            ..Answer::status(101)
        }
        .header("connection", "upgrade")
        .header("upgrade", "websocket")
    }

    /// Answers 200 with a body that starts with `started` and ends when the test calls [`Origin::release`].
    pub fn open_ended() -> Answer {
        Answer {
            course: Course::OpenEnded,
            ..Answer::status(200)
        }
    }

    /// Answers 200 and breaks off within the body.
    pub fn cut_short() -> Answer {
        Answer {
            course: Course::CutShort,
            ..Answer::status(200)
        }
    }

    /// Adds a response header.
    pub fn header(mut self, name: &str, value: &str) -> Answer {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a trailer to an answer by status.
    pub fn trailer(mut self, name: &'static str, value: &'static str) -> Answer {
        self.trailers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// Waits before it answers or resets.
    pub fn after(mut self, delay: Duration) -> Answer {
        self.delay = delay;
        self
    }
}

#[derive(Default)]
pub(crate) struct State {
    requests: Mutex<Vec<Recorded>>,
    answers: Mutex<HashMap<String, VecDeque<Answer>>>,
    released: watch::Sender<bool>,
}

type Body = BoxBody<Bytes, io::Error>;

impl Origin {
    /// Starts an origin on an ephemeral port.
    pub async fn start() -> Origin {
        Origin::start_with(serve).await
    }

    /// Starts an origin over HTTP/1.1 that records header fields as they come, however malformed, and answers 200 to everything. Header
    /// names keep their case; their bytes above 127 stand as the characters of these numbers.
    pub async fn start_lenient() -> Origin {
        Origin::start_with(lenient_origin::serve).await
    }

    /// Starts an origin over HTTP/2 only, for requests whose heads are short. Of a request's body it reads only what
    /// [`Answer::reset_in_body`] waits for, and answers have none.
    pub async fn start_http2() -> Origin {
        Origin::start_with(goaway_origin::serve).await
    }

    /// Stands for an origin of the caller's own, which listens there. It records nothing.
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

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers requests for that path so. Several answers are given one after the other, the last one for ever.
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

    /// Every request so far, in the order in which their heads arrived.
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

async fn serve(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let mut server = auto::Builder::new(TokioExecutor::new());
            server.http1().max_headers(2000).max_buf_size(1 << 20);
            server.http2().max_header_list_size(1 << 20);
            let service = service_fn(move |request| respond(request, Arc::clone(&state)));
            // A connection that ends in an error is one that a test has broken on purpose.
            let _ = server
                .serve_connection_with_upgrades(TokioIo::new(stream), service)
                .await;
        });
    }
}

async fn respond(
    mut request: hyper::Request<Incoming>,
    state: Arc<State>,
) -> io::Result<hyper::Response<Body>> {
    let upgraded = hyper::upgrade::on(&mut request);
    let (head, body) = request.into_parts();
    let answer = state.next_answer(head.uri.path());
    let index = state.record(&head);

    if answer.course == Course::ResetEarly {
        return Err(io::Error::other("reset as the test asked for"));
    }
    let mut received = Bytes::new();
    if answer.course == Course::BeforeBody {
        let state = Arc::clone(&state);
        tokio::spawn(async move {
            state.wait_for_release().await;
            let _ = body.collect().await;
        });
    } else {
        let collected = body.collect().await.map_err(io::Error::other)?;
        let trailers = collected.trailers().map(Headers::from).unwrap_or_default();
        received = collected.to_bytes();
        let mut requests = state.requests.lock().expect("no poison");
        requests[index].body = received.clone();
        requests[index].trailers = trailers;
    }
    tokio::time::sleep(answer.delay).await;

    if answer.is_given() {
        state.note_answer(index);
    }

    let mut response = hyper::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let body = match answer.course {
        _ if !answer.is_given() => return Err(io::Error::other("reset as the test asked for")),
        Course::Echo if head.uri.path() == "/headers" => full(Bytes::from(format!(
            "{:#?}\n",
            Headers::from(&head.headers)
        ))),
        Course::Echo if answer.trailers.is_empty() => full(received),
        Course::Echo => full(received)
            .with_trailers(async { Some(Ok(answer.trailers)) })
            .boxed(),
        Course::Upgrade => {
            tokio::spawn(echo(upgraded));
            full(Bytes::new())
        }
        Course::BeforeBody => full(Bytes::from_static(b"answered before the body")),
        Course::OpenEnded => until_released(state),
        Course::CutShort => broken(),
        course => panic!("{course:?} is for another origin"),
    };
    response.body(body).map_err(io::Error::other)
}

impl State {
    async fn wait_for_release(&self) {
        let _ = self
            .released
            .subscribe()
            .wait_for(|released| *released)
            .await;
    }

    /// The origin begins to answer that request.
    pub(crate) fn note_answer(&self, index: usize) {
        self.requests.lock().expect("no poison")[index].answered = Some(Instant::now());
    }

    /// So much of that request's body has arrived.
    pub(crate) fn note_body(&self, index: usize, body: Bytes) {
        self.requests.lock().expect("no poison")[index].body = body;
    }

    pub(crate) fn next_answer(&self, path: &str) -> Answer {
        let mut answers = self.answers.lock().expect("no poison");
        match answers.get_mut(path) {
            Some(queue) if queue.len() > 1 => queue.pop_front(),
            Some(queue) => queue.front().cloned(),
            None => None,
        }
        .unwrap_or_else(|| Answer::status(200))
    }

    fn record(&self, head: &http::request::Parts) -> usize {
        let headers = Headers::from(&head.headers);
        let host = headers
            .all("host")
            .first()
            .map(|host| String::from_utf8_lossy(host).into_owned());
        let recorded = Recorded {
            method: head.method.to_string(),
            authority: head
                .uri
                .authority()
                .map(ToString::to_string)
                .or(host)
                .unwrap_or_default(),
            path: head
                .uri
                .path_and_query()
                .map(ToString::to_string)
                .unwrap_or_default(),
            version: head.version,
            headers,
            ..Recorded::default()
        };
        self.keep(recorded)
    }

    /// The number of the request.
    pub(crate) fn keep(&self, recorded: Recorded) -> usize {
        let mut requests = self.requests.lock().expect("no poison");
        requests.push(recorded);
        requests.len() - 1
    }
}

fn full(body: Bytes) -> Body {
    Full::new(body)
        .map_err(|never: Infallible| match never {})
        .boxed()
}

async fn echo(upgraded: hyper::upgrade::OnUpgrade) -> io::Result<()> {
    let stream = TokioIo::new(upgraded.await.map_err(io::Error::other)?);
    let (mut reader, mut writer) = tokio::io::split(stream);
    tokio::io::copy(&mut reader, &mut writer).await.map(drop)
}

fn until_released(state: Arc<State>) -> Body {
    let (mut sender, body) = Channel::new(1);
    tokio::spawn(async move {
        if sender
            .send_data(Bytes::from_static(b"started"))
            .await
            .is_ok()
        {
            state.wait_for_release().await;
        }
    });
    body.boxed()
}

fn broken() -> Body {
    let (mut sender, body) = Channel::new(1);
    tokio::spawn(async move {
        let _ = sender.send_data(Bytes::from_static(b"started")).await;
        // Time for the first part to leave, so that the response has started when it breaks.
        tokio::time::sleep(Duration::from_millis(50)).await;
        sender.abort(io::Error::other("cut short as the test asked for"));
    });
    body.boxed()
}
