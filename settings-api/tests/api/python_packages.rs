//! Packages of PyPI that tests use, pinned and hash-checked, below `target/`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Installs a file of requirements, unless it is there; returns the folder of the packages.
pub(crate) fn install(requirements: &Path) -> PathBuf {
    let mut hash = DefaultHasher::new();
    std::fs::read(requirements)
        .expect("the requirements")
        .hash(&mut hash);
    let place = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let installed = place.join(format!("python-packages-{:x}", hash.finish()));
    if installed.is_dir() {
        return installed;
    }
    let scratch = tempfile::tempdir_in(place).expect("a temporary folder");
    let output = Command::new("python3")
        .args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "--only-binary",
            ":all:",
            "--requirement",
        ])
        .arg(requirements)
        .arg("--target")
        .arg(scratch.path())
        .output()
        .expect("python3 runs (it is missing: install Python 3 with pip)");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    // Fails when another run was faster; then that one's is as good.
    let _ = std::fs::rename(scratch.keep(), &installed);
    installed
}
