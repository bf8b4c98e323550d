//! The filter's own message, and the names of its metrics.

use std::rc::Rc;

use crate::check::Finding;
use crate::configurations::{Trail, WasmFilter};
use crate::document::Node;

/// Whether requests pass when the VM fails.
pub(super) fn failure_policy(filter: &WasmFilter) -> Option<Finding> {
    const OPEN: &str = "lets requests pass without the filter, with headers that clients forged: \
         set failure_policy: FAIL_RELOAD";
    let path = |key: &str| format!("{}.config.{key}", filter.trail.path());
    let fail_open = filter.config.get("fail_open");
    if let Some(fail_open) = fail_open.filter(|fail_open| fail_open.is_true()) {
        return Some(Finding::error(fail_open.line, path("fail_open"), OPEN));
    }
    let policy = filter.config.get("failure_policy")?;
    let reason = match policy.text() {
        Some("FAIL_RELOAD" | "FAIL_CLOSED" | "UNSPECIFIED") => return None,
        Some("FAIL_OPEN") => OPEN.to_owned(),
        Some(other) => format!("unknown value \"{other}\": set FAIL_RELOAD or FAIL_CLOSED"),
        None => "set FAIL_RELOAD or FAIL_CLOSED by its name".to_owned(),
    };
    Some(Finding::error(policy.line, path("failure_policy"), reason))
}

/// Whether Prometheus gets `hostname` and `outcome` as labels.
pub(super) fn stats_tags(trail: &Trail) -> Option<Finding> {
    let bootstrap = trail.top()?;
    let resources = bootstrap.get("static_resources")?;
    let tags = bootstrap.at(&["stats_config", "stats_tags"]);
    let tags: &[Rc<Node>] = tags.map_or(&[], Node::items);
    let has = |tag: &str| {
        tags.iter().any(|one| {
            one.get("tag_name")
                .is_some_and(|name| name.text() == Some(tag))
        })
    };
    if has("hostname") && has("outcome") {
        return None;
    }
    Some(Finding::warning(
        resources.line,
        "stats_config.stats_tags",
        "the filter's counters have no labels in Prometheus without the tags hostname and outcome: \
         add those of envoy/envoy.yaml",
    ))
}
