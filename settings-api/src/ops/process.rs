//! The process's own figures, by the names that Prometheus' clients give them.

use std::fs;
use std::sync::atomic::AtomicU64;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use rustix::process::{Resource, getrlimit};
use rustix::time::{ClockId, clock_gettime};

/// Registers what the system tells; outside Linux it tells less.
pub(super) fn register(registry: &mut Registry, started: Instant) {
    let cpu = Counter::<f64, AtomicU64>::default();
    let used = clock_gettime(ClockId::ProcessCPUTime);
    cpu.inc_by(used.tv_sec as f64 + used.tv_nsec as f64 / 1e9);
    registry.register("process_cpu_seconds", "Processor time used", cpu);

    let start = SystemTime::now() - started.elapsed();
    let start = start.duration_since(UNIX_EPOCH).unwrap_or_default();
    let gauges = [
        (
            "process_start_time_seconds",
            "Start of the program, since 1970",
            Some(start.as_secs_f64()),
        ),
        (
            "process_resident_memory_bytes",
            "Memory in use",
            resident_bytes(),
        ),
        ("process_open_fds", "Open files", entries("/proc/self/fd")),
        (
            "process_max_fds",
            "Files that may be open",
            getrlimit(Resource::Nofile).current.map(|most| most as f64),
        ),
        ("process_threads", "Threads", entries("/proc/self/task")),
    ];
    for (name, help, value) in gauges {
        if let Some(value) = value {
            let gauge = Gauge::<f64, AtomicU64>::default();
            gauge.set(value);
            registry.register(name, help, gauge);
        }
    }
}

/// Reads the second number of `statm`, which counts pages.
fn resident_bytes() -> Option<f64> {
    let statm = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: f64 = statm.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as f64)
}

fn entries(folder: &str) -> Option<f64> {
    Some(fs::read_dir(folder).ok()?.count() as f64)
}
