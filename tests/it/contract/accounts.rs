//! `Accounts`: SQLite and PostgreSQL.
