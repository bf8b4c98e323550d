//! The configuration's JSON, key by key, as contract §3 has it. Anything that is not here is refused.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, IgnoredAny, IntoDeserializer, MapAccess, Visitor};
use serde::ser::{SerializeMap, Serializer};
use serde::{Deserialize, Serialize};

use super::ConfigError;
#[cfg(feature = "schema")]
use super::json_schema;
use crate::certificate::field::Field;

/// The whole plugin configuration. The body of Cloudflare's `PUT …/access/certificates/settings` is one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[cfg_attr(feature = "schema", schemars(extend("if" = json_schema::requires_a_certificate(), "then" = json_schema::verified_by_is_given())))]
pub struct PluginConfig {
    /// One object per hostname.
    #[serde(deserialize_with = "objects")]
    #[cfg_attr(feature = "schema", schemars(with = "Vec<HostnameSettings>"))]
    pub settings: Vec<HostnameSettings>,
    /// What a certificate's verification is read from; must be given where a setting requires a certificate.
    #[serde(
        default,
        deserialize_with = "given_word",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "VerifiedBy"))]
    pub verified_by: Option<VerifiedBy>,
    /// What happens to a request with a header that only this filter may set.
    #[serde(default, deserialize_with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "OnSpoofedHeader"))]
    pub on_spoofed_header: OnSpoofedHeader,
    /// Where the certificate chain comes from.
    #[serde(default, deserialize_with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "CertificateChainSource"))]
    pub certificate_chain_source: CertificateChainSource,
    /// Longest encoded leaf certificate put in a header, in bytes.
    #[serde(default = "default_max_certificate_bytes")]
    #[cfg_attr(feature = "schema", schemars(range(max = u32::MAX)))]
    pub max_certificate_bytes: u32,
    /// Longest encoded certificate chain put in a header, in bytes.
    #[serde(default = "default_max_certificate_chain_bytes")]
    #[cfg_attr(feature = "schema", schemars(range(max = u32::MAX)))]
    pub max_certificate_chain_bytes: u32,
    /// Whether responses say what the filter did, and why.
    #[serde(default)]
    pub explain: bool,
}

fn default_max_certificate_bytes() -> u32 {
    10_240
}

fn default_max_certificate_chain_bytes() -> u32 {
    16_384
}

/// What is done for one hostname.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct HostnameSettings {
    /// `api.example.com`, `*.example.com` (any depth below, not itself) or `*`; the most specific wins.
    #[cfg_attr(feature = "schema", schemars(regex(pattern = json_schema::HOSTNAME)))]
    pub hostname: String,
    /// Accepted so that Cloudflare's bodies work; has no effect.
    #[serde(default)]
    pub china_network: bool,
    /// Send `Cf-Client-Cert-Der-Base64` and `Cf-Client-Cert-Sha256`.
    #[serde(default)]
    pub client_certificate_forwarding: bool,
    /// Which requests of a connection carry these two headers.
    #[serde(default, deserialize_with = "word")]
    #[cfg_attr(feature = "schema", schemars(with = "ForwardOn"))]
    pub forward_on: ForwardOn,
    /// Forward certificates that were not verified too.
    #[serde(default)]
    pub forward_unverified: bool,
    /// Answer 403 to requests without a verified certificate.
    #[serde(default)]
    pub require_client_certificate: bool,
    /// Answer 421 on connections whose SNI is another setting's; as `require_client_certificate` when not given.
    #[serde(
        default,
        deserialize_with = "given",
        skip_serializing_if = "Option::is_none"
    )]
    #[cfg_attr(feature = "schema", schemars(with = "bool"))]
    pub sni_must_match: Option<bool>,
    /// Send the 17 `cf-cert-*` headers of Cloudflare's Managed Transform "Add TLS client auth headers" on every request.
    #[serde(default)]
    pub add_client_certificate_headers: bool,
    /// Header name → field name, on every request to the origin.
    #[serde(default, skip_serializing_if = "HeaderFields::is_empty")]
    #[cfg_attr(feature = "schema", schemars(extend("anyOf" = json_schema::chain_needs_leaf())))]
    pub request_headers: HeaderFields,
    /// Header name → field name, on every response to the client.
    #[serde(default, skip_serializing_if = "HeaderFields::is_empty")]
    #[cfg_attr(feature = "schema", schemars(extend("propertyNames" = json_schema::no_rfc9440_header())))]
    pub response_headers: HeaderFields,
}

