//! Where a CRL is: an entry of `crls` in the base configuration.

use std::path::{Path, PathBuf};

use client_cert_forwarder::config::ConfigError;
use serde::Deserialize;

/// A file of CRLs, and the certificates of the CAs that must have signed them.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CrlSource {
    /// The CRLs, PEM or DER, as the base configuration names the file.
    file: PathBuf,
    /// The CA certificates, PEM or DER.
    ca: PathBuf,
    /// The base configuration's folder, which relative paths start from.
    #[serde(skip)]
    folder: PathBuf,
}

impl CrlSource {
    /// Sets the folder of relative paths.
    pub(super) fn resolve(&mut self, folder: &Path) {
        self.folder = folder.to_owned();
    }

    /// The file's name in metrics and in the status: as the base configuration has it.
    pub(crate) fn name(&self) -> String {
        self.file.display().to_string()
    }

    /// The path of the CRLs.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join(&self.file)
    }

    /// The path of the CA certificates.
    pub(crate) fn ca(&self) -> PathBuf {
        self.folder.join(&self.ca)
    }
}

/// Checks that each file stands once: its name is a label of metrics.
///
/// # Errors
/// The first mistake and its JSON path.
pub(super) fn check(sources: &[CrlSource]) -> Result<(), ConfigError> {
    for (number, source) in sources.iter().enumerate() {
        let refuse = |key, reason: &str| {
            let place = format!("crls[{number}].{key}");
            Err(ConfigError::new(place, reason))
        };
        for (key, path) in [("file", &source.file), ("ca", &source.ca)] {
            if path.as_os_str().is_empty() {
                return refuse(key, "is empty, expected the path of a file");
            }
        }
        let mut before = sources.iter().take(number);
        if let Some(first) = before.position(|other| other.file == source.file) {
            return refuse("file", &format!("is the same as crls[{first}].file"));
        }
    }
    Ok(())
}
