//! The soak's output: its progress, and its tables at the end.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, Instant},
};

use comfy_table::{Cell, CellAlignment, Color};
use support::table;

use crate::{
    load::Tally,
    memory::{Sample, milestones},
    plan::{CONNECTIONS, REQUESTS},
    verdict::{Check, Held},
};

/// The progress line, on standard error: in place on a terminal, else a new one now and then.
pub(crate) struct Progress {
    terminal: bool,
    start: Instant,
    last: Instant,
}

impl Progress {
    pub(crate) fn start() -> Progress {
        let now = Instant::now();
        Progress {
            terminal: std::io::stderr().is_terminal(),
            start: now,
            last: now,
        }
    }

    /// Says how far the load is, if it is time to.
    pub(crate) fn say(&mut self, connections: u64, requests: u64) {
        let pause = Duration::from_secs(if self.terminal { 1 } else { 10 });
        if self.last.elapsed() < pause {
            return;
        }
        self.last = Instant::now();
        let seconds = self.start.elapsed().as_secs_f64();
        let line = format!(
            "{seconds:4.0} s: {requests} requests over {connections} connections, {:.0} requests a second",
            requests as f64 / seconds
        );
        let mut stderr = std::io::stderr();
        let _ = if self.terminal {
            write!(stderr, "\r{line}\x1b[K")
        } else {
            writeln!(stderr, "{line}")
        };
    }

    /// Clears the line for further output.
    pub(crate) fn end(&self) {
        if self.terminal {
            eprint!("\r\x1b[K");
        }
    }
}

/// How much was done, a protocol a row.
pub(crate) fn amounts(tally: &Tally, elapsed: Duration) {
    let mut table = table(&["protocol", "connections", "requests", "requests a second"]);
    let per_second =
        |requests: u64| number(format!("{:.0}", requests as f64 / elapsed.as_secs_f64()));
    for (place, name) in ["HTTP/1.1", "HTTP/2", "HTTP/3"].into_iter().enumerate() {
        table.add_row(vec![
            Cell::new(name),
            number(tally.connections[place]),
            number(tally.requests[place]),
            per_second(tally.requests[place]),
        ]);
    }
    table.add_row(vec![
        Cell::new("all"),
        number(tally.connections()),
        number(tally.requests()),
        per_second(tally.requests()),
    ]);
    println!("{table}");
}

/// Memory at the end of the warm-up and of each quarter after it, with no connection open.
pub(crate) fn memory(samples: &[Sample]) {
    let mut table = table(&[
        "memory without connections",
        "after connections",
        "requests",
        "Envoy, bytes",
        "VMs, bytes",
    ]);
    for (name, sample) in milestones(samples) {
        table.add_row(vec![
            Cell::new(name),
            number(sample.connections),
            number(sample.requests),
            number(sample.envoy),
            sample.vms.map_or_else(
                || Cell::new("only Linux tells"),
                |(bytes, count)| number(format!("{bytes} in {count}")),
            ),
        ]);
    }
    println!("{table}");
}

/// The checks and their results.
pub(crate) fn checks(checks: &[Check]) {
    let mut table = table(&["what", "expected", "counted", ""]);
    for check in checks {
        let verdict = match check.held {
            Held::Yes => Cell::new("ok").fg(Color::Green),
            Held::No => Cell::new("WRONG").fg(Color::Red),
            Held::Unknown => Cell::new("not judged").fg(Color::Yellow),
        };
        table.add_row(vec![
            Cell::new(&check.what),
            number(&check.expected),
            number(&check.counted),
            verdict,
        ]);
    }
    println!("{table}");
}

/// Whether the full amounts were reached, in a sentence.
pub(crate) fn full_amounts(tally: &Tally) -> String {
    let done = format!(
        "{} of {REQUESTS} requests over {} of {CONNECTIONS} connections",
        tally.requests(),
        tally.connections()
    );
    if tally.requests() >= REQUESTS && tally.connections() >= CONNECTIONS {
        format!("The full amounts were reached: {done}.")
    } else {
        format!(
            "The full amounts were NOT reached: {done}; `make soak DURATION=3600` reaches them."
        )
    }
}

fn number(value: impl ToString) -> Cell {
    Cell::new(value.to_string()).set_alignment(CellAlignment::Right)
}
