//! Routes that a client could choose by a header that the fast path removes (SECURITY.md,
//! *Placement*).

use std::rc::Rc;

use client_cert_forwarder::headers::managed::ManagedHeaders;
use serde_json::Value;

use crate::check::Finding;
use crate::configurations::walk;
use crate::document::Node;

/// Checks the routes of a connection manager with a fast path. Envoy selects the route before the
/// fast path removes the header, and does not select it again.
pub(super) fn check(manager: &Rc<Node>, path: &str, managed: &ManagedHeaders) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut is_selected_again = false;
    walk(manager, &mut |node, trail| {
        let clears = node.get("clear_route_cache").map(|value| value.to_json());
        is_selected_again |= clears == Some(Value::Bool(true));
        let headers = node.get("match").and_then(|matched| matched.get("headers"));
        for header in headers.map_or(&[][..], |headers| headers.items()) {
            let Some(name) = header.get("name") else {
                continue;
            };
            let text = name.text().unwrap_or_default();
            if managed.contains(text.as_bytes()) {
                findings.push(Finding::warning(
                    name.line,
                    format!("{path}.{}.match.headers", trail.path()),
                    format!(
                        "a client's own {text} selects this route: the fast path removes the \
                         header afterwards; put envoy.filters.http.set_filter_state with \
                         clear_route_cache: true behind the filter"
                    ),
                ));
            }
        }
        true
    });
    if is_selected_again {
        findings.clear();
    }
    findings
}
