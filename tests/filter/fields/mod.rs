//! The values of request headers made from a certificate's fields (contract §4.6).

mod certificate_text;
mod filter_state;
mod limits;
mod odd_certificates;
mod rfc9440;
mod shaped_client;
mod status;
mod values;

use client_cert_forwarder::certificate::field::Field;
use rcgen::{DistinguishedName, DnType};
use serde_json::{Value, json};
use support::Headers;

const PREFIX: &str = "x-field-";

fn header_of(field: &str) -> String {
    format!("{PREFIX}{}", field.to_ascii_lowercase())
}

/// `request_headers` with every field of the contract.
fn all_fields() -> Value {
    let headers = Field::ALL
        .iter()
        .map(|(name, _)| (header_of(name), json!(name)));
    Value::Object(headers.collect())
}

/// The headers whose names start with that prefix, sorted by name.
fn with_prefix(headers: &Headers, prefix: &str) -> Vec<(String, String)> {
    let matching = headers
        .0
        .iter()
        .filter(|(name, _)| name.starts_with(prefix));
    let text = |value: &[u8]| String::from_utf8(value.to_vec()).expect("UTF-8");
    sorted(
        matching
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
    )
}

fn sorted(mut headers: Vec<(String, String)>) -> Vec<(String, String)> {
    headers.sort();
    headers
}

/// A distinguished name of these attributes, in this order.
pub(crate) fn distinguished_name(attributes: &[(DnType, &str)]) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    for (kind, value) in attributes {
        name.push(kind.clone(), *value);
    }
    name
}
