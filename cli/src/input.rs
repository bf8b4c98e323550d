//! Files and standard input.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;

use anyhow::{Context, Result};

/// A file that a command reads, or standard input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Stdin,
    File(PathBuf),
}

impl From<&str> for Input {
    fn from(argument: &str) -> Self {
        match argument {
            "-" => Self::Stdin,
            path => Self::File(path.into()),
        }
    }
}

impl fmt::Display for Input {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdin => formatter.write_str("<stdin>"),
            Self::File(path) => path.display().fmt(formatter),
        }
    }
}

impl Input {
    /// Reads all of it.
    ///
    /// # Errors
    /// The name, and why it can't be read.
    pub(crate) fn read(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let read = match self {
            Self::Stdin => io::stdin().read_to_end(&mut bytes).map(|_| bytes),
            Self::File(path) => fs::read(path),
        };
        read.with_context(|| self.to_string())
    }

    /// Whether the name says that the file is JSON.
    pub(crate) fn is_named_json(&self) -> bool {
        matches!(self, Self::File(path) if path.extension() == Some("json".as_ref()))
    }
}
