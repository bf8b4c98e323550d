//! What replicas tell each other of their Envoys.

use deadpool_postgres::Client;
use serde_json::Value;
use tokio_postgres::types::Json;

use crate::store::interface::StoreError;

/// Renews the lease of what is there already.
const RENEW: &str = "UPDATE settings_api.replicas SET seen = now() WHERE name = $1";

const WRITE: &str = "
    INSERT INTO settings_api.replicas (name, known, seen) VALUES ($1, $2, now())
    ON CONFLICT (name) DO UPDATE SET known = excluded.known, seen = excluded.seen";

/// All times are the database's, so replicas need not agree on theirs.
const CLEAN: &str = "DELETE FROM settings_api.replicas WHERE seen < now() - interval '1 minute'";

const OTHERS: &str = "
    SELECT name, known FROM settings_api.replicas
    WHERE name <> $1 AND seen > now() - interval '5 seconds' ORDER BY name";

/// Writes what a replica knows, or renews its lease.
pub(super) async fn announce(
    client: &Client,
    replica: &str,
    known: &Value,
    is_new: bool,
) -> Result<(), StoreError> {
    // After a failover the table is empty.
    if is_new || client.execute(RENEW, &[&replica]).await? == 0 {
        client.execute(WRITE, &[&replica, &Json(known)]).await?;
        client.execute(CLEAN, &[]).await?;
    }
    Ok(())
}

/// Reads what the others know, as far as their leases last.
pub(super) async fn others(
    client: &Client,
    replica: &str,
) -> Result<Vec<(String, Value)>, StoreError> {
    let rows = client.query(OTHERS, &[&replica]).await?;
    let each = rows.iter().map(|row| {
        let Json(known) = row.try_get(1)?;
        Ok((row.try_get(0)?, known))
    });
    each.collect()
}

/// Ends a replica's lease.
pub(super) async fn leave(client: &Client, replica: &str) -> Result<(), StoreError> {
    let delete = "DELETE FROM settings_api.replicas WHERE name = $1";
    client.execute(delete, &[&replica]).await?;
    Ok(())
}
