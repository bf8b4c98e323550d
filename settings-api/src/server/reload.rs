//! Reads files again when they change, and on SIGHUP.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use tokio::signal::unix::Signal;
use tokio::sync::watch;

use super::tls::TlsFiles;
use crate::crls::Crls;
use crate::error::Error;
use crate::file_stamp::FileStamp;
use crate::model::base::Base;
use crate::reload_status::{ReloadStatus, ReloadedFile};
use crate::snapshot_cache::SnapshotCache;

/// The interval at which files are looked at: half of the second that the documentation states.
const INTERVAL: Duration = Duration::from_millis(500);

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
            self.look_at_crls(is_forced).await;
        }
    }
}

impl Reloader {
    /// Publishes CRLs that have changed. Their errors are part of them.
    async fn look_at_crls(&self, is_forced: bool) {
        let crls = self.cache.crls();
        let now = SystemTime::now();
        let Some(new) = tokio::task::block_in_place(|| crls.refreshed(is_forced, now)) else {
            return;
        };
        if let Err(error) = self.cache.replace_crls(new.clone()).await {
            tracing::error!(%error, "the CRLs can't be used, the last good ones stay");
            // These are the entries in force, which are published already.
            let _ = self.cache.replace_crls(new.refused(&crls, &error)).await;
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
            Self::Base(path) => {
                let base = Base::load(path)?;
                let before = cache.crls();
                let read = || Crls::load(&base.crls, &before, SystemTime::now());
                let crls =
                    tokio::task::block_in_place(read).map_err(|error| Base::error(path, error))?;
                cache.replace_base(base, crls).await
            }
            Self::Tls(files, sender) => {
                sender.send_replace(files.load()?);
                Ok(())
            }
        }
    }
}
