//! `settings-api check`, `backup` and `migrate`.

use std::fmt::Display;
use std::io::Write;
use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;

use crate::crls::Crls;
use crate::error::Error;
use crate::model::base::Base;
use crate::model::snapshot;
use crate::store::{Content, Location};

/// Options of `settings-api check`.
#[derive(Debug, Args)]
pub(super) struct CheckOptions {
    /// The base configuration (JSON)
    #[arg(long, env = "SETTINGS_API_BASE", value_name = "FILE")]
    base: PathBuf,
}

/// Options of `settings-api backup`.
#[derive(Debug, Args)]
pub(super) struct BackupOptions {
    /// The database, as of `serve`; a server may be running on it
    #[arg(
        long,
        env = "SETTINGS_API_DATABASE",
        hide_env_values = true,
        value_name = "FILE|URL"
    )]
    database: Location,
    /// Require TLS from the PostgreSQL server, with a certificate of this CA (PEM)
    #[arg(long, env = "SETTINGS_API_DATABASE_CA", value_name = "FILE")]
    database_ca: Option<PathBuf>,
    /// The backup: a new SQLite file, which `serve --database` or `migrate --from` takes
    file: PathBuf,
}

/// Options of `settings-api migrate`.
#[derive(Debug, Args)]
pub(super) struct MigrateOptions {
    /// The database to copy: an SQLite file or postgres://…
    #[arg(long, value_name = "FILE|URL")]
    from: Location,
    /// The database to copy to, which must be empty
    #[arg(long, value_name = "FILE|URL")]
    to: Location,
    /// Require TLS from PostgreSQL servers, with a certificate of this CA (PEM)
    #[arg(long, env = "SETTINGS_API_DATABASE_CA", value_name = "FILE")]
    database_ca: Option<PathBuf>,
}

/// Checks a base configuration.
///
/// # Errors
/// The first mistake and its JSON path.
pub(super) fn check(options: &CheckOptions) -> Result<(), Error> {
    let base = Base::load(&options.base)?;
    let failed = |why: &dyn Display| Base::error(&options.base, why);
    let crls = Crls::load(&base.crls, &Crls::default(), SystemTime::now());
    let crls = crls.map_err(|error| failed(&error))?;
    let revoked = crls.revoked_certificates();
    let snapshot = snapshot::build(&base, revoked, &Default::default());
    let snapshot = snapshot.map_err(|error| failed(&error))?;
    let path = options.base.display().to_string();
    let warnings = snapshot.values().flat_map(|resource| {
        let name = &resource.name;
        let warnings = resource.warnings.iter();
        let path = &path;
        warnings.map(move |warning| format!("{path}: warning: resources.{name}: {warning}\n"))
    });
    let crls = match base.crls.len() {
        0 => String::new(),
        files => format!(
            ", {files} CRL files with {} revoked certificates",
            revoked.len()
        ),
    };
    print(&format!(
        "{}{path}: valid, {} zones, {} accounts, {} resources{crls}\n",
        warnings.collect::<String>(),
        base.zones.len(),
        base.accounts.len(),
        base.resources.len()
    ))
}

/// Copies a database into a new SQLite file.
///
/// # Errors
/// When one can't be read or the other can't be written.
pub(super) fn backup(options: &BackupOptions) -> Result<(), Error> {
    block_on(async {
        let database_ca = options.database_ca.as_deref();
        let content = options.database.export(database_ca).await?;
        let summary = summary(&content);
        Location::create_backup(&options.file, content).await?;
        print(&format!("{}: {summary}\n", options.file.display()))
    })
}

/// Copies a database into another, empty one.
///
/// # Errors
/// When one can't be read or the other can't be written.
pub(super) fn migrate(options: &MigrateOptions) -> Result<(), Error> {
    block_on(async {
        let database_ca = options.database_ca.as_deref();
        let content = options.from.export(database_ca).await?;
        let summary = summary(&content);
        options.to.import(database_ca, content).await?;
        print(&format!("{}: {summary}\n", options.to))
    })
}

fn summary(content: &Content) -> String {
    let hostnames: usize = content.settings.values().map(Vec::len).sum();
    let records = content.audit.len();
    format!("{hostnames} hostnames, {records} audit records")
}

fn block_on(work: impl Future<Output = Result<(), Error>>) -> Result<(), Error> {
    // Fails only if a default is set already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime =
        tokio::runtime::Runtime::new().map_err(|error| Error::new("start", "tokio", error))?;
    runtime.block_on(work)
}

fn print(text: &str) -> Result<(), Error> {
    let written = std::io::stdout().lock().write_all(text.as_bytes());
    written.map_err(|error| Error::new("standard output", "can't be written", error))
}
