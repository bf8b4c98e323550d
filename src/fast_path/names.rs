//! Regular expressions for every spelling of the managed names (see [`crate::headers::managed`]).
//!
//! Envoy compares each header name of each request with each of them, which is most of what the
//! fast path costs. One that starts with `^` and a letter RE2 refuses by that letter: 160
//! instructions a header instead of the 560 of its automaton. So there is one regular expression
//! for each first letter, however many names start with it.

use std::collections::BTreeMap;

use crate::config::ConfigError;
use crate::headers::managed::ManagedHeaders;

/// The two families without their first letter, for names in lower case, which Envoy's are.
const FAMILIES: &str = "f[^a-z0-9:](?:client[^a-z0-9:])?cert[^a-z0-9:].*";
const FAMILIES_START: u8 = b'c';
/// Instructions of the families in RE2, as Envoy 1.36 counts them; later versions count fewer.
const FAMILIES_PROGRAM: usize = 51;

/// Any spelling of a separator: what is no letter or digit, and not the colon of pseudo-headers.
const SEPARATOR: &str = "[^a-z0-9:]";

/// Envoy refuses a regular expression whose RE2 program has more than 100 instructions
/// (`re2.max_program_size.error_level`); four of them belong to no part of the expression.
const MAX_PROGRAM: usize = 96;

/// Instructions of a separator in RE2: three ranges of ASCII and, up to Envoy 1.38, six of UTF-8's
/// longer sequences.
const SEPARATOR_PROGRAM: usize = 9;

/// Returns the regular expressions that match the managed names and no others.
///
/// # Errors
/// A name that is too long for one.
pub(super) fn regular_expressions(managed: &ManagedHeaders) -> Result<Vec<String>, ConfigError> {
    let mut by_start = BTreeMap::from([(FAMILIES_START, Vec::new())]);
    for name in managed.names().filter(|name| !is_of_a_family(name)) {
        if program_size(name) > MAX_PROGRAM {
            return Err(too_long(name));
        }
        if let Some((first, rest)) = name.split_first() {
            by_start.entry(*first).or_default().push(rest);
        }
    }
    let all = by_start
        .iter()
        .flat_map(|(first, rests)| starting_with(*first, rests));
    Ok(all.collect())
}

fn is_of_a_family(name: &[u8]) -> bool {
    ManagedHeaders::default().contains(name)
}

fn too_long(name: &[u8]) -> ConfigError {
    let name = String::from_utf8_lossy(name);
    ConfigError::new(
        "settings".to_owned(),
        format!(
            "the request header {name:?} is too long for a regular expression of Envoy, so it \
             can't have a fast path: shorten it, or deploy the filter alone"
        ),
    )
}

/// Returns the regular expressions for the names that start with `first` and go on with one of
/// `rests`, which are sorted.
fn starting_with(first: u8, rests: &[&[u8]]) -> Vec<String> {
    let mut families = (first == FAMILIES_START).then_some(FAMILIES);
    let mut all = Vec::new();
    let mut joined: Vec<&[u8]> = Vec::new();
    for rest in rests {
        joined.push(rest);
        let others = program_size(&[first]) + families.map_or(0, |_| FAMILIES_PROGRAM);
        if alternatives(&joined).program + others > MAX_PROGRAM {
            joined.pop();
            all.extend(expression(first, families.take(), &joined));
            joined = vec![rest];
        }
    }
    all.extend(expression(first, families, &joined));
    all
}

fn expression(first: u8, families: Option<&str>, rests: &[&[u8]]) -> Option<String> {
    let start = text(&[first]);
    let names = (!rests.is_empty()).then(|| alternatives(rests).text);
    match (families, names) {
        (Some(families), Some(names)) => Some(format!("^{start}(?:{families}|{names})")),
        (Some(families), None) => Some(format!("^{start}{families}")),
        (None, Some(names)) => Some(format!("^{start}{names}")),
        (None, None) => None,
    }
}

/// A part of a regular expression.
struct Part {
    text: String,
    /// Instructions in RE2, at most.
    program: usize,
}

/// Returns what matches each of these names, sorted and none of them twice: what several start
/// with stands there once.
fn alternatives(names: &[&[u8]]) -> Part {
    let (first, last) = (names.first().copied(), names.last().copied());
    let (first, last) = (first.unwrap_or_default(), last.unwrap_or_default());
    let shared = first.iter().zip(last).take_while(|(a, b)| a == b).count();
    let start = first.get(..shared).unwrap_or_default();
    let mut part = Part {
        text: text(start),
        program: program_size(start),
    };
    if names.len() > 1 {
        let rests = names.iter().filter_map(|name| name.get(shared..));
        let rests: Vec<&[u8]> = rests.collect();
        let branches: Vec<Part> = rests
            .chunk_by(|a, b| a.first() == b.first())
            .map(alternatives)
            .collect();
        // One instruction of each branches off to the next; an empty one has one of its own.
        part.program += 2 * branches.len();
        part.program += branches.iter().map(|branch| branch.program).sum::<usize>();
        let texts: Vec<String> = branches.into_iter().map(|branch| branch.text).collect();
        part.text.push_str(&format!("(?:{})", texts.join("|")));
    }
    part
}

fn text(folded: &[u8]) -> String {
    let parts = folded.iter().map(|byte| match byte {
        b'-' => SEPARATOR.to_owned(),
        other => char::from(*other).to_string(),
    });
    parts.collect()
}

fn program_size(folded: &[u8]) -> usize {
    let sizes = folded.iter().map(|byte| match byte {
        b'-' => SEPARATOR_PROGRAM,
        _ => 1,
    });
    sizes.sum()
}
