//! The program `settings-api`: serves the API, or manages the tokens that may use it.

use std::process::ExitCode;

use clap::Parser;
use settings_api::cli::{Arguments, Command};
use settings_api::{server, token_commands};

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Serve(options) => server::run(*options),
        Command::Token(command) => token_commands::run(command),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write;
            // Nothing is left to tell it to when standard error is closed.
            let _ = writeln!(std::io::stderr(), "settings-api: {error}");
            ExitCode::FAILURE
        }
    }
}
