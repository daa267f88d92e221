//! Closing a period: looked at, proposed by one user, confirmed by another, its statements issued.
//!
//! ```text
//! until ─► checks ─► over a limit: refused, with what was found
//!                 └► proposed ─► (another user) checks again ─► one change: closed, statements issued
//! ```
//!
//! Nothing is moved by it. What is heard later is booked later, under its own value date; manual journals are no longer
//! dated into it; and `verify` holds its statements against their bytes and against the books, for ever.

mod checks;
mod issue;

use chrono::NaiveDate;
use serde_json::json;

use crate::clock::Clock;
use crate::domain::access::{Hand, NotSecond};
use crate::domain::periods::{CloseCheck, CloseLimits, CloseState, PeriodClose};
use crate::domain::statements::{Period, PeriodError};
use crate::ids::{IdSource, MerchantId, PeriodId};
use crate::store::periods::IssuedStatement;
use crate::store::{Change, CommitError, Store, StoreError};

pub use issue::statement_view;

use super::client_money::{CheckError, ClientMoneyCheck};
use super::issue_statement::{StatementFlowError, Statements};
use super::reconcile::{ReconcileError, Reconciling};

/// The flow; clones share what it works with.
#[derive(Debug, Clone)]
pub struct ClosePeriod {
    /// Reads, and the one writer.
    pub store: Store,
    /// Ids.
    pub ids: IdSource,
    /// Business time.
    pub clock: Clock,
    /// What suppliers are told.
    pub statements: Statements,
    /// Whether what is held covers what is owed.
    pub client_money: ClientMoneyCheck,
    /// What gateways say stands there.
    pub reconciling: Reconciling,
    /// How much may be unexplained.
    pub limits: CloseLimits,
}

