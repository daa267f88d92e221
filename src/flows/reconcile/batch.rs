//! The gateway's payouts as the bill names them: a day's takings swept to the bank (GrabPay), a withdrawal (PayPal).

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::domain::deposits::{BatchItem, DepositState, GatewaySettlement, ItemKind, ReportedBatch};
use crate::domain::findings::{FindingKind, FindingState};
use crate::domain::merchants::SettlementMode;
use crate::domain::reconciliation::{BillLine, Class, Difference, Grade, LineHash, LineStatus};
use crate::flows::deposits::DepositError;
use crate::flows::pay::OpenAccount;
use crate::gateways::bills::bounds;
use crate::money::{Currency, Money, MoneyError};
use crate::store::Change;
use crate::store::gateway_settlements::Settled;

use super::repair::evidence;
use super::view::Evidence;
use super::{Found, ReconcileError, Reconciling};

/// More captures than this are told without their names.
const ITEMS_MAX: usize = 50_000;

/// What a bill's lines come to, by currency and moment: a payout is made of what came since the one before it. Payouts from
/// a balance are made of no takings, and then nothing is kept.
#[derive(Debug)]
pub(super) struct Takings {
    mode: SettlementMode,
    by_currency: BTreeMap<Currency, Taken>,
    /// The bill's payouts by their names, each with the line that says so.
    payouts: Vec<(String, LineHash, [Money; 2])>,
}

#[derive(Debug, Default)]
struct Taken {
    by_moment: BTreeMap<DateTime<Utc>, Sums>,
    /// When money was paid out.
    payouts: Vec<DateTime<Utc>>,
    items: usize,
}

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

impl Sums {
    fn add(&mut self, other: &Sums) {
        self.gross = self.gross.saturating_add(other.gross);
        self.refunds = self.refunds.saturating_add(other.refunds);
        self.chargebacks = self.chargebacks.saturating_add(other.chargebacks);
        self.fee = self.fee.saturating_add(other.fee);
        self.tax = self.tax.saturating_add(other.tax);
        self.items.extend(other.items.iter().cloned());
        self.too_many |= other.too_many;
    }

    /// The payout of this line, were it made of these.
    fn batch(self, line: &BillLine, mode: SettlementMode) -> ReportedBatch {
        let money = |minor: i64| Money::from_minor(minor, line.gross.currency());
        let (fee, tax) = if mode == SettlementMode::NetInBatch { (self.fee, self.tax) } else { (0, 0) };
        ReportedBatch {
            refunds: money(self.refunds),
            chargebacks: money(self.chargebacks),
            fee: money(fee),
            tax: money(tax),
            items: if self.too_many { vec![] } else { self.items },
            ..bare(line, money(self.gross))
        }
    }
}

/// A payout that is told without what it is made of.
fn bare(line: &BillLine, gross: Money) -> ReportedBatch {
    let none = Money::zero(gross.currency());
    ReportedBatch {
        reference: line.gateway_ref.clone(),
        closed_at: line.at,
        paid_at: Some(line.at),
        deposit_reference: None,
        gross,
        refunds: none,
        chargebacks: none,
        held: none,
        fee: none,
        tax: none,
        net: line.net().abs(),
        items: vec![],
    }
}

impl Takings {
    /// None yet.
    pub(super) fn of(mode: SettlementMode) -> Takings {
        Takings { mode, by_currency: BTreeMap::new(), payouts: vec![] }
    }

