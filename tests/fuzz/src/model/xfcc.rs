//! `x-forwarded-client-cert`, read one character after the other.

use super::encoding::{pem_blocks, percent_decoded};

/// The certificates of the one `Chain` of the last element; none where anything is wrong.
#[must_use]
pub fn chain(value: &[u8]) -> Vec<Vec<u8>> {
    let mut pairs = vec![Vec::new()];
    let (mut is_quoted, mut is_escaped) = (false, false);
    for byte in value {
        let is_separator = !is_quoted && (*byte == b',' || *byte == b';');
        if !is_quoted && *byte == b',' {
            pairs.clear();
        }
        if is_separator {
            pairs.push(Vec::new());
            continue;
        }
        if is_quoted && is_escaped {
            is_escaped = false;
        } else if is_quoted && *byte == b'\\' {
            is_escaped = true;
        } else if *byte == b'"' {
            is_quoted = !is_quoted;
        }
        if let Some(pair) = pairs.last_mut() {
            pair.push(*byte);
        }
    }
    let chains: Vec<Vec<u8>> = pairs.iter().filter_map(|pair| chain_of(pair)).collect();
    if is_quoted || chains.len() != 1 {
        return Vec::new();
    }
    let blocks = pem_blocks(&percent_decoded(&chains[0]));
    blocks
        .into_iter()
        .collect::<Option<_>>()
        .unwrap_or_default()
}

/// The value, without its quotes, of a `Chain` pair.
fn chain_of(pair: &[u8]) -> Option<Vec<u8>> {
    let mut sides = pair.splitn(2, |byte| *byte == b'=');
    let (key, value) = (sides.next()?, sides.next()?);
    if !key.trim_ascii().eq_ignore_ascii_case(b"chain") {
        return None;
    }
    let value = value.trim_ascii();
    let has_quotes = value.len() > 1 && value.starts_with(b"\"") && value.ends_with(b"\"");
    Some(if has_quotes {
        value[1..value.len() - 1].to_vec()
    } else {
        value.to_vec()
    })
}
