//! The settings in an SQLite file: a change is on stable storage before it counts as made.

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
    CREATE TABLE settings (
        id INTEGER PRIMARY KEY,
        scope TEXT NOT NULL,
        hostname TEXT NOT NULL,
        china_network INTEGER NOT NULL,
        client_certificate_forwarding INTEGER NOT NULL,
        UNIQUE (scope, hostname)
    ) STRICT;
    PRAGMA user_version = 1;
";

/// An open database. It is locked: two servers on one file would publish different settings.
#[derive(Debug)]
pub(crate) struct Store {
    connection: Connection,
}

impl Store {
    /// Opens the database; creates a missing one.
    ///
    /// # Errors
    /// When it can't be opened, belongs to another program, or is open elsewhere.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let failed = |error: rusqlite::Error| {
            let busy = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy);
            let hint = if busy {
                " (is another settings-api running on it?)"
            } else {
                ""
            };
            Error::new("database", path.display(), format_args!("{error}{hint}"))
        };
        let connection = connect(path).map_err(failed)?;
        let version: i64 = connection
            .pragma_query_value(None, "user_version", |row| row.get(0))
            .map_err(failed)?;
        match version {
            0 => {
                let schema = format!("BEGIN EXCLUSIVE; {SCHEMA} COMMIT;");
                connection.execute_batch(&schema).map_err(failed)?;
            }
            SCHEMA_VERSION => {}
            other => {
                let why = format!(
                    "has schema version {other}, this program knows {SCHEMA_VERSION}: \
                     use the program that made it"
                );
                return Err(Error::new("database", path.display(), why));
            }
        }
        Ok(Self { connection })
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

fn connect(path: &Path) -> Result<Connection, rusqlite::Error> {
    // Without SQLITE_OPEN_URI, so that a path that looks like a URI is still a path.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
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
