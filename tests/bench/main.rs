//! `make bench`: the filter's cost in a real Envoy, beside the alternatives (contract §6).

mod bench_envoy;
mod cases;
mod chart;
mod cost;
mod expectation;
mod filters;
mod head;
mod idle_wasm;
mod instructions;
mod load;
mod options;
mod origin;
mod outcome;
mod peers;
mod processor;
mod progress;
mod quiet;
mod ratios;
mod report;
mod rounds;
mod scale;
mod statistics;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use clap::Parser;
use fastrand::Rng;

use head::Head;
use options::{Command, Options};
use outcome::{Failure, Outcome};

const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let options = Options::parse();
    // A panic of the support library is an error in the set-up: it names the missing part, and
    // Envoy's log follows.
    std::panic::set_hook(Box::new(|panic| {
        let payload = panic.payload();
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        eprintln!("bench: {}", text.unwrap_or("something unexpected happened"));
    }));
    let code = catch_unwind(AssertUnwindSafe(|| run(options))).unwrap_or(2);
    ExitCode::from(code)
}

fn run(mut options: Options) -> u8 {
    // One thread for the load: it must not compete with the measured process.
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("bench: no runtime: {error}");
            return 2;
        }
    };
    let measured = runtime.block_on(async {
        tokio::select! {
            outcome = measure(&mut options) => Some(outcome),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    match measured {
        None => {
            eprintln!("\nbench: interrupted");
            INTERRUPTED
        }
        Some(Ok(outcome)) => conclude(&outcome),
        Some(Err(Failure::Setup(what))) => {
            eprintln!("bench: {what}");
            2
        }
        Some(Err(Failure::WrongState(what))) => {
            eprintln!("bench: a case does not do its job, so nothing is measured: {what}");
            4
        }
    }
}

async fn measure(options: &mut Options) -> Result<Outcome, Failure> {
    let seed = options.seed();
    let mut rng = Rng::with_seed(seed);
    let head = Head::now(seed);
    eprintln!("bench: {}", head.line());
    let mut outcome = Outcome::default();
    for part in options.parts() {
        outcome.extend(match part {
            Command::Cost => cost::run(options, &head, &mut rng).await?,
            Command::Instructions => instructions::run(options, &head).await?,
            Command::Scale => scale::run(options, &head, &mut rng).await?,
            Command::Peers => peers::run(options, &head, &mut rng).await?,
        });
    }
    Ok(outcome)
}

fn conclude(outcome: &Outcome) -> u8 {
    println!();
    if !outcome.targets.is_empty() {
        report::targets(&outcome.targets);
    }
    for doubt in &outcome.doubts {
        println!("NOT TO BE BELIEVED: {doubt}");
    }
    outcome.exit_code()
}
