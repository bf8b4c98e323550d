//! `ccf check`.

use anyhow::{Result, bail};

use crate::arguments::{Check, Format};
use crate::check::{Level, check, render};
use crate::configurations::{self, Contents};
use crate::output::{Exit, GOOD, print, print_json, report_error};

pub(super) fn run(command: &Check, format: Format) -> Result<Exit> {
    let (mut findings, mut unreadable) = (Vec::new(), false);
    for input in &command.files {
        match configurations::read(input) {
            Ok(contents) => {
                if holds_nothing(&contents) {
                    bail!("{input}: holds no plugin configuration of this filter");
                }
                findings.extend(check(input, &contents));
            }
            Err(error) => {
                report_error(&error);
                unreadable = true;
            }
        }
    }
    match format {
        Format::Json => print_json(&findings)?,
        Format::Text => {
            print(&render(&findings))?;
            if findings.is_empty() && !unreadable {
                print(&format!("{GOOD}fine{GOOD:#}: {}\n", names(command)))?;
            } else if !findings.is_empty() {
                let of = |level| findings.iter().filter(|one| one.level == level).count();
                let (errors, warnings) = (of(Level::Error), of(Level::Warning));
                print(&format!(
                    "{}, {}\n",
                    count(errors, "error"),
                    count(warnings, "warning")
                ))?;
            }
        }
    }
    Ok(if unreadable {
        Exit::Unusable
    } else if findings.is_empty() {
        Exit::Fine
    } else {
        Exit::Findings
    })
}

fn holds_nothing(contents: &Contents) -> bool {
    match contents {
        Contents::Broken { .. } => false,
        contents => configurations::find(contents).is_empty(),
    }
}

fn names(command: &Check) -> String {
    let names: Vec<String> = command.files.iter().map(ToString::to_string).collect();
    names.join(", ")
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}
