//! Hexadecimal text, two digits for each byte.

use std::fmt::Write;

/// Writes uppercase digits: `0A1F…`.
pub(super) fn upper(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String can't fail.
        let _ = write!(text, "{byte:02X}");
    }
    text
}

/// Writes lowercase digits: `0a1f…`.
pub(super) fn lower(bytes: &[u8]) -> String {
    upper(bytes).to_ascii_lowercase()
}
