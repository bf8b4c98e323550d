//! Reads one file of CRLs with its CA certificates.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use client_cert_crl::{self as crl, Authorities, Crl, File, Signers};

use crate::model::crl_source::CrlSource;

/// Reads and checks every CRL of a file.
///
/// # Errors
/// The first reason for which one can't be used, in one line that names the file.
pub(super) fn read(source: &CrlSource, now: SystemTime) -> Result<Vec<Crl>, String> {
    let (name, bytes) = content(&source.ca())?;
    let ca = File {
        name: &name,
        bytes: &bytes,
    };
    let authorities = Authorities::read(&[ca]).map_err(first)?;
    let (name, bytes) = content(&source.file())?;
    let file = File {
        name: &name,
        bytes: &bytes,
    };
    crl::read(&file, Signers::Authorities(&authorities), now).map_err(first)
}

fn content(path: &Path) -> Result<(String, Vec<u8>), String> {
    let name = path.display().to_string();
    match fs::read(path) {
        Ok(bytes) => Ok((name, bytes)),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

fn first(errors: Vec<crl::Error>) -> String {
    let others = errors.len().saturating_sub(1);
    let mut errors = errors.iter();
    let first = errors.next().map(ToString::to_string).unwrap_or_default();
    match others {
        0 => first,
        others => format!("{first} (and {others} more of the file can't be used)"),
    }
}
