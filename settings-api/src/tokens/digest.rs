//! Keyed digests of secrets.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

use crate::error::Error;
use crate::hex;

/// A secret's digest, written as lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Digest([u8; 32]);

/// The secret that a request proves knowledge of. Never logged.
pub(crate) enum Credentials<'a> {
    /// `Authorization: Bearer …`
    Bearer(&'a str),
    /// `X-Auth-Email` and `X-Auth-Key`
    Key {
        /// The address, in any case.
        email: &'a str,
        /// The key.
        key: &'a str,
    },
}

/// The digests' key, kept apart from the token file so that a copy of one verifies nothing.
pub(crate) struct DigestKey([u8; 32]);

impl DigestKey {
    /// Computes the digest of the credentials.
    pub(crate) fn digest(&self, credentials: &Credentials<'_>) -> Digest {
        // HMAC pads the key with zeros to the hash's block size (RFC 2104 §2).
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

    /// Creates a key if there is none, and reads it otherwise.
    ///
    /// # Errors
    /// When it can be neither read nor created.
    pub(super) fn load_or_create(path: &Path) -> Result<Self, Error> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)
            .map_err(|error| Error::new("random bytes", "for a key", error))?;
        let made = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path);
        match made {
            Ok(mut file) => {
                let write = file
                    .write_all(hex::encode(&key).as_bytes())
                    .and_then(|()| file.sync_all());
                write.map_err(|error| Error::new("token key", path.display(), error))?;
                Ok(Self(key))
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Self::load(path),
            Err(error) => Err(Error::new("token key", path.display(), error)),
        }
    }

    /// Reads the key.
    ///
    /// # Errors
    /// When it can't be read, or is no key.
    pub(super) fn load(path: &Path) -> Result<Self, Error> {
        let failed = |why: &dyn std::fmt::Display| Error::new("token key", path.display(), why);
        let text = fs::read_to_string(path).map_err(|error| failed(&error))?;
        let key = hex::decode_32_bytes(text.trim())
            .ok_or_else(|| failed(&"is not 64 hexadecimal digits"))?;
        Ok(Self(key))
    }
}

impl Digest {
    /// Compares in constant time.
    pub(super) fn ct_eq(&self, other: &Self) -> Choice {
        self.0.ct_eq(&other.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        hex::decode_32_bytes(&text)
            .map(Self)
            .ok_or("a digest has 64 hexadecimal digits")
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        hex::encode(&digest.0)
    }
}
