//! PEM certificates, raw and URL-encoded: the input is the text.

use client_cert_forwarder::certificate::pem;

use crate::model::encoding::{pem_blocks, percent_decoded, percent_encoded};

pub(crate) const WORDS: &[&str] = &[
    "-----BEGIN CERTIFICATE-----",
    "-----END CERTIFICATE-----",
    "-----BEGIN%20CERTIFICATE-----%0A",
    "-----END%20CERTIFICATE-----%0a",
    "-----BEGIN PRIVATE KEY-----",
    "AQ==",
    "AQI=",
    "AQID",
    "%2B",
    "%2b",
    "%2F",
    "%3D",
    "%0D%0A",
    "\r\n",
    "+/",
    "%",
];

pub(crate) fn check(text: &[u8]) {
    let expected = pem_blocks(&percent_decoded(text));
    assert_blocks(text, &expected);
    // URL-encoding is undone once, whichever case its digits have.
    let of_the_text = pem_blocks(text);
    assert_blocks(&percent_encoded(text, true), &of_the_text);
    assert_blocks(&percent_encoded(text, false), &of_the_text);
}

fn assert_blocks(text: &[u8], expected: &[Option<Vec<u8>>]) {
    let first = expected.first().cloned().flatten();
    assert_eq!(pem::decode(text), first, "{}", text.escape_ascii());
    let whole: Option<Vec<Vec<u8>>> = expected.iter().cloned().collect();
    let whole = whole.unwrap_or_default();
    assert_eq!(pem::decode_all(text), whole, "{}", text.escape_ascii());
}
