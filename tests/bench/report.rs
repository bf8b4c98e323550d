//! Tables on standard output, JSON and charts under `target/bench`.

use std::{fs, path::PathBuf};

use comfy_table::{Cell, CellAlignment, Color, Table};
use serde_json::Value;
use support::wasm::repository;

use crate::{
    outcome::{Failure, Target, setup},
    statistics::Estimate,
};

/// A table with that header, whose columns after the first are figures.
pub(crate) fn table(header: &[&str]) -> Table {
    let mut table = support::table(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// An estimate with its interval.
pub(crate) fn with_interval(estimate: &Estimate, digits: usize) -> String {
    format!(
        "{:.digits$} ({:.digits$}–{:.digits$})",
        estimate.value, estimate.low, estimate.high
    )
}

/// Bytes for people.
pub(crate) fn bytes(count: f64) -> String {
    if count.abs() >= 1_048_576.0 {
        format!("{:.1} MiB", count / 1_048_576.0)
    } else if count.abs() >= 10_240.0 {
        format!("{:.1} KiB", count / 1024.0)
    } else {
        format!("{count:.0} B")
    }
}

/// The targets of the contract.
pub(crate) fn targets(targets: &[Target]) {
    let mut table = table(&["target", "at most", "measured", ""]);
    for target in targets {
        let verdict = match target.met {
            Some(true) => Cell::new("met").fg(Color::Green),
            Some(false) => Cell::new("MISSED").fg(Color::Red),
            None => Cell::new("not measured").fg(Color::Yellow),
        };
        table.add_row(vec![
            Cell::new(&target.what),
            Cell::new(&target.limit),
            Cell::new(&target.measured),
            verdict,
        ]);
    }
    println!("{table}");
}

/// Writes JSON to a file of that name.
///
/// # Errors
/// When it can't be written.
pub(crate) fn write_json(name: &str, value: &Value) -> Result<PathBuf, Failure> {
    write(name, &format!("{value:#}\n"))
}

/// Writes a file of that name.
///
/// # Errors
/// When it can't be written.
pub(crate) fn write(name: &str, text: &str) -> Result<PathBuf, Failure> {
    let folder = repository().join("target/bench");
    let path = folder.join(name);
    fs::create_dir_all(&folder)
        .and_then(|()| fs::write(&path, text))
        .map_err(setup(format!("{} can't be written", path.display())))?;
    Ok(path)
}
