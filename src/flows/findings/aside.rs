//! Money that stands aside for a payment, and its two ways on: back to the shopper, or divided after all.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};

use crate::domain::findings::{Finding, FindingKind, FindingState};
use crate::domain::ledger::journal::{self, Movement, Resolution};
use crate::domain::ledger::{AccountCode, Direction, JournalEvent, PostedTransaction};
use crate::domain::orders::refund::{Refund, RefundKind, RefundState};
use crate::domain::orders::{Capture, Payment, PaymentState, ReportSource, Taken, TimelineEntry};
use crate::domain::refunds;
use crate::flows::pay::sha256;
use crate::flows::settle::refund_view;
use crate::ids::PaymentId;
use crate::money::Money;
use crate::store::{Change, TransactionFilter};

use super::{Case, ResolveError, Resolving};

/// Money that stands aside for a payment: under which capture, where (2900 or 2010), how much, what the gateway charged
/// for it, and when it took it.
pub(super) struct Aside {
    capture_ref: String,
    account: AccountCode,
    pub(super) amount: Money,
    fee: Option<Money>,
    at: DateTime<Utc>,
    /// Part of it has gone back already.
    partly: bool,
}

impl Resolving {
    /// The money that stands aside for this finding: one that names the capture means that one, one that names the payment
    /// means whatever stands.
    pub(super) async fn aside(&self, case: &Case) -> Result<Option<Aside>, ResolveError> {
        let mut standing = self.all_aside(case).await?;
        let named = standing.iter().position(|aside| aside.capture_ref == case.finding.value.fact);
        Ok((!standing.is_empty()).then(|| standing.swap_remove(named.unwrap_or(0))))
    }

    /// The money that a refund made elsewhere was of, as far as amounts tell: what it gave back whole, else the first that
    /// had so much. `None` where nothing had.
    pub(super) async fn given_back(&self, case: &Case, amount: Money) -> Result<Option<Aside>, ResolveError> {
        let mut standing = self.all_aside(case).await?;
        standing.retain(|aside| {
            aside.amount.currency() == amount.currency() && aside.amount.minor() >= amount.minor()
        });
        let whole = standing.iter().position(|aside| aside.amount == amount);
        Ok((!standing.is_empty()).then(|| standing.swap_remove(whole.unwrap_or(0))))
    }

    /// All that stands aside, from the books themselves: what was booked unmatched or twice for the payment and not resolved
    /// since.
    async fn all_aside(&self, case: &Case) -> Result<Vec<Aside>, ResolveError> {
        let filter = TransactionFilter {
            subject: Some(case.payment.value.id.to_string()),
            limit: 200,
            ..TransactionFilter::default()
        };
        let mut booked = self.store.ledger_transactions(case.finding.value.merchant, &filter).await?;
        booked.extend(self.nobodys(case).await?);
        let refunds = self.store.refunds_of(case.payment.value.id).await?;
        let adopted = |row: &PostedTransaction| {
            booked
                .iter()
                .any(|other| other.event == JournalEvent::SuspenseResolved && other.source == row.source)
        };
        let gone = |row: &PostedTransaction| {
            let back = refunds.iter().map(|refund| &refund.value).filter(|refund| {
                refund.kind != RefundKind::Settlement && refund.capture_ref == row.source && refund.counts()
            });
            back.map(|refund| refund.amount.negated()).collect::<Vec<_>>()
        };
        let mut standing = Vec::new();
        for row in &booked {
            let account = match row.event {
                JournalEvent::CapturedTwice => AccountCode::CUSTOMER_REFUNDABLE,
                JournalEvent::CapturedUnmatched => AccountCode::SUSPENSE,
                _ => continue,
            };
            if adopted(row) {
                continue;
            }
            let same = |event: JournalEvent| {
                booked.iter().filter(move |other| other.source == row.source && other.event == event)
            };
            // The gateway may have corrected the amount since.
            let parts = [row].into_iter().chain(same(JournalEvent::SuspenseBooked));
            let parts = parts.flat_map(|part| &part.entries).filter(|entry| entry.account.code == account);
            let came = parts.map(|entry| match entry.direction {
                Direction::Credit => entry.amount,
                Direction::Debit => entry.amount.negated(),
            });
            let Some(currency) = row.entries.first().map(|entry| entry.amount.currency()) else { continue };
            let gone = gone(row);
            let partly = !gone.is_empty();
            let amount = Money::sum(currency, came.chain(gone)).map_err(ResolveError::unavailable)?;
            if partly && !amount.is_positive() {
                continue;
            }
            let fee = same(JournalEvent::FeeCharged).next().and_then(debited);
            let (capture_ref, at) = (row.source.clone(), row.effective_at);
            standing.push(Aside { capture_ref, account, amount, fee, at, partly });
        }
        Ok(standing)
    }

