//! JSON and YAML as one kind of tree whose nodes know their line.

mod json;
mod node;
mod yaml;

pub(crate) use json::parse as parse_json;
pub(crate) use node::{Node, SyntaxError, Value};
pub(crate) use yaml::parse as parse_yaml;