/// What says that a certificate was verified (contract §4.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum VerifiedBy {
    /// Envoy's attribute `connection.peer_certificate_valid`, false on resumed TLS sessions.
    #[default]
    Attribute,
    /// The listener refuses every certificate that it can't verify.
    Listener,
}

/// What happens to a request that carries a managed header (contract §4.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum OnSpoofedHeader {
    /// The header is removed and the request goes on.
    #[default]
    Strip,
    /// The request is answered 400.
    Reject,
}

/// Where the certificate chain comes from (contract §4.3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum CertificateChainSource {
    /// There is none.
    #[default]
    None,
    /// The `Chain` of the `x-forwarded-client-cert` that the connection manager set (`SANITIZE_SET`).
    Xfcc,
}

/// Which requests carry the certificate (contract §4.5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum ForwardOn {
    /// The first of a connection.
    #[default]
    FirstRequest,
    /// All.
    EveryRequest,
}

/// A JSON object from header name to field name, in its order; a name may stand in it twice, for the checks to refuse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderFields(pub Vec<(String, Field)>);

impl HeaderFields {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for HeaderFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = HeaderFields;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object of header name to field name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HeaderFields, A::Error> {
                let mut pairs = Vec::new();
                while let Some((name, FieldName(field))) = map.next_entry::<String, FieldName>()? {
                    pairs.push((name, field));
                }
                Ok(HeaderFields(pairs))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

impl Serialize for HeaderFields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, field) in &self.0 {
            map.serialize_entry(name, field.name())?;
        }
        map.end()
    }
}

struct FieldName(Field);

impl<'de> Deserialize<'de> for FieldName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        match Field::from_name(&name) {
            Some(field) => Ok(Self(field)),
            None => {
                let hint = Field::nearest_name(&name)
                    .map(|near| format!(", did you mean {near:?}?"))
                    .unwrap_or_default();
                Err(serde::de::Error::custom(format_args!(
                    "unknown field name {name:?}{hint}"
                )))
            }
        }
    }
}

/// A `T` written as an object; serde alone would take an array of its values too.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for Members<T> {
            type Value = Object<T>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Object<T>, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Object)
            }
        }
        deserializer.deserialize_map(Members(PhantomData))
    }
}

/// A key that may be missing, but not be `null`.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// One of an enumeration's words. serde_json alone would take `{"word": null}` too, and call a number or `null` a syntax error.
fn word<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    T::deserialize(String::deserialize(deserializer)?.into_deserializer())
}

fn given_word<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    word(deserializer).map(Some)
}

/// A list of objects (for serde's `deserialize_with`).
///
/// # Errors
/// When it is no list, or something in it is no object or has other keys.
pub fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let objects = Vec::<Object<T>>::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|Object(members)| members).collect())
}

/// Reads a text that is one JSON object.
///
/// # Errors
/// Where and why the text is not JSON, or has a key or a value that `T` does not know.
pub fn read_object<'de, T: Deserialize<'de>>(json: &'de [u8]) -> Result<T, ConfigError> {
    serde_json::from_slice::<IgnoredAny>(json).map_err(|error| ConfigError::not_json(&error))?;
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let Object(members) = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| ConfigError::at(&error.path().to_string(), error.inner()))?;
    Ok(members)
}

impl PluginConfig {
    /// Reads the JSON. What it means is checked by [`super::Config::compile`].
    ///
    /// # Errors
    /// Where and why the text is not JSON, or has a key or a value that contract §3 does not know.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        read_object(json)
    }
}
