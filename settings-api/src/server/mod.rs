//! Starts everything, and stops it in good order.

mod activity;
mod admission;
mod console_options;
mod descriptors;
mod http;
mod listener;
mod logging;
mod options;
mod reload;
mod signals;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use axum::{Router, middleware};
use rustls::ServerConfig;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use self::activity::IdleTimeouts;
use self::admission::ConnectionLimits;
use self::console_options::ConsoleOptions;
use self::http::{Bound, GRACE, HttpServer, HttpVersions};
use self::reload::Reloader;
use self::signals::Signals;
use self::tls::TlsFiles;
use crate::api::{self, ApiState, BodyLimits, RateLimit};
use crate::audit_log::AuditLog;
use crate::console::{self, ConsoleState};
use crate::crls::Crls;
use crate::error::Error;
use crate::metrics::{Metrics, Port};
use crate::model::base::Base;
use crate::ops::{self, OpsState};
use crate::reload_status::{ReloadStatus, ReloadedFile};
use crate::snapshot_cache::SnapshotCache;
use crate::tokens::watched::Tokens;
use crate::xds::subscribers::Subscribers;
use crate::xds::{DiscoveryService, Files, Fleet};

pub(crate) use options::ServeOptions;

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// When something that the options name can't be used, or a server fails.
pub(crate) fn run(options: &ServeOptions) -> Result<(), Error> {
    logging::start(options.log_level);
    // Fails only if a default is set already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime =
        tokio::runtime::Runtime::new().map_err(|error| Error::new("start", "tokio", error))?;
    let outcome = runtime.block_on(serve(options));
    runtime.shutdown_timeout(GRACE);
    outcome
}

async fn serve(options: &ServeOptions) -> Result<(), Error> {
    let signals = Signals::install()?;
    let shutdown = CancellationToken::new();
    let parts = Parts::load(options).await?;
    let mut tasks = JoinSet::new();
    let (cache, ending) = (Arc::clone(&parts.cache), shutdown.clone());
    tasks.spawn(async move {
        let _ = ending.run_until_cancelled(cache.follow()).await;
    });
    tasks.spawn(Arc::clone(&parts.fleet).announce(shutdown.clone()));
    if let Some(folder) = options.xds_directory.clone() {
        let snapshot = parts.cache.subscribe();
        let files = Files::create(folder, &snapshot.borrow())?;
        let follow = files.follow(snapshot, Arc::clone(&parts.metrics));
        let shutdown = shutdown.clone();
        tasks.spawn(async move {
            let _ = shutdown.run_until_cancelled(follow).await;
        });
    }
    let reloads = Arc::clone(&parts.reloads);
    let mut reloader = Reloader::new(Arc::clone(&parts.cache), reloads, &options.base);
    let api = parts.api_server(options, &shutdown, &mut reloader)?;
    let api = api.bind().await?;
    let xds = parts.xds_server(options, &shutdown, &mut reloader)?;
    let xds = xds.bind().await?;
    let console = match parts.console_server(options, &mut reloader)? {
        Some(console) => Some(console.bind().await?),
        None => None,
    };
    let (reload, ending) = (reloader.run(signals::hangup()?), shutdown.clone());
    tasks.spawn(async move {
        let _ = ending.run_until_cancelled(reload).await;
    });
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        api = %api.address,
        xds = %xds.address,
        console = console.as_ref().map(|console| tracing::field::display(console.address)),
        "serving"
    );
    for server in [api, xds].into_iter().chain(console) {
        tasks.spawn(Bound::serve(server, shutdown.clone()));
    }
    let outcome = tokio::select! {
        () = signals.received() => Ok(()),
        // Tasks end after `shutdown` only, so this one has panicked.
        Some(ended) = tasks.join_next() => {
            ended.map_err(|error| Error::new("server", "ended", error))
        }
    };
    tracing::info!("shutting down");
    shutdown.cancel();
    let all_ended = async { while tasks.join_next().await.is_some() {} };
    // The servers wait for GRACE themselves; this bounds a task that hangs.
    let _ = tokio::time::timeout(GRACE + Duration::from_secs(1), all_ended).await;
    outcome
}

