//! The JSON Schema of the plugin configuration, for editors and CI.
//!
//! Generated from the types of [`super::schema`] into `envoy/plugin-config.schema.json`.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde_json::{Value, json};

use super::schema::rules::{DN, SERIAL, SHA256, TOKEN, forbidden_names};
use super::schema::{HeaderFields, PluginConfig, RevokedCertificate};
use crate::certificate::field::Field;

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
