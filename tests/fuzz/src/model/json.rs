//! JSON with every member of an object, those given twice too, and the places in it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON value; of scalars only whether it is `true` and its text are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// The members in their order.
    Object(Vec<(String, Json)>),
    /// The items.
    Array(Vec<Json>),
    /// A string.
    Text(String),
    /// `true`, `false`, `null` or a number.
    Other(bool),
}

impl Json {
    /// The text; `None` when it is not JSON.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// The last member of that key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json> {
        let Self::Object(members) = self else {
            return None;
        };
        let named = members.iter().rev().find(|(name, _)| name == key);
        named.map(|(_, value)| value)
    }

    /// The items of an array; none of anything else.
    #[must_use]
    pub fn items(&self) -> &[Json] {
        match self {
            Self::Array(items) => items,
            _ => &[],
        }
    }

    /// The members of an object; none of anything else.
    #[must_use]
    pub fn members(&self) -> &[(String, Json)] {
        match self {
            Self::Object(members) => members,
            _ => &[],
        }
    }

    /// Whether that key is `true`.
    #[must_use]
    pub fn is_true(&self, key: &str) -> bool {
        self.get(key) == Some(&Self::Other(true))
    }

    /// Every place in here as errors write it (`settings[0].hostname`), and as `other`, the ones
    /// where a key could be added.
    pub fn places(&self, place: &str, other: &[&str], found: &mut Vec<String>) {
        found.push(place.to_owned());
        let inside = |key: &str| {
            let key: String = key.chars().map(visible).collect();
            if place.is_empty() {
                key
            } else {
                format!("{place}.{key}")
            }
        };
        if let Self::Object(_) = self {
            found.extend(other.iter().map(|key| inside(key)));
        }
        for (key, value) in self.members() {
            value.places(&inside(key), other, found);
        }
        for (number, item) in self.items().iter().enumerate() {
            item.places(&format!("{place}[{number}]"), other, found);
        }
    }
}

/// The character, or its escape where it could end or garble a line.
fn visible(character: char) -> String {
    if character.is_control() || "\u{2028}\u{2029}".contains(character) {
        character.escape_default().to_string()
    } else {
        character.to_string()
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Json::Object(members))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element()? {
            array.push(item);
        }
        Ok(Json::Array(array))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Other(value))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
        Ok(Json::Other(false))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other(false))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other(false))
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other(false))
    }
}
