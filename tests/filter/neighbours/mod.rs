//! The filter among Envoy's other filters and routes: where it must stand, and which of them it
//! stands (SECURITY.md, *Placement*).

mod answering;
mod authorization;
mod caches;
mod disabled;
mod hedging;
mod redirected;
mod replayed;

use serde_json::{Value, json};

/// Envoy's `ext_authz`, which asks the origin for `/authorize` and the request's path, with the
/// headers that match `seen`.
fn ext_authz(seen: &Value) -> Value {
    json!({
        "name": "envoy.filters.http.ext_authz",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.ext_authz.v3.ExtAuthz",
            "allowed_headers": seen,
            "http_service": {
                "server_uri": { "uri": "http://origin", "cluster": "origin", "timeout": "20s" },
                "path_prefix": "/authorize"
            }
        }
    })
}
