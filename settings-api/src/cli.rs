//! The command line.

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Cloudflare's mTLS hostname settings API for one's own Envoys.
#[derive(Debug, Parser)]
#[command(version, about)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the API, and the settings to Envoys
    Serve(Box<ServeOptions>),
    /// Manage the tokens that may use the API
    #[command(subcommand)]
    Token(TokenCommand),
}

/// Options of `settings-api serve`.
#[derive(Debug, Args)]
pub struct ServeOptions {
    /// The base configuration: zones, their domains, and everything that the API's bodies can't say (JSON)
    #[arg(long, value_name = "FILE")]
    pub base: PathBuf,
    /// The database of the settings (SQLite, made when it isn't there)
    #[arg(long, value_name = "FILE")]
    pub database: PathBuf,
    /// The token file
    #[command(flatten)]
    pub tokens: TokenFiles,
    /// Where the API listens
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8787")]
    pub listen: SocketAddr,
    /// The API's certificate chain (PEM); plain HTTP without
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub tls_certificate: Option<PathBuf>,
    /// The API's private key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_certificate")]
    pub tls_key: Option<PathBuf>,
    /// Where Envoys get their settings (gRPC: ADS and ECDS, state of the world and delta)
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:18000")]
    pub xds_listen: SocketAddr,
    /// The certificate chain of the xDS server (PEM); plain HTTP/2 without
    #[arg(long, value_name = "FILE", requires = "xds_tls_key")]
    pub xds_tls_certificate: Option<PathBuf>,
    /// The private key of the xDS server (PEM)
    #[arg(long, value_name = "FILE", requires = "xds_tls_certificate")]
    pub xds_tls_key: Option<PathBuf>,
    /// The CA of the Envoys' client certificates (PEM): then only they get the settings
    #[arg(long, value_name = "FILE", requires = "xds_tls_certificate")]
    pub xds_client_ca: Option<PathBuf>,
    /// Write each ECDS resource to RESOURCE.json in this folder too, for Envoys that watch files
    #[arg(long, value_name = "FOLDER")]
    pub xds_directory: Option<PathBuf>,
    /// Longest request body, in bytes
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    pub max_body_bytes: usize,
    /// Most hostnames that a zone or account may have
    #[arg(long, value_name = "COUNT", default_value_t = 10_000)]
    pub max_hostnames: usize,
    /// Requests per second and client address; twice as many may come at once
    #[arg(long, value_name = "COUNT", default_value = "200")]
    pub requests_per_second: NonZeroU32,
    /// How long a client may take to send a request's head, and then its body, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 10)]
    pub request_timeout: u64,
    /// What is logged, as JSON lines on standard error: error, warn, info, debug, trace, or a tracing filter
    #[arg(long, value_name = "LEVEL", default_value = "info")]
    pub log_level: String,
}

/// Where the tokens are.
#[derive(Clone, Debug, Args)]
pub struct TokenFiles {
    /// The token file (JSON); it holds digests, no secrets
    #[arg(long, value_name = "FILE")]
    pub tokens: PathBuf,
    /// The key of the digests [default: the token file's name and ".key"]
    #[arg(long, value_name = "FILE")]
    pub token_key: Option<PathBuf>,
}

/// `settings-api token …`
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token and print its secret, which is shown this once
    Create(CreateToken),
    /// List the tokens
    List(TokenFiles),
    /// Revoke a token; a running server knows at once
    Revoke(RevokeToken),
}

/// Options of `settings-api token create`.
#[derive(Debug, Args)]
pub struct CreateToken {
    /// Where the tokens are.
    #[command(flatten)]
    pub files: TokenFiles,
    /// What the token is for, as logs and the list name it
    #[arg(long)]
    pub name: String,
    /// A zone that it may be used for, or "*" for all; may be given again
    #[arg(long = "zone", value_name = "ID")]
    pub zones: Vec<String>,
    /// An account that it may be used for, or "*" for all; may be given again
    #[arg(long = "account", value_name = "ID")]
    pub accounts: Vec<String>,
    /// read: GET; write: GET and PUT
    #[arg(long, value_enum)]
    pub permission: PermissionArgument,
    /// Make a key for X-Auth-Email and X-Auth-Key with this address, instead of a bearer token
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<String>,
}

/// Options of `settings-api token revoke`.
#[derive(Debug, Args)]
pub struct RevokeToken {
    /// Where the tokens are.
    #[command(flatten)]
    pub files: TokenFiles,
    /// The token's id, from the list
    pub id: String,
}

/// A token's permission, as the command line names it.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PermissionArgument {
    /// `Access: Mutual TLS Certificates Read`
    Read,
    /// `Access: Mutual TLS Certificates Write`
    Write,
}
