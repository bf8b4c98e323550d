//! The Kubernetes manifests. Those in the repository cannot hold the digest of an image that names
//! their own commit, so they hold zeros, with which no gateway loads anything. The released ones
//! are written beside the image.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use crate::facts::repository;

/// The placeholder for the digest in `envoy/kubernetes/`.
pub(crate) const UNPINNED: &str =
    "0000000000000000000000000000000000000000000000000000000000000000";

/// Writes `envoy/kubernetes/*.yaml` to `folder` with the digest (64 hexadecimal digits) in place of
/// the zeros.
pub(crate) fn write_pinned(folder: &Path, digest: &str) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    let source = repository().join("envoy/kubernetes");
    let mut pinned = 0;
    for entry in fs::read_dir(&source).with_context(|| source.display().to_string())? {
        let entry = entry?;
        let manifest = fs::read_to_string(entry.path())?;
        pinned += manifest.matches(UNPINNED).count();
        fs::write(
            folder.join(entry.file_name()),
            manifest.replace(UNPINNED, digest),
        )?;
    }
    ensure!(
        pinned > 0,
        "{}: no placeholder for the digest",
        source.display()
    );
    Ok(())
}
