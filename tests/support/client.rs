//! Clients of every protocol: each holds one connection and sends any number of requests on it.

use std::{convert::Infallible, future::Future, sync::Arc, time::Duration};

use bytes::{Buf, Bytes};
use http::{HeaderValue, Uri, header};
use http_body_util::{BodyExt, Channel, Full, combinators::BoxBody};
use hyper::{
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::sync::{Mutex, OwnedMutexGuard};

pub use crate::connector::{Connector, PROTOCOLS, Protocol, mtls_protocols};
use crate::{
    connector::{Stream, Target},
    envoy::Envoy,
    message::{Headers, Request, Response},
};

/// No exchange of these tests takes longer than this.
const PATIENCE: Duration = Duration::from_secs(30);

/// The error in words; most tests only check that there is one.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// One connection to Envoy.
pub struct Client {
    target: Target,
    link: Link,
    resumed: bool,
}

impl Client {
    /// A client over HTTP/1.1.
    pub fn http1(envoy: &Envoy) -> Connector<'_> {
        Client::over(Protocol::Http1, envoy)
    }

    /// A client over HTTP/2.
    pub fn http2(envoy: &Envoy) -> Connector<'_> {
        Client::over(Protocol::Http2, envoy)
    }

    /// A client over HTTP/3, of a listener that has [`crate::Listener::http3`].
    pub fn http3(envoy: &Envoy) -> Connector<'_> {
        Client::over(Protocol::Http3, envoy)
    }

    /// A client over that protocol.
    pub fn over(protocol: Protocol, envoy: &Envoy) -> Connector<'_> {
        Connector::new(envoy, protocol)
    }

    pub(crate) fn new(target: Target, link: Link, resumed: bool) -> Client {
        Client {
            target,
            link,
            resumed,
        }
    }

    /// Sends a GET and waits for the whole response.
    ///
    /// # Panics
    /// When there is none.
    pub async fn get(&self, authority: &str, path: &str) -> Response {
        self.send(Request::get(authority, path)).await
    }

    /// Sends a request and waits for the whole response.
    ///
    /// # Panics
    /// When there is none.
    pub async fn send(&self, request: Request) -> Response {
        let what = format!(
            "{:?}, {} {}",
            self.target.protocol, request.authority, request.path
        );
        self.try_send(request)
            .await
            .unwrap_or_else(|error| panic!("{what}: no response: {error}"))
    }

    /// Sends a request and waits for the whole response.
    ///
    /// # Errors
    /// When the connection or the stream ends before.
    pub async fn try_send(&self, request: Request) -> Result<Response, Error> {
        self.begin(request).await?.finish().await
    }

    /// Sends a request and waits for the head of the response.
    ///
    /// # Errors
    /// When the connection or the stream ends before.
    pub async fn begin(&self, request: Request) -> Result<Exchange, Error> {
        in_time(self.link.begin(request)).await
    }

    /// Another connection with the same certificate, server name and saved TLS sessions.
    ///
    /// # Panics
    /// When that fails.
    pub async fn reconnect(&self) -> Client {
        self.try_reconnect()
            .await
            .unwrap_or_else(|error| panic!("no connection to Envoy: {error}"))
    }

    /// The same as [`Client::reconnect`].
    ///
    /// # Errors
    /// When the connection is refused or the handshake fails.
    pub async fn try_reconnect(&self) -> Result<Client, Error> {
        self.target.clone().connect().await
    }

    /// Whether this connection resumed the TLS session of an earlier one (TCP only).
    pub fn resumed(&self) -> bool {
        self.resumed
    }
}

/// A response that has started.
pub struct Exchange {
    /// The status code.
    pub status: u16,
    /// The header fields.
    pub headers: Headers,
    rest: Rest,
}

enum Rest {
    Hyper {
        body: Incoming,
        /// An HTTP/1.1 connection is free again when the response has ended.
        _turn: Option<OwnedMutexGuard<http1::SendRequest<RequestBody>>>,
    },
    H3(Box<H3Stream>),
}

impl Exchange {
    /// Waits for the rest of the response.
    ///
    /// # Errors
    /// When the connection or the stream ends before.
    pub async fn finish(self) -> Result<Response, Error> {
        let (body, trailers) = in_time(self.rest.collect()).await?;
        Ok(Response {
            status: self.status,
            headers: self.headers,
            body,
            trailers,
        })
    }
}

impl Rest {
    async fn collect(self) -> Result<(Bytes, Headers), Error> {
        match self {
            Rest::Hyper { body, .. } => {
                let collected = body.collect().await?;
                let trailers = collected.trailers().map(Headers::from).unwrap_or_default();
                Ok((collected.to_bytes(), trailers))
            }
            Rest::H3(mut stream) => {
                let mut body = Vec::new();
                while let Some(mut chunk) = stream.recv_data().await? {
                    body.extend_from_slice(&chunk.copy_to_bytes(chunk.remaining()));
                }
                let trailers = stream
                    .recv_trailers()
                    .await?
                    .as_ref()
                    .map(Headers::from)
                    .unwrap_or_default();
                Ok((body.into(), trailers))
            }
        }
    }
}

