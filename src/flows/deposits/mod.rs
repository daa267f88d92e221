//! Gateways pay out and banks say what arrived: the middle between a capture and money that may be paid on.
//!
//! ```text
//! gateway's report ─► record_batch ─► 1140 (in transit) ─► bank line matched ─► 1010 (received)
//!                                          nobody knows it ─► 2900 + finding
//!                     1140 (in transit again) ◄─ taken back by the bank ─┘
//! debit of withheld tax ─► its remittance, booked before ─► brought back by the bank ─► 2210 (owed again)
//! ```
//!
//! Everything is booked under the other party's own reference of it, so that a report or a file may come twice.

mod alike;
mod bear;
mod converted;
mod credited_again;
mod error;
mod fee_paid;
mod gaps;
mod known_file;
mod match_line;
mod name_lines;
mod named_before;
mod paid_out;
mod read_statement;
mod record_batch;
mod remitted;
mod report_fees;
mod returned;
mod take_back;
mod taken;

use crate::clock::Clock;
use crate::domain::findings::{Finding, FindingKind, FindingState};
use crate::domain::ledger::journal::Booking;
use crate::domain::ledger::{LedgerError, LedgerTransaction};
use crate::domain::merchants::{GatewayAccount, Merchant};
use crate::ids::{IdSource, MerchantId};
use crate::money::Money;
use crate::store::outbox::Event;
use crate::store::{Change, CommitError, Store};

use super::settle::finding_data;

pub(in crate::flows) use converted::DEAL_DAYS;
pub use error::DepositError;
pub use read_statement::StatementFile;
pub use record_batch::Recorded;
pub use report_fees::FeeReport;
pub(in crate::flows) use take_back::TakenBack;

/// How often a decision is taken again after somebody else was faster.
const DECISIONS: usize = 8;
/// Captures in one batch: more are several batches.
const CAPTURES_MAX: i64 = 50_000;

/// The flow; clones share what it works with.
#[derive(Debug, Clone)]
pub struct Deposits {
    /// Reads, and the one writer.
    pub store: Store,
    /// Ids.
    pub ids: IdSource,
    /// Business time.
    pub clock: Clock,
}

impl Deposits {
    async fn merchant(&self, id: MerchantId) -> Result<Merchant, DepositError> {
        let merchant = self.store.merchant(id).await?;
        merchant.ok_or_else(|| DepositError::Unavailable(format!("{id} is gone")))
    }

    fn booking<'a>(
        &'a self,
        account: &'a GatewayAccount,
        source: &'a str,
        subject: &'a str,
        at: chrono::DateTime<chrono::Utc>,
    ) -> Booking<'a> {
        Booking { ids: &self.ids, merchant: account.merchant, account, source, subject, at }
    }

    /// Opens a finding in `change`, unless one of this kind about this fact was opened before. `place` is the ledger's
    /// dimension: the gateway account's or bank account's name.
    async fn open_finding(
        &self,
        change: &mut Change,
        (merchant, place): (MerchantId, &str),
        (kind, fact): (FindingKind, &str),
        amount: Option<Money>,
        detail: String,
    ) -> Result<(), DepositError> {
        if self.store.finding_about(merchant, kind, fact).await?.is_some() {
            return Ok(());
        }
        let finding = Finding {
            id: self.ids.mint(),
            merchant,
            kind,
            gateway_account: place.to_owned(),
            payment: None,
            fact: fact.to_owned(),
            amount,
            detail,
            state: FindingState::Open,
            opened_at: self.clock.now(),
        };
        change.open_finding(&finding);
        let subject = finding.id.to_string();
        self.tell(change, merchant, "finding.opened", &subject, finding_data(&finding));
        Ok(())
    }

    /// Commits, or leaves it: somebody else explained it, or the books cannot hold it yet. The next statement finds out.
    async fn commit_or_leave(&self, change: Change) -> Result<(), DepositError> {
        match self.store.commit(change).await {
            Ok(_)
            | Err(
                CommitError::BelowFloor { .. }
                | CommitError::LostUpdate { .. }
                | CommitError::AlreadyBooked { .. },
            ) => Ok(()),
            Err(error) => Err(DepositError::unavailable(error)),
        }
    }

    fn tell(
        &self,
        change: &mut Change,
        merchant: MerchantId,
        kind: &str,
        subject: &str,
        data: serde_json::Value,
    ) {
        change.tell(&Event {
            id: self.ids.mint(),
            merchant,
            kind: kind.to_owned(),
            subject: subject.to_owned(),
            data,
            created_at: self.clock.now(),
        });
    }
}

/// Posts what is not nothing.
fn post(
    change: &mut Change,
    built: Result<Option<LedgerTransaction>, LedgerError>,
) -> Result<(), DepositError> {
    if let Some(transaction) = built.map_err(DepositError::unavailable)? {
        change.post(transaction);
    }
    Ok(())
}
