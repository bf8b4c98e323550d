//! The store on SQLite: a change is on stable storage before it counts as made.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use rusqlite::{Connection, ErrorCode};
use serde_json::Value;

use super::file::{self, LockedConnection};
use super::queries;
use crate::error::Error;
use crate::model::audit::AuditRecord;
use crate::model::scope::Scope;
use crate::store::interface::{Change, Content, Revision, Store, StoreError, Stored};

/// An open database, locked against other servers.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    locked: Arc<Mutex<LockedConnection>>,
}

impl SqliteStore {
    /// Opens a database; creates one if the path doesn't exist.
    ///
    /// # Errors
    /// When it can't be used.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let locked = Arc::new(Mutex::new(file::open(path)?));
        Ok(Self { locked })
    }

    /// Creates a database.
    ///
    /// # Errors
    /// When the path exists, or can't be written.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        file::create(path)?;
        Self::open(path)
    }

    /// Reads everything from a database that a server may have open.
    ///
    /// # Errors
    /// When it can't be read.
    pub(crate) fn export(path: &Path) -> Result<Content, Error> {
        let mut connection = file::open_to_read(path)?;
        queries::export(&mut connection)
            .map_err(|error| Error::new("database", path.display(), error))
    }

    /// Runs blocking work on the connection. It runs to its end even if the caller is dropped.
    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let locked = Arc::clone(&self.locked);
        let done = tokio::task::spawn_blocking(move || {
            let mut locked = locked.lock().unwrap_or_else(PoisonError::into_inner);
            work(&mut locked.connection)
        });
        match done.await {
            Ok(outcome) => outcome.map_err(|error| match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => StoreError::Full(error.to_string()),
                _ => StoreError::Unavailable(error.to_string()),
            }),
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
        let settings = self.run(|connection| queries::load(connection)).await?;
        Ok(Some(Stored {
            revision: revision(),
            settings,
        }))
    }

    async fn commit(&self, _: &Revision, change: Change) -> Result<Revision, StoreError> {
        self.run(move |connection| queries::commit(connection, &change))
            .await?;
        Ok(revision())
    }

    async fn audit(&self, scope: &Scope, limit: u32) -> Result<Vec<AuditRecord>, StoreError> {
        let scope = scope.to_string();
        self.run(move |connection| queries::audit(connection, &scope, limit))
            .await
    }

    async fn export(&self) -> Result<Content, StoreError> {
        self.run(queries::export).await
    }

    async fn import(&self, content: Content) -> Result<(), StoreError> {
        let was_empty = self
            .run(move |connection| queries::import(connection, &content))
            .await?;
        was_empty.then_some(()).ok_or(StoreError::NotEmpty)
    }

    async fn changed(&self) {
        std::future::pending().await
    }

    // Nobody else can open the file: there are no other replicas.

    async fn announce(&self, _: &str, _: &Value, _: bool) -> Result<(), StoreError> {
        Ok(())
    }

    async fn others(&self, _: &str) -> Result<Vec<(String, Value)>, StoreError> {
        Ok(Vec::new())
    }

    async fn leave(&self, _: &str) {}
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::SqliteStore;
    use crate::model::entry::{Entry, entry};
    use crate::model::scope::Scope;
    use crate::store::interface::{Change, Store};
    use crate::store::sqlite::file::MIGRATIONS;

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
