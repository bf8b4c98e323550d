//! The audit trail outside the store: the log, and a file of JSON lines by option.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::error::Error;
use crate::model::audit::AuditRecord;

/// Writes each record to the log and to the file.
#[derive(Debug)]
pub(crate) struct AuditLog {
    file: Option<Mutex<File>>,
}

impl AuditLog {
    /// Opens the file for appending; creates a missing one, readable by its owner only.
    ///
    /// # Errors
    /// When it can't be opened.
    pub(crate) fn open(path: Option<&Path>) -> Result<Self, Error> {
        let open = |path: &Path| {
            let mut options = OpenOptions::new();
            let file = options.append(true).create(true).mode(0o600).open(path);
            file.map(Mutex::new)
                .map_err(|error| Error::new("audit log", path.display(), error))
        };
        let file = path.map(open).transpose()?;
        Ok(Self { file })
    }

    /// Writes a record. The store has it already, so a failed write loses nothing.
    pub(crate) fn write(&self, record: &AuditRecord) {
        let json = |entries| serde_json::to_string(entries).unwrap_or_default();
        tracing::info!(
            scope = record.scope,
            by = record.by.token_name,
            token = record.by.token_id,
            address = record.by.address,
            before = json(&record.before),
            after = json(&record.after),
            "settings changed"
        );
        let Some(file) = &self.file else {
            return;
        };
        let Ok(mut line) = serde_json::to_vec(record) else {
            return;
        };
        line.push(b'\n');
        // One write per line, so that lines of several replicas on one file don't mix.
        let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(&line) {
            tracing::error!(%error, "can't write the audit log; the store has the record");
        }
    }
}
