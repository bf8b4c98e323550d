//! Citations of the contract: `contract §4.5` in comments, tests and documents.

use std::collections::BTreeSet;
use std::fs;

use client_cert_forwarder::config::Config;
use serde_json::Value;

use crate::tree::{code_blocks, documents, read, root, tracked_files};

const CONTRACT: &str = "docs/contract.md";

#[test]
fn every_section_of_the_contract_that_a_file_cites_exists() {
    let sections = sections(&read(CONTRACT));
    let mut citations = 0;
    let mut missing = Vec::new();
    for file in tracked_files() {
        // Test corpora have files that are not text.
        let Ok(text) = fs::read_to_string(root().join(&file)) else {
            continue;
        };
        for cited in cited_sections(&text) {
            citations += 1;
            if !sections.contains(&cited) {
                missing.push(format!("{file} cites §{cited}"));
            }
        }
    }
    assert!(citations > 40, "only {citations} citations were found");
    assert!(missing.is_empty(), "not in {CONTRACT}: {missing:#?}");
}

#[test]
fn every_section_that_the_contract_refers_to_exists() {
    let text = read(CONTRACT);
    let sections = sections(&text);
    for (before, after) in split_at_section_signs(&text) {
        let is_of_an_rfc = before
            .trim_end()
            .rsplit(' ')
            .nth(1)
            .is_some_and(|word| word.ends_with("RFC"));
        if !is_of_an_rfc {
            let section = number(after);
            assert!(
                sections.contains(&section),
                "{CONTRACT} refers to §{section}"
            );
        }
    }
}

#[test]
fn every_configuration_in_a_document_is_one_that_the_filter_accepts() {
    for file in documents() {
        for (line, json) in code_blocks(&read(&file), "json") {
            for configuration in plugin_configurations(&json) {
                if let Err(error) = Config::from_json(configuration.as_bytes()) {
                    panic!("{file}:{line}: {error}");
                }
            }
        }
    }
}

/// The text itself, or the plugin configurations in a base configuration of the settings API.
fn plugin_configurations(json: &str) -> Vec<String> {
    let value: Option<Value> = serde_json::from_str(json).ok();
    let resources = value.as_ref().and_then(|base| {
        base.get("zones")?;
        base.get("resources")?.as_object()
    });
    match resources {
        Some(resources) => {
            let plugins = resources.values().filter_map(|value| value.get("plugin"));
            plugins.map(Value::to_string).collect()
        }
        None => vec![json.to_owned()],
    }
}

#[test]
fn plugin_configurations_are_found_in_a_base_configuration() {
    let base = r#"{ "zones": {}, "resources": { "a": { "plugin": { "settings": [] } } } }"#;
    assert_eq!(plugin_configurations(base), [r#"{"settings":[]}"#]);
    assert_eq!(plugin_configurations("{"), ["{"]);
}

/// The numbers of the headings: `## 4. Behaviour` and `### 4.5 First request`.
fn sections(markdown: &str) -> BTreeSet<String> {
    let headings = markdown.lines().filter(|line| line.starts_with("##"));
    let numbers = headings.map(|line| number(line.trim_start_matches('#').trim_start()));
    numbers.filter(|number| !number.is_empty()).collect()
}

/// The section number that the text starts with: `4.5` of `4.5, §4.7)`.
fn number(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_digit() || c == '.';
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    text[..end].trim_end_matches('.').to_owned()
}

/// The sections behind every `contract §`, also of lists (`contract §3, §4.2`) and where a comment
/// goes on in the next line.
fn cited_sections(text: &str) -> Vec<String> {
    let between = |c: char| c.is_whitespace() || "/!#*".contains(c);
    let mut cited = Vec::new();
    for (place, word) in text.match_indices("contract") {
        let mut rest = text[place + word.len()..].trim_start_matches(between);
        while let Some(after) = rest.strip_prefix('§') {
            let section = number(after);
            rest = after[section.len()..].trim_start_matches(between);
            rest = ["and", ","]
                .into_iter()
                .find_map(|separator| rest.strip_prefix(separator))
                .map_or("", |rest| rest.trim_start_matches(between));
            if !section.is_empty() {
                cited.push(section);
            }
        }
    }
    cited
}

/// What stands before and behind each `§`.
fn split_at_section_signs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    text.match_indices('§')
        .map(|(place, sign)| (&text[..place], &text[place + sign.len()..]))
}

#[test]
fn citations_are_found_in_lists_and_over_line_ends() {
    for (text, expected) in [
        ("(contract §4.5): x", &["4.5"][..]),
        ("contract §3, §4.2).", &["3", "4.2"]),
        ("contract §1 and §6", &["1", "6"]),
        ("see the contract\n    //! §4.10.", &["4.10"]),
        ("the contract says, RFC 9440 §2.4", &[]),
    ] {
        assert_eq!(cited_sections(text), expected, "{text}");
    }
}
