//! The store on PostgreSQL.

use std::fmt;
use std::path::Path;

use async_trait::async_trait;
use deadpool_postgres::{Client, Pool, PoolError};
use tokio_postgres::types::Json;

use super::changes::{CHANNEL, Changes};
use super::connection::{Connector, TIMEOUT};
use super::error_chain::chain;
use super::schema;
use crate::error::Error;
use crate::model::audit::AuditRecord;
use crate::model::entry::{Entry, Settings};
use crate::model::scope::Scope;
use crate::store::interface::{Change, Revision, Store, StoreError, Stored};

/// A database that replicas share.
pub(in crate::store) struct PostgresStore {
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
    pub(in crate::store) async fn open(url: &str, ca: Option<&Path>) -> Result<Self, Error> {
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

    async fn changed(&self) {
        self.changes.next().await;
    }
}

const REVISION: &str = "SELECT revision::text FROM settings_api.state";

/// Reads everything by one statement, so that revision and settings belong together.
async fn load(client: &Client) -> Result<Stored, StoreError> {
    let statement = "
        SELECT state.revision::text, scope, hostname, china_network, client_certificate_forwarding
        FROM settings_api.state LEFT JOIN settings_api.settings ON true
        ORDER BY settings.id";
    let rows = client.query(statement, &[]).await?;
    let mut settings = Settings::new();
    let mut revision = None;
    for row in rows {
        revision = Some(Revision(row.try_get(0)?));
        let scope: Option<String> = row.try_get(1)?;
        let Some(Ok(scope)) = scope.map(|scope| scope.parse::<Scope>()) else {
            continue;
        };
        settings.entry(scope).or_default().push(Entry {
            hostname: row.try_get(2)?,
            china_network: row.try_get(3)?,
            client_certificate_forwarding: row.try_get(4)?,
        });
    }
    let missing = || StoreError::Unavailable("the table settings_api.state is empty".into());
    Ok(Stored {
        revision: revision.ok_or_else(missing)?,
        settings,
    })
}

async fn commit(
    client: &mut Client,
    expected: &Revision,
    change: &Change,
) -> Result<Revision, StoreError> {
    let transaction = client.transaction().await?;
    // Locks out other replicas until the end of the transaction.
    let row = transaction
        .query_one(&format!("{REVISION} FOR UPDATE"), &[])
        .await?;
    if row.try_get::<_, String>(0)? != expected.0 {
        return Err(StoreError::Conflict);
    }
    // A 202 promises stable storage, whatever the server's default; stronger ones stay.
    let durable = "SELECT set_config('synchronous_commit', 'on', true)
                   WHERE current_setting('synchronous_commit') = 'off'";
    transaction.execute(durable, &[]).await?;
    let scope = change.scope.to_string();
    let (removed, kept): (Vec<_>, Vec<_>) = change.entries.iter().partition(|it| it.is_removal());
    let removed: Vec<&str> = removed.iter().map(|it| it.hostname.as_str()).collect();
    let remove = "DELETE FROM settings_api.settings WHERE scope = $1 AND hostname = ANY($2)";
    transaction.execute(remove, &[&scope, &removed]).await?;
    let hostnames: Vec<&str> = kept.iter().map(|it| it.hostname.as_str()).collect();
    let china: Vec<bool> = kept.iter().map(|it| it.china_network).collect();
    let forwarding: Vec<bool> = kept
        .iter()
        .map(|it| it.client_certificate_forwarding)
        .collect();
    let upsert = "
        INSERT INTO settings_api.settings
            (scope, hostname, china_network, client_certificate_forwarding)
        SELECT $1, hostname, china, forwarding
        FROM unnest($2::text[], $3::boolean[], $4::boolean[])
            WITH ORDINALITY AS entry (hostname, china, forwarding, number)
        ORDER BY number
        ON CONFLICT (scope, hostname) DO UPDATE SET
            china_network = excluded.china_network,
            client_certificate_forwarding = excluded.client_certificate_forwarding";
    transaction
        .execute(upsert, &[&scope, &hostnames, &china, &forwarding])
        .await?;
    if let Some(audit) = &change.audit {
        let insert = "INSERT INTO settings_api.audit (scope, record) VALUES ($1, $2)";
        transaction.execute(insert, &[&scope, &Json(audit)]).await?;
    }
    let update = "UPDATE settings_api.state SET revision = gen_random_uuid()
                  RETURNING revision::text";
    let revision: String = transaction.query_one(update, &[]).await?.try_get(0)?;
    transaction
        .execute("SELECT pg_notify($1, $2)", &[&CHANNEL, &revision])
        .await?;
    transaction.commit().await?;
    Ok(Revision(revision))
}

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Unavailable(chain(&error))
    }
}

impl From<PoolError> for StoreError {
    fn from(error: PoolError) -> Self {
        Self::Unavailable(chain(&error))
    }
}
