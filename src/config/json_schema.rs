//! The JSON Schema of the plugin configuration, for editors and CI.
//!
//! Generated from the types of [`super::schema`] into `envoy/plugin-config.schema.json`; this file
//! adds the rules that types can't express.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Value, json};

use super::schema::{HeaderFields, PluginConfig, RevokedCertificate};
use crate::certificate::field::Field;
use crate::headers::names::NOT_SETTABLE;
use crate::rfc9440::{CLIENT_CERT, CLIENT_CERT_CHAIN};

/// The whole schema (JSON Schema draft 2020-12).
#[must_use]
pub fn plugin_config() -> Schema {
    let mut schema = SchemaSettings::draft2020_12()
        .into_generator()
        .into_root_schema_for::<PluginConfig>();
    schema.insert("$id".to_owned(), ID.into());
    schema.insert("title".to_owned(), TITLE.into());
    if let Some(Value::Object(properties)) = schema.get_mut("properties") {
        let description = "Names this schema for editors; has no effect.";
        let property = json!({ "description": description, "type": "string" });
        properties.insert("$schema".to_owned(), property);
    }
    schema
}

/// A name, not an address: nothing is fetched from it.
const ID: &str = "urn:client-cert-forwarder:plugin-config";
const TITLE: &str = "Plugin configuration of client-cert-forwarder";

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
pub(super) const HOSTNAME: &str = concat!(
    r"^(\*",
    r"|(\*\.)?",
    dns_name!(),
    r"|(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\.(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])){3}",
    r"|[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*",
    r"|\[[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\])$",
);

/// 64 hex digits, with or without colons between octets.
pub(super) const SHA256: &str = "^([0-9A-Fa-f]{64}|([0-9A-Fa-f]{2}:){31}[0-9A-Fa-f]{2})$";
/// RFC 2253 in printable ASCII, without a space behind a comma that separates.
pub(super) const DN: &str = r"^(?!.*[^\\], )[A-Za-z0-9.-]+=[ -~]*$";
/// A DNS name or `*.` before one.
pub(super) const DNS: &str = concat!(r"^(\*\.)?", dns_name!(), "$");
/// A URI, or with a `*` at the end one without, whose authority has a path behind it.
pub(super) const URI: &str = concat!(
    "^[A-Za-z][A-Za-z0-9+.-]*:",
    r"([!-)+-~]+|//[!-)+-.0-~]+/[!-)+-~]*\*|(?!//)[!-)+-~]*\*)$"
);
/// `local@domain` in visible ASCII.
pub(super) const EMAIL: &str = "^[!-)+-?A-~]+@[!-)+-?A-~]+$";
/// Hex digits with colons between, negative with a minus sign.
const SERIAL: &str = "^-?[0-9A-Fa-f]+(:[0-9A-Fa-f]+)*$";

/// An allow list without the duty to show a certificate would let in who shows none.
pub(super) fn allow_needs_require() -> Value {
    json!({ "allow_client_certificates": {
        "properties": { "require_client_certificate": { "const": true } },
        "required": ["require_client_certificate"]
    } })
}

impl JsonSchema for RevokedCertificate {
    fn schema_name() -> Cow<'static, str> {
        "RevokedCertificate".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let text = |description: &str, pattern: &str| json!({ "description": description, "type": "string", "pattern": pattern });
        json_schema!({
            "description": "A certificate that counts as not verified.",
            "type": "object",
            "properties": {
                "sha256": text("SHA-256 of the DER in hex, with or without colons.", SHA256),
                "issuer_dn": text("The issuer, exactly as the field `certIssuerDN` has it.", DN),
                "serial": text("As the field `certSerial` has it.", SERIAL),
            },
            "additionalProperties": false,
            "oneOf": [
                { "required": ["sha256"], "maxProperties": 1 },
                { "required": ["issuer_dn", "serial"], "maxProperties": 2 }
            ]
        })
    }
}

/// RFC 9110 §5.1. A pseudo-header's `:` is no token character.
const TOKEN: &str = "^[A-Za-z0-9!#$%&'*+.^_`|~-]+$";

/// Whether some setting has `require_client_certificate`.
pub(super) fn requires_a_certificate() -> Value {
    json!({
        "properties": { "settings": { "contains": {
            "properties": { "require_client_certificate": { "const": true } },
            "required": ["require_client_certificate"]
        } } },
        "required": ["settings"]
    })
}

/// What such a configuration needs.
pub(super) fn verified_by_is_given() -> Value {
    json!({ "required": ["verified_by"] })
}

/// RFC 9440 §2 allows its headers, in whatever spelling, in requests only.
pub(super) fn no_rfc9440_header() -> Value {
    json!({ "not": { "pattern": format!("^{}", in_any_spelling(CLIENT_CERT)) } })
}

/// RFC 9440 §2.3: no chain without the leaf. A schema can say so of names only the other way round.
pub(super) fn chain_needs_leaf() -> Value {
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

impl JsonSchema for HeaderFields {
    fn schema_name() -> Cow<'static, str> {
        "HeaderFields".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = Field::ALL.iter().map(|(name, _)| *name).collect();
        json_schema!({
            "description": "Header name → field name.",
            "type": "object",
            "propertyNames": { "pattern": TOKEN, "not": { "pattern": forbidden_names() } },
            "additionalProperties": { "enum": names }
        })
    }
}

/// The names of headers that belong to the connection or to routing, in any case.
fn forbidden_names() -> String {
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
