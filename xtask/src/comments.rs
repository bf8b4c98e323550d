//! Checks that comment lines fit into 100 columns. rustfmt wraps code and leaves comments alone.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;

use crate::facts::{repository, run};

/// Widest comment line, in characters.
const COLUMNS: usize = 100;

/// Checks every tracked source file; lists the lines that are too wide.
pub(crate) fn check() -> Result<ExitCode> {
    let mut wide = 0;
    for file in run("git", &["ls-files"])?.lines() {
        let path = repository().join(file);
        // Deleted, but not committed yet; or bytes that are not text, and so not a source file.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        let Some(marker) = marker(Path::new(file), &text) else {
            continue;
        };
        for (line, columns) in wide_comments(&text, marker) {
            wide += 1;
            println!("{file}:{line}: the comment has {columns} columns, {COLUMNS} are allowed");
        }
    }
    if wide == 0 {
        return Ok(ExitCode::SUCCESS);
    }
    println!("{wide} comment lines are too wide: wrap them at {COLUMNS} columns");
    Ok(ExitCode::FAILURE)
}

/// The text that starts a comment line in this file; `None` for files without comments to check.
fn marker(path: &Path, text: &str) -> Option<&'static str> {
    let is_script = text.starts_with("#!/");
    let name = path.file_name()?.to_str()?;
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("rs" | "proto") => Some("//"),
        Some("toml" | "yaml" | "yml" | "sh" | "py") => Some("#"),
        Some("lua") => Some("--"),
        _ if name == "Makefile" || name == "Dockerfile" || is_script => Some("#"),
        _ => None,
    }
}

/// Number and width of each comment line that is too wide.
fn wide_comments(text: &str, marker: &str) -> Vec<(usize, usize)> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| line.trim_start().starts_with(marker) && can_be_wrapped(line))
        .map(|(index, line)| (index + 1, line.chars().count()))
        .filter(|(_, columns)| *columns > COLUMNS)
        .collect()
}

/// Whether the line has more than the marker and one word: a long URL cannot be wrapped.
fn can_be_wrapped(line: &str) -> bool {
    line.split_whitespace().count() > 2
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{marker, wide_comments};

    fn comment(marker: &str, columns: usize) -> String {
        let words = "wide ".repeat(columns);
        format!("{marker} {words}").chars().take(columns).collect()
    }

    #[test]
    fn a_comment_of_101_columns_is_too_wide_and_one_of_100_is_not() {
        for marker in ["//", "///", "    //!"] {
            assert_eq!(wide_comments(&comment(marker, 100), "//"), []);
            let text = format!("fn f() {{}}\n{}\n", comment(marker, 101));
            assert_eq!(wide_comments(&text, "//"), [(2, 101)]);
        }
    }

    #[test]
    fn columns_are_characters_and_not_bytes() {
        let text = format!("// {}", "§ ".repeat(48));
        assert!(text.len() > 100);
        assert_eq!(wide_comments(&text, "//"), []);
    }

    #[test]
    fn code_and_urls_may_be_wider() {
        let url = format!("// https://example.com/{}", "a".repeat(100));
        let code = format!("let text = \"{}\"; // a comment", "a b ".repeat(40));
        assert_eq!(wide_comments(&format!("{url}\n{code}"), "//"), []);
    }

    #[test]
    fn the_kind_of_file_tells_where_comments_start() {
        for (path, text, expected) in [
            ("src/lib.rs", "", Some("//")),
            ("Cargo.toml", "", Some("#")),
            ("envoy/envoy.yaml", "", Some("#")),
            ("Makefile", "", Some("#")),
            ("tests/compose/stack.py", "", Some("#")),
            (".ci/run", "#!/usr/bin/env bash\n", Some("#")),
            ("tests/bench/lua/first_request.lua", "", Some("--")),
            ("README.md", "# Heading", None),
            ("tests/fuzz/corpus/pem/0123", "# x", None),
        ] {
            assert_eq!(marker(Path::new(path), text), expected, "{path}");
        }
    }
}
