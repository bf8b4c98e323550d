//! Code that documents show stands in a file of the repository, where a test runs or loads it.

use crate::tree::{documents, read, root};

/// Languages whose blocks name their file in the first line: `# envoy/envoy.yaml`.
const LANGUAGES: [&str; 11] = [
    "bash",
    "csharp",
    "go",
    "hcl",
    "java",
    "js",
    "nginx",
    "php",
    "properties",
    "python",
    "yaml",
];

/// Commands, their output, and configurations, which other tests check.
const CHECKED_ELSEWHERE: [&str; 4] = ["console", "json", "sh", "text"];

/// Pages that the tests of `cli` and `tests/newcomer` run as a whole.
const RUN_AS_A_WHOLE: [&str; 2] = ["docs/ccf.md", "README.md"];

#[test]
fn every_block_of_code_stands_in_the_file_that_its_first_line_names() {
    let mut excerpts = 0;
    let mut wrong = Vec::new();
    let is_run = |file: &String| RUN_AS_A_WHOLE.contains(&file.as_str());
    for document in documents().into_iter().filter(|file| !is_run(file)) {
        for (line, language, block) in blocks(&read(&document)) {
            if CHECKED_ELSEWHERE.contains(&language.as_str()) {
                continue;
            }
            excerpts += 1;
            if let Err(reason) = check(&language, &block) {
                wrong.push(format!("{document}:{line}: {reason}"));
            }
        }
    }
    assert!(excerpts > 10, "only {excerpts} excerpts were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn check(language: &str, block: &[&str]) -> Result<(), String> {
    if !LANGUAGES.contains(&language) {
        return Err(format!("no test knows the language {language:?}"));
    }
    let (name, excerpt) = block.split_first().ok_or("an empty block")?;
    let file = name.trim_start_matches(['#', '/', ' ']);
    if !root().join(file).is_file() {
        return Err(format!("the first line names no file: {name}"));
    }
    let text = read(file);
    let trimmed = |lines: &[&str]| -> Vec<String> {
        lines.iter().map(|line| line.trim().to_owned()).collect()
    };
    let (shipped, excerpt) = (trimmed(&text.lines().collect::<Vec<_>>()), trimmed(excerpt));
    match shipped
        .windows(excerpt.len().max(1))
        .any(|lines| lines == excerpt)
    {
        true => Ok(()),
        false => Err(format!("not in {file} as it stands here")),
    }
}

/// Fenced blocks: the line that each starts in, its language, and its lines.
fn blocks(markdown: &str) -> Vec<(usize, String, Vec<&str>)> {
    let mut blocks = Vec::new();
    let mut lines = markdown.lines().enumerate();
    while let Some((number, line)) = lines.next() {
        if let Some(language) = line.trim().strip_prefix("```") {
            let content = lines.by_ref().map(|(_, line)| line);
            let content = content.take_while(|line| line.trim() != "```").collect();
            blocks.push((number + 1, language.to_owned(), content));
        }
    }
    blocks
}

#[test]
fn an_excerpt_that_differs_by_a_word_is_told() {
    let license = read("clippy.toml");
    let first = license.lines().next().unwrap_or_default();
    assert_eq!(check("yaml", &["# clippy.toml", first]), Ok(()));
    assert!(check("yaml", &["# clippy.toml", "another line"]).is_err());
    assert!(check("yaml", &["# gone.toml", first]).is_err());
    assert!(check("cobol", &["# clippy.toml", first]).is_err());
}
