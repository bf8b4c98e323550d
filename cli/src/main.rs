//! `ccf`, the operators' command line of the client certificate forwarder (contract §7).
//!
//! Every answer comes from the filter's own code: what it accepts and decides, this says.

mod arguments;
mod check;
mod commands;
mod configurations;
mod document;
mod fast_path;
mod input;
mod output;

use std::process::ExitCode;

use clap::Parser;

use arguments::Arguments;
use output::{Exit, report_error};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    arguments.color.write_global();
    match commands::run(&arguments) {
        Ok(exit) => exit.into(),
        Err(error) => {
            report_error(&error);
            Exit::Unusable.into()
        }
    }
}
