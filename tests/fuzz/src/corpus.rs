//! The committed inputs of each target: real ones, and those that showed a bug.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of a target's inputs.
#[must_use]
pub fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target)
}

/// Name and content of every input of a folder, sorted by name.
///
/// # Panics
/// When the folder or a file can't be read.
#[must_use]
pub fn inputs(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut inputs: Vec<(String, Vec<u8>)> = entries
        .map(|entry| {
            let entry = entry.expect("an entry of the corpus");
            let content = fs::read(entry.path()).expect("an input of the corpus");
            (entry.file_name().to_string_lossy().into_owned(), content)
        })
        .collect();
    inputs.sort();
    inputs
}
