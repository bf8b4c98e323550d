//! One module per command.

mod bootstrap;
mod check;
mod explain;
mod fields;
mod filters;
mod presented;
mod revocations;
mod schema;
mod shell;

use anyhow::Result;

use crate::arguments::{Arguments, Command};
use crate::output::Exit;

/// Runs the command.
///
/// # Errors
/// When the input can't be read: exit code 2.
pub(crate) fn run(arguments: &Arguments) -> Result<Exit> {
    let format = arguments.format;
    match &arguments.command {
        Command::Check(command) => check::run(command, format),
        Command::Explain(command) => explain::run(command, format),
        Command::Filters(command) => filters::run(command, format),
        Command::Fields(command) => fields::run(command, format),
        Command::Revocations(command) => revocations::run(command),
        Command::Schema(_) => schema::run(),
        Command::Completions(command) => shell::completions(command),
        Command::Man(_) => shell::man(),
    }
}
