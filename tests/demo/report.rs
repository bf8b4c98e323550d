//! The demo's tables.

use comfy_table::{Cell, Color};
use support::table;

use crate::script::{Certificate, Check};

/// The requests that the origin received, one a row.
pub(crate) fn requests(checks: &[Check]) {
    let mut table = table(&[
        "connection",
        "request",
        "status",
        "Cf-Client-Cert-Sha256 at the origin",
        "Der-Base64",
        "",
    ]);
    let mut previous = "";
    for check in checks {
        let connection = if previous == check.connection {
            ""
        } else {
            check.connection.as_str()
        };
        previous = &check.connection;
        let (sha256, der) = match check.found() {
            Certificate::Absent => ("-".to_owned(), "-".to_owned()),
            Certificate::Forwarded => (shortened(check, "cf-client-cert-sha256"), length(check)),
            Certificate::Forged => ("not the client's!".to_owned(), "?".to_owned()),
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
            Cell::new(sha256),
            Cell::new(der),
            verdict,
        ]);
    }
    println!("{table}");
}

/// The filter's counters, from Envoy's `/stats/prometheus`.
pub(crate) fn metrics(outcomes: &[(String, String, u64)]) {
    let mut table = table(&["client_cert_forwarder_requests", "outcome", "count"]);
    for (hostname, outcome, count) in outcomes {
        table.add_row(vec![
            Cell::new(hostname),
            Cell::new(outcome),
            Cell::new(count),
        ]);
    }
    println!("{table}");
}

fn shortened(check: &Check, name: &str) -> String {
    let value = check.received.header(name).unwrap_or_default();
    format!("{}…", value.chars().take(16).collect::<String>())
}

fn length(check: &Check) -> String {
    format!(
        "{} bytes",
        check
            .received
            .header("cf-client-cert-der-base64")
            .unwrap_or_default()
            .len()
    )
}
