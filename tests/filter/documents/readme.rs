//! README.md is true: its configurations load, its YAML is in the files that it names, its commands
//! exist.

use std::fs;

use client_cert_forwarder::config::Config;
use support::wasm::repository;

/// The contents of the README's code blocks in that language, each with the line it starts in.
fn blocks(language: &str) -> Vec<(usize, String)> {
    let readme = read("README.md");
    let mut blocks = Vec::new();
    let mut lines = readme.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line == format!("```{language}") {
            let block = lines.by_ref().map(|(_, line)| line);
            let content: Vec<&str> = block.take_while(|line| *line != "```").collect();
            blocks.push((number + 1, content.join("\n")));
        }
    }
    assert!(!blocks.is_empty(), "README.md has no {language} block");
    blocks
}

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn every_json_block_is_a_configuration_that_the_filter_takes() {
    for (line, json) in blocks("json") {
        if let Err(error) = Config::from_json(json.as_bytes()) {
            panic!("README.md:{line}: {error}");
        }
    }
}

#[test]
fn every_yaml_block_stands_in_the_shipped_file_that_its_first_line_names() {
    for (line, yaml) in blocks("yaml") {
        let (file, excerpt) = yaml.split_once('\n').expect("more than one line");
        let file = file.trim_start_matches("# ");
        let (shipped, excerpt) = (lines(&read(file)), lines(excerpt));
        assert!(
            shipped.windows(excerpt.len()).any(|lines| lines == excerpt),
            "README.md:{line}: not in {file} as it stands here"
        );
    }
}

/// Without indentation: an excerpt matches however deep it stands in its file.
fn lines(yaml: &str) -> Vec<String> {
    yaml.lines().map(|line| line.trim().to_owned()).collect()
}

#[test]
fn every_command_is_one_that_the_makefile_or_the_checkout_has() {
    let makefile = read("Makefile");
    for (line, commands) in blocks("sh") {
        for command in commands.lines().filter(|command| !command.is_empty()) {
            let mut words = command.split_whitespace();
            match words.next() {
                Some("make") => {
                    let target = words.next().expect("a target");
                    assert!(
                        makefile.contains(&format!("\n{target}:")),
                        "README.md:{line}: no target {target}"
                    );
                }
                other => panic!("README.md:{line}: {other:?} is run by no test"),
            }
        }
    }
}

#[test]
fn every_file_that_it_names_is_there() {
    let readme = read("README.md");
    let named = readme.split('`').skip(1).step_by(2);
    let paths = named.filter(|name| {
        ["envoy/", "src/", "tests/"]
            .iter()
            .any(|folder| name.starts_with(folder))
    });
    for path in paths {
        assert!(repository().join(path).exists(), "README.md names {path}");
    }
}
