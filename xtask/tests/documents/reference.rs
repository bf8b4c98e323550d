//! The tables of `docs/configuration.md`, made from the JSON Schema. `UPDATE_DOCS=1` writes them.

use std::fmt::Write as _;
use std::{env, fs};

use serde_json::Value;

use crate::tree::{read, root};

const PAGE: &str = "docs/configuration.md";
const FIELDS: &str = "docs/fields.md";
const SCHEMA: &str = "envoy/plugin-config.schema.json";
const START: &str = "<!-- generated: ";
const END: &str = "<!-- end -->";

#[test]
fn the_tables_of_the_configuration_are_those_of_the_schema() {
    let page = read(PAGE);
    let schema: Value = serde_json::from_str(&read(SCHEMA)).expect("JSON");
    let mut written = String::new();
    let mut rest = page.as_str();
    while let Some((before, after)) = rest.split_once(START) {
        let (name, after) = after.split_once(" -->\n").expect("the end of the comment");
        let (_, behind) = after.split_once(END).expect("the end of the table");
        let table = table(&schema, name);
        let _ = write!(written, "{before}{START}{name} -->\n{table}{END}");
        rest = behind;
    }
    written.push_str(rest);
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(root().join(PAGE), &written).expect("the page can be written");
    }
    assert!(page == written, "{PAGE} is out of date: set UPDATE_DOCS=1");
}

#[test]
fn every_field_has_its_row() {
    let schema: Value = serde_json::from_str(&read(SCHEMA)).expect("JSON");
    let names = schema.pointer("/$defs/HeaderFields/additionalProperties/enum");
    let names = names.and_then(Value::as_array).expect("the fields");
    let page = read(FIELDS);
    let missing: Vec<&str> = names
        .iter()
        .filter_map(Value::as_str)
        .filter(|name| !page.contains(&format!("`{name}`")))
        .collect();
    assert!(names.len() > 30, "{names:?}");
    assert!(missing.is_empty(), "{FIELDS} lacks {missing:?}");
}

/// The properties of a type: required ones first, then by name.
fn table(schema: &Value, name: &str) -> String {
    let of_type = match name {
        "PluginConfig" => Some(schema),
        _ => schema.pointer(&format!("/$defs/{name}")),
    };
    let of_type = of_type.unwrap_or_else(|| panic!("{SCHEMA} has no type {name}"));
    let required = |key: &str| {
        let keys = of_type.get("required").and_then(Value::as_array);
        keys.is_some_and(|keys| keys.iter().any(|required| required == key))
    };
    let properties = of_type.get("properties").and_then(Value::as_object);
    let properties = properties.expect("properties");
    let mut keys: Vec<&String> = properties.keys().collect();
    keys.sort_by_key(|key| (!required(key), key.as_str()));
    let mut table = "| key | type, default | meaning |\n|---|---|---|\n".to_owned();
    for key in keys {
        let property = properties.get(key).expect("the property");
        let default = match property.get("default") {
            _ if required(key) => ", required".to_owned(),
            Some(default) => format!("; `{default}`"),
            None => String::new(),
        };
        let meaning = property.get("description").and_then(Value::as_str);
        let meaning = meaning.unwrap_or_default().replace('\n', " ");
        let kind = kind(schema, property);
        let _ = writeln!(table, "| `{key}` | {kind}{default} | {meaning} |");
    }
    table
}

/// The type of a property in words.
fn kind(schema: &Value, property: &Value) -> String {
    let reference = property.get("$ref").and_then(Value::as_str);
    if let Some(reference) = reference {
        let pointer = reference.trim_start_matches('#');
        return kind(schema, schema.pointer(pointer).expect("the type"));
    }
    if let Some(variants) = property.get("oneOf").and_then(Value::as_array) {
        let values = variants.iter().filter_map(|variant| variant.get("const"));
        let values: Vec<String> = values.map(|value| format!("`{value}`")).collect();
        return values.join(" or ");
    }
    let kind = property.get("type").and_then(Value::as_str);
    match (kind, property.get("minimum"), property.get("maximum")) {
        (Some("integer"), Some(least), Some(most)) => format!("integer from {least} to {most}"),
        (Some(kind), ..) => kind.to_owned(),
        (None, ..) => panic!("{property}: a type that this test does not know"),
    }
}
