//! Values of statements, each with its type in PostgreSQL: a statement that is not prepared says the types itself.

use tokio_postgres::types::{ToSql, Type};

/// The values of a statement.
pub(super) type SqlParams<'v> = &'v [&'v dyn SqlParam];

/// One value of a statement.
pub(super) trait SqlParam: ToSql + Sync {
    /// Its type in PostgreSQL.
    fn param_type(&self) -> Type;

    /// The value, as the driver takes it.
    fn as_sql(&self) -> &(dyn ToSql + Sync);
}

impl<T: SqlType + ToSql + Sync> SqlParam for T {
    fn param_type(&self) -> Type {
        T::sql_type()
    }

    fn as_sql(&self) -> &(dyn ToSql + Sync) {
        self
    }
}

/// What has a type in PostgreSQL.
pub(super) trait SqlType {
    fn sql_type() -> Type;
}

/// What can stand in an array.
pub(super) trait ArrayElement {
    fn array_type() -> Type;
}

impl<T: SqlType> SqlType for Option<T> {
    fn sql_type() -> Type {
        T::sql_type()
    }
}

impl<T: ArrayElement> SqlType for Vec<T> {
    fn sql_type() -> Type {
        T::array_type()
    }
}

impl<T: ArrayElement> ArrayElement for Option<T> {
    fn array_type() -> Type {
        T::array_type()
    }
}

impl SqlType for &str {
    fn sql_type() -> Type {
        Type::TEXT
    }
}

impl ArrayElement for &str {
    fn array_type() -> Type {
        Type::TEXT_ARRAY
    }
}

impl<T: ArrayElement> SqlType for &[T] {
    fn sql_type() -> Type {
        T::array_type()
    }
}

impl SqlType for String {
    fn sql_type() -> Type {
        Type::TEXT
    }
}

impl SqlType for &[u8] {
    fn sql_type() -> Type {
        Type::BYTEA
    }
}

impl ArrayElement for &[u8] {
    fn array_type() -> Type {
        Type::BYTEA_ARRAY
    }
}

impl SqlType for Vec<u8> {
    fn sql_type() -> Type {
        Type::BYTEA
    }
}

impl ArrayElement for Vec<u8> {
    fn array_type() -> Type {
        Type::BYTEA_ARRAY
    }
}

impl SqlType for i64 {
    fn sql_type() -> Type {
        Type::INT8
    }
}

impl ArrayElement for i64 {
    fn array_type() -> Type {
        Type::INT8_ARRAY
    }
}

impl SqlType for i32 {
    fn sql_type() -> Type {
        Type::INT4
    }
}

impl ArrayElement for i32 {
    fn array_type() -> Type {
        Type::INT4_ARRAY
    }
}

impl SqlType for bool {
    fn sql_type() -> Type {
        Type::BOOL
    }
}

impl ArrayElement for bool {
    fn array_type() -> Type {
        Type::BOOL_ARRAY
    }
}
