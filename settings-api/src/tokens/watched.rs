//! The token file as a running server sees it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::digest::{Credentials, DigestKey};
use super::file::{TokenFile, TokenFiles};
use super::token::Token;
use crate::error::Error;

/// The tokens, read again whenever their files change: a revoked token stops working at once.
pub(crate) struct Tokens {
    files: TokenFiles,
    read: Mutex<Read>,
}

struct Read {
    stamp: Option<Stamp>,
    content: Result<Arc<(DigestKey, TokenFile)>, Error>,
}

/// Identifies a file's content: device, inode, size, time of change (seconds and nanoseconds).
type Stamp = [(u64, u64, u64, i64, i64); 2];

impl Tokens {
    /// Reads the token files.
    ///
    /// # Errors
    /// When they can't be read.
    pub(crate) fn open(files: TokenFiles) -> Result<Self, Error> {
        let key = DigestKey::load_or_create(&files.key())?;
        let stamp = stamp(&files);
        let content = Arc::new((key, TokenFile::load(&files.tokens)?));
        let read = Mutex::new(Read {
            stamp,
            content: Ok(content),
        });
        Ok(Self { files, read })
    }

    /// Finds the token that belongs to these credentials.
    ///
    /// # Errors
    /// While the files can't be read; then nobody is admitted.
    pub(crate) fn authenticate(
        &self,
        credentials: &Credentials<'_>,
    ) -> Result<Option<Token>, Error> {
        let content = self.content()?;
        let (key, file) = &*content;
        Ok(file.find(&key.digest(credentials)).cloned())
    }

    /// Returns the files' current content.
    ///
    /// # Errors
    /// While they can't be read.
    pub(crate) fn content(&self) -> Result<Arc<(DigestKey, TokenFile)>, Error> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamp(&self.files);
        if now != read.stamp || read.content.is_err() {
            read.stamp = now;
            let key = DigestKey::load(&self.files.key());
            read.content =
                key.and_then(|key| Ok(Arc::new((key, TokenFile::load(&self.files.tokens)?))));
        }
        match &read.content {
            Ok(content) => Ok(Arc::clone(content)),
            Err(error) => Err(error.clone()),
        }
    }
}

fn stamp(files: &TokenFiles) -> Option<Stamp> {
    let of = |path: &Path| {
        let it = fs::metadata(path).ok()?;
        Some((it.dev(), it.ino(), it.size(), it.ctime(), it.ctime_nsec()))
    };
    // No file has the default stamp.
    let tokens = of(&files.tokens).unwrap_or_default();
    Some([tokens, of(&files.key())?])
}
