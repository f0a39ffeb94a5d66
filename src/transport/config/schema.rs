//! What the schema of a configuration says of its fields.

use serde_json::Value;

/// The kind of value that a field takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldKind {
    /// A section or a map.
    Table,
    /// A list.
    List,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// A text, or a name of a closed list.
    Text,
    /// Any value.
    Any,
}

impl FieldKind {
    /// The kind of a field.
    pub(super) fn of(root: &Value, field: &Value) -> Self {
        let target = resolve(root, field);
        let is = |kind: &str| match target.get("type") {
            Some(Value::String(named)) => named == kind,
            Some(Value::Array(named)) => named.iter().any(|named| named == kind),
            _ => false,
        };
        if is("object") {
            Self::Table
        } else if is("array") {
            Self::List
        } else if is("integer") || is("number") {
            Self::Number
        } else if is("boolean") {
            Self::Bool
        } else if is("string")
            || ["enum", "oneOf", "const"]
                .iter()
                .any(|key| target.get(key).is_some())
        {
            Self::Text
        } else {
            Self::Any
        }
    }
}

/// The field at a path, if there is one.
pub(super) fn field<'a>(root: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(root, |field, name| {
        let table = resolve(root, field);
        let named = table
            .get("properties")
            .and_then(|properties| properties.get(name));
        let any_name = || {
            table
                .get("additionalProperties")
                .filter(|any| **any != Value::Bool(false))
        };
        named.or_else(any_name)
    })
}

/// The schema that a field refers to, where it refers to one, alone or beside `null`.
pub(super) fn resolve<'a>(root: &'a Value, field: &'a Value) -> &'a Value {
    let alternatives = field.get("anyOf").and_then(Value::as_array);
    let field = alternatives
        .and_then(|all| all.iter().find(|one| one.get("$ref").is_some()))
        .unwrap_or(field);
    let reference = field.get("$ref").and_then(Value::as_str);
    let target = reference.and_then(|reference| root.pointer(reference.trim_start_matches('#')));
    target.unwrap_or(field)
}
