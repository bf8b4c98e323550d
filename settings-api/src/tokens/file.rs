//! The token file and the file of its digests' key.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};
use subtle::ConditionallySelectable;

use super::digest::{Digest, DigestKey};
use super::token::Token;
use crate::atomic_file;
use crate::error::Error;

/// Paths of the token file and its key.
#[derive(Clone, Debug, Args)]
pub(crate) struct TokenFiles {
    /// The token file (JSON); it holds digests, no secrets
    #[arg(long, env = "SETTINGS_API_TOKENS", value_name = "FILE")]
    pub(crate) tokens: PathBuf,
    /// The key of the digests [default: the token file's name and ".key"]
    #[arg(long, env = "SETTINGS_API_TOKEN_KEY", value_name = "FILE")]
    pub(crate) token_key: Option<PathBuf>,
}

/// The token file's content.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenFile {
    /// In the order of their creation.
    pub(crate) tokens: Vec<Token>,
}

impl TokenFiles {
    /// Returns the path of the digests' key.
    pub(crate) fn key(&self) -> PathBuf {
        self.token_key.clone().unwrap_or_else(|| {
            let mut path = self.tokens.clone().into_os_string();
            path.push(".key");
            path.into()
        })
    }
}

impl TokenFiles {
    /// Reads both files; none if there is no token file, or an empty one without a key.
    ///
    /// # Errors
    /// When one can't be read, or the key is missing: no other key verifies the file's tokens.
    pub(crate) fn load(&self) -> Result<Option<(DigestKey, TokenFile)>, Error> {
        match TokenFile::load(&self.tokens)? {
            Some(file) if !file.tokens.is_empty() || self.key().exists() => {
                Ok(Some((self.load_key(&file)?, file)))
            }
            _ => Ok(None),
        }
    }

    /// Reads both files; creates the key of a token file that is missing or empty.
    ///
    /// # Errors
    /// Like [`TokenFiles::load`].
    pub(crate) fn load_or_create(&self) -> Result<(DigestKey, TokenFile), Error> {
        let file = TokenFile::load(&self.tokens)?.unwrap_or_default();
        let key = match file.tokens.is_empty() {
            true => DigestKey::load_or_create(&self.key())?,
            false => self.load_key(&file)?,
        };
        Ok((key, file))
    }

    fn load_key(&self, file: &TokenFile) -> Result<DigestKey, Error> {
        let path = self.key();
        if !file.tokens.is_empty() && !path.exists() {
            let reason = format!(
                "missing, but {} holds tokens: restore the key from the same backup",
                self.tokens.display()
            );
            return Err(Error::new("token key", path.display(), reason));
        }
        DigestKey::load(&path)
    }

    /// Locks the files against other commands until the value is dropped.
    ///
    /// # Errors
    /// When the key file, which carries the lock, can't be opened.
    pub(crate) fn lock(&self) -> Result<File, Error> {
        let path = self.key();
        let failed = |error| Error::new("token key", path.display(), error);
        let file = File::open(&path).map_err(failed)?;
        file.lock().map_err(failed)?;
        Ok(file)
    }
}

impl TokenFile {
    /// Reads the file; none if it doesn't exist.
    fn load(path: &Path) -> Result<Option<Self>, Error> {
        let failed = |reason: &dyn Display| Error::new("token file", path.display(), reason);
        match fs::read(path) {
            Ok(json) => serde_json::from_slice(&json)
                .map(Some)
                .map_err(|error| failed(&error)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    }

    /// Replaces the file in one step, readable by its owner only.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn save(&self, path: &Path) -> Result<(), Error> {
        let failed = |why: &dyn std::fmt::Display| Error::new("token file", path.display(), why);
        let mut json = serde_json::to_vec_pretty(self).map_err(|error| failed(&error))?;
        json.push(b'\n');
        atomic_file::replace(path, &json, 0o600).map_err(|error| failed(&error))
    }

    /// Finds the token with this digest, in a time that doesn't depend on the outcome.
    pub(crate) fn find(&self, digest: &Digest) -> Option<&Token> {
        let mut found = u64::MAX;
        for (number, token) in (0_u64..).zip(&self.tokens) {
            found.conditional_assign(&number, token.digest.ct_eq(digest));
        }
        self.tokens.get(usize::try_from(found).ok()?)
    }
}
