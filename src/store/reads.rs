//! Connections for reading, each lent for one statement.
//!
//! A server's connections are sqlx's pool, which asks each one whether it still lives, before a statement and after it. A
//! file does not go away, and each SQLite connection works on a thread of its own: those questions tripled the ways there and
//! back, which take longer than most statements. On a file the shelf lends without asking.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions, AnyQueryResult, AnyRow, AnyStatement, AnyTypeInfo};
use sqlx::{Any, AnyConnection, AnyPool, ConnectOptions, Connection, Either, Execute, Executor, SqlStr};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::Engine;

/// Connections that read and cannot write; clones share them.
#[derive(Debug, Clone)]
pub(super) enum Reads {
    Server(AnyPool),
    File(Arc<Shelf>),
}

/// A file's connections.
#[derive(Debug)]
pub(super) struct Shelf {
    connect: AnyConnectOptions,
    setup: &'static str,
    idle: Mutex<Vec<AnyConnection>>,
    room: Arc<Semaphore>,
    count: u32,
    /// How long somebody waits for one.
    wait: Duration,
}

/// A connection that is lent. Only one whose statement came to its end goes back: whoever gives up on a statement leaves it
/// running, and its room is free again once that has ended.
struct Lent<'a> {
    shelf: &'a Shelf,
    /// None: it went back.
    kept: Option<(AnyConnection, OwnedSemaphorePermit)>,
}

impl Reads {
    /// So many connections, each waited for so long; one is made at once, to see that it can be.
    pub(super) async fn open(
        engine: Engine,
        connect: &AnyConnectOptions,
        (count, wait): (u32, Duration),
    ) -> Result<Reads, sqlx::Error> {
        if engine == Engine::Postgres {
            let pool = pool(engine.reader_setup(), count, wait).connect_with(connect.clone()).await?;
            return Ok(Reads::Server(pool));
        }
        let count = count.max(1);
        let shelf = Shelf {
            connect: connect.clone(),
            setup: engine.reader_setup(),
            idle: Mutex::default(),
            room: Arc::new(Semaphore::new(usize::try_from(count).unwrap_or(1))),
            count,
            wait,
        };
        let first = shelf.lend().await?;
        first.give_back();
        Ok(Reads::File(Arc::new(shelf)))
    }

    /// Lends no more, and closes each connection once it is back.
    pub(super) async fn close(&self) {
        match self {
            Reads::Server(pool) => pool.close().await,
            Reads::File(shelf) => shelf.close().await,
        }
    }
}

/// sqlx's pool of so many connections that are set up to read and cannot write, each waited for so long.
pub(super) fn pool(setup: &'static str, count: u32, wait: Duration) -> AnyPoolOptions {
    AnyPoolOptions::new().max_connections(count).acquire_timeout(wait).after_connect(move |connection, _| {
        Box::pin(async move {
            sqlx::raw_sql(setup).execute(connection).await?;
            Ok(())
        })
    })
}

impl Shelf {
    async fn lend(&self) -> Result<Lent<'_>, sqlx::Error> {
        let room = tokio::time::timeout(self.wait, self.room.clone().acquire_owned()).await;
        let room = room.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match idle {
            Some(connection) => connection,
            None => {
                let mut connection = self.connect.connect().await?;
                sqlx::raw_sql(self.setup).execute(&mut connection).await?;
                connection
            }
        };
        Ok(Lent { shelf: self, kept: Some((connection, room)) })
    }

    async fn close(&self) {
        // Whoever waits already comes before this; whoever comes later hears that it is closed.
        let all = self.room.acquire_many(self.count).await;
        self.room.close();
        drop(all);
        let idle = std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in idle {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "a reading connection did not close cleanly");
            }
        }
    }
}

impl Lent<'_> {
    fn connection(&mut self) -> Result<&mut AnyConnection, sqlx::Error> {
        self.kept.as_mut().map(|(connection, _)| connection).ok_or(sqlx::Error::PoolClosed)
    }

    fn give_back(mut self) {
        if let Some((connection, _room)) = self.kept.take() {
            self.shelf.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }

    /// Gives it back unless the connection itself failed.
    fn came_to<T>(self, outcome: Result<T, sqlx::Error>) -> Result<T, sqlx::Error> {
        if outcome.as_ref().err().is_none_or(|error| error.as_database_error().is_some()) {
            self.give_back();
        }
        outcome
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let (Some((connection, room)), Ok(runtime)) = (self.kept.take(), Handle::try_current()) else {
            return;
        };
        runtime.spawn(async move {
            // Behind the statement that runs.
            let _ = connection.close().await;
            drop(room);
        });
    }
}

