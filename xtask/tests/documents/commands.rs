//! Commands that documents show: their targets, packages and tests exist.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::tree::{code_blocks, documents, read, root, tracked_files};

/// Runs the commands of the pages that it names.
const NEWCOMER: &str = "tests/newcomer";

#[test]
fn every_command_in_a_document_names_what_exists() {
    let tree = Tree::read();
    let mut commands = 0;
    let mut wrong = Vec::new();
    let newcomer = read(NEWCOMER);
    let is_run = |file: &String| newcomer.contains(&format!("\"{file}\""));
    for file in documents().into_iter().filter(|file| !is_run(file)) {
        for (line, block) in code_blocks(&read(&file), "sh") {
            for command in block.lines().filter(|command| !command.trim().is_empty()) {
                commands += 1;
                if let Err(reason) = tree.check(command) {
                    wrong.push(format!("{file}:{line}: {command}: {reason}"));
                }
            }
        }
    }
    assert!(commands > 5, "only {commands} commands were found");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What commands can name.
struct Tree {
    makefile: String,
    /// Names of the test, library and program targets, by package.
    targets: BTreeMap<String, Vec<String>>,
    /// All Rust code.
    code: String,
}

impl Tree {
    fn read() -> Self {
        let rust = tracked_files()
            .into_iter()
            .filter(|file| file.ends_with(".rs"));
        let code = rust.filter_map(|file| fs::read_to_string(root().join(file)).ok());
        Self {
            makefile: read("Makefile"),
            targets: targets(),
            code: code.collect(),
        }
    }

    fn check(&self, command: &str) -> Result<(), String> {
        let command = command.split(" #").next().unwrap_or(command);
        let is_assignment = |word: &&str| word.contains('=') && !word.starts_with('-');
        let words: Vec<&str> = command
            .split_whitespace()
            .skip_while(is_assignment)
            .collect();
        match words.as_slice() {
            ["make", target, ..] => self.check_make(target),
            ["cargo", "run", arguments @ ..] => self.check_package(arguments),
            ["cargo", "test", arguments @ ..] => self
                .check_package(arguments)
                .and_then(|()| self.check_filter(arguments)),
            ["cargo", "doc" | "fmt" | "clippy", ..] => Ok(()),
            ["ccf", command, files @ ..] => check_ccf(command, files),
            _ => Err("no test knows this program".to_owned()),
        }
    }

    fn check_make(&self, target: &str) -> Result<(), String> {
        if self.makefile.contains(&format!("\n{target}:")) {
            return Ok(());
        }
        Err(format!("the Makefile has no target {target}"))
    }

    fn check_package(&self, arguments: &[&str]) -> Result<(), String> {
        let package = value(arguments, "-p").ok_or("it names no package")?;
        let targets = self.targets.get(package).ok_or("no such package")?;
        let target = ["--test", "--bin"]
            .into_iter()
            .find_map(|option| value(arguments, option));
        match target {
            Some(target) if !targets.iter().any(|known| known == target) => {
                Err(format!("{package} has no target {target}: {targets:?}"))
            }
            _ => Ok(()),
        }
    }

    fn check_filter(&self, arguments: &[&str]) -> Result<(), String> {
        let filter = value(arguments, "--").filter(|word| !word.starts_with('-'));
        let filter = filter.unwrap_or_default();
        match filter.rsplit("::").next() {
            Some(name) if !name.is_empty() && !self.has_test(name) => {
                Err(format!("no test has {name} in its name"))
            }
            _ => Ok(()),
        }
    }

    /// Whether a function or a module is named so.
    fn has_test(&self, name: &str) -> bool {
        ["fn ", "mod "]
            .iter()
            .any(|keyword| self.code.contains(&format!("{keyword}{name}")))
    }
}

/// A command of `ccf` on files of the repository.
fn check_ccf(command: &str, files: &[&str]) -> Result<(), String> {
    let paths = [format!("cli/src/commands/{command}.rs")];
    let files = files.iter().map(|file| (*file).to_owned());
    match paths
        .into_iter()
        .chain(files)
        .find(|path| !root().join(path).exists())
    {
        Some(missing) => Err(format!("{missing} does not exist")),
        None => Ok(()),
    }
}

/// The word behind an option.
fn value<'a>(arguments: &[&'a str], option: &str) -> Option<&'a str> {
    let place = arguments.iter().position(|word| *word == option)?;
    arguments.get(place + 1).copied()
}

fn targets() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(root())
        .output()
        .expect("cargo runs");
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo's JSON");
    let list = |value: &Value, key: &str| {
        let items = value.get(key).and_then(Value::as_array);
        items.cloned().unwrap_or_default()
    };
    let name = |value: &Value| {
        let name = value.get("name").and_then(Value::as_str);
        name.unwrap_or_default().to_owned()
    };
    list(&metadata, "packages")
        .iter()
        .map(|package| {
            let targets = list(package, "targets");
            (name(package), targets.iter().map(name).collect())
        })
        .collect()
}
