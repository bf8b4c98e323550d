//! The table that a run prints, row by row.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use fuzz::Target;

/// What came of one target's share.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// Inputs that were checked.
    pub(crate) runs: u64,
    /// How long that took.
    pub(crate) elapsed: Duration,
    /// Edges of the program that were reached; `None` without coverage.
    pub(crate) coverage: Option<u64>,
    /// Inputs that reached new code.
    pub(crate) new_inputs: usize,
    /// The file with the input that did not pass.
    pub(crate) finding: Option<PathBuf>,
    /// What its check said.
    pub(crate) reason: String,
}

pub(crate) fn header() {
    println!(
        "{:<15}{:>12}{:>10}{:>10}{:>12}  result",
        "target", "runs", "runs/s", "coverage", "new inputs"
    );
}

/// The row's beginning, while the target is under way.
pub(crate) fn begin(target: &Target) {
    print!("{:<15}", target.name);
    // Without it a terminal shows the name when the target is over; that is all that can go wrong.
    let _ = io::stdout().flush();
}

/// The rest of the row, and what to do about a finding.
pub(crate) fn end(target: &Target, outcome: &Outcome) {
    let per_second = outcome.runs as f64 / outcome.elapsed.as_secs_f64().max(0.001);
    let coverage = outcome
        .coverage
        .map_or_else(|| "-".to_owned(), |edges| edges.to_string());
    let result = if outcome.finding.is_some() {
        "FINDING"
    } else {
        "ok"
    };
    println!(
        "{:>12}{per_second:>10.0}{coverage:>10}{:>12}  {result}",
        outcome.runs, outcome.new_inputs
    );
    if let Some(file) = &outcome.finding {
        println!("  {}", outcome.reason.trim_end().replace('\n', "\n  "));
        println!("  input: {}", file.display());
        println!(
            "  again: cargo run -p fuzz -- replay {} {}",
            target.name,
            file.display()
        );
        println!(
            "  once it is fixed: put the input into tests/fuzz/corpus/{}/",
            target.name
        );
    }
}
