//! A header map as the proxy-wasm ABI serialises it, read in place.
//!
//! Layout (proxy-wasm ABI 0.2.1, "serialized map"), all integers little-endian `u32`: the number of
//! pairs; for each pair the length of its name and of its value; then for each pair the name, NUL,
//! the value, NUL. Values are bytes: HTTP allows more than UTF-8.

/// A serialised header map whose lengths have been checked.
#[derive(Clone, Copy, Debug)]
pub struct HeaderMap<'a> {
    /// Of each pair's name and value.
    lengths: &'a [[u8; 8]],
    contents: &'a [u8],
}

impl<'a> HeaderMap<'a> {
    /// Checks that the lengths add up to the whole of `bytes`; `None` when they do not.
    #[must_use]
    pub fn parse(bytes: &'a [u8]) -> Option<Self> {
        if bytes.is_empty() {
            return Some(Self {
                lengths: &[],
                contents: &[],
            });
        }
        let (count, rest) = bytes.split_first_chunk::<4>()?;
        let count = usize::try_from(u32::from_le_bytes(*count)).ok()?;
        let (lengths, contents) = rest.split_at_checked(count.checked_mul(8)?)?;
        let (lengths, _) = lengths.as_chunks();
        let map = Self { lengths, contents };
        // In 64 bits, no sum of 32-bit lengths overflows.
        let total: u64 = map
            .pair_lengths()
            .map(|(name, value)| u64::from(name) + u64::from(value) + 2)
            .sum();
        (total == contents.len() as u64).then_some(map)
    }

    /// Iterates over names and values in the request's order, repeated headers included.
    pub fn iter(self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        let mut contents = self.contents;
        self.pair_lengths().map_while(move |(name, value)| {
            Some((
                split_nul_terminated(&mut contents, name)?,
                split_nul_terminated(&mut contents, value)?,
            ))
        })
    }

    fn pair_lengths(self) -> impl Iterator<Item = (u32, u32)> + use<'a> {
        self.lengths.iter().map(|[a, b, c, d, e, f, g, h]| {
            let name = u32::from_le_bytes([*a, *b, *c, *d]);
            (name, u32::from_le_bytes([*e, *f, *g, *h]))
        })
    }
}

fn split_nul_terminated<'a>(bytes: &mut &'a [u8], length: u32) -> Option<&'a [u8]> {
    let (text, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest.get(1..)?;
    Some(text)
}

/// Serialises `pairs` as Envoy does: the form that [`HeaderMap::parse`] reads, and that Envoy takes
/// for the headers of a local reply.
#[must_use]
pub fn serialize(pairs: &[(&[u8], &[u8])]) -> Vec<u8> {
    let length = |text: &[u8]| u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut bytes = u32::try_from(pairs.len())
        .unwrap_or(u32::MAX)
        .to_le_bytes()
        .to_vec();
    for (name, value) in pairs {
        bytes.extend(length(name));
        bytes.extend(length(value));
    }
    for (name, value) in pairs {
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend_from_slice(value);
        bytes.push(0);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::{HeaderMap, serialize};

    #[test]
    fn every_pair_comes_back_in_order_with_its_bytes() {
        let pairs: [(&[u8], &[u8]); 4] = [
            (b":authority", b"a.example"),
            (b"x", b"1"),
            (b"x", b"\xff\x00\xfe"),
            (b"empty", b""),
        ];
        let bytes = serialize(&pairs);
        let read: Vec<_> = HeaderMap::parse(&bytes).unwrap().iter().collect();
        assert_eq!(read, pairs);
    }

    #[test]
    fn no_bytes_are_an_empty_map() {
        assert_eq!(HeaderMap::parse(b"").unwrap().iter().count(), 0);
        assert_eq!(HeaderMap::parse(&serialize(&[])).unwrap().iter().count(), 0);
    }

    #[test]
    fn a_map_that_was_cut_or_grown_anywhere_is_refused() {
        let bytes = serialize(&[(b"name", b"value"), (b"other", b"")]);
        for length in 1..bytes.len() {
            assert!(
                HeaderMap::parse(&bytes[..length]).is_none(),
                "cut to {length} bytes"
            );
        }
        let mut grown = bytes.clone();
        grown.push(0);
        assert!(HeaderMap::parse(&grown).is_none());
    }

    #[test]
    fn lengths_that_overflow_are_refused() {
        let bytes = [
            1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0,
        ];
        assert!(HeaderMap::parse(&bytes).is_none());
        assert!(HeaderMap::parse(&[0xff, 0xff, 0xff, 0xff]).is_none());
    }
}
