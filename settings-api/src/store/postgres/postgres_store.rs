//! The store on PostgreSQL.

use std::fmt;
use std::path::Path;

use async_trait::async_trait;
use deadpool_postgres::{Client, Pool, PoolError};
use serde_json::Value;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::Json;

use super::changes::Changes;
use super::connection::{Connector, TIMEOUT};
use super::error_chain::chain;
use super::queries::{REVISION, commit, export, import, load};
use super::{replicas, schema};
use crate::error::Error;
use crate::model::audit::AuditRecord;
use crate::model::scope::Scope;
use crate::store::interface::{Change, Content, Revision, Store, StoreError, Stored};

/// A database that replicas share.
pub(crate) struct PostgresStore {
    pool: Pool,
    changes: Changes,
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PostgresStore")
    }
}

impl PostgresStore {
    /// Connects, and migrates the schema.
    ///
    /// # Errors
    /// When the database can't be used.
    pub(crate) async fn open(url: &str, ca: Option<&Path>) -> Result<Self, Error> {
        let connector = Connector::new(url, ca)?;
        let failed = |reason: String| Error::new("database", connector.name(), reason);
        let pool = connector.pool()?;
        let mut client = pool.get().await.map_err(|error| failed(chain(&error)))?;
        let migrated = schema::migrate(&mut client).await;
        migrated.map_err(|error| failed(chain(&error)))?;
        let changes = Changes::listen(connector.clone());
        Ok(Self { pool, changes })
    }

    /// Runs statements on a pooled connection. A connection that gives no answer is closed.
    async fn run<T>(
        &self,
        work: impl AsyncFnOnce(&mut Client) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut client = self.pool.get().await?;
        match tokio::time::timeout(TIMEOUT, work(&mut client)).await {
            Ok(outcome) => outcome,
            Err(_) => {
                drop(Client::take(client));
                let seconds = TIMEOUT.as_secs();
                let reason = format!("no answer from the database within {seconds} s");
                Err(StoreError::Unavailable(reason))
            }
        }
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn load(&self, known: Option<&Revision>) -> Result<Option<Stored>, StoreError> {
        self.run(async |client| {
            if let Some(known) = known {
                let row = client.query_one(REVISION, &[]).await?;
                if row.try_get::<_, String>(0)? == known.0 {
                    return Ok(None);
                }
            }
            load(client).await.map(Some)
        })
        .await
    }

    async fn commit(&self, expected: &Revision, change: Change) -> Result<Revision, StoreError> {
        self.run(async |client| commit(client, expected, &change).await)
            .await
    }

    async fn audit(&self, scope: &Scope, limit: u32) -> Result<Vec<AuditRecord>, StoreError> {
        let statement = "SELECT record FROM settings_api.audit
                         WHERE scope = $1 ORDER BY id DESC LIMIT $2";
        let (scope, limit) = (scope.to_string(), i64::from(limit));
        self.run(async |client| {
            let rows = client.query(statement, &[&scope, &limit]).await?;
            let records = rows.iter().map(|row| Ok(row.try_get::<_, Json<_>>(0)?.0));
            records.collect()
        })
        .await
    }

    async fn export(&self) -> Result<Content, StoreError> {
        self.run(async |client| export(client).await).await
    }

    async fn import(&self, content: Content) -> Result<(), StoreError> {
        self.run(async |client| import(client, &content).await)
            .await
    }

    async fn changed(&self) {
        self.changes.next().await;
    }

    async fn announce(&self, replica: &str, known: &Value, is_new: bool) -> Result<(), StoreError> {
        self.run(async |client| replicas::announce(client, replica, known, is_new).await)
            .await
    }

    async fn others(&self, replica: &str) -> Result<Vec<(String, Value)>, StoreError> {
        self.run(async |client| replicas::others(client, replica).await)
            .await
    }

    async fn leave(&self, replica: &str) {
        // Without a database the others notice its silence.
        let _ = self
            .run(async |client| replicas::leave(client, replica).await)
            .await;
    }
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.code() {
            Some(&SqlState::DISK_FULL) => Self::Full(chain(&error)),
            _ => Self::Unavailable(chain(&error)),
        }
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        Self::Unavailable(chain(&error))
    }
}