type RequestBody = BoxBody<Bytes, Infallible>;
type H3Stream = h3::client::RequestStream<h3_quinn::BidiStream<Bytes>, Bytes>;

/// The connection itself.
pub(crate) enum Link {
    Http1(Arc<Mutex<http1::SendRequest<RequestBody>>>),
    Http2(http2::SendRequest<RequestBody>),
    Http3 {
        sender: Box<h3::client::SendRequest<h3_quinn::OpenStreams, Bytes>>,
        // The connection's sockets live in the endpoint.
        _endpoint: quinn::Endpoint,
    },
}

impl Link {
    pub(crate) async fn http1(stream: Box<dyn Stream>) -> Result<Link, Error> {
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Link::Http1(Arc::new(Mutex::new(sender))))
    }

    pub(crate) async fn http2(stream: Box<dyn Stream>) -> Result<Link, Error> {
        let (sender, connection) =
            http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Link::Http2(sender))
    }

    pub(crate) async fn http3(
        endpoint: quinn::Endpoint,
        connection: quinn::Connection,
    ) -> Result<Link, Error> {
        let (mut driver, sender) = h3::client::new(h3_quinn::Connection::new(connection)).await?;
        tokio::spawn(async move { driver.wait_idle().await });
        Ok(Link::Http3 {
            sender: Box::new(sender),
            _endpoint: endpoint,
        })
    }

    async fn begin(&self, request: Request) -> Result<Exchange, Error> {
        match self {
            Link::Http1(sender) => {
                let mut sender = Arc::clone(sender).lock_owned().await;
                sender.ready().await?;
                let response = sender.send_request(http1_request(request)?).await?;
                Ok(started(response, Some(sender)))
            }
            Link::Http2(sender) => {
                let mut sender = sender.clone();
                sender.ready().await?;
                let (head, ()) = absolute_request(&request)?.into_parts();
                let response = sender
                    .send_request(http::Request::from_parts(head, request_body(request)))
                    .await?;
                Ok(started(response, None))
            }
            Link::Http3 { sender, .. } => {
                let mut stream = sender
                    .as_ref()
                    .clone()
                    .send_request(absolute_request(&request)?)
                    .await?;
                // A server may answer before it has read everything: then sending fails, and the
                // response counts.
                let _ = send_http3_body(&mut stream, request).await;
                let response = stream.recv_response().await?;
                Ok(Exchange {
                    status: response.status().as_u16(),
                    headers: Headers::from(response.headers()),
                    rest: Rest::H3(Box::new(stream)),
                })
            }
        }
    }
}

fn started(
    response: http::Response<Incoming>,
    turn: Option<OwnedMutexGuard<http1::SendRequest<RequestBody>>>,
) -> Exchange {
    let (head, body) = response.into_parts();
    Exchange {
        status: head.status.as_u16(),
        headers: Headers::from(&head.headers),
        rest: Rest::Hyper { body, _turn: turn },
    }
}

fn http1_request(request: Request) -> Result<http::Request<RequestBody>, Error> {
    let mut head = http::Request::builder()
        .method(&request.method)
        .uri(request.path.parse::<Uri>()?)
        .body(())?;
    head.headers_mut()
        .insert(header::HOST, HeaderValue::from_str(&request.authority)?);
    head.headers_mut().extend(request.headers.clone());
    for name in request.trailers.keys() {
        head.headers_mut()
            .append(header::TRAILER, HeaderValue::from(name.clone()));
    }
    let (head, ()) = head.into_parts();
    Ok(http::Request::from_parts(head, request_body(request)))
}

fn absolute_request(request: &Request) -> Result<http::Request<()>, Error> {
    let uri = Uri::builder()
        .scheme("https")
        .authority(request.authority.as_str())
        .path_and_query(request.path.as_str())
        .build()?;
    let mut head = http::Request::builder()
        .method(&request.method)
        .uri(uri)
        .body(())?;
    head.headers_mut().extend(request.headers.clone());
    Ok(head)
}

fn request_body(request: Request) -> RequestBody {
    if request.trailers.is_empty() {
        return Full::new(request.body).boxed();
    }
    let (mut sender, body) = Channel::new(2);
    tokio::spawn(async move {
        if sender.send_data(request.body).await.is_ok() {
            let _ = sender.send_trailers(request.trailers).await;
        }
    });
    body.boxed()
}

async fn send_http3_body(stream: &mut H3Stream, request: Request) -> Result<(), Error> {
    if !request.body.is_empty() {
        stream.send_data(request.body).await?;
    }
    if !request.trailers.is_empty() {
        stream.send_trailers(request.trailers).await?;
    }
    stream.finish().await?;
    Ok(())
}

async fn in_time<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(PATIENCE, work)
        .await
        .map_err(|_| format!("nothing within {PATIENCE:?}"))?
}
