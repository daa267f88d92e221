//! The writer's connection: one set of verbs, said portably or in PostgreSQL's own way.

use crate::store::Engine;

use super::portable::Portable;
use super::postgres::Native;
use super::statement::{Insertion, Lookup, Revision, Row, StatementError};

/// A connection that writes.
#[derive(Debug)]
pub(super) enum Session {
    /// Either engine.
    Portable(Portable),
    /// PostgreSQL.
    Native(Native),
}

impl Session {
    /// Connects; PostgreSQL's own statements unless `portable` asks for the common ones.
    pub async fn open(url: &str, engine: Engine, portable: bool) -> Result<Session, sqlx::Error> {
        match engine {
            Engine::Postgres if !portable => Ok(Session::Native(Native::open(url).await?)),
            _ => Ok(Session::Portable(Portable::open(url, engine).await?)),
        }
    }

    /// Runs a statement without values.
    pub async fn run(&mut self, sql: &'static str) -> Result<(), sqlx::Error> {
        match self {
            Session::Portable(session) => session.run(sql).await,
            Session::Native(session) => session.run(sql).await,
        }
    }

    /// The rows with these keys, in no order, perhaps one twice.
    pub async fn look_up(&mut self, lookup: &Lookup, keys: &[Row]) -> Result<Vec<Row>, StatementError> {
        match self {
            _ if keys.is_empty() => Ok(Vec::new()),
            Session::Portable(session) => session.look_up(lookup, keys).await,
            Session::Native(session) => session.look_up(lookup, keys).await,
        }
    }

    /// Inserts rows.
    pub async fn insert(&mut self, insertion: &Insertion, rows: &[Row]) -> Result<(), StatementError> {
        match self {
            _ if rows.is_empty() => Ok(()),
            Session::Portable(session) => session.insert(insertion, rows).await,
            Session::Native(session) => session.insert(insertion, rows, "").await,
        }
    }

    /// Inserts a row unless its keys are taken; for what a first start makes.
    pub async fn insert_missing(&mut self, insertion: &Insertion, row: Row) -> Result<(), StatementError> {
        match self {
            Session::Portable(session) => session.insert_missing(insertion, &row).await,
            Session::Native(session) => session.insert(insertion, &[row], " ON CONFLICT DO NOTHING").await,
        }
    }

    /// Updates rows and says how many were there.
    pub async fn revise(&mut self, revision: &Revision, rows: &[Row]) -> Result<u64, StatementError> {
        match self {
            _ if rows.is_empty() => Ok(0),
            Session::Portable(session) => session.revise(revision, rows).await,
            Session::Native(session) => session.revise(revision, rows).await,
        }
    }

    /// Says goodbye.
    pub async fn close(self) -> Result<(), sqlx::Error> {
        match self {
            Session::Portable(session) => session.close().await,
            Session::Native(session) => session.close().await,
        }
    }
}
