//! `hostname_defaults` of the settings API's base configuration.

use client_cert_forwarder::config::check::check_tree;
use client_cert_forwarder::config::json::{Json, Member};
use client_cert_forwarder::config::path::{JsonPath, Step};

use crate::check::Finding;
use crate::document::Node;

/// Keys that come from the API, so that a default has no effect.
const SET_BY_THE_API: [&str; 3] = ["hostname", "china_network", "client_certificate_forwarding"];

/// Checks the defaults as a setting of `plugin`, for a hostname that no other setting has.
pub(super) fn check(plugin: &Node, defaults: &Node, path: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in defaults.members() {
        if SET_BY_THE_API.contains(&member.key.as_str()) {
            let reason = "comes from the API and can't have a default";
            let path = format!("{path}.{}", member.key);
            findings.push(Finding::error(member.line, path, reason));
        }
    }
    if !findings.is_empty() {
        return findings;
    }
    for error in check_tree(&with_only_setting(plugin, defaults)).errors {
        // Other errors are those of `plugin` itself.
        let Some([Step::Key(_), Step::Index(_), inner @ ..]) =
            error.path().map(|path| path.0.as_slice())
        else {
            continue;
        };
        let inner = JsonPath(inner.to_vec());
        let path = match inner.0.as_slice() {
            [] => path.to_owned(),
            _ => format!("{path}.{inner}"),
        };
        findings.push(Finding::error(defaults.line_of(&inner), path, error.reason));
    }
    findings
}

fn with_only_setting<'a>(plugin: &'a Node, defaults: &'a Node) -> Json<'a> {
    let hostname = ("hostname".into(), Json::Text("*".into()));
    // Forwarding is the API's to say: without it `forward_on` would be warned of.
    let forwarding = ("client_certificate_forwarding".into(), Json::Bool(true));
    let mut setting: Vec<Member<'_>> = vec![hostname, forwarding];
    if let Json::Object(members) = defaults.to_config() {
        setting.extend(members);
    }
    let mut members: Vec<Member<'_>> = match plugin.to_config() {
        Json::Object(members) => members.into_vec(),
        _ => Vec::new(),
    };
    members.retain(|(key, _)| key != "settings");
    let settings = Json::Array([Json::Object(setting.into())].into());
    members.push(("settings".into(), settings));
    Json::Object(members.into())
}
