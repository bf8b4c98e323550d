//! The settings in an SQLite file: a change is on stable storage before it counts as made.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use crate::error::Error;
use crate::model::entry::{Entry, Settings};
use crate::model::scope::Scope;

/// The version of the schema below; a database with another one is refused.
const SCHEMA_VERSION: i64 = 1;

/// `id` preserves the order in which hostnames were added.
const SCHEMA: &str = "
    BEGIN EXCLUSIVE;
    CREATE TABLE settings (
        id INTEGER PRIMARY KEY,
        scope TEXT NOT NULL,
        hostname TEXT NOT NULL,
        china_network INTEGER NOT NULL,
        client_certificate_forwarding INTEGER NOT NULL,
        UNIQUE (scope, hostname)
    ) STRICT;
    PRAGMA user_version = 1;
    COMMIT;
";

/// An open database. It is locked: two servers on one file would publish different settings.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
}

impl Store {
    /// Opens the database; creates one if the path doesn't exist.
    ///
    /// # Errors
    /// When it can't be opened, is empty, belongs to another program, or is open elsewhere.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |reason: &dyn Display| Error::new("database", path.display(), reason);
        match fs::metadata(path) {
            Ok(metadata) if metadata.len() == 0 => {
                return Err(failed(
                    &"is empty (0 bytes): restore it, or delete it to start without settings",
                ));
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => create(path)?,
            Err(error) => return Err(failed(&error)),
        }
        let connection = connect(path).map_err(|error| {
            let busy = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy);
            let hint = if busy {
                " (is another settings-api running on it?)"
            } else {
                ""
            };
            failed(&format_args!("{error}{hint}"))
        })?;
        let version: i64 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(|error| failed(&error))?;
        match version {
            SCHEMA_VERSION => Ok(Self { connection }),
            0 => Err(failed(&"was made by another program")),
            other => Err(failed(&format_args!(
                "has schema version {other}, this program knows {SCHEMA_VERSION}: \
                 use the program that made it"
            ))),
        }
    }

    /// Reads all settings.
    ///
    /// # Errors
    /// When the database can't be read.
    pub(crate) fn load(&self) -> Result<Settings, rusqlite::Error> {
        let mut statement = self.connection.prepare(
            "SELECT scope, hostname, china_network, client_certificate_forwarding
             FROM settings ORDER BY id",
        )?;
        let mut rows = statement.query([])?;
        let mut settings = Settings::new();
        while let Some(row) = rows.next()? {
            let scope: String = row.get(0)?;
            let Ok(scope) = scope.parse() else {
                continue;
            };
            settings.entry(scope).or_default().push(Entry {
                hostname: row.get(1)?,
                china_network: row.get(2)?,
                client_certificate_forwarding: row.get(3)?,
            });
        }
        Ok(settings)
    }

    /// Stores these changes, all or none; on success they are on stable storage.
    ///
    /// # Errors
    /// When they can't be written.
    pub(crate) fn change(
        &mut self,
        scope: &Scope,
        changes: &[Entry],
    ) -> Result<(), rusqlite::Error> {
        let scope = scope.to_string();
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut remove =
                transaction.prepare("DELETE FROM settings WHERE scope = ?1 AND hostname = ?2")?;
            let mut upsert = transaction.prepare(
                "INSERT INTO settings
                     (scope, hostname, china_network, client_certificate_forwarding)
                 VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (scope, hostname) DO UPDATE SET
                     china_network = excluded.china_network,
                     client_certificate_forwarding = excluded.client_certificate_forwarding",
            )?;
            for entry in changes {
                if entry.is_removal() {
                    remove.execute(params![scope, entry.hostname])?;
                } else {
                    upsert.execute(params![
                        scope,
                        entry.hostname,
                        entry.china_network,
                        entry.client_certificate_forwarding
                    ])?;
                }
            }
        }
        transaction.commit()
    }
}

/// Creates a database beside the path and moves it there, so that no crash leaves half of one.
fn create(path: &Path) -> Result<(), Error> {
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
        .and_then(|connection| {
            connection.pragma_update(None, "synchronous", "FULL")?;
            connection.execute_batch(SCHEMA)
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

fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_with_flags(path, FLAGS)?;
    connection.busy_timeout(Duration::from_secs(2))?;
    connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // Every commit waits for the disk; in WAL mode, NORMAL would not.
    connection.pragma_update(None, "synchronous", "FULL")?;
    // The exclusive lock is taken with the first read.
    connection.pragma_query_value(None, "schema_version", |_| Ok(()))?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::Store;
    use crate::model::entry::entry;
    use crate::model::scope::Scope;

    #[test]
    fn changes_are_there_again_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.db");
        let (zone, account) = (Scope::Zone("z".into()), Scope::Account("z".into()));
        let mut store = Store::open(&path).unwrap();
        let first = [
            entry("b.example", false, true),
            entry("a.example", false, true),
            entry("c.example", true, false),
        ];
        store.change(&zone, &first).unwrap();
        store.change(&account, &first[..1]).unwrap();
        let second = [
            entry("a.example", false, false),
            entry("b.example", true, true),
            entry("d.example", false, true),
        ];
        store.change(&zone, &second).unwrap();
        drop(store);
        let settings = Store::open(&path).unwrap().load().unwrap();
        assert_eq!(
            settings[&zone],
            [
                entry("b.example", true, true),
                entry("c.example", true, false),
                entry("d.example", false, true)
            ]
        );
        assert_eq!(settings[&account], first[..1]);
    }

    #[test]
    fn a_database_is_open_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.db");
        let _first = Store::open(&path).unwrap();
        let error = Store::open(&path).unwrap_err().to_string();
        assert!(error.contains("is another settings-api running"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_database_of_this_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.db");
        std::fs::write(
            &path,
            "not a database at all, but long enough to look like one".repeat(100),
        )
        .unwrap();
        let error = Store::open(&path).unwrap_err().to_string();
        assert!(error.contains("not a database"), "{error}");
    }
}
