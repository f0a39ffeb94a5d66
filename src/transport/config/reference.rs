//! The reference of the configuration, made from the field docs.

use crate::config::{PREFIX, schema::resolve};
use schemars::{JsonSchema, schema_for};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write;

/// A Markdown table of every field of a configuration: its name in the file, its default, what it means. Fields that are
/// refused in it are left out.
#[must_use]
pub fn reference_of<T: Default + Serialize + JsonSchema>(refused: &[&str]) -> String {
    let schema = schema_for!(T).to_value();
    let defaults = serde_json::to_value(T::default()).unwrap_or_default();
    let mut table = ReferenceTable {
        root: &schema,
        refused,
        text: String::from("| field | default | meaning |\n|---|---|---|\n"),
    };
    table.rows(&schema, &defaults, "");
    let mut text = table.text;
    let _infallible = write!(
        text,
        "\nEvery field can be set by an environment variable too: `server.listen` by `{PREFIX}SERVER__LISTEN`. \
         Lists are separated by commas. Tables, and lists of tables such as `callers`, are TOML: \
         `[{{name = \"web\", …}}]`, or the lines of a file. An empty variable is unset; one that should hold a secret, \
         a URL with a password, or the file of one is refused. The environment wins over the file, flags win over both.\n"
    );
    text
}

/// The rows so far.
struct ReferenceTable<'a> {
    root: &'a Value,
    refused: &'a [&'a str],
    text: String,
}

impl ReferenceTable<'_> {
    fn rows(&mut self, schema: &Value, defaults: &Value, path: &str) {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else {
            return;
        };
        for (name, field) in properties {
            let separator = if path.is_empty() { "" } else { "." };
            let path = format!("{path}{separator}{name}");
            let default = defaults.get(name).unwrap_or(&Value::Null);
            let target = resolve(self.root, field);
            let items = target.get("items").map(|items| resolve(self.root, items));
            match items.filter(|items| items.get("properties").is_some()) {
                Some(items) => self.rows(items, &Value::Null, &format!("{path}[]")),
                None if target.get("properties").is_some() => self.rows(target, default, &path),
                None if self.refused.contains(&path.as_str()) => {}
                None => self.row(&path, default, field),
            }
        }
    }

    fn row(&mut self, path: &str, default: &Value, field: &Value) {
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
        let _infallible = writeln!(self.text, "| `{path}` | {default} | {meaning} |");
    }
}
