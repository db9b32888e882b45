//! The JSON Schema of a type that documents are read as: the other reading of the same keys, for editors.
//! It must never have a key of its own.

use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use schemars::transform::{RecursiveTransform, Transform as _};
use schemars::{JsonSchema, Schema};
use serde_json::{Value, json};

/// The schema of a type, by draft 2020-12; its doc comments are the descriptions.
pub fn schema<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with_transform(RecursiveTransform(tidy));
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    let types = schema.get("$defs").and_then(Value::as_object);
    let without_required = |schema: &Value| {
        let needs = |key: &str| schema.get(key).is_some();
        schema["type"] == json!("object") && !needs("required") && !needs("oneOf")
    };
    let empty: BTreeSet<String> = types
        .into_iter()
        .flatten()
        .filter(|(_, schema)| without_required(schema))
        .map(|(name, _)| format!("#/$defs/{name}"))
        .collect();
    RecursiveTransform(|schema: &mut Schema| let_empty(schema, &empty)).transform(&mut schema);
    schema
}

/// A comment's line breaks mean nothing, and that a key can be left out is no default worth showing.
fn tidy(schema: &mut Schema) {
    if let Some(Value::String(text)) = schema.get_mut("description") {
        *text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let is_empty = |value: &Value| match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        _ => false,
    };
    if schema.get("default").is_some_and(is_empty) {
        schema.remove("default");
    }
}

/// A key with nothing behind it is read as an empty map or list, where that can be left out as well.
fn let_empty(schema: &mut Schema, empty: &BTreeSet<String>) {
    let required = schema.get("required").cloned().unwrap_or_default();
    let is_required = |key: &str| {
        let mut names = required.as_array().into_iter().flatten();
        names.any(|name| name == key)
    };
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    let optional = properties.into_iter().flatten();
    for (_, form) in optional.filter(|(key, _)| !is_required(key)) {
        or_nothing(form, empty);
    }
    if let Some(form) = schema.get_mut("additionalProperties") {
        or_nothing(form, empty);
    }
}

fn or_nothing(form: &mut Value, empty: &BTreeSet<String>) {
    let Some(form) = form.as_object_mut() else {
        return;
    };
    if let Some(Value::String(kind)) = form.get("type")
        && matches!(kind.as_str(), "object" | "array")
    {
        let either = json!([kind, "null"]);
        form.insert("type".to_owned(), either);
    }
    if form
        .get("$ref")
        .and_then(Value::as_str)
        .is_some_and(|name| empty.contains(name))
        && let Some(name) = form.remove("$ref")
    {
        form.insert(
            "anyOf".to_owned(),
            json!([{"$ref": name}, {"type": "null"}]),
        );
    }
}
