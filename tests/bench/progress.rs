//! The benchmark's progress, on standard error.

use std::{
    io::{IsTerminal, Write, stderr},
    time::{Duration, Instant},
};

/// How often a line is printed where there is no terminal to write over the last one.
const INTERVAL: Duration = Duration::from_secs(15);

/// Counts steps towards an end that is known.
pub(crate) struct Progress {
    what: &'static str,
    steps: u64,
    done: u64,
    start: Instant,
    said: Instant,
}

impl Progress {
    /// Begins `steps` steps of `what`.
    pub(crate) fn new(what: &'static str, steps: u64) -> Progress {
        let now = Instant::now();
        Progress {
            what,
            steps,
            done: 0,
            start: now,
            said: now,
        }
    }

    /// One more is done.
    pub(crate) fn step(&mut self) {
        self.done += 1;
        let left =
            self.start.elapsed().as_secs_f64() / self.done as f64 * (self.steps - self.done) as f64;
        let line = format!(
            "{}: {} of {}, {left:.0} s left",
            self.what, self.done, self.steps
        );
        if stderr().is_terminal() {
            let end = if self.done == self.steps { "\n" } else { "" };
            let _ = write!(stderr(), "\r\x1b[K{line}{end}");
        } else if self.said.elapsed() >= INTERVAL || self.done == self.steps {
            self.said = Instant::now();
            eprintln!("{line}");
        }
    }
}
