//! The settings API's base configuration.

use std::rc::Rc;

use super::found::{Configuration, Found, Surroundings};
use crate::document::Node;

pub(super) fn is_base(document: &Node) -> bool {
    document.get("zones").is_some() && document.get("resources").is_some()
}

pub(super) fn find(document: &Rc<Node>) -> Vec<Found> {
    let resources = document
        .get("resources")
        .map_or(&[][..], |all| all.members());
    let mut found = Vec::new();
    for resource in resources {
        let path = format!("resources.{}", resource.key);
        let Some(plugin) = resource.value.get("plugin") else {
            continue;
        };
        found.push(Found {
            configuration: Configuration::Tree {
                tree: Rc::clone(plugin),
                path: format!("{path}.plugin"),
            },
            surroundings: Surroundings::Base {
                defaults: resource.value.get("hostname_defaults").map(Rc::clone),
                path: format!("{path}.hostname_defaults"),
                resource: (Rc::clone(&resource.value), path),
                base: Rc::clone(document),
            },
        });
    }
    found
}
