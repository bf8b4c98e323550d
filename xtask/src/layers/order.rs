//! The declared order of the crates' modules. A change of a layout changes these lists, and nothing
//! else here.

/// The top-level modules of `src`, from the top layer to the bottom one. A module may use modules
/// of its own layer and of the layers below it.
pub(super) const FILTER: &[&[&str]] = &[
    // What Envoy calls, what generates configuration for Envoy, and what explains the filter.
    // Nothing in the crate uses them.
    &["entry", "explain", "fast_path"],
    // One request in Envoy: asks for a decision and applies it.
    &["filter"],
    // What happens to a request, as a value.
    &["decision"],
    // The connection of a request: what was delivered over it, and its peer certificate.
    &["connection"],
    // The configuration in the shape that requests ask for.
    &["config", "delivery_state", "stored_decision"],
    // Functions of bytes, and the calls to Envoy.
    &["certificate", "hostcalls", "rfc9440"],
    // Header names, hostnames and the other vocabulary that everything above uses.
    &["authority", "headers", "hostname", "nearest", "outcome"],
];

/// The same for `settings-api/src`.
pub(super) const SETTINGS_API: &[&[&str]] = &[
    &["cli"],
    // Starts and stops everything.
    &["server"],
    // Pages for people, by the API's own handlers.
    &["console"],
    // Answer HTTP requests.
    &["api", "ops"],
    // Delivers snapshots to Envoys.
    &["xds"],
    // Checks a change, stores it, publishes the snapshot.
    &["snapshot_cache"],
    // On disk.
    &["audit_log", "crls", "store", "tokens"],
    // Settings, the base configuration, and how they merge.
    &["model"],
    // Used by any of the above.
    &[
        "atomic_file",
        "client_address",
        "error",
        "file_stamp",
        "hex",
        "metrics",
        "reload_status",
    ],
];

/// The layer of a module, counted from the top.
pub(super) fn layer(order: &[&[&str]], module: &str) -> Option<usize> {
    order.iter().position(|modules| modules.contains(&module))
}
