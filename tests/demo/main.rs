//! `make demo` and `make run`: the filter at work.
//!
//! Runs a real Envoy with the filter, and an origin, on loopback. `demo` sends real mTLS requests
//! and shows the requests that the origin received; it fails if these break the contract. `demo
//! run` leaves both running until Ctrl-C.

mod fast_path;
mod report;
mod revocation;
mod run;
mod script;

use std::process::ExitCode;
use std::time::Instant;

use serde_json::{Value, json};
use support::{Envoy, Listener, Origin, envoy_version};

use fast_path::Counts;
use script::Check;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => demo(false).await,
        ["--verbose"] => demo(true).await,
        ["run"] => run::until_interrupted().await,
        _ => {
            eprintln!("usage: demo [--verbose | run]");
            ExitCode::from(2)
        }
    }
}

async fn demo(is_verbose: bool) -> ExitCode {
    let start = Instant::now();
    eprintln!(
        "Starting an origin, two settings APIs and three Envoys {} with the filter …",
        envoy_version()
    );
    let origin = Origin::start().await;
    let envoy = Envoy::with_filter(configuration())
        .listener(Listener::optional().named("tls").every_mtls_protocol())
        .start(&origin)
        .await;
    let mut checks = script::play(&origin, &envoy).await;
    let mut counts = None;
    // The shipped example takes the certificate from the attribute alone.
    if envoy_version().has_peer_certificate() {
        match play_settings_apis(&origin).await {
            Ok((of_the_apis, of_the_fast_path)) => {
                checks.extend(of_the_apis);
                counts = Some(of_the_fast_path);
            }
            Err(error) => {
                eprintln!("{error}");
                return ExitCode::FAILURE;
            }
        }
    }
    report::requests(&checks, is_verbose);
    if let Some(counts) = &counts {
        println!("{}", counts.text());
    }
    report::metrics(&envoy.outcomes().await);
    let failed = checks.iter().filter(|check| !check.passed()).count()
        + usize::from(counts.is_some_and(|counts| !counts.passed()));
    let seconds = start.elapsed().as_secs_f64();
    if failed == 0 {
        println!(
            "All {} requests came out as the contract says ({seconds:.1} s).",
            checks.len()
        );
        if !is_verbose {
            println!("Each of them: make demo ARGS=--verbose");
        }
        ExitCode::SUCCESS
    } else {
        eprintln!(
            "{failed} of {} requests did not come out as the contract says.",
            checks.len()
        );
        ExitCode::FAILURE
    }
}

/// The settings API's own round, and that of a fast path which it publishes.
async fn play_settings_apis(origin: &Origin) -> Result<(Vec<Check>, Counts), String> {
    let mut checks = script::play_settings_api(origin).await?;
    let (of_the_fast_path, counts) = fast_path::play(origin).await?;
    checks.extend(of_the_fast_path);
    Ok((checks, counts))
}

/// The settings that both commands begin with.
fn configuration() -> Value {
    json!({
        "verified_by": "listener",
        "settings": [
            { "hostname": "api.example.com", "client_certificate_forwarding": true },
            { "hostname": "*.example.org", "client_certificate_forwarding": true, "forward_on": "every_request" }
        ]
    })
}
