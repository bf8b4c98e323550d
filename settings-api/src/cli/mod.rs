//! The command line.

mod maintenance;
mod token;

use clap::{Parser, Subcommand};

use self::maintenance::{BackupOptions, CheckOptions, MigrateOptions};
use self::token::TokenCommand;
use crate::error::Error;
use crate::server::{self, ServeOptions};

/// Cloudflare's mTLS hostname settings API for your own Envoys.
#[derive(Debug, Parser)]
#[command(version, about)]
struct Arguments {
    /// The command.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the API to its clients, and the settings to Envoys
    Serve(Box<ServeOptions>),
    /// Check a base configuration, without serving it
    Check(CheckOptions),
    /// Copy the database into a new file, consistently while a server runs
    Backup(BackupOptions),
    /// Copy one database into another, empty one; stop servers on the first before
    Migrate(MigrateOptions),
    /// Manage the API's tokens
    #[command(subcommand)]
    Token(TokenCommand),
}

/// Parses the command line and runs its command.
///
/// # Errors
/// The reason for which the command failed.
pub(crate) fn run() -> Result<(), Error> {
    match Arguments::parse().command {
        Command::Serve(options) => server::run(&options),
        Command::Check(options) => maintenance::check(&options),
        Command::Backup(options) => maintenance::backup(&options),
        Command::Migrate(options) => maintenance::migrate(&options),
        Command::Token(command) => token::run(command),
    }
}
