//! The fast path's matcher, which belongs to one plugin configuration.

use std::collections::BTreeSet;

use client_cert_forwarder::config::path::{JsonPath, Step};
use client_cert_forwarder::delivery_state::FAST_PATH;
use serde_json::{Map, Value};

use crate::check::Finding;
use crate::configurations::WasmFilter;
use crate::fast_path;

/// Whether the matcher around the filter was generated for `configuration`, which stands at `line`.
pub(super) fn check(filter: &WasmFilter, configuration: &str, line: usize) -> Option<Finding> {
    let (matcher, path) = filter.trail.nearest("xds_matcher")?;
    let written = matcher.get("xds_matcher")?.to_json();
    let path = format!("{path}.xds_matcher");
    let matcher_line = matcher.line_of(&JsonPath(vec![Step::Key("xds_matcher".to_owned())]));
    let made = match fast_path::filters(configuration, &Value::Null) {
        Err(error) => {
            let reason = format!("{}: {}", error.place, error.reason);
            return Some(Finding::error(line, path, reason));
        }
        Ok(filters) => filters
            .first()?
            .pointer("/typed_config/xds_matcher")?
            .clone(),
    };
    if ids(&made) != ids(&written) {
        return Some(Finding::error(
            matcher_line,
            path,
            "was made for another plugin configuration, so it matches nothing: make it again with \
             ccf filters",
        ));
    }
    if without_filter(made) != without_filter(written) {
        return Some(Finding::warning(
            matcher_line,
            path,
            "is not what this version of ccf makes: make it again with ccf filters",
        ));
    }
    let root_id = filter.config.get("root_id");
    (root_id.and_then(|id| id.text()) != Some(FAST_PATH)).then(|| {
        Finding::warning(
            root_id.map_or(filter.config.line, |id| id.line),
            format!("{}.config.root_id", filter.trail.path()),
            "the filter stores no decision, so that every request enters the VM: set root_id: \
             fast_path",
        )
    })
}

/// A matcher without the wasm filter that it creates, which is the operator's.
fn without_filter(json: Value) -> Value {
    match json {
        Value::Object(members) if is_wasm(&members) => Value::Null,
        Value::Object(members) => members
            .into_iter()
            .map(|(key, value)| (key, without_filter(value)))
            .collect(),
        Value::Array(items) => items.into_iter().map(without_filter).collect(),
        other => other,
    }
}

fn is_wasm(members: &Map<String, Value>) -> bool {
    let url = members.get("@type").and_then(Value::as_str);
    url.is_some_and(|url| url.ends_with(".wasm.v3.Wasm"))
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
