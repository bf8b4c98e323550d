//! Regular expressions for every spelling of the managed names (see [`crate::headers::managed`]).

use crate::config::ConfigError;
use crate::headers::managed::ManagedHeaders;

/// The two families, for names in lower case, which Envoy's are.
pub(super) const FAMILIES: &str = "cf[^a-z0-9:](client[^a-z0-9:])?cert[^a-z0-9:].*";

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
    let mut all = vec![FAMILIES.to_owned()];
    let (mut joined, mut program) = (String::new(), 0);
    for name in managed.names().filter(|name| !is_of_a_family(name)) {
        let size = program_size(name);
        if size > MAX_PROGRAM {
            let name = String::from_utf8_lossy(name);
            return Err(ConfigError::new(
                "settings".to_owned(),
                format!(
                    "the request header {name:?} is too long for a regular expression of Envoy, so \
                     it can't have a fast path: shorten it, or deploy the filter alone"
                ),
            ));
        }
        if program + size > MAX_PROGRAM {
            all.push(std::mem::take(&mut joined));
            program = 0;
        }
        if !joined.is_empty() {
            joined.push('|');
        }
        joined.push_str(&regular_expression(name));
        program += size;
    }
    all.extend(Some(joined).filter(|joined| !joined.is_empty()));
    Ok(all)
}

fn is_of_a_family(name: &[u8]) -> bool {
    ManagedHeaders::default().contains(name)
}

fn regular_expression(folded: &[u8]) -> String {
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