/// The parts that the servers share.
struct Parts {
    cache: Arc<SnapshotCache>,
    subscribers: Arc<Subscribers>,
    fleet: Arc<Fleet>,
    tokens: Arc<Tokens>,
    audit_log: Arc<AuditLog>,
    reloads: Arc<ReloadStatus>,
    rate_limit: Arc<RateLimit>,
    metrics: Arc<Metrics>,
    started: Instant,
    /// Files that the process may open.
    descriptors: u64,
}

impl Parts {
    async fn load(options: &ServeOptions) -> Result<Self, Error> {
        let started = Instant::now();
        let base = Base::load(&options.base)?;
        let crls = Crls::load(&base.crls, &Crls::default(), SystemTime::now())
            .map_err(|error| Base::error(&options.base, error))?;
        let tokens = Tokens::open(options.tokens.clone())?;
        let audit_log = AuditLog::open(options.audit_log.as_deref())?;
        let store = options.database.open(options.database_ca.as_deref());
        let store = store.await?;
        let metrics = Arc::new(Metrics::default());
        let subscribers = Arc::new(Subscribers::new(Arc::clone(&metrics)));
        let fleet = Fleet::join(Arc::clone(&store), Arc::clone(&subscribers))?;
        let cache = SnapshotCache::load(base, crls, store, options.max_hostnames).await?;
        Ok(Self {
            cache: Arc::new(cache),
            subscribers,
            fleet: Arc::new(fleet),
            tokens: Arc::new(tokens),
            audit_log: Arc::new(audit_log),
            reloads: Arc::default(),
            rate_limit: Arc::new(RateLimit::new(options.requests_per_second)),
            metrics,
            started,
            descriptors: descriptors::raise_limit(),
        })
    }

    fn api_server(
        &self,
        options: &ServeOptions,
        shutdown: &CancellationToken,
        reloader: &mut Reloader,
    ) -> Result<HttpServer, Error> {
        let files = tls_files_of_api(options);
        let router = self.router(options, shutdown);
        let tls = load_tls(files, ReloadedFile::ApiTls, reloader)?;
        Ok(self.server(options, Port::Api, options.listen, tls, router))
    }

    fn xds_server(
        &self,
        options: &ServeOptions,
        shutdown: &CancellationToken,
        reloader: &mut Reloader,
    ) -> Result<HttpServer, Error> {
        let files = tls_files_of_xds(options);
        let service = DiscoveryService::new(
            Arc::clone(&self.cache),
            Arc::clone(&self.subscribers),
            Duration::from_secs(options.request_timeout),
            shutdown.clone(),
        );
        let router = service.routes().prepare().into_axum_router();
        let tls = load_tls(files, ReloadedFile::XdsTls, reloader)?;
        Ok(self.server(options, Port::Xds, options.xds_listen, tls, router))
    }

    /// Builds the console's server, if the options ask for it.
    fn console_server(
        &self,
        options: &ServeOptions,
        reloader: &mut Reloader,
    ) -> Result<Option<HttpServer>, Error> {
        let Some(address) = options.console.address else {
            return Ok(None);
        };
        let files = tls_files_of_console(&options.console);
        let tls = load_tls(files, ReloadedFile::ConsoleTls, reloader)?;
        let api = self.api_state(options);
        let router = console::router(ConsoleState::new(api, tls.is_some()));
        let observe = middleware::from_fn_with_state(Arc::clone(&self.metrics), api::observe);
        let router = router.layer(observe);
        Ok(Some(self.server(
            options,
            Port::Console,
            address,
            tls,
            router,
        )))
    }

