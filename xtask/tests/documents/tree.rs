//! The repository's tracked files, and the parts of a Markdown document.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The documents that these tests check.
pub(crate) fn documents() -> Vec<String> {
    let is_document = |file: &String| {
        let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
        file.ends_with(".md") && ["", "docs", "settings-api"].contains(&folder)
    };
    tracked_files().into_iter().filter(is_document).collect()
}

/// Paths of the tracked files, relative to the repository's root.
pub(crate) fn tracked_files() -> Vec<String> {
    let output = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git runs");
    assert!(output.status.success(), "git ls-files failed");
    let files = String::from_utf8(output.stdout).expect("paths in UTF-8");
    let files = files.lines().map(str::to_owned);
    // A file that was deleted and not committed yet is still in the index.
    files.filter(|file| root().join(file).exists()).collect()
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub(crate) fn read(file: &str) -> String {
    let path = root().join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"))
}

/// The code blocks of that language: the line that each starts in, and its text.
pub(crate) fn code_blocks(markdown: &str, language: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if line.trim() == format!("```{language}") {
            let block = lines.by_ref().map(|(_, line)| line);
            let content: Vec<&str> = block.take_while(|line| line.trim() != "```").collect();
            blocks.push((number + 2, content.join("\n")));
        }
    }
    blocks
}
