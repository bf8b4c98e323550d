//! The statements.

use deadpool_postgres::{Client, GenericClient, Transaction};
use tokio_postgres::IsolationLevel;
use tokio_postgres::types::Json;

use super::changes::CHANNEL;
use crate::model::audit::AuditRecord;
use crate::model::entry::{Entry, Settings};
use crate::model::scope::Scope;
use crate::store::interface::{Change, Content, Revision, StoreError, Stored};

/// Reads the revision.
pub(super) const REVISION: &str = "SELECT revision::text FROM settings_api.state";

/// Reads everything by one statement, so that revision and settings belong together.
pub(super) async fn load(client: &impl GenericClient) -> Result<Stored, StoreError> {
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

/// Makes a change in one transaction, if the store is at revision `expected`.
pub(super) async fn commit(
    client: &mut Client,
    expected: &Revision,
    change: &Change,
) -> Result<Revision, StoreError> {
    let transaction = client.transaction().await?;
    if lock(&transaction).await? != *expected {
        return Err(StoreError::Conflict);
    }
    // A 202 promises stable storage, whatever the server's default; stronger ones stay.
    let durable = "SELECT set_config('synchronous_commit', 'on', true)
                   WHERE current_setting('synchronous_commit') = 'off'";
    transaction.execute(durable, &[]).await?;
    write(&transaction, &change.scope, &change.entries).await?;
    if let Some(record) = &change.audit {
        write_audit(&transaction, record).await?;
    }
    let revision = renew_revision(&transaction).await?;
    transaction.commit().await?;
    Ok(revision)
}

/// Reads everything as of one moment.
pub(super) async fn export(client: &mut Client) -> Result<Content, StoreError> {
    let transaction = client
        .build_transaction()
        .isolation_level(IsolationLevel::RepeatableRead)
        .read_only(true)
        .start()
        .await?;
    let settings = load(&transaction).await?.settings;
    let audit = "SELECT record FROM settings_api.audit ORDER BY id";
    let rows = transaction.query(audit, &[]).await?;
    let audit = rows.iter().map(|row| Ok(row.try_get::<_, Json<_>>(0)?.0));
    Ok(Content {
        settings,
        audit: audit.collect::<Result<_, StoreError>>()?,
    })
}

/// Writes everything into an empty store, in one transaction.
pub(super) async fn import(client: &mut Client, content: &Content) -> Result<(), StoreError> {
    let transaction = client.transaction().await?;
    lock(&transaction).await?;
    let count = "SELECT (SELECT count(*) FROM settings_api.settings)
                      + (SELECT count(*) FROM settings_api.audit)";
    let count: i64 = transaction.query_one(count, &[]).await?.try_get(0)?;
    if count > 0 {
        return Err(StoreError::NotEmpty);
    }
    for (scope, entries) in &content.settings {
        write(&transaction, scope, entries).await?;
    }
    for record in &content.audit {
        write_audit(&transaction, record).await?;
    }
    renew_revision(&transaction).await?;
    transaction.commit().await?;
    Ok(())
}

/// Locks out other replicas until the end of the transaction; reads the revision.
async fn lock(transaction: &Transaction<'_>) -> Result<Revision, StoreError> {
    let statement = format!("{REVISION} FOR UPDATE");
    let row = transaction.query_one(&statement, &[]).await?;
    Ok(Revision(row.try_get(0)?))
}

async fn renew_revision(transaction: &Transaction<'_>) -> Result<Revision, StoreError> {
    let update = "UPDATE settings_api.state SET revision = gen_random_uuid()
                  RETURNING revision::text";
    let revision: String = transaction.query_one(update, &[]).await?.try_get(0)?;
    let notify = "SELECT pg_notify($1, $2)";
    transaction.execute(notify, &[&CHANNEL, &revision]).await?;
    Ok(Revision(revision))
}

async fn write(
    transaction: &Transaction<'_>,
    scope: &Scope,
    entries: &[Entry],
) -> Result<(), StoreError> {
    let scope = scope.to_string();
    let (removed, kept): (Vec<_>, Vec<_>) = entries.iter().partition(|it| it.is_removal());
    let removed: Vec<&str> = removed.iter().map(|it| it.hostname.as_str()).collect();
    let remove = "DELETE FROM settings_api.settings WHERE scope = $1 AND hostname = ANY($2)";
    transaction.execute(remove, &[&scope, &removed]).await?;
    let hostnames: Vec<&str> = kept.iter().map(|it| it.hostname.as_str()).collect();
    let china: Vec<bool> = kept.iter().map(|it| it.china_network).collect();
    let forwarding = kept.iter().map(|it| it.client_certificate_forwarding);
    let forwarding: Vec<bool> = forwarding.collect();
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
    Ok(())
}

async fn write_audit(
    transaction: &Transaction<'_>,
    record: &AuditRecord,
) -> Result<(), StoreError> {
    let insert = "INSERT INTO settings_api.audit (scope, record) VALUES ($1, $2)";
    transaction
        .execute(insert, &[&record.scope, &Json(record)])
        .await?;
    Ok(())
}
