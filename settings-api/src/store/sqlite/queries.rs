//! The statements.

use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use crate::model::audit::AuditRecord;
use crate::model::entry::{Entry, Settings};
use crate::model::scope::Scope;
use crate::store::interface::{Change, Content};

/// Reads all settings.
pub(super) fn load(connection: &Connection) -> rusqlite::Result<Settings> {
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

/// Makes a change in one transaction.
pub(super) fn commit(connection: &mut Connection, change: &Change) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    write(&transaction, &change.scope, &change.entries)?;
    if let Some(record) = &change.audit {
        write_audit(&transaction, record)?;
    }
    transaction.commit()
}

/// Reads the latest audit records of a zone or account, newest first.
pub(super) fn audit(
    connection: &Connection,
    scope: &str,
    limit: u32,
) -> rusqlite::Result<Vec<AuditRecord>> {
    let statement = "SELECT record FROM audit WHERE scope = ?1 ORDER BY id DESC LIMIT ?2";
    let mut statement = connection.prepare(statement)?;
    let rows = statement.query_map(params![scope, limit], |row| {
        parse(row.get_ref(0)?.as_str()?)
    })?;
    rows.collect()
}

/// Reads everything in one transaction.
pub(super) fn export(connection: &mut Connection) -> rusqlite::Result<Content> {
    let transaction = connection.transaction()?;
    let settings = load(&transaction)?;
    let mut statement = transaction.prepare("SELECT record FROM audit ORDER BY id")?;
    let rows = statement.query_map([], |row| parse(row.get_ref(0)?.as_str()?))?;
    let audit = rows.collect::<rusqlite::Result<_>>()?;
    Ok(Content { settings, audit })
}

/// Writes everything in one transaction; tells whether the store was empty, as it must be.
pub(super) fn import(connection: &mut Connection, content: &Content) -> rusqlite::Result<bool> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let count = "SELECT (SELECT count(*) FROM settings) + (SELECT count(*) FROM audit)";
    let count: i64 = transaction.query_row(count, [], |row| row.get(0))?;
    if count > 0 {
        return Ok(false);
    }
    for (scope, entries) in &content.settings {
        write(&transaction, scope, entries)?;
    }
    for record in &content.audit {
        write_audit(&transaction, record)?;
    }
    transaction.commit()?;
    Ok(true)
}

fn write(transaction: &Transaction, scope: &Scope, entries: &[Entry]) -> rusqlite::Result<()> {
    let scope = scope.to_string();
    let mut remove =
        transaction.prepare("DELETE FROM settings WHERE scope = ?1 AND hostname = ?2")?;
    let mut upsert = transaction.prepare(
        "INSERT INTO settings (scope, hostname, china_network, client_certificate_forwarding)
         VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (scope, hostname) DO UPDATE SET
             china_network = excluded.china_network,
             client_certificate_forwarding = excluded.client_certificate_forwarding",
    )?;
    for entry in entries {
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
    Ok(())
}

fn write_audit(transaction: &Transaction, record: &AuditRecord) -> rusqlite::Result<()> {
    let json = serde_json::to_string(record)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    let insert = "INSERT INTO audit (scope, record) VALUES (?1, ?2)";
    transaction.execute(insert, params![record.scope, json])?;
    Ok(())
}

fn parse(json: &str) -> rusqlite::Result<AuditRecord> {
    serde_json::from_str(json).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
    })
}
