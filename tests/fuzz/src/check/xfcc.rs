//! `x-forwarded-client-cert`: the input is the header's value.

use client_cert_forwarder::certificate::xfcc;

use crate::model::encoding::{pem, percent_encoded};
use crate::model::xfcc::chain;

pub(crate) const WORDS: &[&str] = &[
    "Chain=\"",
    "Chain=",
    "chain = ",
    "Cert=\"",
    "Hash=12;",
    "Subject=\"O=a\\\\, \\\"b\\\"\";",
    "URI=spiffe://a;",
    "DNS=a",
    "\",",
    "\";",
    "\\\"",
    "\\",
    "\"",
    ",",
    ";",
    "=",
    "-----BEGIN%20CERTIFICATE-----%0AAQ%3D%3D%0A-----END%20CERTIFICATE-----%0A",
    "-----BEGIN%20CERTIFICATE-----%0AAg%3D%3D%0A-----END%20CERTIFICATE-----%0A",
];

pub(crate) fn check(value: &[u8]) {
    let read = xfcc::chain(value);
    assert_eq!(read, chain(value), "{}", value.escape_ascii());
    for leaf in read.iter().map(Vec::as_slice).chain([&b"other"[..]]) {
        let rest = xfcc::without_leaf(read.clone(), leaf);
        let is_first = read.first().is_some_and(|first| first == leaf);
        let expected = read.iter().filter(|other| is_first && *other != leaf);
        assert!(expected.eq(&rest), "{}", value.escape_ascii());
    }
    what_stands_before_an_element_does_not_change_it(value);
    a_quoted_name_does_not_change_its_element(value);
}

const CHAIN: [&[u8]; 2] = [b"leaf", b"issuer"];

fn own_chain() -> Vec<u8> {
    percent_encoded(&CHAIN.map(pem).concat(), true)
}

/// Other proxies and clients may have written the elements before: they can spoil the last one, not
/// make another of it.
fn what_stands_before_an_element_does_not_change_it(before: &[u8]) {
    let own = [b",Hash=12;Chain=\"", own_chain().as_slice(), b"\""].concat();
    let read = xfcc::chain(&[before, &own].concat());
    assert!(
        read.is_empty() || read == CHAIN,
        "{}",
        before.escape_ascii()
    );
}

/// Names of the certificate's own, escaped as Envoy does in its `Subject`.
fn a_quoted_name_does_not_change_its_element(name: &[u8]) {
    let mut value = b"Hash=12;Subject=\"".to_vec();
    for byte in name {
        if b"\\\"".contains(byte) {
            value.push(b'\\');
        }
        value.push(*byte);
    }
    value.extend_from_slice(b"\";Chain=\"");
    value.extend(own_chain());
    value.push(b'"');
    assert_eq!(xfcc::chain(&value), CHAIN, "{}", value.escape_ascii());
}
