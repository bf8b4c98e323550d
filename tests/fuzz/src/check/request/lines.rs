//! Headers as lines, before a decision and after it.

use client_cert_forwarder::decision::Pass;

use crate::model::header_map::pairs;

/// A header, and whether the filter made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) name: Vec<u8>,
    pub(super) value: Vec<u8>,
    pub(super) is_of_filter: bool,
}

/// The client's headers in a serialised map; none where the bytes are no map.
pub(super) fn received(bytes: &[u8]) -> Vec<Line> {
    let pairs = pairs(bytes).unwrap_or_default().into_iter();
    pairs
        .map(|(name, value)| Line {
            name,
            value,
            is_of_filter: false,
        })
        .collect()
}

/// `before` with the changes that `pass` asks Envoy for.
pub(super) fn after(before: &[Line], pass: &Pass<'_>) -> Vec<Line> {
    let of_filter = |name: &[u8], value: &[u8]| Line {
        name: name.to_vec(),
        value: value.to_vec(),
        is_of_filter: true,
    };
    let mut lines = before.to_vec();
    lines.retain(|line| !pass.remove.contains(&line.name.as_slice()));
    if let Some(connection) = &pass.connection {
        lines.retain(|line| line.name != b"connection");
        lines.push(of_filter(b"connection", connection));
    }
    let added = pass.add.iter();
    lines.extend(added.map(|added| of_filter(added.header.name.as_bytes(), added.value)));
    lines
}
