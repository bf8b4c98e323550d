//! The settings in an SQLite file: a change is on stable storage before it counts as made.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::interface::{Change, Revision, Store, StoreError, Stored};
use crate::error::Error;
use crate::model::audit::AuditRecord;
use crate::model::entry::{Entry, Settings};
use crate::model::scope::Scope;

/// The schema's migrations; `user_version` counts those that a database has.
/// `settings.id` preserves the order in which hostnames were added.
const MIGRATIONS: [&str; 2] = [
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

/// An open database. It is locked: two servers on one file would publish different settings.
#[derive(Debug)]
pub(super) struct SqliteStore {
    connection: Arc<Mutex<Connection>>,
}

impl SqliteStore {
    /// Opens the database and migrates it; creates one if the path doesn't exist.
    ///
    /// # Errors
    /// When it can't be opened, is empty, belongs to another program, or is open elsewhere.
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
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
        let mut connection = connect(path).map_err(|error| {
            let busy = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy);
            let hint = if busy {
                " (is another settings-api running on it?)"
            } else {
                ""
            };
            failed(&format_args!("{error}{hint}"))
        })?;
        let version = version(&connection).map_err(|error| failed(&error))?;
        match version {
            0 => return Err(failed(&"was made by another program")),
            known if known <= MIGRATIONS.len() => {}
            newer => {
                let known = MIGRATIONS.len();
                return Err(failed(&format_args!(
                    "has schema version {newer}, this program knows {known}: \
                     use the program that made it"
                )));
            }
        }
        migrate(&mut connection).map_err(|error| failed(&error))?;
        Ok(Self {
            connection: Arc::new(Mutex::new(connection)),
        })
    }

    /// Runs blocking work on the connection. It runs to its end even if the caller is dropped.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let connection = Arc::clone(&self.connection);
        let done = tokio::task::spawn_blocking(move || {
            let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut connection)
        });
        match done.await {
            Ok(outcome) => outcome.map_err(|error| StoreError::Unavailable(error.to_string())),
            Err(error) => Err(StoreError::Unavailable(error.to_string())),
        }
    }
}

/// The only revision: nobody else can open the file, so every change is this process's own.
fn revision() -> Revision {
    Revision("exclusive".into())
}

#[async_trait]
impl Store for SqliteStore {
    async fn load(&self, known: Option<&Revision>) -> Result<Option<Stored>, StoreError> {
        if known.is_some() {
            return Ok(None);
        }
        let settings = self.run(|connection| load(connection)).await?;
        Ok(Some(Stored {
            revision: revision(),
            settings,
        }))
    }

    async fn commit(&self, _: &Revision, change: Change) -> Result<Revision, StoreError> {
        self.run(move |connection| commit(connection, &change))
            .await?;
        Ok(revision())
    }

    async fn audit(&self, scope: &Scope, limit: u32) -> Result<Vec<AuditRecord>, StoreError> {
        let scope = scope.to_string();
        let records = self
            .run(move |connection| {
                let mut statement = connection.prepare(
                    "SELECT record FROM audit WHERE scope = ?1 ORDER BY id DESC LIMIT ?2",
                )?;
                let rows = statement.query_map(params![scope, limit], |row| row.get(0))?;
                rows.collect::<rusqlite::Result<Vec<String>>>()
            })
            .await?;
        let parsed = records.iter().map(|record| serde_json::from_str(record));
        parsed
            .collect::<Result<_, _>>()
            .map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    async fn changed(&self) {
        std::future::pending().await
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

fn load(connection: &Connection) -> rusqlite::Result<Settings> {
    let mut statement = connection.prepare(
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

fn commit(connection: &mut Connection, change: &Change) -> rusqlite::Result<()> {
    let scope = change.scope.to_string();
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
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
        for entry in &change.entries {
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
        if let Some(audit) = &change.audit {
            let record = serde_json::to_string(audit)
                .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
            transaction.execute(
                "INSERT INTO audit (scope, record) VALUES (?1, ?2)",
                params![scope, record],
            )?;
        }
    }
    transaction.commit()
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
    use rusqlite::Connection;

    use super::{MIGRATIONS, SqliteStore};
    use crate::model::entry::{Entry, entry};
    use crate::model::scope::Scope;
    use crate::store::{Change, Store};

    async fn change(store: &SqliteStore, scope: &Scope, entries: &[Entry]) {
        let change = Change {
            scope: scope.clone(),
            entries: entries.to_vec(),
            audit: None,
        };
        store.commit(&super::revision(), change).await.unwrap();
    }

    #[tokio::test]
    async fn changes_are_stored_in_their_order() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.db");
        let (zone, account) = (Scope::Zone("z".into()), Scope::Account("z".into()));
        let store = SqliteStore::open(&path).unwrap();
        let first = [
            entry("b.example", false, true),
            entry("a.example", false, true),
            entry("c.example", true, false),
        ];
        change(&store, &zone, &first).await;
        change(&store, &account, &first[..1]).await;
        let second = [
            entry("a.example", false, false),
            entry("b.example", true, true),
            entry("d.example", false, true),
        ];
        change(&store, &zone, &second).await;
        drop(store);
        let store = SqliteStore::open(&path).unwrap();
        let settings = store.load(None).await.unwrap().unwrap().settings;
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
        let _first = SqliteStore::open(&path).unwrap();
        let error = SqliteStore::open(&path).unwrap_err().to_string();
        assert!(error.contains("is another settings-api running"), "{error}");
    }

    #[test]
    fn a_file_that_is_no_database_of_this_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.db");
        let text = "not a database at all, but long enough to look like one".repeat(100);
        std::fs::write(&path, text).unwrap();
        let error = SqliteStore::open(&path).unwrap_err().to_string();
        assert!(error.contains("not a database"), "{error}");
    }

    #[tokio::test]
    async fn a_database_of_version_1_is_migrated_and_a_newer_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.db");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(MIGRATIONS[0]).unwrap();
        let row = "INSERT INTO settings VALUES (1, 'zones/z', 'a.example', 0, 1)";
        old.execute_batch(row).unwrap();
        old.pragma_update(None, "user_version", 1).unwrap();
        drop(old);
        let zone = Scope::Zone("z".into());
        let store = SqliteStore::open(&path).unwrap();
        let settings = store.load(None).await.unwrap().unwrap().settings;
        assert_eq!(settings[&zone], [entry("a.example", false, true)]);
        assert_eq!(store.audit(&zone, 10).await, Ok(vec![]));
        drop(store);
        let newer = Connection::open(&path).unwrap();
        newer.pragma_update(None, "user_version", 99).unwrap();
        drop(newer);
        let error = SqliteStore::open(&path).unwrap_err().to_string();
        assert!(error.contains("has schema version 99"), "{error}");
    }
}
