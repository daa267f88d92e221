//! Movements that are no payment and no refund: holds, fees, reversals, and what nobody knows.

use crate::domain::disputes::Dispute;
use crate::domain::findings::FindingKind;
use crate::domain::ledger::journal;
use crate::domain::orders::{MoneyReport, ReportSource};
use crate::domain::reconciliation::{BillKind, BillLine, Grade, Matching};
use crate::flows::pay::{OpenAccount, Settles};
use crate::ids::PaymentId;
use crate::store::{Change, CommitError};

use super::repair::{ASIDE, evidence, post, waits};
use super::view::Evidence;
use super::{Found, ReconcileError, Reconciling};

/// So much of a line's hash tells it from the others of its reference.
const HASH: usize = 16;

/// How often a decision is taken again after somebody else was faster.
const DECISIONS: usize = 8;

impl Reconciling {
    pub(super) async fn moved_there(
        &self,
        open: &OpenAccount,
        line: BillLine,
    ) -> Result<Found, ReconcileError> {
        if let Some(found) = self.told_apart(open, &line).await? {
            return Ok(found);
        }
        match line.kind {
            BillKind::Hold | BillKind::HoldReleased | BillKind::Reserve => self.held(open, line).await,
            BillKind::Fee | BillKind::DisputeFee => self.charged(open, line).await,
            BillKind::Reversal | BillKind::Chargeback if line.gross.is_negative() => {
                self.reversed(open, line).await
            }
            BillKind::ChargebackReversed if line.gross.is_positive() && line.net() == line.gross => {
                self.came_back(open, line).await
            }
            _ => self.aside(open, "unknown_movement", line, "is a movement that nothing here explains").await,
        }
    }

    /// The line of a charge that was recorded before by its reference, and that the gateway takes from what it owes.
    async fn told_apart(&self, open: &OpenAccount, line: &BillLine) -> Result<Option<Found>, ReconcileError> {
        let account = &open.account;
        let known = self.0.store.fee_charge_by_reference(account.merchant, &account.name, &line.gateway_ref);
        let Some(charge) = known.await?.filter(|charge| charge.paid_from.is_none()) else { return Ok(None) };
        if charge.total().map(crate::money::Money::negated) != Ok(line.net()) {
            return Ok(None);
        }
        let repair = Some(format!("recorded as {}", charge.id));
        let evidence = Evidence { repair, ..evidence(Some(line), None) };
        Ok(Some(Found { kind: "fee_charge", grade: Grade::Automatic, finding: None, evidence }))
    }

    /// Captures that the bill is about and that stand in none of its days, each with its payment.
    pub(super) async fn know_captures(
        &self,
        open: &OpenAccount,
        matching: &mut Matching,
    ) -> Result<(), ReconcileError> {
        for capture in matching.unknown_captures() {
            let subject = self.0.store.subject_of_capture(open.account.merchant, &capture).await?;
            if let Some(payment) = subject.filter(|subject| subject.parse::<PaymentId>().is_ok()) {
                matching.know_capture(&capture, &payment);
            }
        }
        Ok(())
    }

    /// The dispute whose hold this line is, or its end: that was booked as the dispute told it, maybe on another day.
    async fn disputes_hold(
        &self,
        open: &OpenAccount,
        line: &BillLine,
    ) -> Result<Option<Dispute>, ReconcileError> {
        if line.kind == BillKind::Reserve {
            return Ok(None);
        }
        let Some(payment) = self.named_payment(open, line).await? else { return Ok(None) };
        let disputes = self.0.store.disputes_of(payment.value.id).await?;
        let held = |dispute: &Dispute| {
            let amount = dispute.money.hold.as_ref().map_or(dispute.amount, |hold| hold.amount);
            dispute.money.holds > 0
                && amount == line.gross.abs()
                && line.related_ref.as_deref() == Some(dispute.capture_ref.as_str())
        };
        Ok(disputes.into_iter().map(|dispute| dispute.value).find(held))
    }

