//! Environment variables of the configuration, each read by the type of its field.

use crate::{
    config::{
        layer::ConfigLayer,
        read_error::{ConfigReadError, PREFIX},
        schema,
    },
    config_error::ConfigError,
};
use figment::{
    providers::{Env, Format as _, Toml},
    value::{Dict, Value},
};
use serde_json::Value as Schema;

/// The variable by which platforms name the port to listen on.
const PORT: &str = "PORT";

/// What values of [`PORT`] come from.
pub(super) const PORT_SOURCE: &str = "variable PORT";

/// What other values of the environment come from.
pub(super) const ENVIRONMENT: &str = "environment";

/// The variables that name a field, sections before their fields.
///
/// # Errors
/// [`ConfigReadError::UnknownVariables`], [`ConfigReadError::EmptySecrets`], or a value that is not TOML.
pub(super) fn variables(schema: &Schema) -> Result<Vec<ConfigLayer>, ConfigReadError> {
    let env = Env::prefixed(PREFIX).lowercase(false);
    let mut variables: Vec<Variable> = env
        .iter()
        .map(|(key, text)| Variable::new(key.as_str(), text))
        .filter(|variable| variable.is_ours(schema))
        .collect();
    variables.sort_by(|one, other| one.order().cmp(&other.order()));
    refuse(
        &variables,
        Variable::is_unknown_in(schema),
        ConfigReadError::UnknownVariables,
    )?;
    refuse(
        &variables,
        Variable::is_empty_secret,
        ConfigReadError::EmptySecrets,
    )?;
    let set = variables.iter().filter(|variable| !variable.is_empty());
    set.map(|variable| variable.layer(schema)).collect()
}

/// The address of `PORT`, where it is set.
pub(super) fn port() -> Option<ConfigLayer> {
    let env = Env::raw().only(&[PORT]);
    let (_, port) = env.iter().next()?;
    let address = Value::from(format!(":{}", port.trim()));
    let path = ["server", "listen"].map(str::to_owned);
    (!port.trim().is_empty()).then(|| ConfigLayer::value(PORT_SOURCE, &path, address))
}

fn refuse(
    variables: &[Variable],
    is_refused: impl Fn(&Variable) -> bool,
    error: fn(Vec<String>) -> ConfigReadError,
) -> Result<(), ConfigReadError> {
    let refused = variables.iter().filter(|variable| is_refused(variable));
    let refused: Vec<String> = refused.map(|variable| variable.name.clone()).collect();
    if refused.is_empty() {
        return Ok(());
    }
    Err(error(refused))
}

/// A variable with our prefix.
struct Variable {
    name: String,
    path: Vec<String>,
    text: String,
}

impl Variable {
    fn new(key: &str, text: String) -> Self {
        Self {
            name: format!("{PREFIX}{key}"),
            path: key.to_lowercase().split("__").map(str::to_owned).collect(),
            text,
        }
    }

    fn order(&self) -> (usize, &str) {
        (self.path.len(), &self.name)
    }

    fn is_ours(&self, schema: &Schema) -> bool {
        let key = self.name.trim_start_matches(PREFIX);
        schema::field(schema, &self.path).is_some() || !is_set_by_kubernetes(key)
    }

    /// A path with a section is judged where the configuration is read: that error lists the fields there are.
    fn is_unknown_in(schema: &Schema) -> impl Fn(&Self) -> bool {
        |variable| variable.path.len() == 1 && schema::field(schema, &variable.path).is_none()
    }

    fn is_empty(&self) -> bool {
        self.text.trim().is_empty()
    }

    /// Whether it is empty and should hold a secret, a URL with a password, or lead to one. A variable that is set is meant
    /// to have a value: without it the service would do without a password, or use an embedded store.
    fn is_empty_secret(&self) -> bool {
        const SECTIONS: [&str; 3] = ["callers", "keys", "secrets"];
        const NAMES: [&str; 5] = ["key", "url", "url_file", "urls", "urls_file"];
        const PARTS: [&str; 3] = ["password", "secret", "token"];
        let is_of_section = self
            .path
            .iter()
            .any(|part| SECTIONS.contains(&part.as_str()));
        let is_named = self.path.last().is_some_and(|name| {
            NAMES.contains(&name.as_str()) || PARTS.iter().any(|part| name.contains(part))
        });
        self.is_empty() && (is_of_section || is_named)
    }

