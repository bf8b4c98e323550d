//! The kernel's accounts: the processor time of a process and of the machine, and the limit of open
//! files.

use std::{fs, io, time::Duration};

use nix::{
    sys::resource::{Resource, getrlimit, setrlimit},
    time::ClockId,
    unistd::Pid,
};

/// The processor time that all threads of that process have used so far, to the nanosecond.
///
/// # Errors
/// When the process has ended.
pub(crate) fn time_of(pid: u32) -> io::Result<Duration> {
    let pid = i32::try_from(pid).map_err(io::Error::other)?;
    Ok(ClockId::pid_cpu_clock_id(Pid::from_raw(pid))?.now()?.into())
}

/// The processor time that this process has used so far.
pub(crate) fn own_time() -> io::Result<Duration> {
    Ok(ClockId::CLOCK_PROCESS_CPUTIME_ID.now()?.into())
}

/// The time of the machine's processors so far, in ticks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Machine {
    /// Everything, idleness too.
    total: u64,
    /// Time of processes, including the kernel on their behalf.
    busy: u64,
    /// Time that the host of this virtual machine gave to others.
    stolen: u64,
}

impl Machine {
    /// The state now.
    ///
    /// # Errors
    /// When `/proc/stat` is not readable.
    pub(crate) fn now() -> io::Result<Machine> {
        Machine::parse(&fs::read_to_string("/proc/stat")?)
            .ok_or_else(|| io::Error::other("/proc/stat has no line for all processors"))
    }

    fn parse(stat: &str) -> Option<Machine> {
        let line = stat.lines().next()?.strip_prefix("cpu ")?;
        // user, nice, system, idle, iowait, irq, softirq, steal; the rest is part of these.
        let ticks: Vec<u64> = line
            .split_whitespace()
            .take(8)
            .map_while(|field| field.parse().ok())
            .collect();
        let [user, nice, system, _, _, _, _, stolen] = ticks[..] else {
            return None;
        };
        Some(Machine {
            total: ticks.iter().sum(),
            busy: user + nice + system,
            stolen,
        })
    }

    /// The shares of processor time since `start` that went to processes other than those that used
    /// `own`, and to other virtual machines on the same host.
    pub(crate) fn others_since(&self, start: &Machine, own: Duration) -> (f64, f64) {
        const TICKS_PER_SECOND: f64 = 100.0;
        let total = (self.total - start.total).max(1) as f64;
        let busy = (self.busy - start.busy) as f64;
        let others = (busy - own.as_secs_f64() * TICKS_PER_SECOND).max(0.0) / total;
        (others, (self.stolen - start.stolen) as f64 / total)
    }
}

/// Raises the limit of open files of this process and its children to the maximum, and returns it.
///
/// # Errors
/// When the limit can't be read or raised.
pub(crate) fn raise_open_files() -> io::Result<u64> {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    Ok(hard)
}

#[cfg(test)]
mod tests {
    use super::{Machine, own_time, time_of};
    use std::time::Duration;

    #[test]
    fn the_kernel_accounts_work_to_the_process_that_does_it() {
        let before = time_of(std::process::id()).unwrap();
        let mut sum = 0_u64;
        while own_time().unwrap() < before + Duration::from_millis(5) {
            sum = std::hint::black_box(sum + 1);
        }
        assert!(time_of(std::process::id()).unwrap() >= before + Duration::from_millis(5));
    }

    #[test]
    fn what_is_neither_idle_nor_ones_own_is_the_others() {
        let start = Machine::parse("cpu  100 0 100 800 0 0 0 0 0 0\n").unwrap();
        let end = Machine::parse("cpu  180 0 120 890 0 0 0 10 0 0\n").unwrap();
        let (others, stolen) = end.others_since(&start, Duration::from_millis(600));
        assert!((others - 0.2).abs() < 1e-9 && (stolen - 0.05).abs() < 1e-9);
    }
}
