//! Where the filter stands among Envoy's other filters and routes (SECURITY.md, *Placement*).

use std::rc::Rc;

use client_cert_forwarder::config::Config;
use client_cert_forwarder::headers::managed::ManagedHeaders;

use super::neighbours::{Harm, each_text, harms};
use super::routes;
use crate::check::Finding;
use crate::configurations::{Trail, has_this_filter, walk};
use crate::document::Node;

/// The filter of the fast path.
const FAST_PATH: &str = ".ExtensionWithMatcher";

pub(super) fn check(trail: &Trail, config: Option<&Config>) -> Vec<Finding> {
    let Some((manager, path)) = trail.nearest("http_filters") else {
        return Vec::new();
    };
    let families = ManagedHeaders::default();
    let managed = config.map_or(&families, |config| &config.managed_headers);
    let mut findings = in_front(trail, (manager, &path), managed);
    findings.extend(upgrades(manager, &path));
    if trail.nearest("xds_matcher").is_some() || is_discovered_fast_path(trail) {
        findings.extend(routes::check(manager, &path, managed));
    }
    if config.is_some_and(|config| config.reject_spoofed_headers) {
        findings.extend(redirects(manager, &path));
    }
    findings
}

/// The list that the filter stands in, and its path: the connection manager's, or an upgrade's.
fn list<'a>(trail: &'a Trail, manager: (&'a Rc<Node>, &str)) -> Option<(&'a Rc<Node>, String)> {
    if let Some((upgrade, path)) = trail.nearest("upgrade_type") {
        return Some((upgrade.get("filters")?, format!("{path}.filters")));
    }
    let (manager, path) = manager;
    Some((manager.get("http_filters")?, format!("{path}.http_filters")))
}

fn in_front(trail: &Trail, manager: (&Rc<Node>, &str), managed: &ManagedHeaders) -> Vec<Finding> {
    let Some((list, path)) = list(trail, manager) else {
        return Vec::new();
    };
    let others = list.items().iter().take_while(|other| !trail.passes(other));
    let mut findings = Vec::new();
    for (number, other) in others.enumerate() {
        let path = format!("{path}[{number}]");
        findings.extend(harmful(other, &path, is_discovered_fast_path(trail)));
        findings.extend(names_managed(other, &path, managed));
    }
    findings
}

/// Whether Envoy discovers the filter, and may be given the fast path.
fn is_discovered_fast_path(trail: &Trail) -> bool {
    let Some((entry, _)) = trail.nearest("config_discovery") else {
        return false;
    };
    let Some(discovery) = entry.get("config_discovery") else {
        return false;
    };
    let urls = discovery
        .get("type_urls")
        .map_or(&[][..], |urls| urls.items());
    urls.iter()
        .filter_map(|url| url.text())
        .any(|url| url.ends_with(FAST_PATH))
        || discovery
            .at(&["default_config"])
            .is_some_and(|config| config.is_message(FAST_PATH))
}

/// What a filter in front does, whatever it is wrapped in.
fn harmful(other: &Rc<Node>, path: &str, is_discovered: bool) -> Vec<Finding> {
    let mut found: Vec<(&'static str, Harm)> = Vec::new();
    walk(other, &mut |node, _| {
        let own = ["@type", "type_url"]
            .into_iter()
            .filter_map(|key| node.get(key)?.text());
        found.extend(own.flat_map(|url| harms(url, Some(node))));
        // What is to be discovered has no configuration yet.
        let urls = node.get("type_urls").map_or(&[][..], |urls| urls.items());
        let urls = urls.iter().filter_map(|url| url.text());
        found.extend(urls.flat_map(|url| harms(url, None)));
        true
    });
    let found = found.into_iter().filter_map(|(name, harm)| match harm {
        Harm::GetsPast(reason) => Some(Finding::error(
            other.line,
            path,
            format!("Envoy's {name} filter {reason}"),
        )),
        Harm::Holds if is_discovered => Some(Finding::warning(
            other.line,
            path,
            format!(
                "Envoy's {name} filter can hold a request: Envoy up to 1.40 crashes when an \
                 update of the fast path comes meanwhile by ECDS; put it behind this filter, or \
                 update the listener instead"
            ),
        )),
        Harm::Holds => None,
    });
    found.collect()
}

/// Whether a filter in front reads or writes a header that only this filter may set.
fn names_managed(other: &Node, path: &str, managed: &ManagedHeaders) -> Option<Finding> {
    let mut found: Option<(usize, String)> = None;
    each_text(other, &mut |line, text| {
        let mut words = text.split(|character: char| !is_token(character));
        if let Some(word) = words.find(|word| managed.contains(word.as_bytes())) {
            found.get_or_insert_with(|| (line, word.to_owned()));
        }
    });
    let (line, header) = found?;
    Some(Finding::warning(
        line,
        path,
        format!(
            "names the header {header}: in front of this filter its value is the client's, and \
             what is written there is removed; put it behind this filter"
        ),
    ))
}

/// Whether a character may stand in a header's name (RFC 9110 §5.6.2), and is none that quotes it.
fn is_token(character: char) -> bool {
    character.is_ascii_alphanumeric() || "!#$&*+-.^_|~".contains(character)
}

/// Upgrades with HTTP filters of their own, without this one.
fn upgrades(manager: &Node, path: &str) -> Vec<Finding> {
    let upgrades = manager
        .get("upgrade_configs")
        .map_or(&[][..], |all| all.items());
    let mut findings = Vec::new();
    for (number, upgrade) in upgrades.iter().enumerate() {
        let Some(filters) = upgrade.get("filters") else {
            continue;
        };
        if !filters.items().is_empty() && !has_this_filter(filters) {
            findings.push(Finding::error(
                filters.line,
                format!("{path}.upgrade_configs[{number}].filters"),
                "lets these upgrades pass without the filter, with headers that clients forged: \
                 name it here too, or leave filters out",
            ));
        }
    }
    findings
}

/// Redirects that Envoy follows itself: the request comes back with the filter's own headers.
fn redirects(manager: &Rc<Node>, path: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    walk(manager, &mut |node, trail| {
        if let Some(policy) = node.get("internal_redirect_policy") {
            let below = trail.path();
            findings.push(Finding::warning(
                policy.line,
                format!("{path}.{below}.internal_redirect_policy"),
                "a request that Envoy redirects itself comes back with this filter's headers, \
                 which \"on_spoofed_header\": \"reject\" answers 400: set \"strip\"",
            ));
        }
        true
    });
    findings
}
