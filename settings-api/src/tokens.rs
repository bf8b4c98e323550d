//! The token file: who may use the API. It holds keyed digests (HMAC-SHA-256) of secrets that this program drew at random, at least 148 bits each.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::{ConditionallySelectable, ConstantTimeEq};

use crate::Error;
use crate::base::Scope;
use crate::cli::TokenFiles;

/// A digest of a secret: lower-case hexadecimal in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest([u8; 32]);

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TokenFile {
    /// In the order they were made.
    pub tokens: Vec<Token>,
}

/// One token, without its secret.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Names the token in logs and to `token revoke`; no secret.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// The address that goes with a key (`X-Auth-Email`); without one it is a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Of its secret.
    pub digest: Digest,
    /// Ids of zones, `*` for all.
    pub zones: Vec<String>,
    /// Ids of accounts, `*` for all.
    pub accounts: Vec<String>,
    /// What it allows there.
    pub permissions: Vec<Permission>,
    /// RFC 3339.
    pub created: String,
}

/// Cloudflare's names of what a token allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Permission {
    /// Read the settings and their state.
    #[serde(rename = "Access: Mutual TLS Certificates Read")]
    Read,
    /// Change the settings; and read them.
    #[serde(rename = "Access: Mutual TLS Certificates Write")]
    Write,
}

/// What a request says about its sender. Never logged.
pub enum Credentials<'a> {
    /// `Authorization: Bearer …`
    Bearer(&'a str),
    /// `X-Auth-Email` and `X-Auth-Key`
    Key {
        /// The address; its case doesn't matter.
        email: &'a str,
        /// The key.
        key: &'a str,
    },
}

impl Token {
    /// Whether the token allows this for that zone or account.
    #[must_use]
    pub fn allows(&self, permission: Permission, scope: &Scope) -> bool {
        let (ids, id) = match scope {
            Scope::Zone(id) => (&self.zones, id),
            Scope::Account(id) => (&self.accounts, id),
        };
        let there = ids.iter().any(|allowed| allowed == "*" || allowed == id);
        let this = self
            .permissions
            .iter()
            .any(|allowed| *allowed == permission || *allowed == Permission::Write);
        there && this
    }
}

/// The key of the digests: kept apart from the token file, so that a copy of that alone verifies nothing.
pub struct DigestKey([u8; 32]);

impl DigestKey {
    /// The digest of what `credentials` prove knowledge of.
    #[must_use]
    pub fn digest(&self, credentials: &Credentials<'_>) -> Digest {
        // HMAC fills a key with zeros to the hash's block size (RFC 2104 §2).
        let mut block = [0; 64];
        block
            .iter_mut()
            .zip(self.0)
            .for_each(|(to, from)| *to = from);
        let mut hmac = <Hmac<Sha256> as KeyInit>::new(&block.into());
        match credentials {
            Credentials::Bearer(token) => {
                hmac.update(b"bearer\0");
                hmac.update(token.as_bytes());
            }
            Credentials::Key { email, key } => {
                hmac.update(b"key\0");
                hmac.update(email.to_ascii_lowercase().as_bytes());
                hmac.update(b"\0");
                hmac.update(key.as_bytes());
            }
        }
        Digest(hmac.finalize().into_bytes().into())
    }

    /// Reads the key, and makes it when there is none.
    ///
    /// # Errors
    /// When it can be neither read nor made.
    pub fn load_or_make(files: &TokenFiles) -> Result<Self, Error> {
        let path = files.key();
        let mut key = [0; 32];
        getrandom::fill(&mut key)
            .map_err(|error| Error::new("random bytes", "for a key", error))?;
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path);
        match made {
            Ok(mut file) => {
                let write = file
                    .write_all(hex(&key).as_bytes())
                    .and_then(|()| file.sync_all());
                write.map_err(|error| Error::new("token key", path.display(), error))?;
                Ok(Self(key))
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Self::load(&path),
            Err(error) => Err(Error::new("token key", path.display(), error)),
        }
    }

    fn load(path: &Path) -> Result<Self, Error> {
        let failed = |why: &dyn std::fmt::Display| Error::new("token key", path.display(), why);
        let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
        let key = unhex(text.trim()).ok_or_else(|| failed(&"is not 64 hexadecimal digits"))?;
        Ok(Self(key))
    }
}

