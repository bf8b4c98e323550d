//! `docs/ccf.md`: its commands print what it shows.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::certificates::authority;
use crate::program::repository;

/// A block of code, and the line of text before it.
struct Block {
    language: String,
    before: String,
    text: String,
}

fn blocks(document: &str) -> Vec<Block> {
    let (mut blocks, mut before, mut open): (Vec<Block>, String, Option<Block>) =
        (Vec::new(), String::new(), None);
    for line in document.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(language), None) => {
                open = Some(Block {
                    language: language.to_owned(),
                    before: before.clone(),
                    text: String::new(),
                });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.text.push_str(&format!("{line}\n")),
            (None, None) if !line.is_empty() => line.clone_into(&mut before),
            (None, None) => {}
        }
    }
    blocks
}

/// The file that a block shows: its name stands at the end of the line before.
fn file_name(block: &Block) -> Option<&str> {
    let name = block.before.strip_suffix("`:")?.rsplit('`').next()?;
    (block.language != "console").then_some(name)
}

/// Runs a line in `folder`, where `ccf` is the built program.
fn run(line: &str, folder: &Path) -> String {
    let programs = Path::new(env!("CARGO_BIN_EXE_ccf")).parent().unwrap();
    let path = format!("{}:{}", programs.display(), std::env::var("PATH").unwrap());
    let output = Command::new("sh")
        .args(["-c", &format!("{{ {line}\n}} 2>&1")])
        .current_dir(folder)
        .env("PATH", path)
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn its_commands_print_what_it_shows() {
    let path = repository().join("docs/ccf.md");
    let document = fs::read_to_string(&path).unwrap();
    let folder = authority();
    let certificate = repository().join("src/certificate/testdata/rfc9440.pem");
    fs::copy(certificate, folder.path().join("client.pem")).unwrap();
    let (mut commands, mut updated) = (0, document.clone());
    for block in blocks(&document) {
        if let Some(name) = file_name(&block) {
            fs::write(folder.path().join(name), &block.text).unwrap();
        }
        if block.language != "console" {
            continue;
        }
        let lines = block
            .text
            .lines()
            .filter_map(|line| line.strip_prefix("$ "));
        let shown: Vec<String> = lines
            .map(|line| format!("$ {line}\n{}", run(line, folder.path())))
            .collect();
        commands += shown.len();
        updated = updated.replacen(&block.text, &shown.concat(), 1);
    }
    assert!(commands >= 10, "{commands} commands");
    // UPDATE_DOCS=1 writes what the commands print now.
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &updated).unwrap();
    }
    for (number, (shown, printed)) in document.lines().zip(updated.lines()).enumerate() {
        assert_eq!(shown, printed, "docs/ccf.md:{}", number + 1);
    }
    assert_eq!(document, updated);
}

#[test]
fn it_shows_the_help_of_every_command() {
    let document = fs::read_to_string(repository().join("docs/ccf.md")).unwrap();
    for command in crate::usage::COMMANDS {
        let line = format!("\n$ ccf {command} --help\n");
        assert!(document.contains(&line), "{line}");
    }
}
