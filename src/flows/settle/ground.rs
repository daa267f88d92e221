//! What a decision about a settled payment follows from: what went back before, what the suppliers hold and owe.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::disputes::Purse;
use crate::domain::ledger::{Account, AccountCode, Layer, Owner};
use crate::domain::refunds::{self, Funds, own_pending};
use crate::domain::settlement::Settlement;
use crate::ids::{PaymentId, SupplierId};
use crate::money::Money;
use crate::store::Store;
use crate::store::settlements::SettlementRecord;

use super::{SettleError, Settlements, broken};

impl Settlements {
    /// [`given_back`] of the payment.
    pub(in crate::flows) async fn given_back(
        &self,
        payment: PaymentId,
    ) -> Result<Vec<refunds::Refund>, SettleError> {
        given_back(&self.0.store, payment).await
    }

    /// What each supplier's buckets hold, as far as this payment may touch them: of the pending bucket no more than this
    /// payment's own share that is not released, of the available one all; what each owes; and what of debts was written
    /// off since a moment: before it, of others.
    pub(in crate::flows) async fn purse(
        &self,
        record: &SettlementRecord,
        settlement: &Settlement,
        back: &[refunds::Refund],
        since: Option<DateTime<Utc>>,
    ) -> Result<Purse, SettleError> {
        let mut purse = Purse::default();
        let before = match since {
            Some(since) => Some(self.0.store.last_number_by(since - TimeDelta::microseconds(1)).await?),
            None => None,
        };
        let suppliers: BTreeSet<SupplierId> =
            settlement.parts.iter().filter_map(|part| part.supplier).collect();
        for supplier in suppliers {
            let balances = self.0.store.ledger_balances_of(record.merchant, &supplier.to_string()).await?;
            for balance in balances.iter().filter(|balance| balance.layer == Layer::Posted) {
                let held = balance.shown();
                let key = (supplier, held.currency());
                let none = || Funds { own: vec![], available: Money::zero(held.currency()) };
                match balance.account.code {
                    AccountCode::SUPPLIER_PENDING => {
                        let own = own_pending(settlement, back, supplier, held.currency());
                        let nothing = Money::zero(held.currency());
                        let released = record.released_of(supplier, held.currency());
                        let own = own.and_then(|own| own.checked_sub(released)?.max(nothing));
                        let own = own.and_then(|own| own.min(held)).map_err(broken)?;
                        let account = Account::new(AccountCode::SUPPLIER_PENDING, Owner::of(supplier));
                        purse.funds.entry(key).or_insert_with(none).own.push((account, own));
                    }
                    AccountCode::SUPPLIER_AVAILABLE => {
                        purse.funds.entry(key).or_insert_with(none).available = held;
                    }
                    // Kept back for just this.
                    AccountCode::SUPPLIER_RESERVED => {
                        let reserve = (balance.account.clone(), held);
                        purse.funds.entry(key).or_insert_with(none).own.push(reserve);
                    }
                    AccountCode::SUPPLIER_RECEIVABLE => {
                        purse.owes.insert(key, held);
                    }
                    // Each allowance is a cost, too, until what it allows for is written off.
                    AccountCode::COST_BAD_DEBT | AccountCode::SUPPLIER_RECEIVABLE_ALLOWANCE => {
                        let Some(before) = before else { continue };
                        let stood = self.0.store.standing_after(&[balance.id], before).await?;
                        let stood = Money::from_minor(stood, held.currency());
                        let since = balance.debit_minus_credit.checked_sub(stood);
                        let lost = purse.lost.entry(key).or_insert(Money::zero(held.currency()));
                        *lost = since.and_then(|since| lost.checked_add(since)).map_err(broken)?;
                    }
                    _ => {}
                }
            }
        }
        Ok(purse)
    }
}

/// Everything that went back of a payment, and stands: refunds but the failed ones, and what disputes took. Money
/// that is only held because of a dispute comes last, as a part of nothing: it is no longer in the suppliers' pending
/// buckets.
pub(in crate::flows) async fn given_back(
    store: &Store,
    payment: PaymentId,
) -> Result<Vec<refunds::Refund>, SettleError> {
    let refunds = store.refunds_of(payment).await?;
    let standing = refunds.iter().filter(|refund| refund.value.counts());
    let decided = standing.map(|refund| serde_json::from_str(&refund.value.decided));
    let mut back: Vec<refunds::Refund> = decided.collect::<Result<_, _>>().map_err(broken)?;
    let disputes = store.disputes_of(payment).await?;
    back.extend(disputes.iter().flat_map(|dispute| dispute.value.charged().cloned()));
    for dispute in disputes.iter().filter(|dispute| !dispute.value.money.settled.is_empty()) {
        let nothing = Money::zero(dispute.value.amount.currency());
        back.push(refunds::Refund::undivided(nothing, dispute.value.money.settled.clone()));
    }
    for hold in disputes.iter().filter_map(|dispute| dispute.value.money.hold.as_ref()) {
        let nothing = Money::zero(hold.amount.currency());
        back.push(refunds::Refund::undivided(nothing, hold.suppliers.clone()));
    }
    Ok(back)
}