impl<'p> Executor<'p> for &'p Reads {
    type Database = Any;

    /// On a file the answer is whole before any of it is handed on.
    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<AnyQueryResult, AnyRow>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let shelf = match self {
            Reads::Server(pool) => return pool.fetch_many(query),
            Reads::File(shelf) => shelf,
        };
        let whole = async move {
            let mut lent = shelf.lend().await?;
            let answer = lent.connection()?.fetch_many(query).try_collect::<Vec<_>>().await;
            Ok::<_, sqlx::Error>(stream::iter(lent.came_to(answer)?).map(Ok))
        };
        stream::once(whole).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(self, query: E) -> BoxFuture<'e, Result<Option<AnyRow>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, Any>,
    {
        let shelf = match self {
            Reads::Server(pool) => return pool.fetch_optional(query),
            Reads::File(shelf) => shelf,
        };
        Box::pin(async move {
            let mut lent = shelf.lend().await?;
            let answer = lent.connection()?.fetch_optional(query).await;
            lent.came_to(answer)
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [AnyTypeInfo],
    ) -> BoxFuture<'e, Result<AnyStatement, sqlx::Error>>
    where
        'p: 'e,
    {
        let shelf = match self {
            Reads::Server(pool) => return pool.prepare_with(sql, parameters),
            Reads::File(shelf) => shelf,
        };
        Box::pin(async move {
            let mut lent = shelf.lend().await?;
            let answer = lent.connection()?.prepare_with(sql, parameters).await;
            lent.came_to(answer)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A statement that runs on does not keep the program from ending.
    #[tokio::test]
    async fn a_store_whose_reader_is_held_is_given_up_at_the_deadline() {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/straits.db", folder.path().display());
        let clock = crate::clock::Clock::fixed(crate::clock::from_micros(1));
        let ids = crate::ids::IdSource::seeded(clock.clone(), 1);
        let options = crate::store::StoreOptions::new(url, crate::store::Environment::Test, clock, ids);
        let store = crate::store::Store::open(&options).await.unwrap();
        let Reads::File(shelf) = &store.reads else { panic!("a file has a shelf") };
        let held = shelf.lend().await.unwrap();
        let begun = tokio::time::Instant::now();
        assert!(!store.close_by(begun + Duration::from_millis(300)).await, "it is held");
        assert!(begun.elapsed() < Duration::from_secs(10));
        drop(held);
    }

    async fn one_connection(folder: &std::path::Path) -> Arc<Shelf> {
        sqlx::any::install_default_drivers();
        let url = format!("sqlite://{}?mode=rwc", folder.join("file.db").display());
        let connect = url.parse().unwrap();
        let reads = Reads::open(Engine::Sqlite, &connect, (1, Duration::from_millis(50))).await.unwrap();
        match reads {
            Reads::File(shelf) => shelf,
            Reads::Server(_) => panic!("a file is no server"),
        }
    }

    fn idle(shelf: &Shelf) -> usize {
        shelf.idle.lock().unwrap().len()
    }

    #[tokio::test]
    async fn a_connection_is_lent_to_one_and_comes_back_when_its_statement_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = one_connection(folder.path()).await;
        let reads = Reads::File(shelf.clone());
        assert_eq!(idle(&shelf), 1);
        let lent = shelf.lend().await.unwrap();
        let refused = sqlx::query("SELECT 1").fetch_one(&reads).await.err();
        assert!(matches!(refused, Some(sqlx::Error::PoolTimedOut)), "{refused:?}");
        lent.give_back();
        let row: (i64,) = sqlx::query_as("SELECT 7").fetch_one(&reads).await.unwrap();
        assert_eq!((row.0, idle(&shelf)), (7, 1));
        // What the database refuses is the statement's fault, not the connection's.
        let unknown = sqlx::query("SELECT 1 FROM nothing").fetch_all(&reads).await.err();
        assert!(unknown.is_some_and(|error| error.as_database_error().is_some()));
        assert_eq!(idle(&shelf), 1);
        let written = sqlx::query("CREATE TABLE t (x INTEGER)").execute(&reads).await;
        assert!(written.is_err(), "it cannot write");
    }

    #[tokio::test]
    async fn one_whose_statement_was_given_up_keeps_its_room_until_that_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = one_connection(folder.path()).await;
        let reads = Reads::File(shelf.clone());
        let long = "WITH RECURSIVE n (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 5000000) SELECT MAX(x) FROM n";
        let given_up = sqlx::query(long).fetch_one(&reads);
        assert!(tokio::time::timeout(Duration::from_millis(50), given_up).await.is_err());
        assert_eq!((idle(&shelf), shelf.room.available_permits()), (0, 0));
        let refused = sqlx::query("SELECT 7").fetch_one(&reads).await.err();
        assert!(matches!(refused, Some(sqlx::Error::PoolTimedOut)), "{refused:?}");
        drop(shelf.room.acquire().await.unwrap());
        let row: (i64,) = sqlx::query_as("SELECT 7").fetch_one(&reads).await.unwrap();
        assert_eq!((row.0, idle(&shelf)), (7, 1));
    }

    #[tokio::test]
    async fn nothing_is_lent_once_it_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = one_connection(folder.path()).await;
        let reads = Reads::File(shelf.clone());
        reads.close().await;
        let refused = sqlx::query("SELECT 1").fetch_optional(&reads).await.err();
        assert!(matches!(refused, Some(sqlx::Error::PoolClosed)), "{refused:?}");
        assert_eq!(idle(&shelf), 0);
    }
}
