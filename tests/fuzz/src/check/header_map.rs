//! The reader of the ABI's header maps: the input is a serialised map, and also lines that make
//! one.

use client_cert_forwarder::headers::map::{HeaderMap, serialize};

use super::lines;
use crate::model::header_map::pairs;

pub(crate) const WORDS: &[&str] = &[
    "\x01\0\0\0",
    "\x02\0\0\0",
    "\0\0\0\0",
    ":authority",
    "\0",
    "\n",
    ":",
];

pub(crate) fn check(data: &[u8]) {
    assert_reads(data);
    let own: Vec<(&[u8], &[u8])> = lines(data)
        .map(|line| line.split_at(line.len() / 2))
        .collect();
    let bytes = serialize(&own);
    assert_reads(&bytes);
    let read: Vec<_> = HeaderMap::parse(&bytes)
        .expect("a whole map")
        .iter()
        .collect();
    assert_eq!(read, own);
    // Neither less nor more is a map.
    assert!(HeaderMap::parse(&bytes[..bytes.len() - 1]).is_none());
    assert!(HeaderMap::parse(&[bytes.as_slice(), b"\0"].concat()).is_none());
}

fn assert_reads(bytes: &[u8]) {
    let read = HeaderMap::parse(bytes).map(|map| {
        map.iter()
            .map(|(name, value)| (name.to_vec(), value.to_vec()))
            .collect::<Vec<_>>()
    });
    assert_eq!(read, pairs(bytes), "{}", bytes.escape_ascii());
}
