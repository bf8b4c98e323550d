//! The explanation for people.

use client_cert_forwarder::explain::{Explained, ExplainedRequest, HeaderLine};

use crate::output::{ERROR, GOOD, NAME, columns, wrapped};

/// Writes the explanation of requests for `hostname`.
pub(super) fn render(explained: &Explained, hostname: &str) -> String {
    let setting = match &explained.setting {
        Some(setting) => format!("{} ({})", setting.hostname, setting.path),
        None => format!("none for {hostname}"),
    };
    format!(
        "{NAME}Setting:{NAME:#} {setting}\n\n{}\n{}",
        request("First request", &explained.first_request),
        request("Next request", &explained.next_request),
    )
}

fn request(heading: &str, request: &ExplainedRequest) -> String {
    let outcomes = request.outcomes.join(", ");
    let mut text = match &request.refusal {
        None => format!("{NAME}{heading}:{NAME:#} {GOOD}passes{GOOD:#} ({outcomes})\n"),
        Some(refusal) => format!(
            "{NAME}{heading}:{NAME:#} {ERROR}answered {}{ERROR:#} ({outcomes})\n  {}\n{}",
            refusal.status,
            refusal.details,
            wrapped(&refusal.body, 2),
        ),
    };
    text.push_str(&names("Removed", &request.removed));
    text.push_str(&lines("Added", &request.added));
    if !request.missing.is_empty() {
        text.push_str("Missing:\n");
    }
    for missing in &request.missing {
        text.push_str(&format!("  {NAME}{}{NAME:#}\n", missing.name));
        text.push_str(&wrapped(&missing.reason, 4));
    }
    text.push_str(&lines("Response", &request.response_set));
    text.push_str(&names(
        "Removed from the response",
        &request.response_removed,
    ));
    text
}

fn lines(heading: &str, lines: &[HeaderLine]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let rows = lines
        .iter()
        .map(|line| (line.name.as_str(), line.value.as_str()));
    format!("{heading}:\n{}", columns(rows))
}

fn names(heading: &str, names: &[String]) -> String {
    if names.is_empty() {
        return String::new();
    }
    format!("{heading}:\n{}", wrapped(&names.join(", "), 2))
}
