//! Reads files again when they change, and on SIGHUP.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::signal::unix::Signal;
use tokio::sync::watch;

use super::tls::TlsFiles;
use crate::error::Error;
use crate::file_stamp::FileStamp;
use crate::model::base::Base;
use crate::reload_status::{ReloadStatus, ReloadedFile};
use crate::snapshot_cache::SnapshotCache;

/// The interval at which files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// Everything that is read again.
pub(super) struct Reloader {
    cache: Arc<SnapshotCache>,
    status: Arc<ReloadStatus>,
    files: Vec<Watched>,
}

struct Watched {
    file: ReloadedFile,
    stamps: Vec<FileStamp>,
    content: Content,
}

enum Content {
    Base(PathBuf),
    Tls(TlsFiles, watch::Sender<Arc<ServerConfig>>),
}

impl Reloader {
    /// Watches the base configuration.
    pub(super) fn new(cache: Arc<SnapshotCache>, status: Arc<ReloadStatus>, base: &Path) -> Self {
        let mut reloader = Self {
            cache,
            status,
            files: Vec::new(),
        };
        reloader.watch(ReloadedFile::Base, Content::Base(base.to_owned()));
        reloader
    }

    /// Watches the files of a TLS configuration, and publishes it.
    pub(super) fn watch_tls(
        &mut self,
        file: ReloadedFile,
        files: TlsFiles,
        sender: watch::Sender<Arc<ServerConfig>>,
    ) {
        self.watch(file, Content::Tls(files, sender));
    }

    fn watch(&mut self, file: ReloadedFile, content: Content) {
        let stamps = content.stamps();
        self.files.push(Watched {
            file,
            stamps,
            content,
        });
    }

    /// Reads files again, for ever.
    pub(super) async fn run(mut self, mut hangup: Signal) {
        loop {
            let is_forced = tokio::select! {
                _ = hangup.recv() => true,
                () = tokio::time::sleep(INTERVAL) => false,
            };
            for watched in &mut self.files {
                let stamps = watched.content.stamps();
                if is_forced || stamps != watched.stamps {
                    watched.stamps = stamps;
                    let outcome = watched.content.load(&self.cache).await;
                    self.status.record(watched.file, &outcome);
                }
            }
        }
    }
}

impl Content {
    fn stamps(&self) -> Vec<FileStamp> {
        match self {
            Self::Base(path) => vec![FileStamp::of(path)],
            Self::Tls(files, _) => files.paths().map(|path| FileStamp::of(path)).collect(),
        }
    }

    async fn load(&self, cache: &SnapshotCache) -> Result<(), Error> {
        match self {
            Self::Base(path) => cache.replace_base(Base::load(path)?).await,
            Self::Tls(files, sender) => {
                sender.send_replace(files.load()?);
                Ok(())
            }
        }
    }
}