    /// What a bill told of before the payment did, and was booked about itself: under the capture that the payment has, or
    /// that the finding names.
    async fn nobodys(&self, case: &Case) -> Result<Vec<PostedTransaction>, ResolveError> {
        let (payment, finding) = (&case.payment.value, &case.finding.value);
        let taken = payment.state.taken().map(|taken| taken.capture_ref.as_str());
        let held = match &payment.state {
            PaymentState::InReview { held, .. } => held.as_ref().map(|held| held.capture_ref.as_str()),
            _ => None,
        };
        let captures: BTreeSet<&str> =
            [taken, held, Some(finding.fact.as_str())].into_iter().flatten().collect();
        let mut booked = vec![];
        for capture in captures.into_iter().filter(|capture| capture.parse::<PaymentId>().is_err()) {
            let subject = Some(capture.to_owned());
            let filter = TransactionFilter { subject, limit: 200, ..TransactionFilter::default() };
            if !self.may_have(finding, payment.id, capture).await? {
                continue;
            }
            let about = self.store.ledger_transactions(finding.merchant, &filter).await?;
            booked.extend(about.into_iter().filter(|row| row.source == capture));
        }
        Ok(booked)
    }

    /// Whether a payment may have what was nobody's under this capture: what two people gave to another payment, or to the
    /// shopper again, is not its own.
    async fn may_have(
        &self,
        finding: &Finding,
        payment: PaymentId,
        capture: &str,
    ) -> Result<bool, ResolveError> {
        let kind = FindingKind::PaidUnknownHere;
        let Some(ghost) = self.store.finding_about(finding.merchant, kind, capture).await? else {
            return Ok(true);
        };
        let decided =
            matches!(ghost.value.state, FindingState::Resolved { action, .. } if action.takes_two());
        Ok(!decided || ghost.value.payment == Some(payment.to_string()))
    }

    /// A refund of exactly the money that stands aside.
    pub(super) async fn send_back(
        &self,
        case: &Case,
        aside: &Aside,
    ) -> Result<(Change, Refund), ResolveError> {
        self.refunding.nothing_went_back_elsewhere(&case.payment.value, aside.amount).await?;
        let (mut change, refund) = self.out_of(case, aside, aside.amount)?;
        self.refunding.intend(&mut change, &refund);
        Ok((change, refund))
    }

    /// What went back at the gateway was of the money that stands aside: nothing is sent, the one meets the other. With
    /// the last of it the payment ends.
    pub(super) async fn went_back(
        &self,
        case: &Case,
        aside: &Aside,
        amount: Money,
    ) -> Result<(Change, Refund), ResolveError> {
        let (mut change, mut refund) = self.out_of(case, aside, amount)?;
        refund.refund_ref = Some(case.finding.value.fact.clone());
        refund.state = RefundState::Succeeded;
        change.insert_refund(&refund);
        if amount == aside.amount {
            let counted =
                self.settlements.count_refund(&mut change, &case.payment, &refund, ReportSource::Operator);
            counted.await.map_err(ResolveError::unavailable)?;
        }
        let subject = refund.id.to_string();
        let merchant = refund.merchant;
        self.settlements.tell(&mut change, merchant, "refund.succeeded", &subject, refund_view(&refund));
        Ok((change, refund))
    }

