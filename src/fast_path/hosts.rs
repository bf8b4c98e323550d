//! Which hostnames the matcher may take for those of a setting.
//!
//! It may only err on one side: an authority that it does not know goes to the filter. Each one
//! that it takes is unambiguous ([`crate::authority::is_unambiguous`]) and is its own hostname: a
//! name in lower case, without port and closing dot.

use std::collections::HashMap;

use serde_json::{Value, json};

use crate::hostname::HostnamePattern;

/// Most narrower settings that a wildcard may have: each is compared with the host of each request.
pub(super) const MAX_NARROWER: usize = 100;

/// Labels of letters, digits, `-` and `_`, none of which starts or ends with `-`.
const LABEL: &str = "[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?";

/// A last label that starts with a letter: nobody reads such a name as an IPv4 address, as they do
/// `127.1`, `2130706433` or `a.0x7f`.
const LAST_LABEL: &str = "[a-z_]([a-z0-9_-]*[a-z0-9_])?";

const MAX_LABEL: usize = 63;

/// Envoy refuses longer counted repetitions (see `super::names`).
const MAX_COUNTED: usize = 94;

/// A wildcard, or all hostnames.
#[derive(Debug)]
pub(super) struct Wildcard {
    /// `.example.com`; empty for `*`.
    pub(super) suffix: String,
    /// Narrower patterns; one more than [`MAX_NARROWER`] where there are more.
    narrower: Vec<HostnamePattern>,
}

impl Wildcard {
    /// Whether hosts cannot be told from those of narrower settings at a bounded cost.
    pub(super) fn is_too_wide(&self) -> bool {
        self.narrower.len() > MAX_NARROWER
    }

    /// Returns predicates that all hold for the hosts that are the wildcard's own.
    ///
    /// The suffix is no part of the regular expression: Envoy bounds the size of its program.
    ///
    /// A label has at most 63 bytes, a name 253. A regular expression within Envoy's limit can't
    /// count so far; where longer names are refused, it takes none with more than 63 bytes in front
    /// of the suffix, or 94 in all.
    pub(super) fn predicates(&self, input: &Value, refuses_longer: bool) -> Vec<Value> {
        let is_under =
            (!self.suffix.is_empty()).then(|| single(input, &json!({ "suffix": self.suffix })));
        let last_label = match is_under {
            Some(_) => LABEL,
            None => LAST_LABEL,
        };
        let name = regex(&format!(r"({LABEL}\.)*{last_label}"));
        let longest = (MAX_LABEL + self.suffix.len()).min(MAX_COUNTED - 1);
        let longer = regex(&format!("[!-~]{{{},}}", longest + 1));
        let is_longer = refuses_longer.then(|| not(&single(input, &longer)));
        let narrower = self.narrower.iter().map(|pattern| {
            not(&single(
                input,
                &match pattern {
                    HostnamePattern::Exact(name) => json!({ "exact": authority(name) }),
                    HostnamePattern::Wildcard(suffix) => json!({ "suffix": suffix }),
                    HostnamePattern::Any => regex(".*"),
                },
            ))
        });
        is_under
            .into_iter()
            .chain([single(input, &name)])
            .chain(is_longer)
            .chain(narrower)
            .collect()
    }
}

/// Returns the wildcards with these suffixes, each with the patterns that are narrower.
pub(super) fn wildcards<'a>(
    suffixes: impl IntoIterator<Item = &'a str>,
    patterns: &[HostnamePattern],
) -> Vec<Wildcard> {
    let mut wildcards: Vec<Wildcard> = Vec::new();
    let mut by_suffix = HashMap::new();
    for suffix in suffixes {
        by_suffix.insert(suffix, wildcards.len());
        wildcards.push(Wildcard {
            suffix: suffix.to_owned(),
            narrower: Vec::new(),
        });
    }
    for pattern in patterns {
        for wider in wider_suffixes(pattern) {
            let wildcard = by_suffix
                .get(wider)
                .and_then(|number| wildcards.get_mut(*number));
            if let Some(wildcard) = wildcard.filter(|wildcard| !wildcard.is_too_wide()) {
                wildcard.narrower.push(pattern.clone());
            }
        }
    }
    wildcards
}

/// Returns the suffixes of every wildcard that is wider than `pattern`: of `a.b.c` these are
/// `.b.c`, `.c` and the empty one.
fn wider_suffixes(pattern: &HostnamePattern) -> impl Iterator<Item = &str> {
    let (name, skipped) = match pattern {
        HostnamePattern::Exact(name) => (Some(name), 0),
        HostnamePattern::Wildcard(suffix) => (Some(suffix), 1),
        HostnamePattern::Any => (None, 0),
    };
    name.into_iter().flat_map(move |name| {
        let dots = name.match_indices('.').map(|(at, _)| at).skip(skipped);
        dots.filter_map(|at| name.get(at..)).chain([""])
    })
}

/// Returns a setting's hostname as an authority has it: IPv6 addresses in brackets.
pub(super) fn authority(name: &str) -> String {
    if name.contains(':') {
        format!("[{name}]")
    } else {
        name.to_owned()
    }
}

pub(super) fn single(input: &Value, value_match: &Value) -> Value {
    json!({ "single_predicate": { "input": input, "value_match": value_match } })
}

pub(super) fn not(predicate: &Value) -> Value {
    json!({ "not_matcher": predicate })
}

pub(super) fn regex(regex: &str) -> Value {
    json!({ "safe_regex": { "google_re2": {}, "regex": regex } })
}
