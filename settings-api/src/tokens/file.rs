//! The token file and the file of its digests' key.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};
use subtle::ConditionallySelectable;

use super::digest::Digest;
use super::token::Token;
use crate::atomic_file;
use crate::error::Error;

/// Paths of the token file and its key.
#[derive(Clone, Debug, Args)]
pub(crate) struct TokenFiles {
    /// The token file (JSON); it holds digests, no secrets
    #[arg(long, value_name = "FILE")]
    pub(crate) tokens: PathBuf,
    /// The key of the digests [default: the token file's name and ".key"]
    #[arg(long, value_name = "FILE")]
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

impl TokenFile {
    /// Reads the file; a missing one holds no tokens.
    ///
    /// # Errors
    /// When it can't be read, or is no token file.
    pub(crate) fn load(path: &Path) -> Result<Self, Error> {
        match fs::read(path) {
            Ok(json) => serde_json::from_slice(&json)
                .map_err(|error| Error::new("token file", path.display(), error)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::new("token file", path.display(), error)),
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

/// Locks the token file against other commands until the value is dropped.
///
/// # Errors
/// When the key file, which carries the lock, can't be opened.
pub(crate) fn lock(files: &TokenFiles) -> Result<File, Error> {
    let path = files.key();
    let file = File::open(&path).map_err(|error| Error::new("token key", path.display(), error))?;
    file.lock()
        .map_err(|error| Error::new("token key", path.display(), error))?;
    Ok(file)
}