    /// Takes a line into account.
    pub(super) fn take(&mut self, line: &BillLine) {
        if line.kind.class() == Some(Class::Settlement) && line.gross.is_negative() {
            self.payouts.push((line.gateway_ref.clone(), line.hash, [line.gross.abs(), line.net().abs()]));
        }
        if self.mode == SettlementMode::NetAtCapture {
            return;
        }
        let (Some(class), LineStatus::Settled | LineStatus::Undone) = (line.kind.class(), line.status) else {
            return;
        };
        let kind = match class {
            Class::Payment => Some(ItemKind::Capture),
            Class::Refund => Some(ItemKind::Refund),
            Class::Reversal if line.gross.is_negative() => Some(ItemKind::Chargeback),
            Class::Settlement if line.gross.is_negative() => None,
            _ => return,
        };
        let taken = self.by_currency.entry(line.gross.currency()).or_default();
        let Some(kind) = kind else { return taken.payouts.push(line.at) };
        let sums = taken.by_moment.entry(line.at).or_default();
        let amount = line.gross.abs();
        let sum = match kind {
            ItemKind::Capture => &mut sums.gross,
            ItemKind::Refund => &mut sums.refunds,
            ItemKind::Chargeback => &mut sums.chargebacks,
        };
        *sum = sum.saturating_add(amount.minor());
        sums.fee = sums.fee.saturating_add(line.fee.minor());
        sums.tax = sums.tax.saturating_add(line.tax.minor());
        if taken.items < ITEMS_MAX {
            taken.items += 1;
            // Where the bill names a capture otherwise, our own reference tells which it is.
            let payment = line.our_ref.as_deref().and_then(|text| text.parse().ok());
            sums.items.push(BatchItem { kind, reference: line.gateway_ref.clone(), payment, amount });
        } else {
            sums.too_many = true;
        }
    }

    /// Whether another of the bill's lines is the payout of this line's name that sent so much: then this is one more.
    fn name_another(&self, line: &BillLine, net: Money) -> bool {
        self.payouts.iter().any(|(reference, hash, amounts)| {
            *reference == line.gateway_ref && *hash != line.hash && amounts.contains(&net)
        })
    }

    /// What came since the payout before a moment and until it.
    fn until(&self, currency: Currency, at: DateTime<Utc>) -> Sums {
        let mut sums = Sums::default();
        let Some(taken) = self.by_currency.get(&currency) else { return sums };
        let before = taken.payouts.iter().filter(|payout| **payout < at).max().copied();
        let since = before.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Excluded);
        for (_, more) in taken.by_moment.range((since, std::ops::Bound::Included(at))) {
            sums.add(more);
        }
        sums
    }

    /// The payout of this line; `None` where the takings before it do not come to it, nor, if it is the only one, all of
    /// them.
    fn batch(&self, line: &BillLine) -> Option<ReportedBatch> {
        if self.mode == SettlementMode::NetAtCapture {
            return Some(bare(line, line.net().abs()));
        }
        let taken = self.by_currency.get(&line.gross.currency())?;
        let foots =
            |sums: Sums| Some(sums.batch(line, self.mode)).filter(|batch| batch.check(self.mode).is_ok());
        let whole = || {
            let mut sums = Sums::default();
            taken.by_moment.values().for_each(|more| sums.add(more));
            foots(sums)
        };
        let own = foots(self.until(line.gross.currency(), line.at));
        own.or_else(|| if taken.payouts.len() == 1 { whole() } else { None })
    }
}

/// Whether a payout was sent by the books, and with another amount than the bill's line says.
fn differs(known: &GatewaySettlement, line: &BillLine) -> bool {
    let (sent, told) = (known.batch.net, line.net().abs());
    known.state != DepositState::Expected && sent.currency() == told.currency() && sent != told
}

impl Reconciling {
    /// A payout to the bank becomes a gateway settlement; one that is known already is no difference.
    pub(super) async fn settled(
        &self,
        open: &OpenAccount,
        line: BillLine,
        takings: &Takings,
    ) -> Result<Option<Found>, ReconcileError> {
        let (merchant, name) = (open.account.merchant, open.account.name.as_str());
        let known = self.0.store.gateway_settlement_by_reference(merchant, name, &line.gateway_ref).await?;
        if let Some(other) = known.as_ref().map(|known| &known.value).filter(|known| differs(known, &line))
            && !takings.name_another(&line, other.batch.net)
        {
            return self.sent_otherwise(open, line, other).await.map(Some);
        }
        let known = known.filter(|known| known.value.batch.net == line.net().abs());
        let batch = match (known, takings.batch(&line)) {
            (Some(known), _) if known.value.state != DepositState::Expected => {
                return self.sent_as_recorded(open, line, &known.value).await;
            }
            // It was told of when it closed; what it is made of, too.
            (Some(known), _) => ReportedBatch { paid_at: Some(line.at), ..known.value.batch },
            (None, Some(batch)) => batch,
            (None, None) => self.as_booked(open, &line, takings).await?,
        };
        let fact = format!("{}/{}", open.account.name, batch.reference);
        match self.0.deposits.record_batch(&open.account, batch, Change::new()).await {
            Ok(recorded) if !recorded.is_news => Ok(None),
            Ok(recorded) => {
                let repair = Some(format!("recorded as gateway settlement {}", recorded.settlement.id));
                let evidence = Evidence { repair, ..evidence(Some(&line), None) };
                let kind = "gateway_settlement";
                let differs = FindingKind::BatchDiffers;
                let found = self.0.store.finding_about(merchant, differs, &fact).await?;
                let found = found.map(|found| found.value);
                let found = found.filter(|found| !matches!(found.state, FindingState::Resolved { .. }));
                let grade = if found.is_some() { Grade::Flagged } else { Grade::Automatic };
                let finding = found.map(|found| found.id.to_string());
                Ok(Some(Found { kind, grade, finding, evidence }))
            }
            Err(DepositError::Unavailable(why)) => Err(ReconcileError::Unavailable(why)),
            Err(why) => {
                let why = format!("is a payout that cannot be recorded: {why}");
                self.aside(open, "gateway_settlement", line, &why).await.map(Some)
            }
        }
    }

