//! Everything that is wrong with a file of plugin configurations.

mod configuration;
mod finding;
mod surroundings;

use crate::configurations::{self, Contents, Found};
use crate::document::SyntaxError;
use crate::input::Input;

pub(crate) use finding::{Finding, Level, render};

/// Checks a file that was read from `input`.
pub(crate) fn check(input: &Input, contents: &Contents) -> Vec<Finding> {
    let mut findings = Findings::new(input);
    if let Contents::Broken { text, error } = contents {
        findings.add(syntax(text, error));
    }
    for found in configurations::find(contents) {
        findings.add_found(&found);
    }
    findings.sorted
}

/// Checks where the filter stands in a file of Envoy's, and nothing else.
pub(crate) fn check_placement(input: &Input, contents: &Contents) -> Vec<Finding> {
    let mut findings = Findings::new(input);
    for found in configurations::find(contents) {
        let placement = surroundings::placement(&found.configuration, &found.surroundings);
        placement
            .into_iter()
            .for_each(|finding| findings.add(finding));
    }
    findings.sorted
}

/// Findings of one file, each once: aliases repeat what stands once in the file.
struct Findings {
    file: String,
    sorted: Vec<Finding>,
}

impl Findings {
    fn new(input: &Input) -> Self {
        Self {
            file: input.to_string(),
            sorted: Vec::new(),
        }
    }

    fn add(&mut self, mut finding: Finding) {
        finding.file.clone_from(&self.file);
        let is_same =
            |other: &Finding| (other.line, &other.reason) == (finding.line, &finding.reason);
        if !self.sorted.iter().any(is_same) {
            let end = self
                .sorted
                .partition_point(|other| other.line <= finding.line);
            self.sorted.insert(end, finding);
        }
    }

    fn add_found(&mut self, found: &Found) {
        configuration::check_one(&found.configuration)
            .into_iter()
            .for_each(|finding| self.add(finding));
        let around = surroundings::check(&found.configuration, &found.surroundings);
        around.into_iter().for_each(|finding| self.add(finding));
    }
}

fn syntax(text: &str, error: &SyntaxError) -> Finding {
    let reason = match text.strip_prefix('\u{feff}') {
        Some(_) => "the text starts with a byte order mark, save it as UTF-8 without one",
        None => error.reason.as_str(),
    };
    Finding::error(error.line, "", reason)
}
