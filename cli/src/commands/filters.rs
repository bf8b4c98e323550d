//! `ccf filters`.

use anyhow::{Result, anyhow};
use client_cert_forwarder::config::{Config, ConfigError};
use serde_json::{Value, json};

use super::bootstrap;
use crate::arguments::{Filters, Format};
use crate::check::{Finding, Level, check, check_placement, render};
use crate::configurations::{self, only_text};
use crate::fast_path;
use crate::output::{Exit, note, print, print_json, report_error};

const FAST_PATH: &str = "\
# The fast path of the client certificate forwarder, for Envoy 1.36 and later:
# put this HTTP filter in the place of the plain one. It belongs to this plugin
# configuration, byte for byte: make it again with `ccf filters` whenever that
# changes. As an ECDS resource it needs to stand before all filters that can hold
# a request (ext_authz, buffer, …): Envoy up to 1.40 crashes otherwise.
";
const PLAIN: &str = "\
# The client certificate forwarder, plain: put this before the other HTTP
# filters.
";

pub(super) fn run(command: &Filters, format: Format) -> Result<Exit> {
    let contents = configurations::read(&command.file)?;
    let mut findings = check(&command.file, &contents);
    findings.retain(|finding| finding.level == Level::Error);
    let text = only_text(&command.file, &contents)?;
    let Some((text, config)) = text.and_then(|text| {
        let config = Config::from_json(text.as_bytes()).ok()?;
        Some((text, config))
    }) else {
        print(&render(&findings))?;
        return Ok(Exit::Findings);
    };
    let filters = match filters(command, &text) {
        Ok(filters) => filters,
        Err(error) => {
            let file = &command.file;
            report_error(&anyhow!(
                "{file}: {error}; ccf filters --plain has no such limit"
            ));
            return Ok(Exit::Findings);
        }
    };
    match (format, command.bootstrap) {
        (Format::Json, false) => print_json(&filters)?,
        (Format::Json, true) => {
            let yaml = bootstrap::yaml(command, &config, &yaml(&filters)?);
            let tree: Value = crate::document::parse_yaml(&yaml)
                .map_err(|error| anyhow!("line {}: {}", error.line, error.reason))?
                .first()
                .map(|document| document.to_json())
                .unwrap_or_default();
            print_json(&tree)?;
        }
        (Format::Text, false) => {
            let head = if command.plain { PLAIN } else { FAST_PATH };
            print(&format!("{head}{}", yaml(&filters)?))?;
        }
        (Format::Text, true) => print(&bootstrap::yaml(command, &config, &yaml(&filters)?))?,
    }
    if !command.plain {
        fast_path::notes(&text).iter().for_each(|text| note(text));
    }
    for finding in check_placement(&command.file, &contents) {
        let Finding {
            file, line, reason, ..
        } = finding;
        note(&format!("{file}:{line}: {reason}"));
    }
    Ok(Exit::Fine)
}

fn filters(command: &Filters, text: &str) -> Result<Vec<Value>, ConfigError> {
    let vm = json!({
        "runtime": "envoy.wasm.runtime.v8",
        "code": { "local": { "filename": command.wasm } }
    });
    if command.plain {
        return Ok(vec![plain(text, &vm)]);
    }
    fast_path::filters(text, &vm)
}

fn plain(text: &str, vm: &Value) -> Value {
    json!({
        "name": "client_cert_forwarder",
        "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "config": {
                "name": "client_cert_forwarder",
                "failure_policy": "FAIL_RELOAD",
                "configuration": {
                    "@type": "type.googleapis.com/google.protobuf.StringValue",
                    "value": text
                },
                "vm_config": vm
            }
        }
    })
}

fn yaml(filters: &[Value]) -> Result<String> {
    Ok(serde_saphyr::to_string(&filters)?)
}
