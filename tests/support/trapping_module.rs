//! The filter with a trap: the shipped module, edited after linking so that a test can make its VM
//! fail. Nothing in the filter's own code leads there.

use std::path::Path;

use walrus::{
    ConstExpr, FunctionBuilder, FunctionId, GlobalId, LocalId, Module, ModuleConfig, ValType,
    ir::{BinaryOp, Value},
};

use crate::wasm::wasm_module;

/// A request or response with so many header or trailer fields springs the trap: Envoy passes their
/// number, its own included, to the callbacks.
pub const TRAP_FIELDS: usize = 60;

/// The callback that traps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trap {
    /// `proxy_on_request_headers`, of a request with [`TRAP_FIELDS`] fields.
    RequestHeaders,
    /// `proxy_on_request_trailers`, of a request with [`TRAP_FIELDS`] trailer fields.
    RequestTrailers,
    /// `proxy_on_response_headers`, of a response with [`TRAP_FIELDS`] fields.
    ResponseHeaders,
    /// `proxy_on_delete`, of a request that had [`TRAP_FIELDS`] fields.
    Delete,
}

/// Writes the module of [`wasm_module`] with that trap to `path`.
///
/// # Panics
/// When the module is none, or lacks the callback.
pub fn write_trapping_module(path: &Path, trap: Trap) {
    let mut module = ModuleConfig::new()
        .parse_file(wasm_module())
        .expect("the filter's module");
    let callback = match trap {
        Trap::RequestHeaders => "proxy_on_request_headers",
        Trap::RequestTrailers => "proxy_on_request_trailers",
        Trap::ResponseHeaders => "proxy_on_response_headers",
        Trap::Delete => "proxy_on_delete",
    };
    if trap == Trap::Delete {
        // The context that is to trap when it is deleted; no context has the number 0.
        let marked =
            module
                .globals
                .add_local(ValType::I32, true, false, ConstExpr::Value(Value::I32(0)));
        wrap(&mut module, "proxy_on_request_headers", Check::Mark(marked));
        wrap(&mut module, callback, Check::Marked(marked));
    } else {
        wrap(&mut module, callback, Check::Fields);
    }
    module.emit_wasm_file(path).expect("a written file");
}

/// The check before the callback itself.
#[derive(Clone, Copy)]
enum Check {
    /// Traps when there are too many fields.
    Fields,
    /// Remembers the context when there are too many fields.
    Mark(GlobalId),
    /// Traps when it is the remembered context.
    Marked(GlobalId),
}

/// Exports under `name` a function that makes the check and then calls the original export.
fn wrap(module: &mut Module, name: &str, check: Check) {
    let original: FunctionId = module
        .exports
        .get_func(name)
        .unwrap_or_else(|error| panic!("{name}: {error}"));
    let signature = module.types.get(module.funcs.get(original).ty());
    let (parameters, results) = (signature.params().to_vec(), signature.results().to_vec());
    let arguments: Vec<LocalId> = parameters
        .iter()
        .map(|kind| module.locals.add(*kind))
        .collect();
    let mut builder = FunctionBuilder::new(&mut module.types, &parameters, &results);
    let mut body = builder.func_body();
    // The first parameter of a context's callbacks is its id; the next one, for headers and
    // trailers, the number of fields.
    let context = arguments[0];
    match check {
        Check::Fields | Check::Mark(_) => {
            let limit = i32::try_from(TRAP_FIELDS).expect("a small number");
            body.local_get(arguments[1])
                .i32_const(limit)
                .binop(BinaryOp::I32GeU);
        }
        Check::Marked(global) => {
            body.local_get(context)
                .global_get(global)
                .binop(BinaryOp::I32Eq);
        }
    }
    body.if_else(
        None,
        |then| match check {
            Check::Mark(global) => {
                then.local_get(context).global_set(global);
            }
            Check::Fields | Check::Marked(_) => {
                then.unreachable();
            }
        },
        |_| {},
    );
    for argument in &arguments {
        body.local_get(*argument);
    }
    body.call(original);
    let wrapper = builder.finish(arguments, &mut module.funcs);
    for export in module.exports.iter_mut() {
        if export.name == name {
            export.item = wrapper.into();
        }
    }
}
