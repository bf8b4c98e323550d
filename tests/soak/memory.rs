//! Whether memory grows: the samples, and the criterion of flat.
//!
//! Every sample is taken while Envoy has no downstream connection, so it shows the memory that
//! connections leave behind, not the number of open ones. A run has [`SAMPLES`], evenly over its
//! length; pools, caches and buffers fill during the first [`WARM_UP`].
//!
//! - A VM's linear memory never shrinks and its allocator reuses freed memory, so after the warm-up
//!   it has no reason to grow. One page per worker is allowed over the remaining samples, because a
//!   rare coincidence of requests may come late.
//! - Envoy's own memory varies with its caches and histograms, so a single sample says little. The
//!   median of the slopes between all pairs of samples in the last three quarters (Theil-Sen)
//!   ignores a few outliers, and shows any memory that every connection leaves behind. A short run
//!   only shows larger amounts above the noise.
//! - Envoy 1.40 keeps about 450 bytes of every HTTP/3 connection for 200 seconds (QUICHE's
//!   `quic_time_wait_list_seconds`), even without settings. [`HTTP3_REMAINS`] are subtracted for
//!   each that ended in that time: a run of over 65,000 such connections was flat afterwards.

use std::time::{Duration, Instant};

use support::Envoy;

use crate::{WORKERS, load::Tally};

/// Samples in a whole run.
pub(crate) const SAMPLES: usize = 15;
/// The number of the sample that ends the warm-up; each quarter after it has a fourth of the rest.
pub(crate) const WARM_UP: usize = 3;
const QUARTER: usize = (SAMPLES - WARM_UP) / 4;
/// Bytes that Envoy may keep of an HTTP/3 connection that is over.
const HTTP3_REMAINS: f64 = 600.0;
/// For how long it keeps them, in seconds.
const HTTP3_REMEMBERED: f64 = 200.0;
/// Bytes of Envoy's own memory for each connection, above which it grows.
pub(crate) const ENVOY_LIMIT: f64 = 128.0;
/// Bytes in all, below which it is taken for noise: short runs went up and down by a fifth of this.
const ENVOY_NOISE: f64 = 512.0 * 1024.0;
/// Bytes for each worker's VM, likewise: a page of WebAssembly.
const VM_LIMIT: u64 = 64 * 1024;
/// Fewer connections than this after the warm-up tell nothing.
pub(crate) const FEWEST: u64 = 500;

/// Memory at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// Seconds since the start.
    pub(crate) at: f64,
    /// Connections and requests that were over.
    pub(crate) connections: u64,
    pub(crate) requests: u64,
    /// Those of the connections that were HTTP/3.
    pub(crate) http3: u64,
    /// Bytes that Envoy had allocated.
    pub(crate) envoy: u64,
    /// The VMs' linear memory and their number, where the system tells.
    pub(crate) vms: Option<(u64, u64)>,
}

