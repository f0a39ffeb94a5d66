//! The reference of the configuration, made from the field docs.

use crate::config::{Config, PREFIX};
use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write;

/// A Markdown table of every field of `serve`'s configuration: its name in the file, its variable in the environment,
/// its default, what it means.
#[must_use]
pub fn reference() -> String {
    reference_of::<Config>()
}

/// The same of another configuration.
#[must_use]
pub fn reference_of<T: Default + Serialize + JsonSchema>() -> String {
    let schema = schema_for!(T).to_value();
    let defaults = serde_json::to_value(T::default()).unwrap_or_default();
    let mut table = String::from("| field | default | meaning |\n|---|---|---|\n");
    rows(&schema, &schema, &defaults, "", &mut table);
    let _infallible = write!(
        table,
        "\nEvery field but those of lists can be set by an environment variable too: `server.listen` by \
         `{PREFIX}SERVER__LISTEN`. The environment wins over the file, flags win over both.\n"
    );
    table
}

fn rows(root: &Value, schema: &Value, defaults: &Value, path: &str, table: &mut String) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (name, field) in properties {
        let separator = if path.is_empty() { "" } else { "." };
        let path = format!("{path}{separator}{name}");
        let default = defaults.get(name).unwrap_or(&Value::Null);
        let target = resolve(root, field);
        let items = target.get("items").map(|items| resolve(root, items));
        match items.filter(|items| items.get("properties").is_some()) {
            Some(items) => rows(root, items, &Value::Null, &format!("{path}[]"), table),
            None if target.get("properties").is_some() => rows(root, target, default, &path, table),
            None => row(&path, default, field, table),
        }
    }
}

fn row(path: &str, default: &Value, field: &Value, table: &mut String) {
    let default = match default {
        Value::Null => String::new(),
        Value::String(text) => format!("`{text}`"),
        Value::Array(list) if list.is_empty() => "`[]`".to_owned(),
        other => format!("`{other}`"),
    };
    let meaning = field
        .get("description")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .replace('\n', " ");
    let _infallible = writeln!(table, "| `{path}` | {default} | {meaning} |");
}

/// The schema that a field refers to, where it refers to one, alone or beside `null`.
fn resolve<'a>(root: &'a Value, field: &'a Value) -> &'a Value {
    let alternatives = field.get("anyOf").and_then(Value::as_array);
    let field = alternatives
        .and_then(|all| all.iter().find(|one| one.get("$ref").is_some()))
        .unwrap_or(field);
    let reference = field.get("$ref").and_then(Value::as_str);
    let target = reference.and_then(|reference| root.pointer(reference.trim_start_matches('#')));
    target.unwrap_or(field)
}
