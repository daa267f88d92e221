//! The schema, brought up to date at start.
//!
//! The files of `migrations/` are compiled in. Several processes may start at once on one server: whoever holds the
//! lease row migrates, the others wait. No advisory lock is taken, because not every PostgreSQL-compatible server has
//! them. A database that knows a migration this program does not know is newer: the program refuses.

use std::pin::pin;
use std::time::Duration;

use sqlx::any::AnyConnectOptions;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, SqlSafeStr};

use crate::clock::Clock;

use super::{Engine, StoreError};

macro_rules! migrations {
    ($($version:literal $file:literal),* $(,)?) => {
        /// Number, name and text of every migration.
        const FILES: &[(i64, &str, &str)] =
            &[$(($version, $file, include_str!(concat!("../../migrations/", $file, ".sql")))),*];
    };
}

migrations! {
    1 "0001_ledger",
    10 "0010_identity",
    11 "0011_audit_head",
    20 "0020_payments",
    21 "0021_failed_jobs",
    22 "0022_done_jobs",
    23 "0023_payer_country",
    24 "0024_payment_lists",
    30 "0030_settlements",
    31 "0031_open_refunds",
    40 "0040_quotes",
    41 "0041_quote_buffer",
    45 "0045_price_book",
    47 "0047_rate_publications",
    50 "0050_bank_accounts",
    51 "0051_rail_accounts",
    52 "0052_gateway_settlements",
    53 "0053_bank_statements",
    54 "0054_releases",
    55 "0055_reconciliations",
    60 "0060_payment_watch",
    61 "0061_rate_turns",
    63 "0063_event_order",
    64 "0064_webhooks",
    66 "0066_disputes",
    67 "0067_journals",
    68 "0068_periods",
    69 "0069_reconciled_fees",
    70 "0070_quote_rounding",
    71 "0071_payouts",
    72 "0072_payout_terms",
    73 "0073_payout_routes",
    75 "0075_payout_schedules",
    77 "0077_tax_numbers",
    78 "0078_statement_letterheads",
    79 "0079_replay",
    80 "0080_fx_book",
    81 "0081_withholding",
    82 "0082_supplier_contacts",
    83 "0083_withholding_basis",
    84 "0084_statement_lines",
    85 "0085_bank_addresses",
    86 "0086_carried",
    87 "0087_key_makers",
    88 "0088_remitted_lines",
    89 "0089_payout_faults",
    91 "0091_judged_from",
    92 "0092_bank_statement_read",
    94 "0094_fee_charges",
    95 "0095_unpaid_payments",
    98 "0098_findings_of_payments",
    99 "0099_returned_fees",
    100 "0100_paid_payouts",
    101 "0101_statements_of_accounts",
    102 "0102_dry_runs",
    103 "0103_failed_deliveries",
}

/// The number of the newest migration.
pub(super) fn newest() -> i64 {
    FILES.iter().map(|(version, ..)| *version).max().unwrap_or(0)
}

/// How long after its last sign of life another process believes a holder dead.
const LEASE: Duration = Duration::from_secs(60);
/// How often a holder gives one, and how long it tries to.
const RENEWAL: Duration = Duration::from_secs(15);
const SIGN: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(120);
const PAUSE: Duration = Duration::from_millis(100);

/// Whether this program has the migration.
pub(super) fn knows(version: i64) -> bool {
    FILES.iter().any(|(known, ..)| *known == version)
}

/// Runs what is missing.
pub(super) async fn run(
    connection: &mut AnyConnection,
    connect: &AnyConnectOptions,
    engine: Engine,
    holder: &str,
    clock: &Clock,
) -> Result<(), StoreError> {
    run_those(connection, connect, engine, holder, clock, |_| true).await
}