impl Sample {
    /// Measures. The clients have no connection open; Envoy gets a moment to notice.
    ///
    /// # Errors
    /// When Envoy still has connections after ten seconds.
    pub(crate) async fn take(
        envoy: &Envoy,
        tally: &Tally,
        start: Instant,
    ) -> Result<Sample, String> {
        let mut open = 0;
        for _ in 0..200 {
            open = envoy.stat("http.main.downstream_cx_active").await;
            if open == 0 {
                let vms = envoy.vm_memory();
                return Ok(Sample {
                    at: start.elapsed().as_secs_f64(),
                    connections: tally.connections(),
                    requests: tally.requests(),
                    http3: tally.connections[2],
                    envoy: envoy.allocated_memory().await,
                    vms: vms.map(|vms| (vms.iter().sum(), vms.len() as u64)),
                });
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(format!(
            "{open} connections are open in Envoy ten seconds after the clients closed them"
        ))
    }
}

/// The samples that the table shows: the end of the warm-up and of each quarter.
pub(crate) fn milestones(samples: &[Sample]) -> impl Iterator<Item = (&'static str, &Sample)> {
    let names = [
        "warm-up",
        "1st quarter",
        "2nd quarter",
        "3rd quarter",
        "end",
    ];
    let places = (0..).map(|quarter| WARM_UP + quarter * QUARTER - 1);
    names
        .into_iter()
        .zip(places)
        .filter_map(|(name, place)| Some((name, samples.get(place)?)))
}

/// Whether something grew.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Growth {
    /// It is flat; in words.
    Flat(String),
    /// It grew; in words.
    Grew(String),
    /// Nobody can tell, and why.
    Unknown(&'static str),
}

const TOO_SHORT: &str = "too few connections to tell";

/// Whether Envoy's own memory grew.
pub(crate) fn envoy_growth(samples: &[Sample]) -> Growth {
    let judged = samples.get(WARM_UP + QUARTER - 1..).unwrap_or_default();
    if is_too_short(samples) || judged.len() < 2 {
        return Growth::Unknown(TOO_SHORT);
    }
    let mut slopes: Vec<f64> = judged
        .iter()
        .enumerate()
        .flat_map(|(place, earlier)| {
            judged
                .iter()
                .skip(place + 1)
                .map(move |later| (earlier, later))
        })
        .filter(|(earlier, later)| later.connections > earlier.connections)
        .map(|(earlier, later)| {
            let without_remains =
                |sample: &Sample| sample.envoy as f64 - HTTP3_REMAINS * remembered(samples, sample);
            (without_remains(later) - without_remains(earlier))
                / (later.connections - earlier.connections) as f64
        })
        .collect();
    slopes.sort_by(f64::total_cmp);
    let slope = slopes.get(slopes.len() / 2).copied().unwrap_or_default();
    let connections = match judged {
        [first, .., last] => last.connections - first.connections,
        _ => 0,
    };
    let limit = ENVOY_LIMIT.max(ENVOY_NOISE / connections as f64);
    let words = format!("{slope:+.0} bytes a connection, {limit:.0} allowed");
    if slope <= limit {
        Growth::Flat(words)
    } else {
        Growth::Grew(words)
    }
}

/// Number of ended HTTP/3 connections that Envoy still remembers at that sample, by linear
/// interpolation between samples.
fn remembered(samples: &[Sample], sample: &Sample) -> f64 {
    let since = sample.at - HTTP3_REMEMBERED;
    let (mut before, mut before_at) = (0.0, 0.0);
    for next in samples {
        let count = next.http3 as f64;
        if next.at > since {
            let share = ((since - before_at) / (next.at - before_at)).max(0.0);
            return sample.http3 as f64 - (before + share * (count - before));
        }
        (before, before_at) = (count, next.at);
    }
    0.0
}

/// Whether the VMs' linear memory grew.
pub(crate) fn vm_growth(samples: &[Sample]) -> Growth {
    if is_too_short(samples) {
        return Growth::Unknown(TOO_SHORT);
    }
    let (Some(first), Some(last)) = (samples.get(WARM_UP - 1), samples.last()) else {
        return Growth::Unknown(TOO_SHORT);
    };
    let (Some((before, _)), Some((after, _))) = (first.vms, last.vms) else {
        return Growth::Unknown("only Linux tells");
    };
    let grown = after.saturating_sub(before);
    // The main thread's VM, and the one that all were made from, serve no request.
    let limit = u64::from(WORKERS) * VM_LIMIT;
    let words = format!(
        "{grown} bytes in {} requests, {} allowed",
        last.requests - first.requests,
        limit
    );
    if grown <= limit {
        Growth::Flat(words)
    } else {
        Growth::Grew(words)
    }
}

fn is_too_short(samples: &[Sample]) -> bool {
    let (Some(first), Some(last)) = (samples.get(WARM_UP - 1), samples.last()) else {
        return true;
    };
    last.connections - first.connections < FEWEST
}

#[cfg(test)]
mod tests {
    use fastrand::Rng;

    use super::{ENVOY_LIMIT, Growth, SAMPLES, Sample, VM_LIMIT, envoy_growth, vm_growth};

    /// A run with that many bytes of Envoy and of the VMs at each number of connections.
    fn run(envoy: impl Fn(u64) -> u64, vms: impl Fn(u64) -> u64) -> Vec<Sample> {
        (1..=SAMPLES as u64)
            .map(|number| number * 1200)
            .map(|connections| Sample {
                connections,
                requests: connections * 50,
                at: 0.0,
                http3: 0,
                envoy: envoy(connections),
                vms: Some((vms(connections), 4)),
            })
            .collect()
    }

    fn grew(growth: &Growth) -> bool {
        match growth {
            Growth::Grew(_) => true,
            Growth::Flat(_) => false,
            Growth::Unknown(why) => panic!("{why}"),
        }
    }

    #[test]
    fn noise_of_a_megabyte_and_two_samples_that_stand_out_are_flat() {
        for seed in 0..1000 {
            let noise = |connections| Rng::with_seed(seed * 100_000 + connections).u64(..200_000);
            let envoy = |connections| match connections / 1200 {
                9 | 14 => 40_000_000,
                _ => 20_000_000 + noise(connections),
            };
            let samples = run(envoy, |_| 5_000_000);
            assert!(!grew(&envoy_growth(&samples)), "seed {seed}: {samples:?}");
        }
    }

    #[test]
    fn a_few_hundred_bytes_for_each_connection_are_a_leak_through_the_noise() {
        for seed in 0..1000 {
            let noise = |connections| Rng::with_seed(seed * 100_000 + connections).u64(..200_000);
            let leak = |connections| 20_000_000 + 300 * connections + noise(connections);
            let samples = run(leak, |_| 5_000_000);
            assert!(grew(&envoy_growth(&samples)), "seed {seed}: {samples:?}");
        }
    }

    #[test]
    fn what_the_warm_up_takes_is_no_leak() {
        let warm_up = |connections: u64| 10_000_000 + connections.min(3600) * 10_000;
        let samples = run(warm_up, warm_up);
        assert!(!grew(&envoy_growth(&samples)));
        assert!(!grew(&vm_growth(&samples)));
    }

    #[test]
    fn what_envoy_remembers_of_http3_connections_is_no_leak_and_hides_none() {
        let grown = |connections_a_second: f64, bytes: &dyn Fn(f64) -> u64| {
            let mut samples = run(|_| 0, |_| 0);
            for sample in &mut samples {
                sample.http3 = sample.connections / 3;
                sample.at = sample.connections as f64 / connections_a_second;
                sample.envoy = bytes(sample.at);
            }
            grew(&envoy_growth(&samples))
        };
        // All 18,000 connections in 100 seconds, then in 1,000.
        assert!(!grown(180.0, &|at| (at * 60.0 * 450.0) as u64));
        assert!(grown(180.0, &|at| (at * 60.0 * 1_100.0) as u64));
        let plateau = |at: f64| at.min(200.0) * 6.0 * 450.0;
        assert!(!grown(18.0, &|at| plateau(at) as u64));
        assert!(grown(18.0, &|at| (plateau(at) + at * 18.0 * 150.0) as u64));
    }

    #[test]
    fn the_limits_are_where_they_are_said_to_be() {
        let limit = ENVOY_LIMIT as u64;
        assert!(!grew(&envoy_growth(&run(|at| limit * at, |_| 0))));
        assert!(grew(&envoy_growth(&run(|at| (limit + 1) * at, |_| 0))));
        let late = |bytes: u64| move |at: u64| if at == 18_000 { bytes } else { 0 };
        assert!(!grew(&vm_growth(&run(|_| 0, late(2 * VM_LIMIT)))));
        assert!(grew(&vm_growth(&run(|_| 0, late(2 * VM_LIMIT + 1)))));
    }

    #[test]
    fn a_short_run_is_judged_by_what_grew_in_all() {
        let short = |grown_by: u64| {
            let mut samples = run(|_| 0, |_| 0);
            for sample in &mut samples {
                sample.connections /= 10;
                sample.envoy = sample.connections * grown_by;
            }
            grew(&envoy_growth(&samples))
        };
        assert!(!short(400));
        assert!(short(600));
    }

    #[test]
    fn a_run_that_is_too_short_is_not_judged() {
        for samples in [&run(|_| 0, |_| 0)[..2], &run(|_| 0, |_| 0)[..3], &[]] {
            assert!(matches!(envoy_growth(samples), Growth::Unknown(_)));
            assert!(matches!(vm_growth(samples), Growth::Unknown(_)));
        }
    }
}