    /// A refund of so much out of where it stands, decided and not yet sent.
    fn out_of(&self, case: &Case, aside: &Aside, amount: Money) -> Result<(Change, Refund), ResolveError> {
        let now = self.clock.now();
        let subject = case.payment.value.id.to_string();
        let twice = aside.account == AccountCode::CUSTOMER_REFUNDABLE;
        let kind = if twice { RefundKind::Duplicate } else { RefundKind::Suspense };
        let booking = self.booking(case, &aside.capture_ref, &subject);
        let movements = vec![
            Movement::debit(booking.at_gateway(aside.account), amount),
            Movement::credit(booking.at_gateway(AccountCode::REFUND_IN_TRANSIT), amount),
        ];
        let decision = refunds::Refund::undivided(amount, movements.clone());
        let refund = Refund {
            id: self.ids.mint(),
            merchant: case.finding.value.merchant,
            payment: case.payment.value.id,
            kind,
            amount,
            reason: format!("finding {}", case.finding.value.id),
            capture_ref: aside.capture_ref.clone(),
            refund_ref: None,
            state: RefundState::Pending,
            decided: serde_json::to_string(&decision).map_err(ResolveError::unavailable)?,
            created_at: now,
            updated_at: now,
        };
        // Under the refund's id: one that fails leaves the money standing, and it can be sent back once more.
        let source = refund.id.to_string();
        let booking = self.booking(case, &source, &subject);
        let posted = if twice {
            journal::refund_decided(&booking, &movements)
        } else {
            journal::suspense_resolved(&booking, Resolution::SendBack, amount)
        };
        let change = posted.map_err(ResolveError::unavailable)?.map(Change::posting).unwrap_or_default();
        Ok((change, refund))
    }

    /// The money is taken for the payment after all: out of where it stands, and divided by what was agreed on the day on
    /// which the gateway took it.
    pub(super) async fn adopt(&self, case: &Case, aside: Aside) -> Result<Change, ResolveError> {
        if aside.partly {
            let why = "part of it went back already; the rest can only go back too";
            return Err(ResolveError::Indivisible(why.to_owned()));
        }
        let now = self.clock.now();
        let payment = &case.payment.value;
        let own = payment.state.taken().map(|taken| taken.capture_ref == aside.capture_ref);
        if own == Some(false) {
            let why = "it was captured and divided before; what came on top of it can only go back";
            return Err(ResolveError::Indivisible(why.to_owned()));
        }
        let twice = aside.account == AccountCode::CUSTOMER_REFUNDABLE;
        let received = payment.state.received(&aside.capture_ref);
        let receivable = received.map(|received| received.receivable(aside.amount.currency())).transpose();
        let capture = Capture {
            capture_ref: aside.capture_ref,
            amount: aside.amount,
            fee: aside.fee,
            receivable: receivable.map_err(ResolveError::unavailable)?,
            payer_country: payment.payer_country,
            at: aside.at,
        };
        let subject = payment.id.to_string();
        let booking = self.booking(case, &capture.capture_ref, &subject);
        let out = if twice {
            let movements = [
                Movement::debit(booking.at_gateway(AccountCode::CUSTOMER_REFUNDABLE), capture.amount),
                Movement::credit(booking.at_gateway(AccountCode::ORDER_CLEARING), capture.amount),
            ];
            booking.post(JournalEvent::SuspenseResolved, &movements)
        } else {
            journal::suspense_resolved(&booking, Resolution::Adopt, capture.amount)
        };
        let mut change = out.map_err(ResolveError::unavailable)?.map(Change::posting).unwrap_or_default();
        let divided = self.settlements.divide_adopted(payment, &case.account, &capture, &booking).await;
        change.extend(divided.map_err(ResolveError::unavailable)?.map_err(ResolveError::Indivisible)?);
        if own.is_some() {
            // The payment is captured by this money already; only its division was missing.
            return Ok(change);
        }
        let taken = Taken {
            capture_ref: capture.capture_ref.clone(),
            amount: capture.amount,
            at: capture.at,
            late: payment.state.is_closed(),
            received,
        };
        let after = Payment { state: PaymentState::Captured { taken }, updated_at: now, ..payment.clone() };
        let detail = serde_json::json!({ "finding": case.finding.value.id, "amount": capture.amount });
        let entry = TimelineEntry {
            id: self.ids.mint(),
            source: ReportSource::Operator,
            kind: "adopted".to_owned(),
            state: after.state.as_str().to_owned(),
            evidence: sha256(detail.to_string().as_bytes()),
            detail,
            at: now,
        };
        change.update_payment(&after, case.payment.version);
        change.report_payment(&after, &entry);
        self.pay.tell(&mut change, &after);
        if self.store.order_settled_by(payment.merchant, &payment.order_ref).await?.is_none() {
            change.settle_order(payment, now);
        }
        Ok(change)
    }
}

/// What a transaction debited: a capture the gateway's account, a fee its cost.
fn debited(row: &PostedTransaction) -> Option<Money> {
    row.entries.iter().find(|entry| entry.direction == Direction::Debit).map(|entry| entry.amount)
}