    fn server(
        &self,
        options: &ServeOptions,
        port: Port,
        address: SocketAddr,
        tls: Option<watch::Receiver<Arc<ServerConfig>>>,
        router: Router,
    ) -> HttpServer {
        let versions = match port {
            Port::Api | Port::Console => HttpVersions::All,
            Port::Xds => HttpVersions::Http2,
        };
        let ports = if options.console.address.is_some() {
            3
        } else {
            2
        };
        let request_timeout = Duration::from_secs(options.request_timeout);
        let limits = ConnectionLimits {
            total: options.max_connections,
            per_address: options.max_connections_per_address,
        };
        HttpServer {
            port,
            address,
            versions,
            tls,
            handshake_timeout: request_timeout,
            idle_timeouts: IdleTimeouts {
                before_request: request_timeout,
                between_requests: Duration::from_secs(options.idle_timeout),
            },
            limits: limits.within(self.descriptors, ports),
            metrics: Arc::clone(&self.metrics),
            router,
        }
    }

    fn api_state(&self, options: &ServeOptions) -> ApiState {
        ApiState {
            cache: Arc::clone(&self.cache),
            fleet: Arc::clone(&self.fleet),
            tokens: Arc::clone(&self.tokens),
            audit_log: Arc::clone(&self.audit_log),
            reloads: Arc::clone(&self.reloads),
            body_limits: BodyLimits {
                bytes: options.max_body_bytes,
                seconds: options.request_timeout,
            },
            rate_limit: Arc::clone(&self.rate_limit),
            metrics: Arc::clone(&self.metrics),
        }
    }

    fn router(&self, options: &ServeOptions, shutdown: &CancellationToken) -> Router {
        let ops = OpsState {
            cache: Arc::clone(&self.cache),
            subscribers: Arc::clone(&self.subscribers),
            tokens: Arc::clone(&self.tokens),
            reloads: Arc::clone(&self.reloads),
            metrics: Arc::clone(&self.metrics),
            shutdown: shutdown.clone(),
            started: self.started,
        };
        let observe = middleware::from_fn_with_state(Arc::clone(&self.metrics), api::observe);
        api::router(self.api_state(options))
            .merge(ops::router(ops))
            .fallback(api::no_route)
            .layer(observe)
    }
}

/// Loads a TLS configuration, and has it read again when its files change.
fn load_tls(
    files: Option<TlsFiles>,
    file: ReloadedFile,
    reloader: &mut Reloader,
) -> Result<Option<watch::Receiver<Arc<ServerConfig>>>, Error> {
    let Some(files) = files else {
        return Ok(None);
    };
    let (sender, receiver) = watch::channel(files.load()?);
    reloader.watch_tls(file, files, sender);
    Ok(Some(receiver))
}

fn tls_files_of_api(options: &ServeOptions) -> Option<TlsFiles> {
    Some(TlsFiles {
        server: "API",
        options: ["--tls-certificate", "--tls-key"],
        certificate: options.tls_certificate.clone()?,
        key: options.tls_key.clone()?,
        client_ca: None,
        alpn: &[b"h2", b"http/1.1"],
    })
}

fn tls_files_of_console(options: &ConsoleOptions) -> Option<TlsFiles> {
    Some(TlsFiles {
        server: "console",
        options: ["--console-tls-certificate", "--console-tls-key"],
        certificate: options.tls_certificate.clone()?,
        key: options.tls_key.clone()?,
        client_ca: None,
        alpn: &[b"h2", b"http/1.1"],
    })
}

fn tls_files_of_xds(options: &ServeOptions) -> Option<TlsFiles> {
    Some(TlsFiles {
        server: "xDS",
        options: ["--xds-tls-certificate", "--xds-tls-key"],
        certificate: options.xds_tls_certificate.clone()?,
        key: options.xds_tls_key.clone()?,
        client_ca: options.xds_client_ca.clone(),
        alpn: &[b"h2"],
    })
}
