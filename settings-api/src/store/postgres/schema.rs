//! The schema and its migrations.

use tokio_postgres::{Client, Error};

/// Migrations, in order; the table `settings_api.migrations` counts those that a database has.
/// `settings.id` preserves the order in which hostnames were added.
const MIGRATIONS: [&str; 2] = [
    "
    CREATE TABLE settings_api.settings (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        scope text NOT NULL,
        hostname text NOT NULL,
        china_network boolean NOT NULL,
        client_certificate_forwarding boolean NOT NULL,
        UNIQUE (scope, hostname)
    );
    CREATE TABLE settings_api.state (
        only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
        revision uuid NOT NULL DEFAULT gen_random_uuid()
    );
    INSERT INTO settings_api.state DEFAULT VALUES;
    CREATE TABLE settings_api.audit (
        id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        scope text NOT NULL,
        record jsonb NOT NULL
    );
    CREATE INDEX audit_by_scope ON settings_api.audit (scope, id);
",
    // Written each second and worthless later: it needs neither the log nor a copy on a standby.
    "
    CREATE UNLOGGED TABLE settings_api.replicas (
        name text PRIMARY KEY,
        known jsonb NOT NULL,
        seen timestamptz NOT NULL
    );
",
];

/// Serialises concurrent starts. The number is arbitrary, but must never change.
const LOCK: &str = "SELECT pg_advisory_xact_lock(7225171431880931)";

/// The reason for which a database can't be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum SchemaError {
    /// The schema exists, but this program didn't make it.
    #[error("has a schema settings_api that another program made: use another database")]
    Foreign,
    /// A later version of this program made the schema.
    #[error("has schema version {found}, this program knows {known}: use the program that made it")]
    Newer {
        /// The database's version.
        found: usize,
        /// This program's version.
        known: usize,
    },
    /// The database failed.
    #[error(transparent)]
    Database(#[from] Error),
}

/// Creates the schema, or applies the migrations that it lacks.
///
/// # Errors
/// The reason for which the database can't be used; nothing has changed.
pub(super) async fn migrate(client: &mut Client) -> Result<(), SchemaError> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(LOCK).await?;
    let row = transaction
        .query_one(
            "SELECT to_regnamespace('settings_api') IS NOT NULL,
                    to_regclass('settings_api.migrations') IS NOT NULL",
            &[],
        )
        .await?;
    let (has_schema, has_migrations): (bool, bool) = (row.try_get(0)?, row.try_get(1)?);
    if has_schema && !has_migrations {
        return Err(SchemaError::Foreign);
    }
    if !has_schema {
        let create = "
            CREATE SCHEMA settings_api;
            CREATE TABLE settings_api.migrations (
                version integer PRIMARY KEY,
                applied_at timestamptz NOT NULL DEFAULT now()
            );";
        transaction.batch_execute(create).await?;
    }
    let count = "SELECT count(*) FROM settings_api.migrations";
    let count: i64 = transaction.query_one(count, &[]).await?.try_get(0)?;
    let found = usize::try_from(count).unwrap_or(usize::MAX);
    let known = MIGRATIONS.len();
    if found > known {
        return Err(SchemaError::Newer { found, known });
    }
    for (version, migration) in (1_i32..).zip(MIGRATIONS).skip(found) {
        transaction.batch_execute(migration).await?;
        let record = "INSERT INTO settings_api.migrations (version) VALUES ($1)";
        transaction.execute(record, &[&version]).await?;
    }
    transaction.commit().await?;
    Ok(())
}
