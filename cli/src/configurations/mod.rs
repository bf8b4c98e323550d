//! Plugin configurations, in whatever file they stand.

mod base;
mod envoy;
mod found;
mod kubernetes;
mod trail;

use std::rc::Rc;

use anyhow::{Result, anyhow, bail};

use crate::document::{self, Node, SyntaxError};
use crate::input::Input;

pub(crate) use found::{Configuration, FailurePolicy, Found, Surroundings, WasmFilter};
pub(crate) use trail::{Trail, walk};

/// A file's contents.
#[derive(Debug)]
pub(crate) enum Contents {
    /// JSON text that is one plugin configuration; the filter reads the text itself.
    Plugin { text: String },
    /// Documents in which plugin configurations stand.
    Documents(Vec<Rc<Node>>),
    /// Neither JSON nor YAML.
    Broken { text: String, error: SyntaxError },
}

/// Reads a file as far as telling what it is.
pub(crate) fn read(input: &Input) -> Result<Contents> {
    let text = String::from_utf8(input.read()?).map_err(|_| anyhow!("{input}: not UTF-8"))?;
    let is_json = input.is_named_json() || text.trim_start().starts_with(['{', '[']);
    if is_json || text.trim().is_empty() {
        return Ok(match document::parse_json(&text) {
            Ok(node) if is_carrier(&node) => Contents::Documents(vec![node]),
            Ok(_) => Contents::Plugin { text },
            Err(_) if text.is_empty() => Contents::Plugin { text },
            // The filter says more about slips than the parser does.
            Err(error) if is_like_carrier(&text) => Contents::Broken { text, error },
            Err(_) => Contents::Plugin { text },
        });
    }
    Ok(match document::parse_yaml(&text) {
        Ok(documents) => Contents::Documents(documents),
        Err(error) => Contents::Broken { text, error },
    })
}

/// Finds every plugin configuration of a file.
pub(crate) fn find(contents: &Contents) -> Vec<Found> {
    match contents {
        Contents::Plugin { text } => vec![Found {
            configuration: Configuration::Text {
                text: text.clone(),
                line: 1,
                has_lines: true,
            },
            surroundings: Surroundings::Nothing,
        }],
        Contents::Documents(documents) => documents.iter().flat_map(find_in).collect(),
        Contents::Broken { .. } => Vec::new(),
    }
}

/// Returns the JSON of the file's only plugin configuration; `None` where it can't be read.
///
/// # Errors
/// When there is none, or more than one.
pub(crate) fn only_text(file: &Input, contents: &Contents) -> Result<Option<String>> {
    let mut texts: Vec<String> = Vec::new();
    for found in find(contents) {
        let text = match found.configuration {
            Configuration::Text { text, .. } => text,
            Configuration::Tree { tree, .. } => tree.to_json().to_string(),
            Configuration::WrongMessage { .. } => return Ok(None),
            Configuration::Elsewhere => continue,
        };
        // Aliases repeat what stands once in the file.
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    match (texts.len(), contents) {
        (_, Contents::Broken { .. }) => Ok(None),
        (0, _) => bail!("{file}: holds no plugin configuration of this filter"),
        (1, _) => Ok(texts.pop()),
        (number, _) => bail!("{file}: holds {number} plugin configurations: give one alone"),
    }
}

/// Whether this filter stands somewhere in `node` of Envoy's configuration.
pub(crate) fn has_this_filter(node: &Rc<Node>) -> bool {
    !envoy::find(node).is_empty()
}

fn find_in(document: &Rc<Node>) -> Vec<Found> {
    if kubernetes::is_resource(document) {
        return kubernetes::find(document);
    }
    if base::is_base(document) {
        return base::find(document);
    }
    if envoy::is_envoy(document) {
        return envoy::find(document);
    }
    vec![Found {
        configuration: Configuration::Tree {
            tree: Rc::clone(document),
            path: String::new(),
        },
        surroundings: Surroundings::Nothing,
    }]
}

/// Whether plugin configurations stand inside the document, and it is none itself.
fn is_carrier(document: &Rc<Node>) -> bool {
    kubernetes::is_resource(document) || base::is_base(document) || envoy::is_envoy(document)
}

fn is_like_carrier(text: &str) -> bool {
    [
        "\"static_resources\"",
        "\"@type\"",
        "\"apiVersion\"",
        "\"zones\"",
    ]
    .iter()
    .any(|key| text.contains(key))
}
