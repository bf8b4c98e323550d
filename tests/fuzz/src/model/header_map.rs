//! The ABI's serialised header map, read with indexes into a copy.

/// Name and value.
pub type Pair = (Vec<u8>, Vec<u8>);

/// The pairs; `None` when the lengths do not add up to all of `bytes`. No bytes are no pairs.
#[must_use]
pub fn pairs(bytes: &[u8]) -> Option<Vec<Pair>> {
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let number = |at: u64| {
        let at = usize::try_from(at).ok()?;
        let bytes = bytes.get(at..at.checked_add(4)?)?;
        Some((0..4).fold(0, |sum, place| {
            sum + (u64::from(bytes[place]) << (8 * place))
        }))
    };
    let count = number(0)?;
    let mut at = 4 + 8 * count;
    let mut pairs = Vec::new();
    for pair in 0..count {
        let mut take = |length: u64| {
            let end = at + length;
            let text = bytes.get(usize::try_from(at).ok()?..usize::try_from(end).ok()?)?;
            bytes.get(usize::try_from(end).ok()?)?;
            at = end + 1;
            Some(text.to_vec())
        };
        let name = take(number(4 + 8 * pair)?)?;
        pairs.push((name, take(number(8 + 8 * pair)?)?));
    }
    (at == bytes.len() as u64).then_some(pairs)
}
