//! Finds paths in code: in imports, expressions, types and the arguments of macros alike.
//!
//! It reads tokens rather than a syntax tree, which has no paths for the arguments of macros.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A path as it is written, such as `["super", "tlv", "Element"]`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reference {
    pub(super) segments: Vec<String>,
    /// Line of the first segment.
    pub(super) line: usize,
}

/// Adds every path that has a `::` in it, and each path of an import's braces.
pub(super) fn collect(tokens: TokenStream, references: &mut Vec<Reference>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut position = 0;
    while let Some(token) = tokens.get(position) {
        position += 1;
        match token {
            TokenTree::Ident(name) if is_separator(&tokens, position) => {
                let start = Reference {
                    segments: vec![name.to_string()],
                    line: name.span().start().line,
                };
                position = path(&tokens, position, start, references);
            }
            TokenTree::Group(group) => collect(group.stream(), references),
            _ => {}
        }
    }
}

/// Follows a path from the token behind its first segments; returns the position behind it.
fn path(
    tokens: &[TokenTree],
    mut position: usize,
    mut found: Reference,
    references: &mut Vec<Reference>,
) -> usize {
    while is_separator(tokens, position) {
        position += 2;
        match tokens.get(position) {
            Some(TokenTree::Ident(name)) => found.segments.push(name.to_string()),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                braces(group.stream(), &found, references);
                return position + 1;
            }
            // A glob, or generic arguments.
            _ => break,
        }
        position += 1;
    }
    references.push(found);
    position
}

/// The paths of `before::{…}`.
fn braces(tokens: TokenStream, before: &Reference, references: &mut Vec<Reference>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let is_comma =
        |token: &TokenTree| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',');
    for item in tokens.split(is_comma) {
        let mut found = before.clone();
        match item.first() {
            Some(TokenTree::Ident(name)) => {
                if name != "self" {
                    found.segments.push(name.to_string());
                }
                found.line = name.span().start().line;
                path(item, 1, found, references);
            }
            Some(_) => references.push(found),
            None => {}
        }
    }
}

/// Whether `::` stands at this position.
fn is_separator(tokens: &[TokenTree], position: usize) -> bool {
    let is_colon = |position: usize| matches!(tokens.get(position), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    is_colon(position) && is_colon(position + 1)
}
