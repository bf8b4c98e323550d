//! The headers of a setting, checked and in the shape that a request needs.

use std::collections::{HashMap, HashSet};

use crate::certificate::field::Field;
use crate::config::findings::Findings;
use crate::config::path::Place;
use crate::config::schema::HeaderFields;
use crate::headers::names::{folded, settable};
use crate::rfc9440;

/// A header that the filter sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Lower-case name.
    pub name: String,
    /// What it carries.
    pub field: Field,
    /// Place of the field in [`super::Config::fields`].
    pub slot: usize,
}

/// The fields that headers carry, each once.
#[derive(Default)]
pub(super) struct FieldTable {
    pub(super) fields: Vec<Field>,
    slots: HashMap<Field, usize>,
}

impl FieldTable {
    fn header(&mut self, name: &str, field: Field) -> Header {
        let slot = *self.slots.entry(field).or_insert_with(|| {
            self.fields.push(field);
            self.fields.len() - 1
        });
        Header {
            name: name.to_owned(),
            field,
            slot,
        }
    }

    /// Compiles headers whose names are this filter's own.
    pub(super) fn own(&mut self, headers: &[(&str, Field)]) -> Vec<Header> {
        let header = |(name, field): &(&str, Field)| self.header(name, *field);
        headers.iter().map(header).collect()
    }
}

/// Which messages headers go into.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Request,
    Response,
}

/// Checks and compiles `headers`; `taken` are the names that other keys of the setting use.
pub(super) fn compile<'a>(
    headers: &HeaderFields,
    direction: Direction,
    taken: impl Iterator<Item = &'a str>,
    fields: &mut FieldTable,
    place: &Place<'_>,
    findings: &mut Findings,
) -> Vec<Header> {
    let mut seen: HashSet<String> = taken.map(folded).collect();
    let mut compiled = Vec::with_capacity(headers.0.len());
    for (name, field) in &headers.0 {
        match check(name, direction, headers, &mut seen) {
            Ok(lower) => compiled.push(fields.header(&lower, *field)),
            Err(reason) => findings.error(&place.key(name), reason),
        }
    }
    compiled
}

/// Returns `name` in lower case.
fn check(
    name: &str,
    direction: Direction,
    headers: &HeaderFields,
    seen: &mut HashSet<String>,
) -> Result<String, String> {
    let lower = settable(name).map_err(|bad| bad.reason())?;
    let folded_name = folded(name);
    if direction == Direction::Response && rfc9440::is_request_only(&folded_name) {
        return Err(rfc9440::BrokenRule::InResponse.reason().to_owned());
    }
    let is_leaf = |(name, _): &(String, Field)| folded(name) == rfc9440::CLIENT_CERT;
    if folded_name == rfc9440::CLIENT_CERT_CHAIN && !headers.0.iter().any(is_leaf) {
        return Err(rfc9440::BrokenRule::ChainWithoutLeaf.reason().to_owned());
    }
    if !seen.insert(folded_name) {
        return Err(GIVEN_TWICE.to_owned());
    }
    Ok(lower)
}

const GIVEN_TWICE: &str = "given twice (case is ignored, every punctuation mark counts as -, \
     and other keys of this setting may set it)";
