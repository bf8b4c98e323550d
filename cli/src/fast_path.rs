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
    Ok(vec![fast_path.http_filter(vm)])
}

/// Returns what an operator should know of the fast path, one sentence each.
pub(crate) fn notes(configuration: &str) -> Vec<String> {
    let Ok(fast_path) = FastPath::new(configuration) else {
        return Vec::new();
    };
    let mut notes = Vec::new();
    if fast_path.needs_filter_chain() {
        notes.push(
            "Client-Cert needs Envoy 1.38 or later: 1.36 does not start with this filter"
                .to_owned(),
        );
    }
    notes.extend(fast_path.left_out().iter().map(|hostname| {
        format!(
            "{hostname} has too many narrower settings: its requests enter the VM as without a \
             fast path"
        )
    }));
    notes
}
