//! One check a file. Inputs are text where the product reads text, so that a corpus can be read and
//! written by hand.

pub(crate) mod certificate;
pub(crate) mod configuration;
pub(crate) mod header_map;
pub(crate) mod header_names;
pub(crate) mod hostname;
pub(crate) mod pem;
pub(crate) mod request;
pub(crate) mod xfcc;

/// What a header may carry: printable ASCII, no space at either end (RFC 9110 §5.5, and contract
/// §4.6).
fn is_header_value(value: &[u8]) -> bool {
    let is_printable = value.iter().all(|byte| (0x20..0x7f).contains(byte));
    is_printable && value.first() != Some(&b' ') && value.last() != Some(&b' ')
}

/// The input's lines, without their LF.
fn lines(data: &[u8]) -> impl Iterator<Item = &[u8]> {
    data.split(|byte| *byte == b'\n')
}
