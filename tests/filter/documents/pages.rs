//! The configurations in README.md and `docs` work as they stand.

use std::fs;

use client_cert_forwarder::config::Config;
use support::wasm::repository;

/// README.md and the pages of `docs`, each with its text. The tests of `ccf` run its page.
fn pages() -> Vec<(String, String)> {
    let docs = fs::read_dir(repository().join("docs")).expect("the folder docs");
    let names = docs.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let mut pages: Vec<String> = names
        .filter(|name| name.ends_with(".md") && name != "ccf.md")
        .map(|name| format!("docs/{name}"))
        .collect();
    pages.push("README.md".to_owned());
    pages
        .into_iter()
        .map(|page| (page.clone(), read(&page)))
        .collect()
}

/// The code blocks in that language: the page and line that each starts in, and its text.
fn blocks(language: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    for (page, text) in pages() {
        let mut lines = text.lines().enumerate();
        while let Some((number, line)) = lines.next() {
            if line.trim() == format!("```{language}") {
                let block = lines.by_ref().map(|(_, line)| line);
                let content: Vec<&str> = block.take_while(|line| line.trim() != "```").collect();
                blocks.push((format!("{page}:{}", number + 1), content.join("\n")));
            }
        }
    }
    assert!(!blocks.is_empty(), "no page has a {language} block");
    blocks
}

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_json_block_is_a_configuration_that_the_filter_takes() {
    for (place, json) in blocks("json") {
        if let Err(error) = Config::from_json(json.as_bytes()) {
            panic!("{place}: {error}");
        }
    }
}

#[test]
fn every_yaml_block_stands_in_the_file_that_its_first_line_names() {
    for (place, yaml) in blocks("yaml") {
        let (file, excerpt) = yaml.split_once('\n').expect("more than one line");
        let file = file.trim_start_matches("# ");
        if !file.contains('/') {
            // A whole file, which `tests/newcomer` starts an Envoy with.
            assert!(place.starts_with("README.md"), "{place}: who runs {file}?");
            continue;
        }
        let (shipped, excerpt) = (lines(&read(file)), lines(excerpt));
        assert!(
            shipped.windows(excerpt.len()).any(|lines| lines == excerpt),
            "{place}: not in {file} as it stands here"
        );
    }
}

/// Without indentation: an excerpt matches however deep it stands in its file.
fn lines(yaml: &str) -> Vec<String> {
    yaml.lines().map(|line| line.trim().to_owned()).collect()
}
