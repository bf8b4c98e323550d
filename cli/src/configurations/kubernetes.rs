//! Istio's `WasmPlugin` and Envoy Gateway's `EnvoyExtensionPolicy`; any other resource may hold
//! Envoy's own configuration (Istio's `EnvoyFilter`, a ConfigMap's tree).

use std::rc::Rc;

use super::envoy;
use super::found::{Configuration, FailurePolicy, Found, Surroundings, is_this_filter};
use crate::document::Node;

pub(super) fn is_resource(document: &Node) -> bool {
    document.get("apiVersion").is_some() && document.get("kind").is_some()
}

pub(super) fn find(document: &Rc<Node>) -> Vec<Found> {
    match document.get("kind").and_then(|kind| kind.text()) {
        Some("WasmPlugin") => wasm_plugin(document).into_iter().collect(),
        Some("EnvoyExtensionPolicy") => extension_policy(document),
        Some("List") => document
            .get("items")
            .map(|items| items.items().iter().flat_map(find).collect())
            .unwrap_or_default(),
        _ => envoy::find(document),
    }
}

fn wasm_plugin(document: &Rc<Node>) -> Option<Found> {
    let spec = document.get("spec")?;
    let configuration = spec.get("pluginConfig");
    let names = [document.at(&["metadata", "name"]), spec.at(&["url"])];
    if !is_ours(&names, configuration) {
        return None;
    }
    let strategy = spec.get("failStrategy");
    Some(Found {
        configuration: tree(configuration, spec, "spec.pluginConfig"),
        surroundings: Surroundings::Kubernetes(FailurePolicy {
            is_open: strategy.is_some_and(|strategy| strategy.text() == Some("FAIL_OPEN")),
            line: strategy.unwrap_or(spec).line,
            path: "spec.failStrategy".to_owned(),
            right: "failStrategy: FAIL_RELOAD",
        }),
    })
}

fn extension_policy(document: &Rc<Node>) -> Vec<Found> {
    let filters = document.at(&["spec", "wasm"]).map_or(&[][..], Node::items);
    let mut found = Vec::new();
    for (number, filter) in filters.iter().enumerate() {
        let configuration = filter.get("config");
        let names = [
            filter.at(&["name"]),
            filter.at(&["code", "image", "url"]),
            filter.at(&["code", "http", "url"]),
        ];
        if !is_ours(&names, configuration) {
            continue;
        }
        let fail_open = filter.get("failOpen");
        found.push(Found {
            configuration: tree(
                configuration,
                filter,
                &format!("spec.wasm[{number}].config"),
            ),
            surroundings: Surroundings::Kubernetes(FailurePolicy {
                is_open: fail_open.is_some_and(|fail_open| fail_open.is_true()),
                line: fail_open.unwrap_or(filter).line,
                path: format!("spec.wasm[{number}].failOpen"),
                right: "failOpen: false",
            }),
        });
    }
    found
}

fn is_ours(names: &[Option<&Node>], configuration: Option<&Rc<Node>>) -> bool {
    let is_named = |name: &&Node| name.text().is_some_and(is_this_filter);
    names.iter().flatten().any(is_named)
        || configuration.is_some_and(|configuration| configuration.get("settings").is_some())
}

fn tree(configuration: Option<&Rc<Node>>, above: &Node, path: &str) -> Configuration {
    match configuration {
        Some(tree) => Configuration::Tree {
            tree: Rc::clone(tree),
            path: path.to_owned(),
        },
        None => Configuration::Text {
            text: String::new(),
            line: above.line,
            has_lines: false,
        },
    }
}
