//! Tables of a test's own in the PostgreSQL of this run, and the two ways to it.

use crate::support::{
    service::unique,
    stores::{TIMEOUT, direct, new_schema, pooled_settings, postgres_with, setting},
    tables::postgres_session,
};
use countersign::store::postgres::{
    ConnectionSettings, PostgresAccounts, RoleGrants, ServerAddress,
};

/// How the service reaches PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// By itself, as an administrator.
    Direct,
    /// Through the PgBouncer of this run, by the role that `countersign grants` makes.
    Pooled,
}

pub(crate) const ROUTES: [Route; 2] = [Route::Direct, Route::Pooled];

/// A schema, migrated.
pub(crate) struct Schema {
    /// To it by itself, as an administrator.
    pub(crate) url: String,
    /// To it as the service goes.
    pub(crate) settings: ConnectionSettings,
}

impl Schema {
    pub(crate) async fn new(route: Route) -> Self {
        println!("{route:?}");
        match route {
            Route::Direct => {
                let url = new_schema().await;
                let settings = direct(&url);
                Self { url, settings }
            }
            Route::Pooled => Self::behind_pooler().await,
        }
    }

    async fn behind_pooler() -> Self {
        let server = setting("TEST_COUNTERSIGN_POSTGRES");
        let pooler = setting("TEST_COUNTERSIGN_PGBOUNCER");
        let name = format!("test_{}", unique());
        let role = grant_and_migrate(&server, &name).await;
        Self {
            url: format!("{server}?options=-c%20search_path%3D{name}"),
            settings: pooled_settings(format!("postgres://{role}@{pooler}/postgres")),
        }
    }

    /// The role by which the service goes.
    pub(crate) fn role(&self) -> String {
        ServerAddress::parse(&self.settings.url)
            .unwrap()
            .user
            .unwrap()
    }

    /// As a process of its own.
    pub(crate) fn accounts(&self) -> PostgresAccounts {
        postgres_with(&self.settings)
    }
}

/// Makes a schema and its roles as an administrator would, with what `countersign grants` prints. The role that serves.
pub(crate) async fn grant_and_migrate(server: &str, schema: &str) -> String {
    let grants = RoleGrants {
        schema: schema.to_owned(),
        owner: format!("{schema}_owner"),
        role: schema.to_owned(),
        statement_timeout: TIMEOUT,
    };
    let administrator = postgres_session(server).await;
    let grant = async || {
        let sql = grants.to_string();
        administrator.batch_execute(&sql).await.unwrap();
    };
    grant().await;
    let as_owner = server.replace("postgres@", &format!("{}@", grants.owner));
    postgres_with(&direct(&as_owner)).migrate().await.unwrap();
    grant().await;
    grants.role
}
