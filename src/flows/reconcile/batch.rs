//! The gateway's payouts as the bill names them: a day's takings swept to the bank (GrabPay), a withdrawal (PayPal).

use std::collections::BTreeMap;

use crate::domain::deposits::{BatchItem, ItemKind, ReportedBatch};
use crate::domain::merchants::SettlementMode;
use crate::domain::reconciliation::{BillLine, Class, Difference, Grade, LineStatus};
use crate::flows::deposits::DepositError;
use crate::flows::pay::OpenAccount;
use crate::money::{Currency, Money};
use crate::store::Change;

use super::repair::evidence;
use super::view::Evidence;
use super::{Found, ReconcileError, Reconciling};

/// More captures than this are told without their names.
const ITEMS_MAX: usize = 50_000;

/// What a bill's lines come to, by currency: what a payout of theirs is made of.
#[derive(Debug, Default)]
pub(super) struct Takings(BTreeMap<Currency, Sums>);

#[derive(Debug, Default)]
struct Sums {
    gross: i64,
    refunds: i64,
    chargebacks: i64,
    fee: i64,
    tax: i64,
    items: Vec<BatchItem>,
    too_many: bool,
}

impl Takings {
    /// Takes a line into account.
    pub(super) fn take(&mut self, line: &BillLine) {
        let (Some(class), LineStatus::Settled | LineStatus::Undone) = (line.kind.class(), line.status) else {
            return;
        };
        let kind = match class {
            Class::Payment => ItemKind::Capture,
            Class::Refund => ItemKind::Refund,
            Class::Reversal if line.gross.is_negative() => ItemKind::Chargeback,
            _ => return,
        };
        let sums = self.0.entry(line.gross.currency()).or_default();
        let amount = line.gross.abs();
        let sum = match kind {
            ItemKind::Capture => &mut sums.gross,
            ItemKind::Refund => &mut sums.refunds,
            ItemKind::Chargeback => &mut sums.chargebacks,
        };
        *sum = sum.saturating_add(amount.minor());
        sums.fee = sums.fee.saturating_add(line.fee.minor());
        sums.tax = sums.tax.saturating_add(line.tax.minor());
        if sums.items.len() < ITEMS_MAX {
            sums.items.push(BatchItem { kind, reference: line.gateway_ref.clone(), payment: None, amount });
        } else {
            sums.too_many = true;
        }
    }

    /// The payout of this line. Takings that do not come to it are told without their items, as what would foot: the
    /// difference to what the books have is then a finding.
    fn batch(&self, line: &BillLine, mode: SettlementMode) -> ReportedBatch {
        let net = line.gross.abs();
        let money = |minor: i64| Money::from_minor(minor, net.currency());
        let bare = |gross: Money| ReportedBatch {
            reference: line.gateway_ref.clone(),
            closed_at: line.at,
            paid_at: Some(line.at),
            deposit_reference: None,
            gross,
            refunds: money(0),
            chargebacks: money(0),
            held: money(0),
            fee: money(0),
            tax: money(0),
            net,
            items: vec![],
        };
        let Some(sums) = self.0.get(&net.currency()).filter(|_| mode != SettlementMode::NetAtCapture) else {
            return bare(net);
        };
        let fees = if mode == SettlementMode::NetInBatch { (sums.fee, sums.tax) } else { (0, 0) };
        let off = sums.refunds.saturating_add(sums.chargebacks).saturating_add(fees.0).saturating_add(fees.1);
        let whole = ReportedBatch {
            refunds: money(sums.refunds),
            chargebacks: money(sums.chargebacks),
            fee: money(fees.0),
            tax: money(fees.1),
            items: if sums.too_many { vec![] } else { sums.items.clone() },
            ..bare(money(sums.gross))
        };
        if whole.check(mode).is_ok() {
            return whole;
        }
        ReportedBatch { gross: money(net.minor().saturating_add(off)), items: vec![], ..whole }
    }
}

impl Reconciling {
    /// A payout to the bank becomes a gateway settlement; one that is known already is no difference.
    pub(super) async fn settled(
        &self,
        open: &OpenAccount,
        line: BillLine,
        takings: &Takings,
    ) -> Result<Option<Found>, ReconcileError> {
        let batch = takings.batch(&line, open.account.settlement);
        match self.0.deposits.record_batch(&open.account, batch, Change::new()).await {
            Ok(recorded) if !recorded.is_news => Ok(None),
            Ok(recorded) => {
                let repair = Some(format!("recorded as gateway settlement {}", recorded.settlement.id));
                let evidence = Evidence { repair, ..evidence(Some(&line), None) };
                let kind = "gateway_settlement";
                Ok(Some(Found { kind, grade: Grade::Automatic, finding: None, evidence }))
            }
            Err(DepositError::Unavailable(why)) => Err(ReconcileError::Unavailable(why)),
            Err(why) => {
                let why = format!("is a payout that cannot be recorded: {why}");
                self.aside(open, "gateway_settlement", line, &why).await.map(Some)
            }
        }
    }

    /// Whether a difference is a payout.
    pub(super) fn is_payout(difference: &Difference) -> bool {
        matches!(difference, Difference::MovedThere(line)
            if line.kind.class() == Some(Class::Settlement) && line.gross.is_negative())
    }
}