impl TokenFiles {
    /// The path of the digests' key.
    #[must_use]
    pub fn key(&self) -> PathBuf {
        self.token_key.clone().unwrap_or_else(|| {
            let mut path = self.tokens.clone().into_os_string();
            path.push(".key");
            path.into()
        })
    }
}

impl TokenFile {
    /// Reads the file; one that isn't there has no tokens.
    ///
    /// # Errors
    /// When it can't be read or is not a token file.
    pub fn load(path: &Path) -> Result<Self, Error> {
        match fs::read(path) {
            Ok(json) => serde_json::from_slice(&json)
                .map_err(|error| Error::new("token file", path.display(), error)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(Error::new("token file", path.display(), error)),
        }
    }

    /// Replaces the file in one step; only its owner may read it.
    ///
    /// # Errors
    /// When it can't be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let failed = |why: &dyn std::fmt::Display| Error::new("token file", path.display(), why);
        let mut json = serde_json::to_vec_pretty(self).map_err(|error| failed(&error))?;
        json.push(b'\n');
        crate::file_delivery::replace(path, &json, 0o600).map_err(|error| failed(&error))
    }

    /// The token of a digest. Takes the same time whichever it is, and when there is none.
    #[must_use]
    pub fn find(&self, digest: &Digest) -> Option<&Token> {
        let mut found = u64::MAX;
        for (number, token) in (0_u64..).zip(&self.tokens) {
            found.conditional_assign(&number, token.digest.0.ct_eq(&digest.0));
        }
        self.tokens.get(usize::try_from(found).ok()?)
    }
}

/// The token file as a running server sees it: read again when it has changed, so that a revoked token stops working at once.
pub struct Tokens {
    files: TokenFiles,
    read: Mutex<Read>,
}

struct Read {
    stamp: Option<Stamp>,
    content: Result<Arc<(DigestKey, TokenFile)>, Error>,
}

/// Tells a file from its successor: device, inode, size, and time of change in seconds and nanoseconds.
type Stamp = [(u64, u64, u64, i64, i64); 2];

impl Tokens {
    /// The tokens of these files.
    ///
    /// # Errors
    /// When they can't be read.
    pub fn open(files: TokenFiles) -> Result<Self, Error> {
        let key = DigestKey::load_or_make(&files)?;
        let stamp = stamp(&files);
        let content = Arc::new((key, TokenFile::load(&files.tokens)?));
        let read = Mutex::new(Read {
            stamp,
            content: Ok(content),
        });
        Ok(Self { files, read })
    }

    /// The token that belongs to these credentials.
    ///
    /// # Errors
    /// While the files can't be read; then nobody is let in.
    pub fn authenticate(&self, credentials: &Credentials<'_>) -> Result<Option<Token>, Error> {
        let content = self.content()?;
        let (key, file) = &*content;
        Ok(file.find(&key.digest(credentials)).cloned())
    }

    /// The files' content as it is now.
    ///
    /// # Errors
    /// While they can't be read.
    pub fn content(&self) -> Result<Arc<(DigestKey, TokenFile)>, Error> {
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
            Err(Error(text)) => Err(Error(text.clone())),
        }
    }
}

fn stamp(files: &TokenFiles) -> Option<Stamp> {
    let of = |path: &Path| {
        let it = fs::metadata(path).ok()?;
        Some((it.dev(), it.ino(), it.size(), it.ctime(), it.ctime_nsec()))
    };
    // Without a token file its part never equals that of one.
    let tokens = of(&files.tokens).unwrap_or_default();
    Some([tokens, of(&files.key())?])
}

/// Keeps other commands from changing the token file until the value is dropped.
///
/// # Errors
/// When the key file, which is what is locked, can't be opened.
pub fn lock(files: &TokenFiles) -> Result<File, Error> {
    let path = files.key();
    let file = File::open(&path).map_err(|error| Error::new("token key", path.display(), error))?;
    file.lock()
        .map_err(|error| Error::new("token key", path.display(), error))?;
    Ok(file)
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        unhex(&text)
            .map(Self)
            .ok_or("a digest has 64 hexadecimal digits")
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        hex(&digest.0)
    }
}

/// Lower-case hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    if text.len() != 64 {
        return None;
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}
