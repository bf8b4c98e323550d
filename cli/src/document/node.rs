//! The tree.

use std::rc::Rc;

use client_cert_forwarder::config::json::Json;
use client_cert_forwarder::config::path::{JsonPath, Step};
use serde_json::{Map, Number};

/// A value and where it stands.
#[derive(Debug)]
pub(crate) struct Node {
    /// Line of its first character, from 1.
    pub(crate) line: usize,
    pub(crate) value: Value,
}

/// A value of JSON, or of YAML's core schema, which is the same.
#[derive(Debug)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    /// A number as it is spelt.
    Number(String),
    Text(Text),
    Array(Vec<Rc<Node>>),
    Object(Vec<Member>),
}

/// A string.
#[derive(Debug)]
pub(crate) struct Text {
    pub(crate) text: String,
    /// Line of its first character where each line of the text is one of the file.
    pub(crate) first_line: Option<usize>,
}

/// A key and its value.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) key: String,
    /// Line of the key, from 1.
    pub(crate) line: usize,
    pub(crate) value: Rc<Node>,
}

/// Why a text can't be read.
#[derive(Debug)]
pub(crate) struct SyntaxError {
    /// From 1.
    pub(crate) line: usize,
    pub(crate) reason: String,
}

impl Node {
    /// Returns the member of an object. Envoy takes `filter_chains` and `filterChains` alike.
    pub(crate) fn get(&self, key: &str) -> Option<&Rc<Node>> {
        let wanted = folded(key);
        let mut members = self.members().iter();
        members
            .find(|member| folded(&member.key) == wanted)
            .map(|member| &member.value)
    }

    /// Returns the value at the end of a way of keys.
    pub(crate) fn at(&self, keys: &[&str]) -> Option<&Node> {
        keys.iter()
            .try_fold(self, |node, key| node.get(key).map(Rc::as_ref))
    }

    /// Returns the members of an object, none of another value.
    pub(crate) fn members(&self) -> &[Member] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    /// Returns the items of an array, none of another value.
    pub(crate) fn items(&self) -> &[Rc<Node>] {
        match &self.value {
            Value::Array(items) => items,
            _ => &[],
        }
    }

    /// Returns the text of a string.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(&text.text),
            _ => None,
        }
    }

    /// Whether the value is `true`.
    pub(crate) fn is_true(&self) -> bool {
        matches!(self.value, Value::Bool(true))
    }

    /// Whether `@type` ends with this name of a message.
    pub(crate) fn is_message(&self, name: &str) -> bool {
        let url = self.get("@type").or_else(|| self.get("type_url"));
        url.and_then(|url| url.text())
            .is_some_and(|url| url.ends_with(name))
    }

    /// Returns the line of the value at `path`, or of the deepest one on the way that exists.
    pub(crate) fn line_of(&self, path: &JsonPath) -> usize {
        let (mut node, mut line) = (self, self.line);
        for step in &path.0 {
            let next = match step {
                // Of keys given twice the last is the wrong one.
                Step::Key(key) => node
                    .members()
                    .iter()
                    .rfind(|member| member.key == *key)
                    .map(|member| (member.line, &member.value)),
                Step::Index(index) => node.items().get(*index).map(|item| (item.line, item)),
            };
            let Some((next_line, next_node)) = next else {
                break;
            };
            (line, node) = (next_line, next_node);
        }
        line
    }

    /// Converts to the tree that the filter's own checks read.
    pub(crate) fn to_config(&self) -> Json<'_> {
        match &self.value {
            Value::Null => Json::Null,
            Value::Bool(value) => Json::Bool(*value),
            Value::Number(number) => serde_json::from_str(number).unwrap_or(Json::Number),
            Value::Text(text) => Json::Text(text.text.as_str().into()),
            Value::Array(items) => Json::Array(items.iter().map(|item| item.to_config()).collect()),
            Value::Object(members) => Json::Object(
                members
                    .iter()
                    .map(|member| (member.key.as_str().into(), member.value.to_config()))
                    .collect(),
            ),
        }
    }

    /// Converts to JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Number(number) => serde_json::from_str(number)
                .map_or_else(|_| number.as_str().into(), |number: Number| number.into()),
            Value::Text(text) => text.text.as_str().into(),
            Value::Array(items) => items.iter().map(|item| item.to_json()).collect(),
            Value::Object(members) => members
                .iter()
                .map(|member| (member.key.clone(), member.value.to_json()))
                .collect::<Map<_, _>>()
                .into(),
        }
    }
}

fn folded(key: &str) -> String {
    key.replace('_', "").to_ascii_lowercase()
}
