//! Reads YAML.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Parser, ScalarStyle, Span};

use super::node::{Member, Node, SyntaxError, Text, Value};

/// A whole Envoy of 10,000 settings has less; aliases of aliases could have billions.
const MOST_NODES: usize = 2_000_000;
/// Far deeper than any configuration, and safe for the stack.
const MOST_LEVELS: usize = 200;

/// Reads every document of a YAML text.
pub(crate) fn parse(text: &str) -> Result<Vec<Rc<Node>>, SyntaxError> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| SyntaxError {
            line: error.marker().line(),
            reason: format!("not YAML: {}", error.info()),
        })?;
        let line = span.start.line();
        builder
            .take(event, span)
            .map_err(|reason| SyntaxError { line, reason })?;
    }
    Ok(builder.documents)
}

#[derive(Default)]
struct Builder {
    documents: Vec<Rc<Node>>,
    /// Collections that are not closed yet.
    open: Vec<Open>,
    anchors: HashMap<usize, (Rc<Node>, usize)>,
}

struct Open {
    line: usize,
    anchor: usize,
    /// Nodes inside, aliases counted with all that they stand for.
    size: usize,
    contents: Contents,
}

enum Contents {
    Array(Vec<Rc<Node>>),
    Object(Vec<Member>, Option<(String, usize)>),
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), String> {
        let line = span.start.line();
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = if style == ScalarStyle::Plain && tag.is_none() {
                    plain(&text)
                } else {
                    // The span of a block starts behind the empty lines at its start.
                    let empty_lines = text.chars().take_while(|first| *first == '\n').count();
                    let first_line = line.saturating_sub(empty_lines);
                    Value::Text(Text {
                        first_line: (style == ScalarStyle::Literal).then_some(first_line),
                        text: text.into_owned(),
                    })
                };
                self.add(Rc::new(Node { line, value }), anchor, 1)
            }
            Event::SequenceStart(_, anchor, _) => {
                self.enter(line, anchor, Contents::Array(Vec::new()))
            }
            Event::MappingStart(_, anchor, _) => {
                self.enter(line, anchor, Contents::Object(Vec::new(), None))
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some((node, size)) => self.add(Rc::clone(node), 0, *size),
                None => Err("not YAML: an alias stands inside its own anchor".to_owned()),
            },
            _ => Ok(()),
        }
    }

    fn enter(&mut self, line: usize, anchor: usize, contents: Contents) -> Result<(), String> {
        if self.open.len() >= MOST_LEVELS {
            return Err(format!("nested deeper than {MOST_LEVELS} levels"));
        }
        self.open.push(Open {
            line,
            anchor,
            size: 1,
            contents,
        });
        Ok(())
    }

    fn close(&mut self) -> Result<(), String> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let value = match open.contents {
            Contents::Array(items) => Value::Array(items),
            Contents::Object(members, _) => Value::Object(members),
        };
        let line = open.line;
        self.add(Rc::new(Node { line, value }), open.anchor, open.size)
    }

    fn add(&mut self, node: Rc<Node>, anchor: usize, size: usize) -> Result<(), String> {
        if anchor != 0 {
            self.anchors.insert(anchor, (Rc::clone(&node), size));
        }
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        open.size = open.size.saturating_add(size);
        if open.size > MOST_NODES {
            return Err(format!("stands for more than {MOST_NODES} values"));
        }
        match &mut open.contents {
            Contents::Array(items) => items.push(node),
            Contents::Object(members, key) => match key.take() {
                Some((key, line)) => members.push(Member {
                    key,
                    line,
                    value: node,
                }),
                None => *key = Some((key_text(&node)?, node.line)),
            },
        }
        Ok(())
    }
}

fn key_text(node: &Node) -> Result<String, String> {
    match &node.value {
        Value::Text(text) => Ok(text.text.clone()),
        Value::Number(number) => Ok(number.clone()),
        Value::Bool(value) => Ok(value.to_string()),
        Value::Null => Ok("null".to_owned()),
        _ => Err("a key is a list or a mapping, expected a text".to_owned()),
    }
}

/// Resolves a plain scalar (YAML 1.2.2 §10.3.2).
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ if is_number(text) => Value::Number(text.to_owned()),
        _ => Value::Text(Text {
            text: text.to_owned(),
            first_line: None,
        }),
    }
}

fn is_number(text: &str) -> bool {
    let starts = text.starts_with(|first: char| first.is_ascii_digit() || "+-.".contains(first));
    let ends = text.ends_with(|last: char| last.is_ascii_digit() || last == '.');
    starts && ends && text.parse::<f64>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_and_literal_blocks_know_their_lines() {
        let yaml =
            "a: 1\nb:\n  - c: |\n      {\n        \"x\": 1\n      }\n  - d: &d [true]\n---\ne: ~\n";
        let documents = parse(yaml).unwrap();
        let items = documents[0].get("b").unwrap().items();
        assert_eq!((items[0].line, items[1].line), (3, 7));
        let Value::Text(text) = &items[0].get("c").unwrap().value else {
            panic!("no text");
        };
        assert_eq!(text.text, "{\n  \"x\": 1\n}\n");
        assert_eq!(text.first_line, Some(4));
        let leading = parse("a: |2\n\n  x\n").unwrap();
        let Value::Text(text) = &leading[0].get("a").unwrap().value else {
            panic!("no text");
        };
        assert_eq!((text.text.as_str(), text.first_line), ("\nx\n", Some(2)));
        assert_eq!(documents[1].members()[0].line, 9);
    }

    #[test]
    fn plain_scalars_follow_the_core_schema() {
        for text in ["10", "-1", "1e3", "1.5", ".5"] {
            assert!(matches!(plain(text), Value::Number(_)), "{text}");
        }
        for text in ["yes", "127.0.0.1", "1a", "-", "api.example.com", "inf"] {
            assert!(matches!(plain(text), Value::Text(_)), "{text}");
        }
    }

    #[test]
    fn aliases_of_aliases_are_refused_before_they_explode() {
        let mut yaml = "a: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for (this, last) in ('b'..='i').zip('a'..) {
            let list = vec![format!("*{last}"); 10].join(", ");
            yaml.push_str(&format!("{this}: &{this} [{list}]\n"));
        }
        assert!(parse(&yaml).unwrap_err().reason.contains("stands for more"));
        assert!(parse(&"[".repeat(100_000)).is_err());
    }
}
