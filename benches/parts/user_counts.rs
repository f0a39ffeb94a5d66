//! Sign-ins beside more and more other users.
//!
//! A thousand users sign in. Their rows lie spread evenly among rows of the same size that belong to others and are never
//! opened: copies of their sealed bytes under other tenants.

use super::{BenchSetup, VolumeLevel, sign_in};
use crate::{
    BenchResult,
    deployment::BenchDeployment,
    report::as_float,
    stores::BenchStores,
    users::{BenchUser, Users},
};
use std::sync::Arc;

/// The target of these rows.
pub(crate) const USER_COUNTS: &str = "users in the table";

/// How many users sign in; no table is smaller.
const DRIVEN: usize = 1000;

/// About what one row takes with its indexes, and its WAL.
const BYTES_A_USER: f64 = 10_000.0;

/// The sizes of tables.
pub(crate) const USER_LEVELS: [VolumeLevel; 5] = [
    VolumeLevel {
        count: 1_000,
        operation: "10^3 users",
    },
    VolumeLevel {
        count: 10_000,
        operation: "10^4 users",
    },
    VolumeLevel {
        count: 100_000,
        operation: "10^5 users",
    },
    VolumeLevel {
        count: 1_000_000,
        operation: "10^6 users",
    },
    VolumeLevel {
        count: 10_000_000,
        operation: "10^7 users",
    },
];

const COLUMNS: &str = "tenant_id, user_id, skeleton, exact_id, version, form, key_id, record, profile, email_tag, methods, last_failure_at";

struct UserTable {
    operation: &'static str,
    deployment: BenchDeployment,
}

pub(super) async fn measure(setup: &mut BenchSetup<'_>) -> BenchResult<()> {
    let stores = setup.stores;
    let tables = fill_tables(setup).await?;
    for round in 0..setup.options.rounds {
        eprintln!("users, round {}", round + 1);
        for table in &tables {
            stores.flush_redis().await?;
            restore(stores, &table.deployment.schema).await?;
            table.deployment.users.iter().for_each(BenchUser::restore);
            let server = setup.start(&table.deployment).await?;
            let users = Users::through(&table.deployment.users, server.address, setup.sink)?;
            let users = Arc::new(users.first(DRIVEN));
            let mut bench = setup.bench(USER_COUNTS, round, &server);
            bench.wait_until_idle().await?;
            // Each account's page is written whole once after it, as it is where users sign in rarely.
            stores.postgres.batch_execute("CHECKPOINT").await?;
            sign_in(&mut bench, table.operation, &users).await?;
        }
    }
    for table in &tables {
        let schema = &table.deployment.schema;
        let drop = format!("DROP SCHEMA {schema} CASCADE");
        stores.postgres.batch_execute(&drop).await?;
    }
    Ok(())
}

/// All tables that were asked for and fit on the disk.
async fn fill_tables(setup: &mut BenchSetup<'_>) -> BenchResult<Vec<UserTable>> {
    let stores = setup.stores;
    let most = setup.options.most_users;
    let production = setup.production()?.clone();
    let mut tables = Vec::new();
    for VolumeLevel { count, operation } in USER_LEVELS {
        let (needed, free) = (as_float(count) * BYTES_A_USER, free_bytes(stores).await?);
        let why_not = if count > most {
            Some(format!("MOST_USERS is {most}"))
        } else if needed > free {
            let [needed, free] = [needed, free].map(|bytes| bytes / 1e9);
            let why = format!("it needs {needed:.0} GB of disk, of which {free:.0} are free");
            Some(why)
        } else {
            None
        };
        if let Some(why) = why_not {
            setup.report.leave_out(operation, why);
            continue;
        }
        eprintln!("users: filling a table with {count}");
        let schema = format!("users_{count}");
        let users = Arc::clone(&production.users);
        let deployment = production.in_schema(schema, users, stores).await?;
        let driven = DRIVEN.min(setup.options.users);
        fill(stores, &deployment.schema, driven, count).await?;
        tables.push(UserTable {
            operation,
            deployment,
        });
    }
    Ok(tables)
}

/// User by user, so that a user's copies follow in the table. In the index they do as well.
async fn fill(stores: &BenchStores, schema: &str, driven: usize, count: usize) -> BenchResult<()> {
    let copies = count / driven;
    let sql = format!(
        "DO $$
        DECLARE driven bench.accounts;
        BEGIN
            FOR driven IN SELECT * FROM bench.accounts WHERE substring(user_id FROM '[0-9]+$')::integer < {driven} LOOP
                INSERT INTO {schema}.accounts ({COLUMNS})
                SELECT CASE k WHEN 0 THEN driven.tenant_id ELSE driven.tenant_id || '-' || k END, driven.user_id,
                    driven.skeleton, driven.exact_id, driven.version, driven.form, driven.key_id, driven.record,
                    driven.profile, CASE k WHEN 0 THEN driven.email_tag
                        ELSE substring(sha256(convert_to(driven.user_id || '-' || k, 'UTF8')) FROM 1 FOR 16) END,
                    driven.methods, driven.last_failure_at
                FROM generate_series(0, {copies} - 1) k;
            END LOOP;
        END $$"
    );
    // We vacuum it ourselves, and nothing else does in the middle of a measurement.
    let off = format!("ALTER TABLE {schema}.accounts SET (autovacuum_enabled = off)");
    let vacuum = format!("VACUUM ANALYZE {schema}.accounts");
    for sql in [off, sql, vacuum] {
        stores.postgres.batch_execute(&sql).await?;
    }
    Ok(())
}

/// Brings the users who sign in back as they were.
async fn restore(stores: &BenchStores, schema: &str) -> BenchResult<()> {
    let sql = format!(
        "UPDATE {schema}.accounts a SET version = k.version, form = k.form, key_id = k.key_id, record = k.record,
            profile = k.profile, email_tag = k.email_tag, methods = k.methods, last_failure_at = k.last_failure_at
        FROM bench.accounts k WHERE a.tenant_id = k.tenant_id AND a.user_id = k.user_id"
    );
    stores.postgres.batch_execute(&sql).await?;
    let vacuum = format!("VACUUM {schema}.accounts");
    Ok(stores.postgres.batch_execute(&vacuum).await?)
}

/// What is free where PostgreSQL keeps its data.
async fn free_bytes(stores: &BenchStores) -> BenchResult<f64> {
    let row = stores
        .postgres
        .query_one("SHOW data_directory", &[])
        .await?;
    let folder: String = row.get(0);
    let of = rustix::fs::statvfs(folder.as_str())?;
    #[expect(
        clippy::cast_precision_loss,
        reason = "a disk is not known to the byte"
    )]
    Ok(of.f_bavail as f64 * of.f_frsize as f64)
}
