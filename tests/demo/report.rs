//! The demo's tables.

use comfy_table::{Cell, Color, ColumnConstraint, Width};
use support::table;

use crate::script::{Certificate, Check};

/// The requests that the origin received, one a row; with `is_verbose` all of them.
pub(crate) fn requests(checks: &[Check], is_verbose: bool) {
    let mut table = table(&["connection", "request", "status", "SHA-256", ""]);
    // As wide as the longest request with four digits, so that the table is always the same.
    if let Some(requests) = table.column_mut(1) {
        requests.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(30)));
    }
    let mut previous = "";
    let shown = |check: &&Check| is_verbose || check.is_shown || !check.passed();
    for check in checks.iter().filter(shown) {
        let connection = if previous == check.connection {
            ""
        } else {
            check.connection.as_str()
        };
        previous = &check.connection;
        let certificate = match check.found() {
            Certificate::Absent => "-".to_owned(),
            Certificate::Forwarded => shortened(check, "cf-client-cert-sha256"),
            Certificate::Forged => "forged!".to_owned(),
        };
        let verdict = if check.passed() {
            Cell::new("ok").fg(Color::Green)
        } else {
            Cell::new("WRONG").fg(Color::Red)
        };
        table.add_row(vec![
            Cell::new(connection),
            Cell::new(&check.request),
            Cell::new(check.status),
            Cell::new(certificate),
            verdict,
        ]);
    }
    println!("What the origin received in Cf-Client-Cert-Sha256 and -Der-Base64:");
    println!("{table}");
}

/// The filter's counters, from Envoy's `/stats/prometheus`: a hostname a line.
pub(crate) fn metrics(outcomes: &[(String, String, u64)]) {
    let mut previous = "";
    for (hostname, outcome, count) in outcomes {
        match previous {
            "" => print!("Counters of {hostname}: {outcome} {count}"),
            same if same == hostname => print!(", {outcome} {count}"),
            _ => print!("\nCounters of {hostname}: {outcome} {count}"),
        }
        previous = hostname;
    }
    println!();
}

fn shortened(check: &Check, name: &str) -> String {
    let value = check.received.header(name).unwrap_or_default();
    format!("{}…", value.chars().take(8).collect::<String>())
}
