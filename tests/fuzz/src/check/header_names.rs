//! Header names folded as origins do: the input's first line is a name that a client sends, every
//! other line one that a setting uses.

use client_cert_forwarder::headers::managed::ManagedHeaders;
use client_cert_forwarder::headers::names::fold;

use super::lines;
use crate::model::header_names::{folded, is_managed};

pub(crate) const WORDS: &[&str] = &[
    "cf-client-cert-",
    "cf_client.cert-",
    "CF-CERT-",
    "cf.cert_",
    "cf-certs",
    "cf-client-certificate",
    "client-cert",
    "x-cert-serial",
    "X_Cert.Serial",
    "-",
    "_",
    ".",
    "\n",
    "\0",
];

pub(crate) fn check(data: &[u8]) {
    let mut lines = lines(data);
    let name = lines.next().unwrap_or_default();
    assert_eq!(
        fold(name).collect::<Vec<_>>(),
        folded(name),
        "{}",
        name.escape_ascii()
    );

    let configured: Vec<&str> = lines.filter_map(|line| str::from_utf8(line).ok()).collect();
    let managed = ManagedHeaders::new(configured.iter().copied());
    let expected = is_managed(name, &configured);
    assert_eq!(
        managed.contains(name),
        expected,
        "{} with {configured:?}",
        name.escape_ascii()
    );

    // What an origin takes for the same variable is managed alike, and nothing hides behind another
    // spelling.
    let as_cgi = |byte: &u8| {
        if byte.is_ascii_alphanumeric() || *byte == b':' {
            byte.to_ascii_uppercase()
        } else {
            b'_'
        }
    };
    let spelt_as_cgi: Vec<u8> = name.iter().map(as_cgi).collect();
    assert_eq!(
        managed.contains(&spelt_as_cgi),
        expected,
        "{}",
        spelt_as_cgi.escape_ascii()
    );
    for name in configured {
        assert!(managed.contains(name.as_bytes()), "{name:?}");
    }
}
