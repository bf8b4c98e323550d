//! Wasm filters that do nothing for the request: the least cost of any filter, and the cost that
//! single steps add.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::outcome::{Failure, setup};

/// Steps of such a filter per request, beyond the callbacks for its creation, headers and end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Steps {
    /// Is called for the response's headers too.
    pub(crate) response_headers: bool,
    /// Reads all request headers (which calls the module's allocator).
    pub(crate) header_map: bool,
    /// Reads one property that is not there.
    pub(crate) property: bool,
}

impl Steps {
    /// Writes the module of that name into `folder`.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn write(self, folder: &Path, name: &str) -> Result<PathBuf, Failure> {
        let path = folder.join(format!("{name}.wasm"));
        let wasm =
            wat::parse_str(self.text()).map_err(setup("the wasm filter that does nothing"))?;
        fs::write(&path, wasm).map_err(setup(path.display()))?;
        Ok(path)
    }

    /// The module, for proxy-wasm 0.2.1. No allocation by the host outlives the call, so the
    /// allocator returns one fixed address.
    fn text(self) -> String {
        let when = |wanted: bool, text: &'static str| if wanted { text } else { "" };
        let response_headers = when(
            self.response_headers,
            r#"(func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) (i32.const 0))"#,
        );
        let header_map = when(
            self.header_map,
            "(drop (call $header_map (i32.const 0) (i32.const 64) (i32.const 68)))",
        );
        let property = when(
            self.property,
            "(drop (call $property (i32.const 0) (i32.const 31) (i32.const 64) (i32.const 68)))",
        );
        format!(
            r#"(module
  (import "env" "proxy_get_header_map_pairs" (func $header_map (param i32 i32 i32) (result i32)))
  (import "env" "proxy_get_property" (func $property (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 4)
  (data (i32.const 0) "client_cert_forwarder.delivered")
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "_initialize"))
  (func (export "malloc") (param i32) (result i32) (i32.const 4096))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    {header_map} {property} (i32.const 0))
  {response_headers}
  (func (export "proxy_on_delete") (param i32)))"#
        )
    }
}
