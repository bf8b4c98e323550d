//! JSON of a message as `xds.type.v3.TypedStruct`, which Envoy takes wherever it takes the message.
//!
//! The fast path is generated as JSON, for files too. In this form no list of its many messages has
//! to be kept here.

use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{ListValue, Struct, Value};
use prost::{Message, Name};
use serde_json::Value as Json;

/// The member that names the type of a message in JSON.
const TYPE: &str = "@type";

/// `xds.type.v3.TypedStruct`, which `envoy_types` lacks.
#[derive(Clone, PartialEq, Message)]
pub(super) struct TypedStruct {
    /// The message's type.
    #[prost(string, tag = "1")]
    type_url: String,
    /// Its JSON.
    #[prost(message, optional, tag = "2")]
    value: Option<Struct>,
}

impl Name for TypedStruct {
    const NAME: &'static str = "TypedStruct";
    const PACKAGE: &'static str = "xds.type.v3";

    fn type_url() -> String {
        format!("type.googleapis.com/{}", Self::full_name())
    }
}

/// Converts the JSON of a message, whose type its `@type` names.
pub(super) fn from_json(json: &Json) -> TypedStruct {
    let type_url = json.get(TYPE).and_then(Json::as_str).unwrap_or_default();
    let members = json.as_object().into_iter().flatten();
    let fields = members.filter(|(key, _)| *key != TYPE);
    TypedStruct {
        type_url: type_url.to_owned(),
        value: Some(Struct {
            fields: fields
                .map(|(key, json)| (key.clone(), value(json)))
                .collect(),
        }),
    }
}

fn value(json: &Json) -> Value {
    let kind = match json {
        Json::Null => Kind::NullValue(0),
        Json::Bool(bool) => Kind::BoolValue(*bool),
        Json::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Json::String(text) => Kind::StringValue(text.clone()),
        Json::Array(values) => Kind::ListValue(ListValue {
            values: values.iter().map(value).collect(),
        }),
        Json::Object(members) => Kind::StructValue(Struct {
            fields: members
                .iter()
                .map(|(key, json)| (key.clone(), value(json)))
                .collect(),
        }),
    };
    Value { kind: Some(kind) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{from_json, value};

    #[test]
    fn the_type_goes_beside_the_value_and_inner_types_stay() {
        let inner = json!({ "@type": "b", "list": [1, true, null, "text"] });
        let converted = from_json(&json!({ "@type": "a", "inner": inner }));
        assert_eq!(converted.type_url, "a");
        let fields = converted.value.unwrap().fields;
        assert_eq!(fields.len(), 1);
        assert_eq!(fields["inner"], value(&inner));
    }
}
