//! The filter's wasm module.

use std::path::{Path, PathBuf};

/// The repository's root.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("tests/ lies in the repository")
}

/// The built filter, or the module that `FILTER_WASM` names.
///
/// # Panics
/// When there is none, with the command that builds it.
pub fn wasm_module() -> PathBuf {
    let module = match std::env::var_os("FILTER_WASM") {
        Some(path) => PathBuf::from(path),
        None => target_directory().join("wasm32-wasip1/wasm/client_cert_forwarder.wasm"),
    };
    assert!(
        module.is_file(),
        "{} is missing; build it with: cargo build -p client-cert-forwarder --target wasm32-wasip1 --profile wasm",
        module.display()
    );
    module.canonicalize().expect("the module is there")
}

fn target_directory() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from)
}
