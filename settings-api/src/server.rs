//! Starts everything, and stops it in good order.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use axum_server::tls_rustls::RustlsConfig;
use hyper_util::rt::TokioTimer;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tonic::transport::server::{Router, TcpIncoming};
use tonic::transport::{Certificate, Identity, Server, ServerTlsConfig};
use tracing_subscriber::EnvFilter;

use crate::Error;
use crate::base::Base;
use crate::cli::ServeOptions;
use crate::file_delivery::Files;
use crate::fleet::Fleet;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::routes::{self, Api};
use crate::store::Store;
use crate::subscribers::Subscribers;
use crate::tokens::Tokens;
use crate::xds::Discovery;

/// How long requests that are under way may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(10);
/// An Envoy that has not answered a ping after this time is gone.
const KEEPALIVE: Duration = Duration::from_secs(20);

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// When something that the options name can't be used, or a server fails.
pub fn run(options: ServeOptions) -> Result<(), Error> {
    let filter = EnvFilter::try_new(&options.log_level)
        .map_err(|error| Error::new("--log-level", &options.log_level, error))?;
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_span_list(false)
        .with_writer(std::io::stderr)
        .with_env_filter(filter)
        .init();
    // Fails only when there is a default already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime =
        tokio::runtime::Runtime::new().map_err(|error| Error::new("start", "tokio", error))?;
    let outcome = runtime.block_on(serve(options));
    runtime.shutdown_timeout(GRACE);
    outcome
}

async fn serve(options: ServeOptions) -> Result<(), Error> {
    let signals = Signals::new()?;
    let shutdown = CancellationToken::new();
    crate::probes::uptime();
    let base = Base::load(&options.base)?;
    let tokens = Tokens::open(options.tokens.clone())?;
    let store = Store::open(&options.database)?;
    let fleet = Arc::new(Fleet::new(base, store, options.max_hostnames)?);
    let metrics = Arc::new(Metrics::default());
    let subscribers = Arc::new(Subscribers::new(Arc::clone(&metrics)));

    let mut tasks = JoinSet::new();
    if let Some(folder) = options.xds_directory.clone() {
        let published = fleet.published();
        let files = Files::new(folder, &published.borrow())?;
        let (metrics, shutdown) = (Arc::clone(&metrics), shutdown.clone());
        tasks.spawn(async move {
            let _ = shutdown
                .run_until_cancelled(files.follow(published, metrics))
                .await;
            Ok(())
        });
    }
    let (xds, xds_address) = bind("xDS", options.xds_listen)?;
    let (http, http_address) = bind("API", options.listen)?;
    let discovery = Discovery::new(
        Arc::clone(&fleet),
        Arc::clone(&subscribers),
        shutdown.clone(),
    );
    let xds_server = xds_server(&options)?
        .add_service(discovery.aggregated())
        .add_service(discovery.extension_config());
    let tls = tls_config(&options).await?;
    let api = Arc::new(Api {
        fleet,
        subscribers,
        tokens,
        limits: Limits::new(
            options.requests_per_second,
            options.max_body_bytes,
            options.request_timeout,
        ),
        metrics,
        shutdown: shutdown.clone(),
    });
    let with_tls = tls.is_some();
    let handle = Handle::new();
    tasks.spawn(serve_xds(xds_server, xds, shutdown.clone()));
    tasks.spawn(serve_http(
        http,
        tls,
        handle.clone(),
        api,
        options.request_timeout,
    ));
    for (what, address, secured) in [
        ("API", http_address, with_tls),
        ("xDS", xds_address, options.xds_tls_certificate.is_some()),
    ] {
        if !address.ip().is_loopback() && !secured {
            tracing::warn!(%address, "the {what} is reachable from other machines, without TLS");
        }
    }
    tracing::info!(version = env!("CARGO_PKG_VERSION"), api = %http_address, xds = %xds_address, "serving");

    let outcome = tokio::select! {
        () = signals.received() => Ok(()),
        Some(ended) = tasks.join_next() => joined(ended),
    };
    tracing::info!("shutting down");
    shutdown.cancel();
    handle.graceful_shutdown(Some(GRACE));
    let all_ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(GRACE + Duration::from_secs(1), all_ended)
        .await
        .is_err()
    {
        tracing::warn!("connections were cut that did not end in time");
    }
    outcome
}

async fn serve_http(
    listener: TcpListener,
    tls: Option<RustlsConfig>,
    handle: Handle<SocketAddr>,
    api: Arc<Api>,
    request_timeout: u64,
) -> Result<(), Error> {
    let service = routes::router(api).into_make_service_with_connect_info::<SocketAddr>();
    let timeout = Duration::from_secs(request_timeout);
    let served = match tls {
        Some(config) => {
            let mut server = axum_server::from_tcp_rustls(listener, config).map_err(api_failed)?;
            server
                .http_builder()
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(timeout);
            server
                .first_request_timeout(timeout)
                .handle(handle)
                .serve(service)
                .await
        }
        None => {
            let mut server = axum_server::from_tcp(listener).map_err(api_failed)?;
            server
                .http_builder()
                .http1()
                .timer(TokioTimer::new())
                .header_read_timeout(timeout);
            server
                .first_request_timeout(timeout)
                .handle(handle)
                .serve(service)
                .await
        }
    };
    served.map_err(api_failed)
}

fn api_failed(error: std::io::Error) -> Error {
    Error::new("API", "server", error)
}

async fn serve_xds(
    router: Router,
    listener: TcpListener,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let failed = |error: std::io::Error| Error::new("xDS", "server", error);
    listener.set_nonblocking(true).map_err(failed)?;
    let listener = tokio::net::TcpListener::from_std(listener).map_err(failed)?;
    router
        .serve_with_incoming_shutdown(
            TcpIncoming::from(listener).with_nodelay(Some(true)),
            shutdown.cancelled_owned(),
        )
        .await
        .map_err(|error| Error::new("xDS", "server", error))
}

fn xds_server(options: &ServeOptions) -> Result<Server, Error> {
    let server = Server::builder()
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE));
    let (Some(certificate), Some(key)) = (&options.xds_tls_certificate, &options.xds_tls_key)
    else {
        return Ok(server);
    };
    let mut tls =
        ServerTlsConfig::new().identity(Identity::from_pem(read(certificate)?, read(key)?));
    if let Some(ca) = &options.xds_client_ca {
        tls = tls.client_ca_root(Certificate::from_pem(read(ca)?));
    }
    server
        .tls_config(tls)
        .map_err(|error| Error::new("xDS certificate", certificate.display(), error))
}

async fn tls_config(options: &ServeOptions) -> Result<Option<RustlsConfig>, Error> {
    let (Some(certificate), Some(key)) = (&options.tls_certificate, &options.tls_key) else {
        return Ok(None);
    };
    let config = RustlsConfig::from_pem_file(certificate, key).await;
    config
        .map(Some)
        .map_err(|error| Error::new("API certificate", certificate.display(), error))
}

fn read(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| Error::new("file", path.display(), error))
}

fn bind(what: &str, address: SocketAddr) -> Result<(TcpListener, SocketAddr), Error> {
    let failed = |error| Error::new(what, format_args!("can't listen on {address}"), error);
    let listener = TcpListener::bind(address).map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    Ok((listener, address))
}

/// The signals that end the program.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self, Error> {
        let on =
            |kind| signal(kind).map_err(|error| Error::new("signals", "can't be caught", error));
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
        })
    }

    async fn received(mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn joined(ended: Result<Result<(), Error>, tokio::task::JoinError>) -> Result<(), Error> {
    ended.map_err(|error| Error::new("server", "ended", error))?
}
