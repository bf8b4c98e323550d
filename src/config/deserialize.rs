//! serde for programs that have a plugin configuration, or JSON of their own, in their files.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::findings::Findings;
use super::json::Json;
use super::path::Place;
use super::reader::Reader;
use super::schema::{HostnameSettings, PluginConfig};
use super::{ConfigError, read, syntax};

impl PluginConfig {
    /// Reads the JSON. [`super::Config::from_json`] checks the meaning too.
    ///
    /// # Errors
    /// Where and why the text is not JSON, or has a key or a value that contract §3 does not know.
    pub fn from_json(json: &[u8]) -> Result<Self, ConfigError> {
        let tree = syntax::parse(json)?;
        let mut findings = Findings::only_first();
        let config = read::plugin_config(&tree, &mut findings);
        findings.into_result().map(|_| config)
    }
}

/// Reads as the filter does; [`read_object`] joins the places of errors to its own.
impl<'de> Deserialize<'de> for PluginConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut findings = Findings::only_first();
        let config = read::plugin_config(&Json::deserialize(deserializer)?, &mut findings);
        first_error(findings).map(|()| config)
    }
}

impl<'de> Deserialize<'de> for HostnameSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut findings = Findings::only_first();
        let mut reader = Reader {
            findings: &mut findings,
        };
        let json = Json::deserialize(deserializer)?;
        let setting = read::hostname_settings(&mut reader, &json, &Place::Top);
        first_error(findings).map(|()| setting)
    }
}

fn first_error<E: Error>(findings: Findings) -> Result<(), E> {
    match findings.into_result() {
        Ok(_) => Ok(()),
        Err(error) => Err(E::custom(error.to_nested())),
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

/// Reads an array of objects (for serde's `deserialize_with`).
///
/// # Errors
/// When it is no array, or an item is no object or has other keys.
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
    serde_json::from_slice::<IgnoredAny>(json).map_err(|error| syntax::not_json(json, &error))?;
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    let Object(members) = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| ConfigError::of_serde(&error.path().to_string(), error.inner()))?;
    Ok(members)
}
