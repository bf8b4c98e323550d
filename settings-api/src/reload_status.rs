//! Which reloaded files can't be used at present.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::Error;

/// A file, or set of files, that is read again when it changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum ReloadedFile {
    /// The base configuration.
    Base,
    /// The API's certificate and key.
    ApiTls,
    /// The xDS server's certificate, key and client CA.
    XdsTls,
    /// The console's certificate and key.
    ConsoleTls,
}

impl ReloadedFile {
    /// All of them.
    pub(crate) const ALL: [Self; 4] = [Self::Base, Self::ApiTls, Self::XdsTls, Self::ConsoleTls];

    /// The name in metrics and logs.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::ApiTls => "api_tls",
            Self::XdsTls => "xds_tls",
            Self::ConsoleTls => "console_tls",
        }
    }
}

/// The latest error of each file; while it has one, its last good content is in force.
#[derive(Debug, Default)]
pub(crate) struct ReloadStatus(Mutex<BTreeMap<ReloadedFile, String>>);

impl ReloadStatus {
    /// Records the outcome of a reload, and logs it.
    pub(crate) fn record(&self, file: ReloadedFile, outcome: &Result<(), Error>) {
        let name = file.name();
        match outcome {
            Ok(()) => {
                self.lock().remove(&file);
                tracing::info!(file = name, "read again");
            }
            Err(error) => {
                self.lock().insert(file, error.to_string());
                tracing::error!(file = name, %error, "can't be used, the last good one stays");
            }
        }
    }

    /// Lists the errors.
    pub(crate) fn errors(&self) -> Vec<(ReloadedFile, String)> {
        let errors = self.lock();
        errors
            .iter()
            .map(|(file, error)| (*file, error.clone()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<ReloadedFile, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
