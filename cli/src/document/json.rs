//! Reads JSON.

use std::rc::Rc;

use jsonc_parser::ast;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::node::{Member, Node, SyntaxError, Text, Value};

/// Reads a JSON text.
pub(crate) fn parse(text: &str) -> Result<Rc<Node>, SyntaxError> {
    // The parser speaks of JSON with comments, serde_json of JSON.
    serde_json::from_str::<serde::de::IgnoredAny>(text).map_err(|error| SyntaxError {
        line: error.line(),
        reason: format!("not JSON: {error}"),
    })?;
    let parsed = parse_to_ast(text, &CollectOptions::default(), &ParseOptions::default());
    let lines = Lines::new(text);
    match parsed.map(|parsed| parsed.value) {
        Ok(Some(value)) => Ok(lines.node(&value)),
        Ok(None) => Err(not_json("the text is empty")),
        Err(error) => Err(not_json(&error.to_string())),
    }
}

fn not_json(reason: &str) -> SyntaxError {
    SyntaxError {
        line: 1,
        reason: format!("not JSON: {reason}"),
    }
}

/// Offsets of the line ends.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(offset, _)| offset).collect())
    }

    fn line(&self, offset: usize) -> usize {
        self.0.partition_point(|end| *end < offset) + 1
    }

    fn node(&self, value: &ast::Value<'_>) -> Rc<Node> {
        let (range, value) = match value {
            ast::Value::NullKeyword(null) => (null.range, Value::Null),
            ast::Value::BooleanLit(boolean) => (boolean.range, Value::Bool(boolean.value)),
            ast::Value::NumberLit(number) => (number.range, Value::Number(number.value.to_owned())),
            ast::Value::StringLit(string) => (
                string.range,
                Value::Text(Text {
                    text: string.value.clone().into_owned(),
                    first_line: None,
                }),
            ),
            ast::Value::Array(array) => (
                array.range,
                Value::Array(array.elements.iter().map(|item| self.node(item)).collect()),
            ),
            ast::Value::Object(object) => {
                let members = object.properties.iter().map(|property| Member {
                    key: property.name.as_str().to_owned(),
                    line: self.line(property.range.start),
                    value: self.node(&property.value),
                });
                (object.range, Value::Object(members.collect()))
            }
        };
        Rc::new(Node {
            line: self.line(range.start),
            value,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn nodes_know_their_lines() {
        let node = parse("{\n \"a\": [\n  1,\n  \"\\ud83d\\ude00\"],\n \"b\": {}\n}").unwrap();
        let lines: Vec<usize> = node.members().iter().map(|member| member.line).collect();
        assert_eq!(lines, [2, 5]);
        let items = node.get("a").unwrap().items();
        assert_eq!((items[0].line, items[1].line), (3, 4));
        assert_eq!(items[1].text(), Some("😀"));
    }

    #[test]
    fn comments_are_no_json() {
        assert_eq!(parse("{\n// no\n}").unwrap_err().line, 2);
    }
}
