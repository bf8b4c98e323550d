//! `crls` of the settings API's base configuration. The files themselves are on its machine.

use client_cert_forwarder::nearest::nearest;

use crate::check::Finding;
use crate::document::{Node, Value};

const KEYS: [&str; 2] = ["file", "ca"];

/// Checks that it is an array of objects with a path for each key.
pub(super) fn check(base: &Node) -> Vec<Finding> {
    let Some(crls) = base.members().iter().find(|member| member.key == "crls") else {
        return Vec::new();
    };
    if !matches!(crls.value.value, Value::Array(_)) {
        let reason = "expected an array of objects with the keys \"file\" and \"ca\"";
        return vec![Finding::error(crls.line, "crls", reason)];
    }
    let mut findings = Vec::new();
    for (number, entry) in crls.value.items().iter().enumerate() {
        let path = format!("crls[{number}]");
        if !matches!(entry.value, Value::Object(_)) {
            let reason = "expected an object with the keys \"file\" and \"ca\"";
            findings.push(Finding::error(entry.line, path, reason));
            continue;
        }
        findings.extend(of_entry(entry, &path));
        let before = crls.value.items().iter().take(number);
        if let Some(first) = position_of_file(before, entry) {
            let reason = format!("is the same as crls[{first}].file");
            findings.push(Finding::error(entry.line, format!("{path}.file"), reason));
        }
    }
    findings
}

fn of_entry(entry: &Node, path: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in entry.members() {
        if !KEYS.contains(&member.key.as_str()) {
            let meant = nearest(&member.key, KEYS.into_iter());
            let hint = meant.map(|key| format!(", did you mean \"{key}\"?"));
            let reason = format!("unknown key{}", hint.unwrap_or_default());
            let path = format!("{path}.{}", member.key);
            findings.push(Finding::error(member.line, path, reason));
        }
    }
    for key in KEYS {
        let member = entry.members().iter().find(|member| member.key == key);
        let reason = match member.map(|member| member.value.text()) {
            None => "required, but missing",
            Some(None | Some("")) => "expected the path of a file",
            Some(Some(_)) => continue,
        };
        let line = member.map_or(entry.line, |member| member.line);
        findings.push(Finding::error(line, format!("{path}.{key}"), reason));
    }
    findings
}

fn position_of_file<'a>(
    mut entries: impl Iterator<Item = &'a std::rc::Rc<Node>>,
    entry: &Node,
) -> Option<usize> {
    let file = |entry: &Node| Some(entry.get("file")?.text()?.to_owned());
    let own = file(entry)?;
    entries.position(|other| file(other).as_ref() == Some(&own))
}
