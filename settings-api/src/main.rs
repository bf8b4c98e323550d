//! Cloudflare's mTLS hostname settings API for your own Envoys.
//!
//! The folders are layers, and each imports only from those below it:
//!
//! | layer | does |
//! |---|---|
//! | [`cli`] | parses the command line, manages tokens |
//! | [`server`] | accepts connections, starts and stops everything |
//! | [`console`] | serves the API's content as pages for people |
//! | [`api`], [`ops`] | answer HTTP requests: Cloudflare's API; probes and metrics |
//! | [`xds`] | delivers snapshots to Envoys, by gRPC and by files, and tracks their answers |
//! | [`snapshot_cache`] | checks a change, stores it, publishes the snapshot that follows from it |
//! | [`store`], [`tokens`] | keep settings and tokens on disk |
//! | [`crls`] | reads the operator's CRLs, and keeps the last good ones |
//! | [`model`] | settings, the base configuration, and how they merge into a snapshot |

mod api;
mod atomic_file;
mod audit_log;
mod cli;
mod client_address;
mod console;
mod crls;
mod error;
mod file_stamp;
mod hex;
mod metrics;
mod model;
mod ops;
mod reload_status;
mod server;
mod snapshot_cache;
mod store;
mod tokens;
mod xds;

use std::io::Write;
use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed standard error leaves nowhere to report to.
            let _ = writeln!(std::io::stderr(), "settings-api: {error}");
            ExitCode::FAILURE
        }
    }
}
