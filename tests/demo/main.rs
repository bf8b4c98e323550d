//! `make demo` and `make run`: the main job, seen.
//!
//! A real Envoy with the filter, and an origin, on loopback. `demo` sends real mTLS requests and shows what the origin received; it fails
//! when that is not what the contract says. `demo run` leaves both running until Ctrl-C.

mod report;
mod run;
mod script;

use std::process::ExitCode;
use std::time::Instant;

use serde_json::{Value, json};
use support::{Envoy, Listener, Origin, envoy_version};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => demo().await,
        ["run"] => run::until_interrupted().await,
        _ => {
            eprintln!("usage: demo [run]");
            ExitCode::from(2)
        }
    }
}

async fn demo() -> ExitCode {
    let start = Instant::now();
    let (origin, envoy) = start_stack().await;
    let checks = script::play(&origin, &envoy).await;
    report::requests(&checks);
    report::metrics(&envoy.outcomes().await);
    let failed = checks.iter().filter(|check| !check.passed()).count();
    let seconds = start.elapsed().as_secs_f64();
    if failed == 0 {
        println!(
            "All {} requests came out as the contract says ({seconds:.1} s).",
            checks.len()
        );
        ExitCode::SUCCESS
    } else {
        eprintln!(
            "{failed} of {} requests did not come out as the contract says.",
            checks.len()
        );
        ExitCode::FAILURE
    }
}

/// What both commands start: `tls` asks for a certificate and takes clients without one too, over TCP and QUIC.
async fn start_stack() -> (Origin, Envoy) {
    let version = envoy_version();
    eprintln!("Starting an origin and Envoy {version} with the filter …");
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(configuration())
        .listener(Listener::optional().named("tls").http3())
        .start(&origin)
        .await;
    (origin, envoy)
}

fn configuration() -> Value {
    json!({
        "verified_by": "listener",
        "settings": [
            { "hostname": "api.example.com", "client_certificate_forwarding": true },
            { "hostname": "*.example.org", "client_certificate_forwarding": true, "forward_on": "every_request" }
        ]
    })
}