    /// A payout that the bill's takings do not come to, from the books: of the captures that no payout was made of, those
    /// until it, or of the days before it, where they come to it with what was accrued for them. Where neither do, it bears
    /// what was accrued, so that no drift is booked that nobody was charged, and the books open a finding for the rest.
    async fn as_booked(
        &self,
        open: &OpenAccount,
        line: &BillLine,
        takings: &Takings,
    ) -> Result<ReportedBatch, ReconcileError> {
        let (account, net) = (&open.account, line.net().abs());
        let currency = net.currency();
        let zone = open.gateway.bills().map_or(chrono_tz::UTC, |bills| bills.zone());
        let day = bounds(line.at.with_timezone(&zone).date_naive(), zone).0;
        // Where nothing was taken before it in the bill, it is the payout of an earlier day.
        let mut closings = [line.at, day - chrono::TimeDelta::microseconds(1)];
        if takings.until(currency, line.at).gross == 0 {
            closings.reverse();
        }
        let broken = |error: MoneyError| ReconcileError::unavailable(error);
        let mut first = None;
        for closed_at in closings {
            let most = i64::try_from(ITEMS_MAX).unwrap_or(i64::MAX);
            let store = &self.0.store;
            let captures =
                store.unsettled_captures(account, currency, closed_at, Settled::Paid, most).await?;
            let gross =
                Money::sum(currency, captures.iter().map(|capture| capture.amount)).map_err(broken)?;
            let batch = ReportedBatch { closed_at, ..bare(line, gross) };
            let (mut fee, mut tax, mut lines) = (Money::zero(currency), Money::zero(currency), 1_u32);
            if takings.mode == SettlementMode::NetInBatch {
                let references: Vec<&str> =
                    captures.iter().map(|capture| capture.reference.as_str()).collect();
                let accrued = store.accrued_fees(account, &references, currency).await?;
                (fee, tax, lines) = (accrued.fee, accrued.tax, accrued.lines.max(1));
            }
            // Less than a minor unit for each capture is rounding.
            let kept = gross.checked_sub(net).and_then(|kept| kept.checked_sub(tax)).map_err(broken)?;
            let rounding = kept.checked_sub(fee).map_err(broken)?;
            if !captures.is_empty() && rounding.minor().unsigned_abs() < u64::from(lines) {
                let items = captures.into_iter().map(|capture| BatchItem {
                    kind: ItemKind::Capture,
                    reference: capture.reference,
                    payment: Some(capture.payment),
                    amount: capture.amount,
                });
                return Ok(ReportedBatch { fee: kept, tax, items: items.collect(), ..batch });
            }
            let whole = net.checked_add(fee).and_then(|sum| sum.checked_add(tax)).map_err(broken)?;
            first.get_or_insert(ReportedBatch { gross: whole, fee, tax, ..batch });
        }
        Ok(first.unwrap_or_else(|| bare(line, net)))
    }

