//! The HTTP server of both ports: speaks TLS, serves a router, ends idle connections.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use futures_util::TryFutureExt;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use super::activity::{Activity, IdleTimeouts};
use super::admission::{Admission, ConnectionLimits};
use super::listener::Listener;
use crate::error::Error;
use crate::metrics::{Metrics, Port};

/// Time that open requests have to end after the start of a shutdown.
pub(super) const GRACE: Duration = Duration::from_secs(10);
/// Time that an idle connection has to close in good order.
const CLOSING: Duration = Duration::from_secs(1);
/// The interval of HTTP/2 pings, and the time that a peer has to answer one.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// One port of the program.
pub(super) struct HttpServer {
    /// Its name.
    pub(super) port: Port,
    /// The address to listen on.
    pub(super) address: SocketAddr,
    /// The HTTP versions to speak.
    pub(super) versions: HttpVersions,
    /// The TLS configuration; without it the port speaks plain text.
    pub(super) tls: Option<watch::Receiver<Arc<ServerConfig>>>,
    /// Time for a TLS handshake.
    pub(super) handshake_timeout: Duration,
    /// Times that a connection may be without a request.
    pub(super) idle_timeouts: IdleTimeouts,
    /// The most connections.
    pub(super) limits: ConnectionLimits,
    /// The counters.
    pub(super) metrics: Arc<Metrics>,
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
    listener: Listener,
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
        let failed = |error| {
            Error::new(
                self.port.name(),
                format_args!("can't listen on {wanted}"),
                error,
            )
        };
        let tcp = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = tcp.local_addr().map_err(failed)?;
        if !address.ip().is_loopback() && self.tls.is_none() {
            let port = self.port.name();
            tracing::warn!(%address, "the {port} is reachable from other machines, without TLS");
        }
        let admission = Admission::new(self.limits);
        let metrics = Arc::clone(&self.metrics);
        Ok(Bound {
            listener: Listener::new(self.port, tcp, admission, metrics),
            server: Arc::new(self),
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
            Some(tls) => {
                let config = Arc::clone(&tls.borrow());
                let handshake = TlsAcceptor::from(config).accept(tcp);
                match tokio::time::timeout(self.handshake_timeout, handshake).await {
                    Ok(Ok(stream)) => self.serve_stream(stream, peer, shutdown).await,
                    Ok(Err(error)) => tracing::debug!(%peer, %error, "TLS handshake failed"),
                    Err(_) => tracing::debug!(%peer, "TLS handshake not finished in time"),
                }
            }
        }
    }

    async fn serve_stream(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: SocketAddr,
        shutdown: CancellationToken,
    ) {
        let activity = Activity::new();
        let service = service_fn(|mut request: Request<Incoming>| {
            let open = activity.open();
            request.extensions_mut().insert(ConnectInfo(peer));
            let response = self.router.clone().oneshot(request.map(Body::new));
            response.map_ok(|response| response.map(|body| open.until_end_of(body)))
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
            () = activity.idle(self.idle_timeouts) => {
                connection.as_mut().graceful_shutdown();
                let closing = tokio::time::timeout(CLOSING, connection);
                closing.await.unwrap_or(Ok(()))
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
            .header_read_timeout(self.idle_timeouts.between_requests);
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
    pub(super) async fn serve(mut self, shutdown: CancellationToken) {
        let connections = TaskTracker::new();
        loop {
            let (tcp, peer, admitted) = tokio::select! {
                () = shutdown.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            let server = Arc::clone(&self.server);
            let shutdown = shutdown.clone();
            connections.spawn(async move {
                server.serve_connection(tcp, peer, shutdown).await;
                drop(admitted);
            });
        }
        drop(self.listener);
        connections.close();
        if tokio::time::timeout(GRACE, connections.wait())
            .await
            .is_err()
        {
            let port = self.server.port.name();
            tracing::warn!("connections of the {port} did not end in time and are cut");
        }
    }
}
