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
        None => repository().join("dist/client_cert_forwarder.wasm"),
    };
    assert!(
        module.is_file(),
        "{} is missing; build it with: make wasm",
        module.display()
    );
    module.canonicalize().expect("the module is there")
}
