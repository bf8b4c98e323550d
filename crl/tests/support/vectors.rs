//! The folder of `cryptography_vectors`, which `tests/fetch-vectors` fetches.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The folder `x509` of the vectors. Without it, prints how to get it; with `CI` set, its absence
/// is a failure.
pub(crate) fn x509() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let requirement = fs::read_to_string(root.join("tests/vectors-requirement.txt")).unwrap();
    let version = requirement
        .strip_prefix("cryptography_vectors==")
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap();
    let folder = root.join(".vectors").join(version).join("x509");
    if folder.is_dir() {
        return Some(folder);
    }
    let message = "cryptography_vectors are missing: run `make vectors`";
    assert!(env::var_os("CI").is_none(), "{message}");
    println!("SKIPPED: {message}");
    None
}

/// Every file of `folder` with its name, sorted.
pub(crate) fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let mut files: Vec<(String, Vec<u8>)> = entries
        .filter(|entry| entry.file_type().unwrap().is_file())
        .map(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    files.sort();
    files
}
