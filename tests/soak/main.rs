//! `make soak`: a million requests over twenty thousand connections of every protocol, through a
//! real Envoy with the filter.
//!
//! It ends after these amounts or after `DURATION` seconds, whichever comes first. It fails unless
//! the filter's counters equal the counts of clients and origin, no VM was restarted, and neither
//! Envoy's memory nor the VMs' grew after the warm-up. `SOAK_SEED` repeats a run's random choices.
//! Exit codes: 0 all held, 1 a check failed, 2 it could not start, 130 Ctrl-C.

mod load;
mod memory;
mod model;
mod origin;
mod plan;
mod report;
mod verdict;

use std::{
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use support::{Envoy, Listener, Origin, envoy_version, random};
use tokio::time::{MissedTickBehavior, interval};

use crate::{
    load::Load,
    memory::{SAMPLES, Sample},
    origin::CountingOrigin,
    plan::CONNECTIONS,
    report::Progress,
    verdict::Held,
};

/// Envoy's workers.
const WORKERS: u32 = 2;

#[tokio::main]
async fn main() -> ExitCode {
    // The support library panics with the missing part and the command that makes it: that line is
    // all a user needs.
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref().copied());
        let text = text.unwrap_or("it failed");
        eprintln!("soak: {text}");
    }));
    let soak = tokio::spawn(soak());
    let aborted = soak.abort_handle();
    let code = tokio::select! {
        result = soak => match result {
            Ok(Ok(true)) => 0,
            Ok(Ok(false)) => 1,
            Ok(Err(error)) => {
                eprintln!("soak: {error}");
                2
            }
            Err(_) => 2,
        },
        _ = tokio::signal::ctrl_c() => {
            aborted.abort();
            eprintln!("\nsoak: interrupted");
            130
        }
    };
    ExitCode::from(code)
}

/// Runs the load and judges it: whether all held.
async fn soak() -> Result<bool, String> {
    if !envoy_version().has_quic_client_certificates() {
        return Err(format!(
            "Envoy {} takes no client certificates over HTTP/3: use Envoy 1.40 or later (ENVOY_BIN, ENVOY_VERSION)",
            envoy_version()
        ));
    }
    let duration = Duration::from_secs(random::size("DURATION", 60) as u64);
    let seed = random::seed("SOAK_SEED");
    eprintln!(
        "Envoy {}, for {} s at most, SOAK_SEED={seed}",
        envoy_version(),
        duration.as_secs()
    );
    let origin = CountingOrigin::start()
        .await
        .map_err(|error| format!("the origin can't listen: {error}"))?;
    let envoy = Envoy::with_filter(plan::configuration())
        .listener(
            Listener::accept_untrusted()
                .no_resumption()
                .every_mtls_protocol(),
        )
        .concurrency(WORKERS)
        .try_start(&Origin::at(origin.address))
        .await?;
    let envoy = Arc::new(envoy);

    let start = Instant::now();
    let load = Load::new(Arc::clone(&envoy), origin.clone(), seed);
    let running = tokio::spawn(Arc::clone(&load).run());
    let samples = sample(&load, &envoy, duration).await;
    load.stop();
    running.await.map_err(|error| error.to_string())?;
    let (elapsed, samples) = (start.elapsed(), samples?);

    let tally = load.tally();
    let checks = verdict::checks(&envoy, &tally, &origin.counts(), &samples).await;
    report::amounts(&tally, elapsed);
    report::memory(&samples);
    report::checks(&checks);
    for example in &tally.examples {
        eprintln!("wrong: {example}");
    }
    let wrong = checks.iter().filter(|check| check.held == Held::No).count();
    println!("{}", report::full_amounts(&tally));
    if wrong == 0 {
        println!("All that was judged held ({:.0} s).", elapsed.as_secs_f64());
    } else {
        println!(
            "{wrong} of {} did not hold; SOAK_SEED={seed} repeats the load.",
            checks.len()
        );
    }
    Ok(wrong == 0)
}

/// Takes the samples evenly over the run, the last one at its end, and prints the progress.
async fn sample(load: &Load, envoy: &Envoy, duration: Duration) -> Result<Vec<Sample>, String> {
    let start = Instant::now();
    let mut progress = Progress::start();
    let mut samples = Vec::new();
    let mut ticks = interval(Duration::from_millis(100));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while samples.len() < SAMPLES {
        ticks.tick().await;
        let connections = load.tally().connections();
        progress.say(connections, load.requests());
        let time = start.elapsed().as_secs_f64() / duration.as_secs_f64();
        let amount = connections as f64 / CONNECTIONS as f64;
        if time.max(amount) * SAMPLES as f64 >= (samples.len() + 1) as f64 {
            let taken = load.paused(async { Sample::take(envoy, &load.tally(), start).await });
            samples.push(taken.await?);
        }
    }
    progress.end();
    Ok(samples)
}
