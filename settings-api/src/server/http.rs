//! The HTTP server of both ports: accepts connections, speaks TLS, serves a router.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::error::Error;

/// Time that open requests have to end after the start of a shutdown.
pub(super) const GRACE: Duration = Duration::from_secs(10);
/// The interval of HTTP/2 pings, and the time that a peer has to answer one.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// One port of the program.
pub(super) struct HttpServer {
    /// The port's name in logs and errors.
    pub(super) name: &'static str,
    /// The address to listen on.
    pub(super) address: SocketAddr,
    /// The HTTP versions to speak.
    pub(super) versions: HttpVersions,
    /// The TLS configuration; without it the port speaks plain text.
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// Time that a client has for a request's head.
    pub(super) request_timeout: Duration,
    /// The routes.
    pub(super) router: Router,
}

/// The HTTP versions that a port speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HttpVersions {
    /// HTTP/1.1 and HTTP/2.
    All,
    /// HTTP/2 alone, as gRPC needs.
    Http2,
}

/// A port that listens but doesn't accept yet.
pub(super) struct Bound {
    server: Arc<HttpServer>,
    listener: TcpListener,
    /// The address in use.
    pub(super) address: SocketAddr,
}

impl HttpServer {
    /// Starts to listen.
    ///
    /// # Errors
    /// When the address can't be used.
    pub(super) async fn bind(self) -> Result<Bound, Error> {
        let wanted = self.address;
        let failed = |error| Error::new(self.name, format_args!("can't listen on {wanted}"), error);
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        if !address.ip().is_loopback() && self.tls.is_none() {
            let name = self.name;
            tracing::warn!(%address, "the {name} is reachable from other machines, without TLS");
        }
        Ok(Bound {
            server: Arc::new(self),
            listener,
            address,
        })
    }

    async fn serve_connection(
        &self,
        tcp: TcpStream,
        peer: SocketAddr,
        shutdown: CancellationToken,
    ) {
        // Fails on a closed connection, which the next call reports.
        let _ = tcp.set_nodelay(true);
        match &self.tls {
            None => self.serve_stream(tcp, peer, shutdown).await,
            Some(tls) => match TlsAcceptor::from(Arc::clone(tls)).accept(tcp).await {
                Ok(stream) => self.serve_stream(stream, peer, shutdown).await,
                Err(error) => tracing::debug!(%peer, %error, "TLS handshake failed"),
            },
        }
    }

    async fn serve_stream(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: SocketAddr,
        shutdown: CancellationToken,
    ) {
        let service = service_fn(|mut request: Request<Incoming>| {
            request.extensions_mut().insert(ConnectInfo(peer));
            self.router.clone().oneshot(request.map(Body::new))
        });
        let builder = self.builder();
        let connection = builder.serve_connection(TokioIo::new(stream), service);
        let mut connection = std::pin::pin!(connection);
        let outcome = tokio::select! {
            outcome = connection.as_mut() => outcome,
            () = shutdown.cancelled() => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(error) = outcome {
            tracing::debug!(%peer, error, "connection failed");
        }
    }

    fn builder(&self) -> auto::Builder<TokioExecutor> {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(self.request_timeout);
        builder
            .http2()
            .timer(TokioTimer::new())
            .keep_alive_interval(KEEPALIVE)
            .keep_alive_timeout(KEEPALIVE);
        match self.versions {
            HttpVersions::All => builder,
            HttpVersions::Http2 => builder.http2_only(),
        }
    }
}

impl Bound {
    /// Serves until `shutdown`, then lets open requests end for [`GRACE`].
    pub(super) async fn serve(self, shutdown: CancellationToken) {
        let connections = TaskTracker::new();
        loop {
            let accepted = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            match accepted {
                Ok((tcp, peer)) => {
                    let server = Arc::clone(&self.server);
                    let shutdown = shutdown.clone();
                    connections
                        .spawn(async move { server.serve_connection(tcp, peer, shutdown).await });
                }
                Err(error) => tracing::debug!(%error, "accept failed"),
            }
        }
        drop(self.listener);
        connections.close();
        if tokio::time::timeout(GRACE, connections.wait())
            .await
            .is_err()
        {
            let name = self.server.name;
            tracing::warn!("connections of the {name} did not end in time and are cut");
        }
    }
}
