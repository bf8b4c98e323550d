//! The `--database` option: where the store is.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use super::interface::{Content, Store};
use super::postgres::PostgresStore;
use super::sqlite::SqliteStore;
use crate::error::Error;

/// Where a store is.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Location {
    /// An SQLite file: a path, or `sqlite:PATH`.
    Sqlite(PathBuf),
    /// A PostgreSQL server: a URL, which may hold a password.
    Postgres(String),
}

impl FromStr for Location {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            return Ok(Self::Postgres(text.to_owned()));
        }
        let path = text.strip_prefix("sqlite:").unwrap_or(text);
        Ok(Self::Sqlite(path.into()))
    }
}

impl std::fmt::Display for Location {
    /// Leaves out the URL, which may hold a password.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => path.display().fmt(formatter),
            Self::Postgres(_) => formatter.write_str("postgres://…"),
        }
    }
}

impl std::fmt::Debug for Location {
    /// Leaves out the URL, which may hold a password.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => formatter.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => formatter.write_str("Postgres(…)"),
        }
    }
}

impl Location {
    /// Reads everything, while a server may have the store open.
    ///
    /// # Errors
    /// When it can't be read.
    pub(crate) async fn export(&self, ca: Option<&Path>) -> Result<Content, Error> {
        match self {
            Self::Sqlite(path) => SqliteStore::export(path),
            Self::Postgres(url) => {
                let store = PostgresStore::open(url, ca).await?;
                let content = store.export().await;
                content.map_err(|error| Error::new("database", "export", error))
            }
        }
    }

    /// Writes everything into an empty store; creates a missing one.
    ///
    /// # Errors
    /// When it isn't empty, or can't be written.
    pub(crate) async fn import(&self, ca: Option<&Path>, content: Content) -> Result<(), Error> {
        let imported = self.open(ca).await?.import(content).await;
        imported.map_err(|error| Error::new("database", self, error))
    }

    /// Writes everything into a new SQLite file.
    ///
    /// # Errors
    /// When the file exists, or can't be written.
    pub(crate) async fn create_backup(path: &Path, content: Content) -> Result<(), Error> {
        let imported = SqliteStore::create(path)?.import(content).await;
        imported.map_err(|error| Error::new("backup", path.display(), error))
    }

    /// Opens the store; creates a missing SQLite file, or the schema in a PostgreSQL database.
    ///
    /// # Errors
    /// When it can't be opened; the message never holds the password.
    pub(crate) async fn open(&self, ca: Option<&Path>) -> Result<Arc<dyn Store>, Error> {
        match self {
            Self::Sqlite(path) => Ok(Arc::new(SqliteStore::open(path)?)),
            Self::Postgres(url) => Ok(Arc::new(PostgresStore::open(url, ca).await?)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Location;

    #[test]
    fn a_database_is_a_path_or_a_url() {
        for (text, expected) in [
            ("settings.db", Location::Sqlite("settings.db".into())),
            (
                "sqlite:/var/lib/x.db",
                Location::Sqlite("/var/lib/x.db".into()),
            ),
            (
                "postgres://a:b@db/x",
                Location::Postgres("postgres://a:b@db/x".into()),
            ),
        ] {
            assert_eq!(text.parse(), Ok(expected));
        }
        let location: Location = "postgres://a:secret@db/x".parse().unwrap();
        assert!(!format!("{location:?}").contains("secret"));
    }
}
