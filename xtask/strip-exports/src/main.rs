//! `strip-exports IN OUT`: the last step of the filter's build.
//!
//! The SDK exports every callback of the proxy-wasm ABI, and Envoy makes each one that a module exports: about 0.5 µs a request for each
//! that does nothing. Without their exports they are not made, and their code goes too. The module is correct without this step.
#![allow(clippy::print_stdout, reason = "a command line speaks so")]

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use walrus::Module;

/// What the filter implements or the ABI requires; all else that the SDK exports does nothing here.
const NEEDED: [&str; 11] = [
    "memory",
    "_initialize",
    "proxy_abi_version_0_2_1",
    "malloc",
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_request_headers",
    "proxy_on_request_trailers",
    "proxy_on_response_headers",
    "proxy_on_delete",
];

fn main() -> Result<()> {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [input, output] = arguments.as_slice() else {
        bail!("usage: strip-exports IN OUT");
    };
    let mut module = Module::from_file(input)
        .with_context(|| format!("{} is not a wasm module", input.display()))?;
    for name in NEEDED {
        if !module.exports.iter().any(|export| export.name == name) {
            bail!(
                "{} does not export {name}: has the SDK changed?",
                input.display()
            );
        }
    }
    let needless: Vec<_> = module
        .exports
        .iter()
        .filter(|export| !NEEDED.contains(&export.name.as_str()))
        .map(|export| export.id())
        .collect();
    for export in needless {
        module.exports.delete(export);
    }
    walrus::passes::gc::run(&mut module);
    shorten_names(&mut module);
    module
        .emit_wasm_file(output)
        .with_context(|| format!("{} can't be written", output.display()))
}

/// Function names are there for the backtraces in Envoy's log: demangled they read better, and without the hashes at their ends, and
/// what generics add, they take a quarter of the room.
fn shorten_names(module: &mut Module) {
    const LONGEST: usize = 60;
    for function in module.funcs.iter_mut() {
        if let Some(name) = &mut function.name {
            *name = format!("{:#}", rustc_demangle::demangle(name))
                .chars()
                .take(LONGEST)
                .collect();
        }
    }
}