    /// A payout whose row names a fee is what its net is where that is what its takings come to: the fee is theirs, told
    /// once more. Else what left is its gross and the fee is one of its own; where neither foots, what came back with a
    /// payout is its takings' as well, for nothing is given back with one.
    pub(super) fn fees_of_payouts(differences: Vec<Difference>, takings: &Takings) -> Vec<Difference> {
        let parts = |difference: Difference| match difference {
            Difference::MovedThere(line)
                if line.net() != line.gross && line.kind.class() == Some(Class::Settlement) =>
            {
                let (movement, fee) = line.clone().apart(SettlementMode::NetAtCapture);
                let foots = |line: &BillLine| takings.batch(line).is_some();
                let is_theirs = line.net().abs().minor() < line.gross.abs().minor();
                if foots(&line) || (is_theirs && !foots(&movement)) {
                    return vec![Difference::MovedThere(line)];
                }
                [Some(movement), fee].into_iter().flatten().map(Difference::MovedThere).collect()
            }
            other => vec![other],
        };
        differences.into_iter().flat_map(parts).collect()
    }

    /// Payouts last, in the order in which they were made: by then what they are made of is known, and none takes the
    /// captures of one before it.
    pub(super) fn payouts_last(differences: &mut [Difference]) {
        differences.sort_by_key(|difference| {
            difference.line().filter(|_| Reconciling::is_payout(difference)).map(|line| line.at)
        });
    }

    /// Whether a difference is a payout.
    pub(super) fn is_payout(difference: &Difference) -> bool {
        matches!(difference, Difference::MovedThere(line)
            if line.kind.class() == Some(Class::Settlement) && line.gross.is_negative())
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::domain::reconciliation::{BillKind, LineFacts, LineHash};

    fn line(reference: &str, kind: BillKind, minute: i64, gross: i64, fee: i64) -> BillLine {
        let sgd = |minor| Money::from_minor(minor, Currency::find("SGD").unwrap());
        BillLine::try_new(LineFacts {
            gateway_ref: reference.into(),
            related_ref: None,
            our_ref: None,
            payer_country: None,
            kind,
            status: LineStatus::Settled,
            gross: sgd(gross),
            fee: sgd(fee),
            tax: sgd(0),
            at: DateTime::UNIX_EPOCH + TimeDelta::minutes(minute),
            account: "A".into(),
            hash: LineHash([7; 32]),
        })
        .unwrap()
    }

    /// A file of two days, in whatever order: each day's sweep carries its own day, and the refund of its own.
    #[test]
    fn each_payout_is_made_of_what_came_since_the_one_before() {
        let day = 24 * 60;
        let sweeps = [
            line("W1", BillKind::Withdrawal, day - 1, -14_730, 0),
            line("W2", BillKind::Withdrawal, 2 * day - 1, -4_000, 0),
        ];
        let mut lines = vec![
            line("A", BillKind::Payment, 10, 10_000, 180),
            line("B", BillKind::Payment, day - 1, 5_000, 90),
            line("C", BillKind::Payment, day, 6_000, 108),
            line("R", BillKind::Refund, day + 5, -1_892, 0),
        ];
        lines.extend(sweeps.clone());
        for backwards in [false, true] {
            let mode = SettlementMode::NetInBatch;
            let mut takings = Takings::of(mode);
            lines.iter().for_each(|line| takings.take(line));
            let told: Vec<_> = sweeps
                .iter()
                .map(|sweep| {
                    let batch = takings.batch(sweep).unwrap();
                    (batch.gross.minor(), batch.refunds.minor(), batch.fee.minor(), batch.items.len())
                })
                .collect();
            assert_eq!(told, [(15_000, 0, 270, 2), (6_000, 1_892, 108, 2)], "{backwards}");
            // What does not come to it is nobody's: no other day's fee is borne.
            assert!(takings.batch(&line("W3", BillKind::Withdrawal, 2 * day - 1, -4_001, 0)).is_none());
            lines.reverse();
        }
    }

    #[test]
    fn payouts_are_settled_last_and_in_their_order() {
        let moved = |reference, kind, minute| Difference::MovedThere(line(reference, kind, minute, -1, 0));
        let mut all = vec![
            moved("W2", BillKind::Sweep, 9),
            moved("late", BillKind::Adjustment, 99),
            moved("W1", BillKind::Withdrawal, 3),
            moved("early", BillKind::Adjustment, 1),
        ];
        Reconciling::payouts_last(&mut all);
        let order: Vec<_> = all.iter().map(|one| one.line().unwrap().gateway_ref.as_str()).collect();
        assert_eq!(order, ["late", "early", "W1", "W2"]);
    }
}
