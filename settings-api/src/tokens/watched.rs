//! The token file as a running server sees it.

use std::sync::{Arc, Mutex, PoisonError};

use super::digest::{Credentials, DigestKey};
use super::file::{TokenFile, TokenFiles};
use super::token::Token;
use crate::error::Error;
use crate::file_stamp::FileStamp;

/// The tokens, read again whenever their files change: a revoked token stops working at once.
pub(crate) struct Tokens {
    files: TokenFiles,
    read: Mutex<Read>,
}

struct Read {
    stamp: Stamp,
    content: Result<Content, Error>,
}

/// The files' content; none while there is no token file.
type Content = Arc<Option<(DigestKey, TokenFile)>>;

/// The stamps of both files.
type Stamp = [FileStamp; 2];

impl Tokens {
    /// Reads the token files. Warns if nobody can log in yet.
    ///
    /// # Errors
    /// When they can't be read.
    pub(crate) fn open(files: TokenFiles) -> Result<Self, Error> {
        let stamp = stamp(&files);
        let content = files.load()?;
        let has_tokens = content
            .as_ref()
            .is_some_and(|(_, file)| !file.tokens.is_empty());
        if !has_tokens {
            tracing::warn!(
                tokens = %files.tokens.display(),
                "no tokens: nobody can log in before `settings-api token create`"
            );
        }
        let content = Ok(Arc::new(content));
        Ok(Self {
            files,
            read: Mutex::new(Read { stamp, content }),
        })
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
        let Some((key, file)) = &*content else {
            return Ok(None);
        };
        Ok(file.find(&key.digest(credentials)).cloned())
    }

    /// Finds the present form of a token; none once it is revoked.
    ///
    /// # Errors
    /// While the files can't be read; then nobody is admitted.
    pub(crate) fn current(&self, token: &Token) -> Result<Option<Token>, Error> {
        let content = self.content()?;
        let Some((_, file)) = &*content else {
            return Ok(None);
        };
        let present = file.find(&token.digest);
        Ok(present.filter(|present| present.id == token.id).cloned())
    }

    /// Checks that the files can be read.
    ///
    /// # Errors
    /// While they can't.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.content().map(|_| ())
    }

    fn content(&self) -> Result<Content, Error> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        let now = stamp(&self.files);
        if now != read.stamp || read.content.is_err() {
            read.stamp = now;
            read.content = self.files.load().map(Arc::new);
        }
        read.content.clone()
    }
}

fn stamp(files: &TokenFiles) -> Stamp {
    [&files.tokens, &files.key()].map(|path| FileStamp::of(path))
}
