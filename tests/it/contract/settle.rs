//! `Accounts::settle`: the domain's rule over SQLite, and the function of PostgreSQL.
