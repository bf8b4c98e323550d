//! The declared order of the filter's modules. A change of the layout changes this list, and
//! nothing else here.

/// The top-level modules of `src`, from the top layer to the bottom one. A module may use modules
/// of its own layer and of those below it.
pub(super) const FILTER: &[&[&str]] = &[
    // What Envoy calls, and what generates configuration for Envoy. Nothing in the crate uses them.
    &["entry", "fast_path"],
    // One request: decide, then apply.
    &["filter"],
    // One connection: its peer certificate and delivery state.
    &["connection"],
    // What all requests under one configuration share.
    &["config", "metrics", "warnings"],
    // From PEM to header values: functions of bytes.
    &["certificate", "rfc9440"],
    // Vocabulary that everything above uses.
    &[
        "headers",
        "hostname",
        "authority",
        "outcome",
        "id",
        "nearest",
    ],
    // The seam to Envoy.
    &["hostcalls"],
];

/// The layer of a module, counted from the top.
pub(super) fn layer(order: &[&[&str]], module: &str) -> Option<usize> {
    order.iter().position(|modules| modules.contains(&module))
}