    fn layer(&self, schema: &Schema) -> Result<ConfigLayer, ConfigReadError> {
        let kind =
            schema::field(schema, &self.path).map(|field| schema::FieldKind::of(schema, field));
        let value = match kind {
            Some(schema::FieldKind::List) if !self.text.trim_start().starts_with('[') => {
                let entries = self.text.split(',').map(str::trim);
                let entries = entries.filter(|entry| !entry.is_empty());
                Value::from(entries.collect::<Vec<_>>())
            }
            Some(schema::FieldKind::List) => self.list()?,
            Some(schema::FieldKind::Table) => self.table()?.into(),
            Some(schema::FieldKind::Number) => number(self.text.trim()),
            Some(schema::FieldKind::Bool) => truth(self.text.trim()),
            Some(schema::FieldKind::Text) | None => Value::from(self.text.as_str()),
            Some(schema::FieldKind::Any) => guessed(&self.text),
        };
        Ok(ConfigLayer::value(ENVIRONMENT, &self.path, value))
    }

    /// `[…]`, or a document with `[[path]]` tables.
    fn list(&self) -> Result<Value, ConfigReadError> {
        if self.text.trim_start().starts_with("[[")
            && let Ok(document) = Toml::from_str::<Dict>(&self.text)
            && let Some(value) = within(document, &self.path)
        {
            return Ok(value);
        }
        let text = format!("value = {}", self.text.trim());
        let mut inline = self.parsed(&text)?;
        inline.remove("value").ok_or_else(|| self.not_toml(&text))
    }

    /// `{…}`, or a document: the fields of the table, or the table under its own name.
    fn table(&self) -> Result<Dict, ConfigReadError> {
        if !self.text.trim_start().starts_with('{') {
            let document = self.parsed(&self.text)?;
            let own = within(document.clone(), &self.path);
            return Ok(own.and_then(Value::into_dict).unwrap_or(document));
        }
        let text = format!("value = {}", self.text.trim());
        let inline = self.parsed(&text)?.remove("value");
        inline
            .and_then(Value::into_dict)
            .ok_or_else(|| self.not_toml(&text))
    }

    fn parsed(&self, text: &str) -> Result<Dict, ConfigReadError> {
        Toml::from_str(text).map_err(|_| self.not_toml(text))
    }

    fn not_toml(&self, text: &str) -> ConfigReadError {
        let mistake = ConfigError::from_syntax(text).unwrap_or_else(ConfigError::unreadable);
        ConfigReadError::Variable(self.name.clone(), mistake)
    }
}

/// What stands at a path, or under its last name alone.
fn within(document: Dict, path: &[String]) -> Option<Value> {
    let document = Value::from(document);
    let last = path.last()?;
    let found = document
        .find_ref(&path.join("."))
        .or_else(|| document.find_ref(last));
    found.cloned()
}

fn number(text: &str) -> Value {
    let whole = text.parse::<u64>().map(Value::from);
    let whole = whole.or_else(|_| text.parse::<i64>().map(Value::from));
    whole.unwrap_or_else(|_| {
        text.parse::<f64>()
            .map_or_else(|_| Value::from(text), Value::from)
    })
}

fn truth(text: &str) -> Value {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" => Value::from(true),
        "false" | "0" => Value::from(false),
        _ => Value::from(text),
    }
}

/// A value of a field that takes any.
fn guessed(text: &str) -> Value {
    let Ok(value) = text.parse();
    value
}

/// Kubernetes sets variables such as `COUNTERSIGN_SERVICE_HOST` and `COUNTERSIGN_PORT_50051_TCP_ADDR` in every container
/// beside a service of that name, or of one that begins alike.
fn is_set_by_kubernetes(key: &str) -> bool {
    let of_service = ["SERVICE_HOST", "SERVICE_PORT", "PORT"];
    let ends = |name: &str| key == name || key.ends_with(&format!("_{name}"));
    let of_port = key.split_once("PORT_").is_some_and(|(before, rest)| {
        let is_service = before == "SERVICE_" || before.ends_with("_SERVICE_");
        let is_number = rest.starts_with(|first: char| first.is_ascii_digit());
        is_service || (is_number && (before.is_empty() || before.ends_with('_')))
    });
    of_service.into_iter().any(ends) || of_port
}
