//! The `deployment` of a resource in the settings API's base configuration.

use client_cert_forwarder::fast_path::FastPath;

use crate::check::Finding;
use crate::document::Node;

/// Checks that the value is known, and that `plugin` can be deployed so.
pub(super) fn check(resource: &Node, path: &str, plugin: &Node) -> Option<Finding> {
    let deployment = resource
        .members()
        .iter()
        .find(|it| it.key == "deployment")?;
    let path = format!("{path}.deployment");
    let line = deployment.line;
    match deployment.value.text() {
        Some("plain") => None,
        Some("fast_path") => {
            let error = FastPath::new(&plugin.to_json().to_string()).err()?;
            // What the filter itself refuses has its own finding.
            let is_refused = client_cert_forwarder::config::Config::from_json(
                plugin.to_json().to_string().as_bytes(),
            )
            .is_err();
            let reason = format!("{}: {}", error.place, error.reason);
            (!is_refused).then(|| Finding::error(line, path, reason))
        }
        _ => {
            let found = deployment.value.to_json();
            let reason = format!("unknown value {found}, expected \"plain\" or \"fast_path\"");
            Some(Finding::error(line, path, reason))
        }
    }
}
