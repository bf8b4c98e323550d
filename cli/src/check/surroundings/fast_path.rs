//! The fast path's matcher, which belongs to one plugin configuration.

use std::collections::BTreeSet;

use client_cert_forwarder::config::path::{JsonPath, Step};
use serde_json::Value;

use crate::check::Finding;
use crate::configurations::WasmFilter;
use crate::fast_path;

/// Whether the matcher around the filter was generated for `configuration`, which stands at `line`.
pub(super) fn check(filter: &WasmFilter, configuration: &str, line: usize) -> Option<Finding> {
    let (matcher, path) = filter.trail.nearest("xds_matcher")?;
    let written = ids(&matcher.get("xds_matcher")?.to_json());
    let path = format!("{path}.xds_matcher");
    let matcher_line = matcher.line_of(&JsonPath(vec![Step::Key("xds_matcher".to_owned())]));
    match fast_path::filters(configuration, &Value::Null) {
        Err(error) => {
            let reason = format!("{}: {}", error.place, error.reason);
            Some(Finding::error(line, path, reason))
        }
        Ok(filters) if ids(&filters.clone().into()) == written => None,
        Ok(_) => Some(Finding::error(
            matcher_line,
            path,
            "was made for another plugin configuration, so it matches nothing: make it again with \
             ccf filters",
        )),
    }
}

/// Every id in the texts of a matcher: 16 hexadecimal digits that stand alone. Those of the
/// settings and of the configuration are among them.
fn ids(json: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    collect(json, &mut found);
    found
}

fn collect(json: &Value, found: &mut BTreeSet<String>) {
    match json {
        Value::String(text) => {
            let words = text.split(|character: char| !character.is_ascii_alphanumeric());
            found.extend(words.filter(|word| is_id(word)).map(str::to_owned));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(members) => members.values().for_each(|value| collect(value, found)),
        _ => {}
    }
}

fn is_id(word: &str) -> bool {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    word.len() == 16 && word.bytes().all(is_hex)
}
