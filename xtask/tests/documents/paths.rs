//! Paths that documents cite.

use crate::tree::{documents, read, root, tracked_files};

#[test]
fn every_path_that_a_document_cites_exists() {
    let tracked = tracked_files();
    let mut cited = 0;
    let mut missing = Vec::new();
    for file in documents() {
        let text = read(&file);
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        for path in paths(&text, &tracked) {
            cited += 1;
            // SECURITY.md cites test modules, without the extension.
            let module = format!("{path}.rs");
            if !root().join(path).exists() && !root().join(module).exists() {
                missing.push(format!("{file} cites {path}"));
            }
        }
        for target in links(&text) {
            cited += 1;
            if !root().join(folder).join(target).exists() {
                missing.push(format!("{file} links to {target}"));
            }
        }
    }
    assert!(cited > 10, "only {cited} paths were found");
    assert!(missing.is_empty(), "{missing:#?}");
}

/// Code spans that start with a folder or a Markdown file of the repository's root.
fn paths<'a>(text: &'a str, tracked: &[String]) -> Vec<&'a str> {
    let is_path = |code: &&str| {
        let starts_at_root = match code.split_once('/') {
            Some((first, _)) => tracked.iter().any(|file| {
                let folder = file.split_once('/').map(|(folder, _)| folder);
                folder == Some(first)
            }),
            None => code.ends_with(".md") || code.ends_with(".toml"),
        };
        starts_at_root && !code.contains(|c: char| c.is_whitespace() || "…*{}<>".contains(c))
    };
    text.split('`').skip(1).step_by(2).filter(is_path).collect()
}

/// Targets of links to files, without their anchors.
fn links(text: &str) -> Vec<&str> {
    let targets = text.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.split_once('#').map_or(target, |(path, _)| path))
        .filter(|target| !target.is_empty() && !target.contains("://"))
        .collect()
}

#[test]
fn paths_and_links_are_told_from_other_code() {
    let tracked = ["src/lib.rs".to_owned(), "README.md".to_owned()];
    let text = "`src/gone.rs`, `README.md`, `application/json`, `src/{a,b}`, `make test`, \
                [here](other.md#part), [there](https://example.com/), [up](#top)";
    assert_eq!(paths(text, &tracked), ["src/gone.rs", "README.md"]);
    assert_eq!(links(text), ["other.md"]);
}
