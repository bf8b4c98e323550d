//! The plugin configuration itself, as the filter judges it.

use std::rc::Rc;

use client_cert_forwarder::config::check::check_tree;
use client_cert_forwarder::config::path::JsonPath;
use client_cert_forwarder::config::{ConfigError, Report, check};

use super::Finding;
use crate::configurations::Configuration;
use crate::document::{Node, parse_json};

pub(super) fn check_one(configuration: &Configuration) -> Vec<Finding> {
    match configuration {
        Configuration::Text {
            text,
            line,
            has_lines,
        } => text_findings(text, *line, *has_lines),
        Configuration::Tree { tree, path } => {
            findings(&check_tree(&tree.to_config()), path, &|error_path| {
                tree.line_of(error_path)
            })
        }
        Configuration::WrongMessage { line } => vec![Finding::error(
            *line,
            "configuration",
            "the filter can't read this message: give the JSON in a google.protobuf.StringValue, \
             not in a Struct",
        )],
        Configuration::Elsewhere => Vec::new(),
    }
}

fn text_findings(text: &str, line: usize, has_lines: bool) -> Vec<Finding> {
    if text.is_empty() {
        let reason = "is empty: no setting, so nothing is forwarded";
        return vec![Finding::warning(line, "configuration", reason)];
    }
    let tree: Option<Rc<Node>> = parse_json(text).ok();
    let in_file = |inner: usize| if has_lines { line + inner - 1 } else { line };
    let mut report = check(text.as_bytes());
    let position = report.errors.first().and_then(ConfigError::position);
    if let Some((inner, column)) = position {
        let reason = report.errors.remove(0).reason;
        let reason = match has_lines {
            true => format!("column {column}: {reason}"),
            false => format!("line {inner}, column {column} of the text: {reason}"),
        };
        return vec![Finding::error(in_file(inner.max(1)), "", reason)];
    }
    findings(&report, "", &|path| {
        in_file(tree.as_ref().map_or(1, |tree| tree.line_of(path)))
    })
}

fn findings(report: &Report, above: &str, line_of: &dyn Fn(&JsonPath) -> usize) -> Vec<Finding> {
    let top = JsonPath::default();
    let errors = report.errors.iter().map(|error| {
        let path = error.path().unwrap_or(&top);
        Finding::error(line_of(path), below(above, &error.place), &error.reason)
    });
    // Warnings about a configuration that is refused could follow from its errors.
    let taken = report.errors.is_empty();
    let warnings = report.warnings.iter().filter(|_| taken).map(|warning| {
        let path = warning.path();
        Finding::warning(
            line_of(path),
            below(above, &path.to_string()),
            warning.reason(),
        )
    });
    errors.chain(warnings).collect()
}

/// Joins the path of a configuration in its file and the path inside it.
fn below(above: &str, path: &str) -> String {
    match (above, path) {
        ("", path) => path.to_owned(),
        (above, "configuration") => above.to_owned(),
        (above, path) => format!("{above}.{path}"),
    }
}
