//! What the module and Envoy have of each other: exports and imports.

use std::collections::BTreeSet;

use support::wasm::repository;

use crate::vm::compiled;

#[test]
fn the_module_exports_its_memory_and_the_list_and_nothing_else() {
    let list = std::fs::read_to_string(repository().join("exports.txt")).expect("the list");
    let wanted: BTreeSet<&str> = list.lines().chain(["memory"]).collect();
    let (_, module) = compiled();
    let exported: BTreeSet<&str> = module.exports().map(|export| export.name()).collect();
    assert_eq!(exported, wanted);
}

#[test]
fn the_module_imports_hostcalls_of_envoy_only() {
    let (_, module) = compiled();
    let strangers: Vec<String> = module
        .imports()
        .filter(|import| import.module() != "env" || !import.name().starts_with("proxy_"))
        .map(|import| format!("{}.{}", import.module(), import.name()))
        .collect();
    assert!(strangers.is_empty(), "{strangers:?}");
}
