//! Standard output and error: colours, exit codes, text of 80 columns.

use std::io::{self, Write};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use anyhow::Result;
use serde::Serialize;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Nothing to report.
    Fine,
    /// Errors or warnings were found.
    Findings,
    /// The command line is wrong, or the input can't be read.
    Unusable,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Fine => ExitCode::SUCCESS,
            Exit::Findings => ExitCode::from(1),
            Exit::Unusable => ExitCode::from(2),
        }
    }
}

/// The style of errors.
pub(crate) const ERROR: Style = AnsiColor::Red.on_default().bold();
/// The style of warnings.
pub(crate) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// The style of names and headings.
pub(crate) const NAME: Style = Style::new().bold();
/// The style of what is good.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();

/// Columns of a terminal that every text fits.
const COLUMNS: usize = 80;

/// Writes to standard output, with colours where the terminal and the user want them.
///
/// # Errors
/// When it can't be written to. A reader that went away is none: `ccf … | head` is fine.
pub(crate) fn print(text: &str) -> Result<()> {
    match anstream::stdout()
        .write_all(text.as_bytes())
        .and_then(|()| anstream::stdout().flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints `value` as indented JSON.
///
/// # Errors
/// As [`print()`].
pub(crate) fn print_json(value: &impl Serialize) -> Result<()> {
    print(&(serde_json::to_string_pretty(value)? + "\n"))
}

/// Says on standard error what is wrong. Nothing is left to do where that fails.
pub(crate) fn report_error(error: &anyhow::Error) {
    let line = format!("{ERROR}ccf:{ERROR:#} {error:#}\n");
    let _ = anstream::stderr().write_all(line.as_bytes());
}

/// Says on standard error what the user should know beside the output.
pub(crate) fn note(text: &str) {
    let _ = anstream::stderr().write_all(format!("ccf: {text}\n").as_bytes());
}

/// Writes names and values in two columns; values that are too long for a line are cut.
pub(crate) fn columns<'a>(rows: impl IntoIterator<Item = (&'a str, &'a str)> + Clone) -> String {
    let names = rows.clone().into_iter().map(|(name, _)| name.len());
    let width = names.max().unwrap_or_default();
    let mut text = String::new();
    for (name, value) in rows {
        let value = shortened(value, COLUMNS.saturating_sub(width + 4));
        text.push_str(&format!("  {NAME}{name:width$}{NAME:#}  {value}\n"));
    }
    text
}

/// Cuts `value` to `most` characters and says how long it is.
pub(crate) fn shortened(value: &str, most: usize) -> String {
    let length = value.chars().count();
    if length <= most {
        return value.to_owned();
    }
    let end = format!("… ({length} characters)");
    let kept = most.saturating_sub(end.chars().count());
    value.chars().take(kept).collect::<String>() + &end
}

/// Breaks `text` between words so that each line fits, behind an indent of `indent` spaces.
pub(crate) fn wrapped(text: &str, indent: usize) -> String {
    let mut lines = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && indent + column + 1 + length <= COLUMNS {
            lines.push(' ');
            column += 1;
        } else {
            if column > 0 {
                lines.push('\n');
            }
            lines.push_str(&" ".repeat(indent));
            column = 0;
        }
        lines.push_str(word);
        column += length;
    }
    lines.push('\n');
    lines
}

#[cfg(test)]
mod tests {
    use super::{shortened, wrapped};

    #[test]
    fn long_values_are_cut_and_say_their_length() {
        assert_eq!(shortened("short", 5), "short");
        let cut = shortened(&"é".repeat(1000), 30);
        assert_eq!(cut, format!("{}… (1000 characters)", "é".repeat(11)));
    }

    #[test]
    fn lines_are_broken_between_words() {
        let text = wrapped(&"seven77 ".repeat(20), 4);
        assert_eq!(text.lines().count(), 3);
        assert!(
            text.lines()
                .all(|line| line.len() <= 80 && line.starts_with("    s"))
        );
    }
}
