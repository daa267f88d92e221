//! What a rail paid otherwise than was instructed stands in suspense; two persons end it.

use chrono::{DateTime, Utc};

use crate::domain::findings::Finding;
use crate::domain::ledger::journal::{Fact, payout_difference_settled};
use crate::domain::ledger::{Account, Direction, Layer};
use crate::ids::{IdSource, PayoutId};
use crate::money::Money;
use crate::store::payouts::PAYOUT;
use crate::store::{Change, Store, TransactionFilter, Versioned};

use super::PayOutError;

/// Transactions about one payout: far more than there can be.
const TRANSACTIONS: u32 = 100;

/// What ends a difference.
#[derive(Debug)]
pub(in crate::flows) struct Otherwise {
    /// What stands in suspense: above zero where the rail paid too little, zero where nothing does.
    pub aside: Money,
    /// What it becomes, as long as the rail says nothing new.
    pub change: Change,
}

/// What a decision about a payout's difference writes: what did not leave is the supplier's again, what left too much the
/// platform's loss. `None` where there is no such payout.
///
/// # Errors
/// [`PayOutError`].
pub(in crate::flows) async fn paid_otherwise(
    store: &Store,
    ids: &IdSource,
    at: DateTime<Utc>,
    finding: &Finding,
) -> Result<Option<Otherwise>, PayOutError> {
    let Ok(id) = finding.fact.parse::<PayoutId>() else { return Ok(None) };
    let Some(Versioned { value: payout, version }) = store.payout(id).await? else { return Ok(None) };
    if payout.merchant != finding.merchant {
        return Ok(None);
    }
    let suspense = payout.booking.suspense();
    let aside = aside(store, &finding.fact, &suspense, &payout.amount, finding).await?;
    let mut change = Change::new();
    // Money that the rail tells of meanwhile was not looked at: then the decision is taken again.
    change.require(&PAYOUT, id, version);
    let fact = Fact { ids, merchant: payout.merchant, source: &finding.fact, subject: &finding.fact, at };
    let posted =
        payout_difference_settled(&fact, &payout.booking, aside).map_err(PayOutError::unavailable)?;
    if let Some(transaction) = posted {
        change.post(transaction);
    }
    Ok(Some(Otherwise { aside, change }))
}

/// What stands in suspense about a payout, by the books.
async fn aside(
    store: &Store,
    subject: &str,
    suspense: &Account,
    amount: &Money,
    finding: &Finding,
) -> Result<Money, PayOutError> {
    let filter = TransactionFilter {
        subject: Some(subject.to_owned()),
        limit: TRANSACTIONS,
        ..TransactionFilter::default()
    };
    let posted = store.ledger_transactions(finding.merchant, &filter).await?;
    let entries = posted.into_iter().flat_map(|transaction| transaction.entries);
    let entries = entries.filter(|entry| entry.layer == Layer::Posted && entry.account == *suspense);
    let signed = entries.map(|entry| match entry.direction {
        Direction::Credit => entry.amount,
        Direction::Debit => entry.amount.negated(),
    });
    Money::sum(amount.currency(), signed).map_err(PayOutError::unavailable)
}
