//! Options of the console.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

/// Options of the console.
#[derive(Debug, Args)]
pub(crate) struct ConsoleOptions {
    /// Serve the console too; without ADDRESS at 127.0.0.1:8788
    #[arg(
        id = "console",
        long = "console",
        env = "SETTINGS_API_CONSOLE",
        value_name = "ADDRESS",
        num_args = 0..=1,
        default_missing_value = "127.0.0.1:8788"
    )]
    pub(super) address: Option<SocketAddr>,
    /// The console's certificate chain (PEM); without it the console speaks plain HTTP
    #[arg(
        id = "console_tls_certificate",
        long = "console-tls-certificate",
        env = "SETTINGS_API_CONSOLE_TLS_CERTIFICATE",
        value_name = "FILE",
        requires = "console_tls_key"
    )]
    pub(super) tls_certificate: Option<PathBuf>,
    /// The console's private key (PEM)
    #[arg(
        id = "console_tls_key",
        long = "console-tls-key",
        env = "SETTINGS_API_CONSOLE_TLS_KEY",
        value_name = "FILE",
        requires = "console_tls_certificate"
    )]
    pub(super) tls_key: Option<PathBuf>,
}
