//! The filesystem form of xDS, for Envoys on the same machine: one file per ECDS resource, replaced in one step.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::Error;
use crate::fleet::Published;
use crate::metrics::Metrics;
use crate::xds;

/// How long after a failure (a full disk, say) the files are tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Keeps `RESOURCE.json` in a folder as the fleet publishes it.
#[derive(Debug)]
pub struct Files {
    folder: PathBuf,
    /// By resource name: the version in the file.
    written: BTreeMap<String, String>,
}

impl Files {
    /// Makes the folder when it isn't there, and writes every resource.
    ///
    /// # Errors
    /// When a file can't be written.
    pub fn new(folder: PathBuf, published: &Published) -> Result<Self, Error> {
        let mut files = Self {
            folder,
            written: BTreeMap::new(),
        };
        fs::create_dir_all(&files.folder)
            .and_then(|()| files.write(published))
            .map_err(|error| Error::new("xDS folder", files.folder.display(), error))?;
        Ok(files)
    }

    /// Writes what changes from now on. Ends when the fleet does.
    pub async fn follow(
        mut self,
        mut published: watch::Receiver<Published>,
        metrics: Arc<Metrics>,
    ) {
        // What changed since `new` is written at once.
        published.mark_changed();
        while published.changed().await.is_ok() {
            loop {
                let now = published.borrow_and_update().clone();
                // Small files, seldom: not worth a thread's change.
                let Err(error) = tokio::task::block_in_place(|| self.write(&now)) else {
                    break;
                };
                metrics.file_errors.inc();
                tracing::error!(folder = %self.folder.display(), %error, "the watched files could not be written, trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
    }

    fn write(&mut self, published: &Published) -> io::Result<()> {
        for (name, resource) in published {
            if self.written.get(name) != Some(&resource.version) {
                let path = self.folder.join(format!("{name}.json"));
                replace(&path, xds::file_content(resource).as_bytes(), 0o644)?;
                self.written.insert(name.clone(), resource.version.clone());
            }
        }
        Ok(())
    }
}

/// Replaces a file: whoever reads it sees the old content or the new, after a power failure too. Envoy notices moves only.
///
/// # Errors
/// When it can't be written; then the old content is still there.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".settings-api-")
        .tempfile_in(folder)?;
    file.write_all(content)?;
    file.as_file()
        .set_permissions(fs::Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}
