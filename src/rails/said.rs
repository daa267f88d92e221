//! What a bank's status report says of a batch, whether its channel answers or a person brings it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use super::bank_id::bank_id;
use super::{StatusReport, TransactionStatus};
use crate::domain::payouts::{PayoutReport, PayoutStatus};
use crate::gateways::{PayoutBatchReport, PayoutBatchRequest};
use crate::ids::PayoutId;

/// Why a report says nothing of a batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SaidError {
    /// It is about another file.
    #[error("the bank's status report is about another file")]
    OtherFile,
    /// The bank read something else than was written.
    #[error("the bank read {read} where the file has {written}: nothing of its status report is taken")]
    Differs {
        /// In the bank's words.
        read: String,
        /// As it was written.
        written: String,
    },
}

/// What the bank says of each payout of a batch: its own word, else the batch's, else the whole file's. A payment that
/// it names and that is none of the batch is told as well, so that somebody looks.
///
/// # Errors
/// [`SaidError::OtherFile`].
pub fn said(
    batch: &PayoutBatchRequest,
    told: &StatusReport,
    at: DateTime<Utc>,
) -> Result<PayoutBatchReport, SaidError> {
    if !names(&told.message, batch) {
        return Err(SaidError::OtherFile);
    }
    let ours = |status: &&TransactionStatus| names(&status.batch, batch);
    let whole = |status: &&TransactionStatus| status.end_to_end.is_empty();
    let of_batch = told.statuses.iter().filter(whole).find(ours);
    let whole = of_batch.or(told.statuses.iter().filter(whole).find(|status| status.batch.is_empty()));
    let mut each: BTreeMap<String, PayoutStatus> = BTreeMap::new();
    for status in told.statuses.iter().filter(|status| !status.end_to_end.is_empty()) {
        let ours = bank_id(&status.end_to_end).map(|id: PayoutId| id.to_string());
        let (meaning, name) = (status.meaning(), ours.unwrap_or_else(|| status.end_to_end.clone()));
        match each.get_mut(&name) {
            // Said twice and not the same: nothing is concluded.
            Some(before) if *before != meaning => {
                *before = PayoutStatus::Unknown { raw: "it is said twice, and differently".to_owned() };
            }
            Some(_) => {}
            None => {
                each.insert(name, meaning);
            }
        }
    }
    let says = |payout, status| PayoutReport { payout, rail_ref: None, status, stated: None, fee: None, at };
    let mut payouts: Vec<PayoutReport> = vec![];
    for order in &batch.orders {
        let own = each.remove(&order.payout.to_string());
        let status = own.or(whole.map(TransactionStatus::meaning)).unwrap_or(PayoutStatus::Pending);
        payouts.push(says(order.payout, status));
    }
    for (stranger, status) in each {
        match stranger.parse() {
            Ok(payout) => payouts.push(says(payout, status)),
            Err(_) => {
                let name = stranger.escape_debug();
                tracing::warn!(batch = %batch.batch, %name, "the bank speaks of a payment that is none of ours");
            }
        }
    }
    Ok(PayoutBatchReport { rail_ref: Some(batch.request_ref.clone()), payouts })
}

/// Whether a bank means this batch by a name.
fn names(name: &str, batch: &PayoutBatchRequest) -> bool {
    name == batch.request_ref || bank_id(name) == Some(batch.batch)
}

/// Whether the bank read what was written: how many payments and their sum, of the file and of its batch, wherever the
/// report says them. `batch` is what the file carried.
///
/// # Errors
/// [`SaidError`].
pub fn held_against(batch: &PayoutBatchRequest, told: &StatusReport) -> Result<(), SaidError> {
    if !names(&told.message, batch) {
        return Err(SaidError::OtherFile);
    }
    let count = batch.orders.len();
    let sum: Decimal = batch.orders.iter().map(|order| order.amount.amount()).sum();
    for read in told.sums.iter().filter(|read| read.batch.is_empty() || names(&read.batch, batch)) {
        let counts = read.count.is_empty() || read.count.parse() == Ok(count);
        let sums = read.sum.is_empty() || Decimal::from_str_exact(&read.sum) == Ok(sum);
        if !counts || !sums {
            let shown =
                |text: &str| if text.is_empty() { "?".to_owned() } else { text.escape_debug().to_string() };
            return Err(SaidError::Differs {
                read: format!("{} payments of {} in all", shown(&read.count), shown(&read.sum)),
                written: format!("{count} of {sum}"),
            });
        }
    }
    Ok(())
}
