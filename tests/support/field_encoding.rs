//! Header blocks of HTTP/2 and HTTP/3, encoded by hand: as literals (RFC 7541 §6.2.2, RFC 9204
//! §4.5.6), or each field in a random representation. Without Huffman codes, and for HTTP/3 without
//! dynamic table.

use std::collections::VecDeque;

use fastrand::Rng;

use crate::fields::Fields;

/// The encoder's half of an HTTP/2 connection: its dynamic table, as the peer has it.
#[derive(Default)]
pub(crate) struct Hpack {
    /// The newest entry first.
    table: VecDeque<(String, Vec<u8>)>,
    size: usize,
}

impl Hpack {
    /// The size of a table before anybody changes it (RFC 9113 §6.5.2).
    const CAPACITY: usize = 4096;
    /// Where the dynamic table starts (RFC 7541 §2.3.3).
    const FIRST: usize = 62;

    pub(crate) fn encode(&mut self, fields: &Fields<'_>, mut draw: Option<&mut Rng>) -> Vec<u8> {
        let mut block = Vec::new();
        for &(name, value) in fields {
            let whole = self.position(|entry| entry.0 == name && entry.1 == value);
            let named = self.position(|entry| entry.0 == name);
            let drawn = draw.as_deref_mut().map_or(0, |draw| draw.u8(0..5));
            match (drawn, whole, named) {
                // Indexed.
                (1, Some(index), _) => integer(&mut block, 0x80, 7, index),
                // Literal with an indexed name.
                (2, _, Some(index)) => {
                    integer(&mut block, 0, 4, index);
                    text(&mut block, 0, 7, value);
                }
                // Literal never indexed.
                (3, ..) => literal(&mut block, 0x10, name, value),
                // Literal with incremental indexing.
                (4, ..) => {
                    literal(&mut block, 0x40, name, value);
                    self.insert(name, value);
                }
                // Literal without indexing.
                _ => literal(&mut block, 0, name, value),
            }
        }
        block
    }

    fn position(&self, is_it: impl FnMut(&(String, Vec<u8>)) -> bool) -> Option<usize> {
        Some(Self::FIRST + self.table.iter().position(is_it)?)
    }

    fn insert(&mut self, name: &str, value: &[u8]) {
        self.size += size(name, value);
        self.table.push_front((name.to_owned(), value.to_vec()));
        while self.size > Self::CAPACITY {
            let (name, value) = self.table.pop_back().expect("what the size comes from");
            self.size -= size(&name, &value);
        }
    }
}

fn size(name: &str, value: &[u8]) -> usize {
    name.len() + value.len() + 32
}

fn literal(block: &mut Vec<u8>, pattern: u8, name: &str, value: &[u8]) {
    block.push(pattern);
    text(block, 0, 7, name.as_bytes());
    text(block, 0, 7, value);
}

/// A section of literals, each drawn to be one that may be indexed by others on the way or not.
pub(crate) fn qpack(fields: &Fields<'_>, mut draw: Option<&mut Rng>) -> Vec<u8> {
    let mut block = vec![0, 0];
    for (name, value) in fields {
        let never = draw.as_deref_mut().is_some_and(Rng::bool);
        let pattern = if never { 0b0011_0000 } else { 0b0010_0000 };
        text(&mut block, pattern, 3, name.as_bytes());
        text(&mut block, 0, 7, value);
    }
    block
}

/// A string after its length, which starts in the last `bits` bits of a byte with the first bits of
/// `pattern`.
fn text(block: &mut Vec<u8>, pattern: u8, bits: u32, text: &[u8]) {
    integer(block, pattern, bits, text.len());
    block.extend_from_slice(text);
}

/// An integer that starts in the last `bits` bits of a byte with the first bits of `pattern` (RFC
/// 7541 §5.1).
fn integer(block: &mut Vec<u8>, pattern: u8, bits: u32, value: usize) {
    let most = (1 << bits) - 1;
    if value < most {
        block.push(pattern | value as u8);
        return;
    }
    block.push(pattern | most as u8);
    let mut rest = value - most;
    while rest >= 128 {
        block.push(rest as u8 | 128);
        rest >>= 7;
    }
    block.push(rest as u8);
}