    /// A hold or reserve moves money between two of the gateway's buckets: `1120 || 1110`, and back (J23).
    async fn held(&self, open: &OpenAccount, line: BillLine) -> Result<Found, ReconcileError> {
        let reason = if line.kind == BillKind::Reserve { "reserve" } else { "hold" };
        let holds = line.gross.is_negative();
        if let Some(dispute) = self.disputes_hold(open, &line).await? {
            let kind = if holds { "hold" } else { "release" };
            let repair = Some(format!("booked as dispute {} told it", dispute.id));
            let payment = Some(dispute.payment);
            let evidence = Evidence { payment, repair, ..evidence(Some(&line), None) };
            return Ok(Found { kind, grade: Grade::Automatic, finding: None, evidence });
        }
        // About its payment, where it names one: a dispute that tells the same later takes it over.
        let named = match line.kind {
            BillKind::Reserve => None,
            _ => self.named_payment(open, &line).await?,
        };
        // What a capture told of is held for its own reason, and ends there.
        let reason = match &named {
            Some(named) if !holds => self.0.settlements.reason_held(&named.value, line.gross, reason).await?,
            _ => reason.to_owned(),
        };
        let payment = named.as_ref().map(|payment| payment.value.id.to_string());
        let subject = payment.clone().unwrap_or_else(|| line.gateway_ref.clone());
        let kind = if holds { "hold" } else { "release" };
        for _ in 0..DECISIONS {
            let booking = self.booking(open, &line.gateway_ref, &subject, &line);
            let mut change = Change::new();
            let mut finding = None;
            if holds {
                post(&mut change, journal::gateway_held(&booking, line.gross.abs(), &reason))?;
                let detail = format!("{} held back: {reason}", line.gross.abs());
                let (kind, about) = (FindingKind::GatewayHold, payment.clone());
                finding = self.open_finding(&mut change, open, kind, &line, about, detail).await?;
            } else {
                post(&mut change, journal::gateway_released(&booking, line.gross, &reason))?;
                if let Some(named) = &named {
                    self.0.settlements.answer_holds(&mut change, &named.value).await?;
                }
            }
            match self.0.store.commit(change).await {
                // Somebody decided about a hold of the payment meanwhile: whether any still stands is looked at again.
                Err(CommitError::LostUpdate { .. }) if !holds => {}
                Ok(_) | Err(CommitError::AlreadyBooked { .. } | CommitError::LostUpdate { .. }) => {
                    let repair = Some(format!("booked: {kind}, {reason}"));
                    let evidence = Evidence { repair, ..evidence(Some(&line), None) };
                    return Ok(Found { kind, grade: Grade::Flagged, finding, evidence });
                }
                // More is freed than was ever held.
                Err(CommitError::BelowFloor { .. }) => {
                    return self.aside(open, kind, line, "frees more than the books have as held").await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let reference = &line.gateway_ref;
        Err(ReconcileError::unavailable(format!("{reference} met {DECISIONS} other changes in a row")))
    }

    /// A fee of its own: the platform's cost, or less of it where it came back, with a finding.
    async fn charged(&self, open: &OpenAccount, line: BillLine) -> Result<Found, ReconcileError> {
        let amount = line.gross.negated();
        let came_back = amount.is_negative();
        let subject = line.gateway_ref.clone();
        let mut change = Change::new();
        let named = self.named_payment(open, &line).await?;
        let payment = named.as_ref().map(|payment| payment.value.id.to_string());
        let is_disputes = line.kind == BillKind::DisputeFee;
        if is_disputes {
            let subject = named.map_or(subject, |payment| payment.value.id.to_string());
            let booking = self.booking(open, &line.gateway_ref, &subject, &line);
            let posted = match came_back {
                true => journal::dispute_fee_returned(&booking, line.gross),
                false => journal::dispute_fee_charged(&booking, amount),
            };
            post(&mut change, posted)?;
        } else if let Some(payment) = named {
            let reference = line.gateway_ref.clone();
            let report = MoneyReport::Fee { reference, amount, at: line.at };
            let settles = &self.0.settlements;
            settles.apply_money_report(&payment, &open.account, &report, ReportSource::Bill).await?;
        } else if came_back {
            let booking = self.booking(open, &line.gateway_ref, &subject, &line);
            post(&mut change, journal::fee_returned(&booking, line.gross, &[]))?;
        } else {
            let booking = self.booking(open, &line.gateway_ref, &subject, &line);
            let charged = journal::ChargedFee {
                fee: amount,
                tax: crate::money::Money::zero(amount.currency()),
                expected: amount,
                jurisdiction: "",
            };
            post(&mut change, journal::fee_charged(&booking, &charged))?;
        }
        let detail = match came_back {
            true if is_disputes => format!("{}: given back of a dispute that did not tell it", line.gross),
            true => format!("{}: given back apart from any refund", line.gross),
            false if is_disputes => format!("{amount}: charged for a dispute that did not tell it"),
            false => format!("{amount}: charged apart from any capture"),
        };
        let kind = FindingKind::UnexplainedFee;
        let payment = payment.filter(|_| is_disputes);
        let finding = self.open_finding(&mut change, open, kind, &line, payment, detail).await?;
        self.commit_once(change).await?;
        let repair = match came_back {
            true if is_disputes => "booked as a dispute's fee given back (5040)",
            true => "booked as a fee given back (5000)",
            false if is_disputes => "booked as a cost of disputes, borne by the platform (5040)",
            false => "booked as a cost of the platform (5000)",
        };
        let repair = Some(repair.to_owned());
        let evidence = Evidence { repair, ..evidence(Some(&line), None) };
        Ok(Found { kind: "fee_apart", grade: Grade::Flagged, finding, evidence })
    }

    /// Captured money taken back: booked to suspense with the finding that the same news by notice would open.
    async fn reversed(&self, open: &OpenAccount, line: BillLine) -> Result<Found, ReconcileError> {
        let Some(payment) = self.named_payment(open, &line).await? else {
            return self.aside(open, "reversal", line, "takes back a payment that is not known here").await;
        };
        let reference = line.gateway_ref.clone();
        let report = MoneyReport::Reversed { reference, amount: line.gross.negated(), at: line.at };
        let settles = &self.0.settlements;
        settles.apply_money_report(&payment, &open.account, &report, ReportSource::Bill).await?;
        let found = self
            .0
            .store
            .finding_about(open.account.merchant, FindingKind::Reversed, &line.gateway_ref)
            .await?;
        let evidence = Evidence {
            payment: Some(payment.value.id),
            repair: Some(ASIDE.to_owned()),
            ..evidence(Some(&line), None)
        };
        let evidence = self.told_of(Some(payment.value.id), evidence).await?;
        Ok(waits("reversal", found.map(|found| found.value.id.to_string()), evidence))
    }

    /// Taken money that came back: it stands in suspense about its payment until the dispute tells it as well, or persons
    /// decide.
    async fn came_back(&self, open: &OpenAccount, line: BillLine) -> Result<Found, ReconcileError> {
        let Some(payment) = self.named_payment(open, &line).await? else {
            return self
                .aside(open, "reversal", line, "gives back to a payment that is not known here")
                .await;
        };
        let (payment, subject) = (payment.value.id, payment.value.id.to_string());
        let booking = self.booking(open, &line.gateway_ref, &subject, &line);
        // As much less was taken.
        let taken = line.gross.negated();
        let mut change = Change::new();
        post(&mut change, journal::reversed(&booking, taken))?;
        let detail = format!("{}: given back by the gateway (bill line {})", line.gross, line.hash);
        let (kind, reference) = (FindingKind::Reversed, &line.gateway_ref);
        let mut finding = self.0.settlements.finding(kind, &open.account, reference, Some(taken), detail);
        finding.payment = Some(subject.clone());
        self.opened(&mut change, finding).await?;
        self.commit_once(change).await?;
        let finding = self.stands(open, kind, reference).await?;
        let repair = Some(ASIDE.to_owned());
        let evidence = Evidence { payment: Some(payment), repair, ..evidence(Some(&line), None) };
        let evidence = self.told_of(Some(payment), evidence).await?;
        Ok(waits("reversal", finding, evidence))
    }

    /// Money that nobody has explained: suspense and a finding, so that the gateway's balance stays what the books have.
    pub(super) async fn aside(
        &self,
        open: &OpenAccount,
        kind: &'static str,
        line: BillLine,
        why: &str,
    ) -> Result<Found, ReconcileError> {
        let amount = line.unexplained(open.account.settlement);
        // Under its own reference, unless another movement of that name stands there already.
        let taken = self.0.store.aside_under(open.account.merchant, &line.gateway_ref).await?;
        let fact = match taken {
            Some(known) if known != amount => apart(&line),
            _ => line.gateway_ref.clone(),
        };
        let booking = self.booking(open, &fact, &fact, &line);
        let mut change = Change::new();
        post(&mut change, journal::suspense_booked(&booking, amount))?;
        let word = match &line.kind {
            BillKind::Unknown { raw } => format!("`{raw}`"),
            known => known.as_str().to_owned(),
        };
        let detail = format!("{amount} under `{}` ({word}) {why}", line.gateway_ref);
        let detail = format!("{detail} (bill line {})", line.hash);
        let unknown = FindingKind::UnknownMovement;
        let finding = self.0.settlements.finding(unknown, &open.account, &fact, Some(line.gross), detail);
        self.opened(&mut change, finding).await?;
        self.commit_once(change).await?;
        let finding = self.stands(open, unknown, &fact).await?;
        let repair = Some(ASIDE.to_owned());
        Ok(waits(kind, finding, Evidence { repair, ..evidence(Some(&line), None) }))
    }

    /// The payment that a movement belongs to, by the capture it names or by our own reference.
    pub(super) async fn named_payment(
        &self,
        open: &OpenAccount,
        line: &BillLine,
    ) -> Result<Option<crate::store::Versioned<crate::domain::orders::Payment>>, ReconcileError> {
        let merchant = open.account.merchant;
        let capture = line.related_ref.as_deref().unwrap_or_default();
        let subject = self.0.store.subject_of_capture(merchant, capture).await?;
        let named = subject.as_deref().or(line.our_ref.as_deref());
        let Some(id) = named.and_then(|text| text.parse::<PaymentId>().ok()) else { return Ok(None) };
        Ok(self.0.store.payment(id).await?.filter(|payment| payment.value.merchant == merchant))
    }
}

/// A name of its own for a line whose reference another movement has: with the beginning of the line's hash.
fn apart(line: &BillLine) -> String {
    let hash: String = line.hash.to_string().chars().take(HASH).collect();
    format!("{}/{hash}", line.gateway_ref)
}

/// The gateway's reference of what was put [`apart`], or of what was not.
pub(super) fn gateway_ref(source: &str) -> &str {
    match source.rsplit_once('/') {
        Some((reference, hash))
            if hash.len() == HASH && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            reference
        }
        _ => source,
    }
}
