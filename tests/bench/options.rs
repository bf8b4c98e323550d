//! The command line.

use std::time::Duration;

use clap::{Parser, Subcommand};

/// The filter's cost in a real Envoy, beside the alternatives.
///
/// Exit codes: 0 every target met, 1 a target missed, 2 usage or set-up error, 3 the machine was
/// too noisy to believe the figures, 4 a case did not do its job, 130 interrupted.
#[derive(Clone, Debug, Parser)]
#[command(name = "bench", version)]
pub(crate) struct Options {
    /// The part to measure; by default cost, scale and peers
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// The seed of the order in which cases are measured
    #[arg(long, env = "BENCH_SEED", global = true)]
    seed: Option<u64>,
    /// How often each case is measured
    #[arg(long, env = "BENCH_ROUNDS", default_value_t = 48, global = true, value_parser = clap::value_parser!(u32).range(4..=10_000))]
    pub(crate) rounds: u32,
    /// Number of Envoys that share the rounds of `cost`, one after the other, since starts differ
    #[arg(long, env = "BENCH_STARTS", default_value_t = 8, global = true, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub(crate) starts: u32,
    /// How long one measurement of a case takes, in milliseconds
    #[arg(long, env = "BENCH_SLICE_MS", default_value_t = 100, global = true, value_parser = clap::value_parser!(u64).range(20..=10_000))]
    slice_ms: u64,
    /// Busy keep-alive connections a case
    #[arg(long, env = "BENCH_CONNECTIONS", default_value_t = 16, global = true, value_parser = clap::value_parser!(u32).range(1..=256))]
    pub(crate) connections: u32,
    /// Requests that `scale` sends in all to see whether one gets dearer
    #[arg(long, env = "BENCH_REQUESTS", default_value_t = 500_000, global = true, value_parser = clap::value_parser!(u64).range(1_000..=100_000_000))]
    pub(crate) requests: u64,
    /// Most connections that `scale` opens
    #[arg(long, env = "BENCH_OPEN_CONNECTIONS", default_value_t = 10_000, global = true, value_parser = clap::value_parser!(u32).range(100..=50_000))]
    pub(crate) open_connections: u32,
    /// Measure only these cases (names as in target/bench/cost.json) and their baselines, in `cost`
    /// and `instructions`
    #[arg(
        long,
        env = "BENCH_ONLY",
        global = true,
        value_delimiter = ',',
        value_name = "NAMES"
    )]
    pub(crate) only: Vec<String>,
    /// Measure the cost of single callbacks and hostcalls too, in `cost` and `instructions`
    #[arg(long, env = "BENCH_ANATOMY", global = true)]
    pub(crate) anatomy: bool,
}

/// One of the parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Command {
    /// Processor time per request of the filter and of its alternatives
    Cost,
    /// Instructions per request, counted by valgrind: not time, but the same on a noisy machine
    /// (not run by default)
    Instructions,
    /// Whether settings, open connections or past requests raise the cost of a request, and their
    /// memory
    Scale,
    /// The same job done by nginx, HAProxy and Caddy
    Peers,
}

impl Options {
    /// How long one measurement takes.
    pub(crate) fn slice(&self) -> Duration {
        Duration::from_millis(self.slice_ms)
    }

    /// The seed of this run: the given one, or a new one that stays.
    pub(crate) fn seed(&mut self) -> u64 {
        *self.seed.get_or_insert_with(|| fastrand::u64(..))
    }

    /// The parts to measure.
    pub(crate) fn parts(&self) -> Vec<Command> {
        self.command.map_or_else(
            || vec![Command::Cost, Command::Scale, Command::Peers],
            |part| vec![part],
        )
    }
}
