//! Options of `settings-api serve`.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::Args;

use super::console_options::ConsoleOptions;
use super::logging::LogLevel;
use crate::store::Location;
use crate::tokens::file::TokenFiles;

/// Options of `settings-api serve`.
#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    /// The base configuration (JSON): zones, domains, and keys that the API's bodies lack
    #[arg(long, env = "SETTINGS_API_BASE", value_name = "FILE")]
    pub(crate) base: PathBuf,
    /// The database: an SQLite file, created if the path doesn't exist, or postgres://…
    #[arg(
        long,
        env = "SETTINGS_API_DATABASE",
        hide_env_values = true,
        value_name = "FILE|URL"
    )]
    pub(crate) database: Location,
    /// Require TLS from the PostgreSQL server, with a certificate of this CA (PEM)
    #[arg(long, env = "SETTINGS_API_DATABASE_CA", value_name = "FILE")]
    pub(crate) database_ca: Option<PathBuf>,
    /// Append each change of settings to this file too, as JSON lines
    #[arg(long, env = "SETTINGS_API_AUDIT_LOG", value_name = "FILE")]
    pub(crate) audit_log: Option<PathBuf>,
    /// The token file.
    #[command(flatten)]
    pub(crate) tokens: TokenFiles,
    /// The API's address
    #[arg(
        long,
        env = "SETTINGS_API_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:8787"
    )]
    pub(crate) listen: SocketAddr,
    /// The API's certificate chain (PEM); without it the API speaks plain HTTP
    #[arg(
        long,
        env = "SETTINGS_API_TLS_CERTIFICATE",
        value_name = "FILE",
        requires = "tls_key"
    )]
    pub(crate) tls_certificate: Option<PathBuf>,
    /// The API's private key (PEM)
    #[arg(
        long,
        env = "SETTINGS_API_TLS_KEY",
        value_name = "FILE",
        requires = "tls_certificate"
    )]
    pub(crate) tls_key: Option<PathBuf>,
    /// The xDS server's address (gRPC: ADS and ECDS, state of the world and delta)
    #[arg(
        long,
        env = "SETTINGS_API_XDS_LISTEN",
        value_name = "ADDRESS",
        default_value = "127.0.0.1:18000"
    )]
    pub(crate) xds_listen: SocketAddr,
    /// The xDS server's certificate chain (PEM); without it the server speaks plain HTTP/2
    #[arg(
        long,
        env = "SETTINGS_API_XDS_TLS_CERTIFICATE",
        value_name = "FILE",
        requires = "xds_tls_key"
    )]
    pub(crate) xds_tls_certificate: Option<PathBuf>,
    /// The xDS server's private key (PEM)
    #[arg(
        long,
        env = "SETTINGS_API_XDS_TLS_KEY",
        value_name = "FILE",
        requires = "xds_tls_certificate"
    )]
    pub(crate) xds_tls_key: Option<PathBuf>,
    /// Require client certificates of this CA (PEM) from Envoys
    #[arg(
        long,
        env = "SETTINGS_API_XDS_CLIENT_CA",
        value_name = "FILE",
        requires = "xds_tls_certificate"
    )]
    pub(crate) xds_client_ca: Option<PathBuf>,
    /// Write each ECDS resource to RESOURCE.json in this folder too, for Envoys that watch files
    #[arg(long, env = "SETTINGS_API_XDS_DIRECTORY", value_name = "FOLDER")]
    pub(crate) xds_directory: Option<PathBuf>,
    /// The console.
    #[command(flatten)]
    pub(crate) console: ConsoleOptions,
    /// Longest request body, in bytes
    #[arg(long, env = "SETTINGS_API_MAX_BODY_BYTES", value_name = "BYTES", default_value_t = 1 << 20)]
    pub(crate) max_body_bytes: usize,
    /// Most hostnames of a zone or account
    #[arg(
        long,
        env = "SETTINGS_API_MAX_HOSTNAMES",
        value_name = "COUNT",
        default_value_t = 10_000
    )]
    pub(crate) max_hostnames: usize,
    /// Requests per second and client address; bursts may be twice as large
    #[arg(
        long,
        env = "SETTINGS_API_REQUESTS_PER_SECOND",
        value_name = "COUNT",
        default_value = "200"
    )]
    pub(crate) requests_per_second: NonZeroU32,
    /// Time for a TLS handshake, again for a request's head, and again for its body, in seconds
    #[arg(
        long,
        env = "SETTINGS_API_REQUEST_TIMEOUT",
        value_name = "SECONDS",
        default_value_t = 10
    )]
    pub(crate) request_timeout: u64,
    /// Time after which a connection without an open request or stream is closed, in seconds
    #[arg(
        long,
        env = "SETTINGS_API_IDLE_TIMEOUT",
        value_name = "SECONDS",
        default_value_t = 60
    )]
    pub(crate) idle_timeout: u64,
    /// Most connections to each port; fewer if the process may not open as many files
    #[arg(
        long,
        env = "SETTINGS_API_MAX_CONNECTIONS",
        value_name = "COUNT",
        default_value_t = 4096
    )]
    pub(crate) max_connections: usize,
    /// Most connections to each port from one client address (IPv6: one /64)
    #[arg(
        long,
        env = "SETTINGS_API_MAX_CONNECTIONS_PER_ADDRESS",
        value_name = "COUNT",
        default_value_t = 256
    )]
    pub(crate) max_connections_per_address: usize,
    /// Least severe level to log, as JSON lines on standard error
    #[arg(long, env = "SETTINGS_API_LOG_LEVEL", value_name = "LEVEL", value_enum, default_value_t = LogLevel::Info)]
    pub(crate) log_level: LogLevel,
}
