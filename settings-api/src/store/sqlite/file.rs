//! The database file: creation, migrations, locks.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::error::Error;

/// The schema's migrations; `user_version` counts those that a database has.
/// `settings.id` preserves the order in which hostnames were added.
pub(super) const MIGRATIONS: [&str; 2] = [
    "CREATE TABLE settings (
        id INTEGER PRIMARY KEY,
        scope TEXT NOT NULL,
        hostname TEXT NOT NULL,
        china_network INTEGER NOT NULL,
        client_certificate_forwarding INTEGER NOT NULL,
        UNIQUE (scope, hostname)
    ) STRICT;",
    "CREATE TABLE audit (
        id INTEGER PRIMARY KEY,
        scope TEXT NOT NULL,
        record TEXT NOT NULL
    ) STRICT;
    CREATE INDEX audit_by_scope ON audit (scope, id);",
];

/// A connection to a database that this process has locked.
#[derive(Debug)]
pub(super) struct LockedConnection {
    /// The connection.
    pub(super) connection: Connection,
    /// Holds the lock. Dropped last: closing any handle of the file releases SQLite's own locks.
    _lock: File,
}

/// Opens a database for this process alone, and migrates it; creates one if the path doesn't exist.
///
/// # Errors
/// When it can't be opened, is empty, belongs to another program, or is open elsewhere.
pub(super) fn open(path: &Path) -> Result<LockedConnection, Error> {
    let failed = |reason: &dyn Display| Error::new("database", path.display(), reason);
    match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => create(path)?,
        _ => check_content(path)?,
    }
    let lock = File::open(path).map_err(|error| failed(&error))?;
    // Two servers on one file would publish different settings. SQLite's exclusive mode would lock
    // out backups too.
    lock.try_lock()
        .map_err(|_| failed(&"is locked (is another settings-api running on it?)"))?;
    let mut connection = connect(path, FLAGS).map_err(|error| failed(&error))?;
    check_version(path, &connection)?;
    migrate(&mut connection).map_err(|error| failed(&error))?;
    Ok(LockedConnection {
        connection,
        _lock: lock,
    })
}

/// Opens a database to read it, while a server may have it open.
///
/// # Errors
/// When it can't be opened, doesn't exist, or belongs to another program.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, Error> {
    check_content(path)?;
    let failed = |error| Error::new("database", path.display(), error);
    let flags = FLAGS.difference(OpenFlags::SQLITE_OPEN_CREATE);
    let connection = connect(path, flags).map_err(failed)?;
    let version = check_version(path, &connection)?;
    if version < MIGRATIONS.len() {
        let reason = "is of an older version: start `settings-api serve` on it once";
        return Err(Error::new("database", path.display(), reason));
    }
    Ok(connection)
}

fn check_content(path: &Path) -> Result<(), Error> {
    let failed = |reason: &dyn Display| Error::new("database", path.display(), reason);
    let metadata = fs::metadata(path).map_err(|error| failed(&error))?;
    if metadata.len() == 0 {
        return Err(failed(
            &"is empty (0 bytes): restore it, or delete it to start without settings",
        ));
    }
    Ok(())
}

fn check_version(path: &Path, connection: &Connection) -> Result<usize, Error> {
    let failed = |reason: &dyn Display| Error::new("database", path.display(), reason);
    let known = MIGRATIONS.len();
    match version(connection).map_err(|error| failed(&error))? {
        0 => Err(failed(&"was made by another program")),
        newer if newer > known => Err(failed(&format_args!(
            "has schema version {newer}, this program knows {known}: \
             use the program that made it"
        ))),
        version => Ok(version),
    }
}

fn version(connection: &Connection) -> rusqlite::Result<usize> {
    let version: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(usize::try_from(version).unwrap_or(usize::MAX))
}

fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    let done = version(&transaction)?;
    for migration in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(migration)?;
    }
    let version = u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX);
    transaction.pragma_update(None, "user_version", version)?;
    transaction.commit()
}

/// Creates a database beside the path and moves it there, so that no crash leaves half of one.
///
/// # Errors
/// When the path exists, or can't be written.
pub(super) fn create(path: &Path) -> Result<(), Error> {
    let failed = |reason: &dyn Display| Error::new("database", path.display(), reason);
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let log = Path::new(&log);
    // SQLite would replay it into the new database.
    if log.exists() {
        let log = log.display();
        return Err(failed(&format_args!(
            "is missing, but {log} exists: restore both, or delete it to start without settings"
        )));
    }
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let file = tempfile::Builder::new()
        .prefix(".settings-api-")
        .tempfile_in(folder)
        .map_err(|error| failed(&error))?;
    let connection = Connection::open_with_flags(file.path(), FLAGS);
    connection
        .and_then(|mut connection| {
            connection.pragma_update(None, "synchronous", "FULL")?;
            migrate(&mut connection)
        })
        .map_err(|error| failed(&error))?;
    file.persist_noclobber(path)
        .map_err(|error| failed(&error.error))?;
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| failed(&error))
}

/// Without `SQLITE_OPEN_URI`, so that a path that looks like a URI is still a path.
const FLAGS: OpenFlags = OpenFlags::SQLITE_OPEN_READ_WRITE
    .union(OpenFlags::SQLITE_OPEN_CREATE)
    .union(OpenFlags::SQLITE_OPEN_NO_MUTEX);

fn connect(path: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(2))?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Every commit waits for the disk; in WAL mode, NORMAL would not.
    connection.pragma_update(None, "synchronous", "FULL")?;
    Ok(connection)
}
