//! The one place that asks the filter's crate for the fast path.

use client_cert_forwarder::config::ConfigError;
use client_cert_forwarder::fast_path::FastPath;
use serde_json::Value;

/// Returns the HTTP filters of the fast path; `vm` is the wasm filter's `vm_config`.
///
/// # Errors
/// What the configuration has that a fast path can't do.
pub(crate) fn filters(configuration: &str, vm: &Value) -> Result<Vec<Value>, ConfigError> {
    let fast_path = FastPath::new(configuration)?;
    Ok(fast_path.http_filters(vm).into())
}

/// Returns the hostnames whose requests enter the VM as without a fast path.
pub(crate) fn left_out(configuration: &str) -> Vec<String> {
    FastPath::new(configuration)
        .map(|fast_path| fast_path.left_out().to_vec())
        .unwrap_or_default()
}
