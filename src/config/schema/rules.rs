//! Patterns and conditions of the JSON Schema, which types can't express.

use serde_json::{Value, json};

use crate::headers::names::NOT_SETTABLE;
use crate::rfc9440::{CLIENT_CERT, CLIENT_CERT_CHAIN};

/// A DNS name. No label starts or ends with a hyphen; the last one is no number (`127.1`).
macro_rules! dns_name {
    () => {
        concat!(
            r"(?=.{1,253}$)",
            r"(?!([^.]*\.)*(0[xX][0-9A-Fa-f]*|[0-9]*)$)",
            r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?",
            r"(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*",
        )
    };
}

/// `*`, a DNS name or `*.` before one, an IPv4 address, or an IPv6 address, of which only the
/// characters are checked.
pub(crate) const HOSTNAME: &str = concat!(
    r"^(\*",
    r"|(\*\.)?",
    dns_name!(),
    r"|(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}",
    r"|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*",
    r"|\[[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\])$",
);

/// 64 hex digits, with or without colons between octets.
pub(crate) const SHA256: &str = "^([0-9A-Fa-f]{64}|([0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2})$";
/// RFC 2253 in printable ASCII, without a space behind a comma that separates.
pub(crate) const DN: &str = r"^(?!.*[^\\], )[A-Za-z0-9.-]+=[ -~]*$";
/// A DNS name or `*.` before one.
pub(crate) const DNS: &str = concat!(r"^(\*\.)?", dns_name!(), "$");
/// A URI, or with a `*` at the end one without, whose authority has a path behind it.
pub(crate) const URI: &str = concat!(
    "^[A-Za-z][A-Za-z0-9+.-]*:",
    r"([!-)+-~]+|//[!-)+-.0-~]+/[!-)+-~]*\*|(?!//)[!-)+-~]*\*)$"
);
/// `local@domain` in visible ASCII.
pub(crate) const EMAIL: &str = "^[!-)+-?A-~]+@[!-)+-?A-~]+$";
/// Hex digits with colons between, negative with a minus sign.
pub(crate) const SERIAL: &str = "^-?[0-9A-Fa-f]+(:[0-9A-Fa-f]+)*$";

/// An allow list without the duty to show a certificate would let in who shows none.
pub(crate) fn allow_needs_require() -> Value {
    json!({ "allow_client_certificates": {
        "properties": { "require_client_certificate": { "const": true } },
        "required": ["require_client_certificate"]
    } })
}

/// RFC 9110 §5.1. A pseudo-header's `:` is no token character.
pub(crate) const TOKEN: &str = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$";

/// Whether some setting has `require_client_certificate`.
pub(crate) fn requires_a_certificate() -> Value {
    json!({
        "properties": { "settings": { "contains": {
            "properties": { "require_client_certificate": { "const": true } },
            "required": ["require_client_certificate"]
        } } },
        "required": ["settings"]
    })
}

/// What such a configuration needs.
pub(crate) fn verified_by_is_given() -> Value {
    json!({ "required": ["verified_by"] })
}

/// RFC 9440 §2 allows its headers, in whatever spelling, in requests only.
pub(crate) fn no_rfc9440_header() -> Value {
    json!({ "not": { "pattern": format!("^{}", in_any_spelling(CLIENT_CERT)) } })
}

/// RFC 9440 §2.3: no chain without the leaf. A schema can say so of names only the other way round.
pub(crate) fn chain_needs_leaf() -> Value {
    let none_is = |name| {
        let pattern = format!("^{}$", in_any_spelling(name));
        json!({ "propertyNames": { "not": { "pattern": pattern } } })
    };
    json!([none_is(CLIENT_CERT_CHAIN), { "not": none_is(CLIENT_CERT) }])
}

/// What folds to `name`.
fn in_any_spelling(name: &str) -> String {
    in_any_case(name).replace('-', "[^A-Za-z0-9]")
}

/// The names of headers that belong to the connection or to routing, in any case.
pub(crate) fn forbidden_names() -> String {
    let names: Vec<String> = NOT_SETTABLE.iter().map(|name| in_any_case(name)).collect();
    format!("^({})$", names.join("|"))
}

/// JSON Schema's patterns know no flag that ignores case.
fn in_any_case(name: &str) -> String {
    name.chars()
        .map(|character| {
            if character.is_ascii_alphabetic() {
                format!("[{}{character}]", character.to_ascii_uppercase())
            } else {
                character.to_string()
            }
        })
        .collect()
}
