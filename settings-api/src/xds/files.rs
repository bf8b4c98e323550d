//! The filesystem form of xDS, for Envoys on the same machine: one file per ECDS resource.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::messages;
use crate::atomic_file;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::model::snapshot::Snapshot;

/// The pause between attempts after a failed write (a full disk, say).
const RETRY: Duration = Duration::from_secs(1);

/// Keeps each `RESOURCE.json` of a folder equal to the snapshot.
#[derive(Debug)]
pub(crate) struct Files {
    folder: PathBuf,
    /// By resource name: the version in the file.
    written: BTreeMap<String, String>,
}

impl Files {
    /// Writes every resource; creates a missing folder.
    ///
    /// # Errors
    /// When a file can't be written.
    pub(crate) fn create(folder: PathBuf, snapshot: &Snapshot) -> Result<Self, Error> {
        let mut files = Self {
            folder,
            written: BTreeMap::new(),
        };
        fs::create_dir_all(&files.folder)
            .and_then(|()| files.write(snapshot))
            .map_err(|error| Error::new("xDS folder", files.folder.display(), error))?;
        Ok(files)
    }

    /// Writes each later snapshot, until the cache is dropped.
    pub(crate) async fn follow(
        mut self,
        mut snapshot: watch::Receiver<Snapshot>,
        metrics: Arc<Metrics>,
    ) {
        // A snapshot published since `create` is written at once.
        snapshot.mark_changed();
        while snapshot.changed().await.is_ok() {
            loop {
                let current = snapshot.borrow_and_update().clone();
                // Small and rare writes: not worth a thread of their own.
                let Err(error) = tokio::task::block_in_place(|| self.write(&current)) else {
                    break;
                };
                metrics.file_errors.inc();
                let folder = self.folder.display();
                tracing::error!(%folder, %error, "can't write the watched files, retrying");
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    fn write(&mut self, snapshot: &Snapshot) -> io::Result<()> {
        for (name, resource) in snapshot {
            if self.written.get(name) != Some(&resource.version) {
                let path = self.folder.join(format!("{name}.json"));
                atomic_file::replace(&path, messages::file_content(resource).as_bytes(), 0o644)?;
                self.written.insert(name.clone(), resource.version.clone());
            }
        }
        Ok(())
    }
}
