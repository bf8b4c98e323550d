//! Wasm filters in Envoy's own configuration: bootstraps, listeners, discovered resources.

use std::rc::Rc;

use super::found::{Configuration, Found, Surroundings, WasmFilter, is_this_filter};
use super::trail::{Trail, walk};
use crate::document::{Node, Value};

pub(super) fn is_envoy(document: &Node) -> bool {
    let keys = [
        "static_resources",
        "dynamic_resources",
        "filter_chains",
        "http_filters",
        "typed_config",
        "@type",
    ];
    keys.iter().any(|key| document.get(key).is_some())
        || document
            .get("resources")
            .is_some_and(|resources| resources.items().iter().any(|one| is_envoy(one)))
}

/// Finds this filter wherever it stands in the document, or is to stand (`config_discovery`).
pub(super) fn find(document: &Rc<Node>) -> Vec<Found> {
    let mut found = Vec::new();
    walk(document, &mut |node, trail| {
        if is_discovered(node) {
            found.push(Found {
                configuration: Configuration::Elsewhere,
                surroundings: Surroundings::Discovered(trail.below(node, ".config_discovery")),
            });
        }
        if !node.is_message(".filters.http.wasm.v3.Wasm") {
            return true;
        }
        // A TypedStruct has the message under `value`.
        let message = node.get("value").unwrap_or(node);
        if let Some(config) = message.get("config") {
            found.extend(filter(config, trail));
        }
        false
    });
    found
}

/// Whether a filter with this filter's name is to be discovered here.
fn is_discovered(node: &Node) -> bool {
    let name = node.get("name").and_then(|name| name.text());
    node.get("config_discovery").is_some() && name.is_some_and(is_this_filter)
}

fn filter(config: &Rc<Node>, trail: &Trail) -> Option<Found> {
    let message = config.get("configuration");
    let text = message.and_then(|message| message.get("value"));
    let named = trail.nearest("typed_config").map(|(node, _)| node);
    let names = [
        config.get("name"),
        named.and_then(|node| node.get("name")),
        config
            .get("vm_config")
            .and_then(|vm| vm.get("code"))
            .and_then(|code| code.get("local"))
            .and_then(|local| local.get("filename")),
    ];
    let is_named = names
        .iter()
        .flatten()
        .any(|name| name.text().is_some_and(is_this_filter));
    let is_like_ours = text
        .and_then(|text| text.text())
        .is_some_and(|text| text.contains("settings") && text.contains("hostname"));
    if !is_named && !is_like_ours {
        return None;
    }
    Some(Found {
        configuration: configuration(config, message.map(Rc::as_ref)),
        surroundings: Surroundings::Envoy(WasmFilter {
            config: Rc::clone(config),
            trail: trail.clone(),
        }),
    })
}

fn configuration(config: &Node, message: Option<&Node>) -> Configuration {
    let Some(message) = message else {
        return empty(config.line);
    };
    if !message.is_message("google.protobuf.StringValue") {
        return Configuration::WrongMessage { line: message.line };
    }
    match message.get("value").map(|value| (value, &value.value)) {
        Some((value, Value::Text(text))) => Configuration::Text {
            text: text.text.clone(),
            line: text.first_line.unwrap_or(value.line),
            has_lines: text.first_line.is_some(),
        },
        Some((value, _)) => Configuration::WrongMessage { line: value.line },
        None => empty(message.line),
    }
}

fn empty(line: usize) -> Configuration {
    Configuration::Text {
        text: String::new(),
        line,
        has_lines: false,
    }
}
