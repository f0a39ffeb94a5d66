//! What both durable stores share: changes as statements, rows as JSON. Every text here is understood by PostgreSQL and
//! by SQLite; what differs lies with the store.

pub(super) mod rows;
pub(super) mod settlements;
pub(super) mod statements;

/// One statement of a change, with its values and with what it means if it does not write what it should.
#[derive(Debug, Clone)]
pub(super) struct Statement {
    pub(super) sql: &'static str,
    pub(super) values: Vec<Value>,
    pub(super) on_miss: Option<crate::ports::Committed>,
}

/// A value for a statement. Absence has a type, because PostgreSQL asks for it.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    OptionalText(Option<String>),
    Number(i64),
    OptionalNumber(Option<i64>),
    Bytes(Vec<u8>),
    OptionalBytes(Option<Vec<u8>>),
}

impl Statement {
    /// A statement that may write any number of rows.
    pub(super) fn new(sql: &'static str, values: impl Into<Vec<Value>>) -> Self {
        Self {
            sql,
            values: values.into(),
            on_miss: None,
        }
    }

    /// If it writes no row, the change is refused with that.
    pub(super) fn or(self, miss: crate::ports::Committed) -> Self {
        Self {
            on_miss: Some(miss),
            ..self
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(i64::from(number))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Number(i64::from(flag))
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(bytes: &[u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Option<String>> for Value {
    fn from(text: Option<String>) -> Self {
        Self::OptionalText(text)
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::OptionalNumber(number)
    }
}

impl From<Option<Vec<u8>>> for Value {
    fn from(bytes: Option<Vec<u8>>) -> Self {
        Self::OptionalBytes(bytes)
    }
}

impl<Of> From<countersign_domain::id::Id<Of>> for Value {
    fn from(id: countersign_domain::id::Id<Of>) -> Self {
        Self::Bytes(id.as_bytes().to_vec())
    }
}

impl<Of> From<Option<countersign_domain::id::Id<Of>>> for Value {
    fn from(id: Option<countersign_domain::id::Id<Of>>) -> Self {
        Self::OptionalBytes(id.map(|id| id.as_bytes().to_vec()))
    }
}

impl From<countersign_domain::time::Timestamp> for Value {
    fn from(at: countersign_domain::time::Timestamp) -> Self {
        Self::Number(at.millis())
    }
}