/// Why a period is not closed.
#[derive(Debug, thiserror::Error)]
pub enum CloseError {
    /// The date is none that can be closed.
    #[error("{0}")]
    Date(String),
    /// Something is beyond its limit.
    #[error("the period cannot be closed: {}", .0.iter().filter(|check| check.blocks && !check.ok).map(|check| check.detail.as_str()).collect::<Vec<_>>().join("; "))]
    Unexplained(Vec<CloseCheck>),
    /// Whoever proposed it cannot confirm.
    #[error(transparent)]
    NotSecond(#[from] NotSecond),
    /// It is closed.
    #[error("the books are closed until {0}")]
    Closed(NaiveDate),
    /// Somebody was faster: read again.
    #[error("somebody else changed it meanwhile")]
    Superseded,
    /// An issued statement is not what it was.
    #[error("the bytes of statement {0} are not those that were issued")]
    Altered(i64),
    /// A statement cannot be made.
    #[error(transparent)]
    Statement(#[from] StatementFlowError),
    /// The books cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The writer refused.
    #[error(transparent)]
    Commit(CommitError),
    /// A check failed to be made.
    #[error(transparent)]
    Check(#[from] CheckError),
    /// The gateways' balances cannot be looked at.
    #[error(transparent)]
    Balances(#[from] ReconcileError),
}

impl From<CommitError> for CloseError {
    fn from(error: CommitError) -> CloseError {
        match error {
            CommitError::LostUpdate { .. } => CloseError::Superseded,
            error => CloseError::Commit(error),
        }
    }
}

impl From<crate::money::MoneyError> for CloseError {
    fn from(error: crate::money::MoneyError) -> CloseError {
        CloseError::Check(error.into())
    }
}

impl From<PeriodError> for CloseError {
    fn from(error: PeriodError) -> CloseError {
        CloseError::Date(error.to_string())
    }
}

impl ClosePeriod {
    /// What would be looked at now, were the books closed until this day.
    ///
    /// # Errors
    /// [`CloseError::Date`], [`CloseError::Store`].
    pub async fn look(&self, merchant: MerchantId, until: NaiveDate) -> Result<Vec<CloseCheck>, CloseError> {
        let period = self.period_of(merchant, until).await?;
        self.checks(merchant, period.ends_before()).await
    }

    /// One person's word: the first proposes, another's confirms; with `extra`.
    ///
    /// # Errors
    /// [`CloseError`]; nothing was written.
    pub async fn close(
        &self,
        merchant: MerchantId,
        hand: Hand,
        id: PeriodId,
        until: NaiveDate,
        extra: Change,
    ) -> Result<PeriodClose, CloseError> {
        let period = self.period_of(merchant, until).await?;
        let known = self.store.period_until(merchant, until).await?;
        if let Some(known) = &known {
            let proposer = known.value.proposed_by;
            let issuers = self.store.key_makers(merchant, &[proposer]).await?;
            hand.is_second(&[proposer], &issuers)?;
        }
        let checks = self.checks(merchant, period.ends_before()).await?;
        if checks.iter().any(|check| check.blocks && !check.ok) {
            return Err(CloseError::Unexplained(checks));
        }
        let mut change = extra;
        let Some(known) = known else {
            let close = PeriodClose {
                id,
                merchant,
                until,
                zone: period.zone(),
                ends_before: period.ends_before(),
                state: CloseState::Proposed,
                checks,
                proposed_by: hand.user,
                created_at: self.clock.now(),
            };
            change.propose_close(&close);
            self.store.commit(change).await?;
            return Ok(close);
        };
        let last_number =
            self.store.last_number_by(period.ends_before() - chrono::TimeDelta::microseconds(1)).await?;
        let head = self.store.chain_head().await?.to_string();
        let statements = self.issue(&mut change, &known.value, period).await?;
        let (by, at) = (hand.user, self.clock.now());
        let state = CloseState::Closed { by, at, last_number, ledger_head: head, statements };
        let close = PeriodClose { state, checks, ..known.value };
        change.close_period(&close, known.version);
        self.store.commit(change).await?;
        tracing::info!(%merchant, %until, statements, "a period was closed");
        Ok(close)
    }

    /// The bytes of an issued statement, unless they are no longer those that were issued.
    ///
    /// # Errors
    /// [`CloseError::Altered`].
    pub fn whole(&self, issued: &IssuedStatement, body: Vec<u8>) -> Result<Vec<u8>, CloseError> {
        if super::pay::sha256(&body) == issued.sha256 {
            Ok(body)
        } else {
            Err(CloseError::Altered(issued.number))
        }
    }

    /// The days from behind the last close to this one: over, and not closed.
    async fn period_of(&self, merchant: MerchantId, until: NaiveDate) -> Result<Period, CloseError> {
        let found = self.store.merchant(merchant).await?;
        let zone = found.ok_or_else(|| CloseError::Date("there is no such merchant".into()))?.zone;
        let today = Period::day_of(self.clock.now(), zone);
        if until >= today.from() {
            return Err(CloseError::Date(format!(
                "{until} is not over in {zone}; it is {} there",
                today.from()
            )));
        }
        let from = match self.store.last_closed(merchant).await? {
            Some(last) if last.value.until >= until => return Err(CloseError::Closed(last.value.until)),
            Some(last) => last.value.until.succ_opt().unwrap_or(until),
            None => {
                let first = self.store.first_booked(merchant).await?;
                first.map_or(until, |at| Period::day_of(at, zone).from()).min(until)
            }
        };
        Ok(Period::try_new(from, until, zone)?)
    }

    /// The answer of the API. A proposal of a day up to which the books are closed by now waits for nobody any more.
    pub fn view(close: &PeriodClose, closed_until: Option<NaiveDate>) -> serde_json::Value {
        let waits = matches!(close.state, CloseState::Proposed);
        let superseded = waits && closed_until.is_some_and(|closed| close.until <= closed);
        let state = if superseded { "superseded" } else { close.state.as_str() };
        let (by, at, head, statements) = match &close.state {
            CloseState::Proposed => (None, None, None, None),
            CloseState::Closed { by, at, ledger_head, statements, .. } => {
                (Some(by), Some(at), Some(ledger_head), Some(statements))
            }
        };
        json!({
            "id": close.id, "object": "period", "state": state, "until": close.until,
            "zone": close.zone.name(), "ends_before": close.ends_before, "checks": close.checks,
            "needs_second_user": waits && !superseded,
            "proposed_by": close.proposed_by, "confirmed_by": by, "closed_at": at, "ledger_head": head,
            "statements": statements, "created_at": close.created_at,
        })
    }
}