/// Runs what is missing of those that are wanted: a backup's rows belong into the schema they came from. The lease is
/// renewed meanwhile, by a connection made with `connect`.
pub(super) async fn run_those(
    connection: &mut AnyConnection,
    connect: &AnyConnectOptions,
    engine: Engine,
    holder: &str,
    clock: &Clock,
    wanted: impl Fn(i64) -> bool,
) -> Result<(), StoreError> {
    take_lease(connection, holder, clock).await?;
    let migrations = FILES.iter().filter(|(version, ..)| wanted(*version)).map(|(version, name, text)| {
        let sql = AssertSqlSafe(engine.expand(text)).into_sql_str();
        Migration::new(*version, (*name).into(), MigrationType::Simple, sql, false)
    });
    let mut migrator = Migrator::with_migrations(migrations.collect());
    migrator.set_locking(false);
    let outcome = {
        let mut running = pin!(migrator.run_direct(None, &mut *connection, false));
        loop {
            tokio::select! {
                outcome = &mut running => break outcome,
                // On SQLite who is at a long migration holds the one lock, which the lease is written under too.
                () = tokio::time::sleep(RENEWAL), if engine == Engine::Postgres => {
                    renew_lease(connect, holder, clock).await;
                }
            }
        }
    };
    sqlx::query("UPDATE migration_lease SET held_until = 0 WHERE id = 1 AND holder = $1")
        .bind(holder)
        .execute(connection)
        .await?;
    Ok(outcome?)
}

async fn take_lease(connection: &mut AnyConnection, holder: &str, clock: &Clock) -> Result<(), StoreError> {
    let tries = PATIENCE.as_millis() / PAUSE.as_millis();
    let mut last = None;
    for _ in 0..tries {
        match try_lease(connection, holder, clock).await {
            Ok(true) => return Ok(()),
            Ok(false) => last = None,
            // Two processes that create the table at once: one of them fails and finds it there next time.
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(PAUSE).await;
        if last.as_ref().is_some_and(|error| error.as_database_error().is_none()) {
            break;
        }
    }
    Err(last.map_or(StoreError::MigrationLeaseHeld, StoreError::from))
}

/// On a connection of its own: the other one is busy with what takes so long. Should it fail, each migration is still a
/// transaction of its own, and of two that run the same one only one commits.
async fn renew_lease(connect: &AnyConnectOptions, holder: &str, clock: &Clock) {
    let renewing = async {
        let mut connection = AnyConnection::connect_with(connect).await?;
        let renewed = sqlx::query("UPDATE migration_lease SET held_until = $1 WHERE id = 1 AND holder = $2")
            .bind((clock.wall() + LEASE).timestamp_micros())
            .bind(holder)
            .execute(&mut connection)
            .await?;
        connection.close().await?;
        Ok::<_, sqlx::Error>(renewed.rows_affected() == 1)
    };
    match tokio::time::timeout(SIGN, renewing).await {
        Ok(Ok(true)) => {}
        Ok(Ok(false)) => tracing::warn!("another process took the migration lease over"),
        Ok(Err(error)) => tracing::warn!(%error, "the migration lease was not renewed"),
        Err(_) => tracing::warn!("the migration lease was not renewed in time"),
    }
}

async fn try_lease(connection: &mut AnyConnection, holder: &str, clock: &Clock) -> Result<bool, sqlx::Error> {
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS migration_lease (
             id BIGINT NOT NULL PRIMARY KEY CHECK (id = 1), holder TEXT NOT NULL, held_until BIGINT NOT NULL)",
    )
    .execute(&mut *connection)
    .await?;
    let now = clock.wall();
    let taken = sqlx::query(
        "INSERT INTO migration_lease (id, holder, held_until) VALUES (1, $1, $2)
         ON CONFLICT (id) DO UPDATE SET holder = excluded.holder, held_until = excluded.held_until
         WHERE migration_lease.held_until < $3",
    )
    .bind(holder)
    .bind((now + LEASE).timestamp_micros())
    .bind(now.timestamp_micros())
    .execute(connection)
    .await?;
    Ok(taken.rows_affected() == 1)
}
