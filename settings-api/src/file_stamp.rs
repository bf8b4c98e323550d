//! Tells whether a file has changed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Identifies a file's content: device, inode, size, time of change (seconds and nanoseconds). A
/// missing file has the default. Follows symbolic links: Kubernetes replaces mounted files so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileStamp(u64, u64, u64, i64, i64);

impl FileStamp {
    /// Reads the stamp of a file.
    pub(crate) fn of(path: &Path) -> Self {
        fs::metadata(path)
            .map(|it| Self(it.dev(), it.ino(), it.size(), it.ctime(), it.ctime_nsec()))
            .unwrap_or_default()
    }
}
