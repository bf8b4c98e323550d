//! `ccf check`.

mod envoy;
mod fast_paths;
mod input;
mod placement;
mod places;
mod shipped;
mod surroundings;

use serde_json::Value;

use super::program::{ccf, file};

/// `level line path: reason` of every finding.
fn findings(path: &str) -> Vec<String> {
    let run = ccf(["--format", "json", "check", path]);
    let found = run.json();
    let line = |one: &Value| {
        let text = |key: &str| one[key].as_str().unwrap();
        format!(
            "{} {} {}: {}",
            text("level"),
            one["line"],
            text("path"),
            text("reason")
        )
    };
    let lines: Vec<String> = found.as_array().unwrap().iter().map(line).collect();
    assert_eq!(run.code, i32::from(!lines.is_empty()), "{run:?}");
    lines
}

/// The findings in a file of that name with that text.
fn findings_in(name: &str, text: &str) -> Vec<String> {
    let (_folder, path) = file(name, text);
    findings(&path)
}

/// Asserts that each finding starts with one of `expected`, in this order.
fn assert_findings(actual: &[String], expected: &[&str], context: &str) {
    let are_same = actual.len() == expected.len()
        && actual
            .iter()
            .zip(expected)
            .all(|(actual, expected)| actual.starts_with(expected));
    assert!(
        are_same,
        "{context}\nfound: {actual:#?}\nexpected: {expected:#?}"
    );
}
