//! A bill states something else than the books have of the same movement.

use std::collections::HashSet;

use crate::domain::findings::{Finding, FindingKind, FindingState};
use crate::domain::ledger::{AccountCode, Direction, JournalEvent};
use crate::domain::reconciliation::{BillLine, Class, Fact, Grade, Key, LineStatus};
use crate::flows::pay::OpenAccount;
use crate::flows::settle::finding_data;
use crate::ids::{MerchantId, PaymentId};
use crate::money::Money;
use crate::store::{Change, TransactionFilter, Versioned};

use super::repair::{evidence, waits};
use super::view::Evidence;
use super::{Found, ReconcileError, Reconciling};

/// What a bill may state otherwise of a movement that the books have.
const DOUBTS: [FindingKind; 4] =
    [FindingKind::BillAmount, FindingKind::BillCurrency, FindingKind::BillFee, FindingKind::BillStatus];
/// Why such a finding needs nobody any more.
const AGREES: &str = "the bill agrees with the books by now";

/// The references that findings are about.
pub(super) fn watched(doubts: &[Versioned<Finding>]) -> HashSet<Key> {
    doubts.iter().map(|finding| Key::of(&finding.value.fact)).collect()
}

impl Reconciling {
    /// What bills stated otherwise of this account's movements, and nobody has decided.
    pub(super) async fn doubts(&self, open: &OpenAccount) -> Result<Vec<Versioned<Finding>>, ReconcileError> {
        let (merchant, name) = (open.account.merchant, open.account.name.as_str());
        let mut doubts = vec![];
        for kind in DOUBTS {
            doubts.extend(self.0.store.undecided_of_kind(merchant, kind, name).await?);
        }
        Ok(doubts)
    }

    /// Closes those of which the bill's lines agree.
    pub(super) async fn no_longer_differs(
        &self,
        doubts: Vec<Versioned<Finding>>,
        agreed: &HashSet<Key>,
    ) -> Result<(), ReconcileError> {
        for finding in doubts.iter().filter(|finding| agreed.contains(&Key::of(&finding.value.fact))) {
            let mut change = Change::new();
            self.0.settlements.close_explained(&mut change, finding, AGREES, None);
            self.commit_once(change).await?;
        }
        Ok(())
    }

    /// The gateway is asked: what it answers is the second channel, and goes through the door like every answer. Where the
    /// books have what the bill says by then, two channels agree.
    pub(super) async fn differs(
        &self,
        open: &OpenAccount,
        finding: FindingKind,
        kind: &'static str,
        fact: Fact,
        line: BillLine,
    ) -> Result<Found, ReconcileError> {
        let merchant = open.account.merchant;
        let known = self.0.store.fact_of_transaction(merchant, fact.number).await?;
        let (source, subject) = known.unwrap_or_default();
        let payment = subject.and_then(|subject| subject.parse::<PaymentId>().ok());
        let both = evidence(Some(&line), Some(&fact));
        let evidence = match payment {
            Some(id) => self.asked(id).await?.of(id, both),
            None => both,
        };
        if let Some(id) = payment.filter(|_| fact.class == Class::Payment)
            && self.agrees_by_now(merchant, (id, &source), &fact, &line).await?
        {
            if let Some(known) = self.0.store.finding_about(merchant, finding, &line.gateway_ref).await? {
                let mut change = Change::new();
                self.0.settlements.close_explained(&mut change, &known, AGREES, None);
                self.commit_once(change).await?;
            }
            let repair = "the gateway says the same; what was booked is corrected through the payment's door";
            let evidence = Evidence { repair: Some(repair.to_owned()), ..evidence };
            return Ok(Found { kind, grade: Grade::Automatic, finding: None, evidence });
        }
        let detail = format!(
            "{kind}: the books have {} with a fee of {}, the bill {} with {}",
            fact.gross,
            fact.fee.map_or_else(
                || "the contract's".to_owned(),
                |fee| { Money::from_minor(fee, fact.gross.currency()).to_string() }
            ),
            line.gross,
            line.fee
        );
        let mut change = Change::new();
        let named = payment.map(|id| id.to_string());
        let id = self.doubt(&mut change, open, finding, &line, named, detail).await?;
        self.commit_once(change).await?;
        Ok(waits(kind, id, evidence))
    }

    /// Opens the finding. It is opened again where the figures are others by now, or where the bill had agreed in between:
    /// whatever was said of it, by one person or by two, was about other money.
    async fn doubt(
        &self,
        change: &mut Change,
        open: &OpenAccount,
        kind: FindingKind,
        line: &BillLine,
        payment: Option<String>,
        detail: String,
    ) -> Result<Option<String>, ReconcileError> {
        let merchant = open.account.merchant;
        let known = self.0.store.finding_about(merchant, kind, &line.gateway_ref).await?;
        let Some(mut known) = known else {
            return self.open_finding(change, open, kind, line, payment, detail).await;
        };
        let id = known.value.id.to_string();
        // The line behind it may be written anew.
        let is_told = known.value.detail.starts_with(&format!("{detail} (bill line "));
        let has_agreed =
            matches!(&known.value.state, FindingState::Resolved { reason, .. } if reason == AGREES);
        if is_told && !has_agreed {
            return Ok(Some(id));
        }
        known.value.state = FindingState::Open;
        known.value.amount = Some(line.gross);
        known.value.detail = format!("{detail} (bill line {})", line.hash);
        change.open_finding_again(&known);
        self.0.settlements.tell(change, merchant, "finding.opened", &id, finding_data(&known.value));
        Ok(Some(id))
    }

    /// Whether the books have of a capture what a final line says, corrections and their fees included.
    async fn agrees_by_now(
        &self,
        merchant: MerchantId,
        (payment, capture): (PaymentId, &str),
        fact: &Fact,
        line: &BillLine,
    ) -> Result<bool, ReconcileError> {
        if !matches!(line.status, LineStatus::Settled | LineStatus::Undone) {
            return Ok(false);
        }
        let subject = Some(payment.to_string());
        let filter = TransactionFilter { subject, limit: 200, ..TransactionFilter::default() };
        let posted = self.0.store.ledger_transactions(merchant, &filter).await?;
        let currency = line.gross.currency();
        // On the account's landing, debit less credit.
        let landed = |events: &[JournalEvent]| {
            let of_capture = posted
                .iter()
                .filter(|row| row.source.split('/').next() == Some(capture) && events.contains(&row.event));
            let entries = of_capture.flat_map(|row| &row.entries).filter(|entry| {
                let code = entry.account.code;
                matches!(code, AccountCode::GATEWAY_BALANCE | AccountCode::GATEWAY_RECEIVABLE)
                    && entry.amount.currency() == currency
            });
            let signed = entries.map(|entry| match entry.direction {
                Direction::Debit => entry.amount,
                Direction::Credit => entry.amount.negated(),
            });
            Money::sum(currency, signed).map_err(ReconcileError::unavailable)
        };
        let gross = landed(&[
            JournalEvent::Captured,
            JournalEvent::CapturedTwice,
            JournalEvent::CapturedUnmatched,
            JournalEvent::SuspenseBooked,
        ])?;
        let charged = line.fee.checked_add(line.tax).map_err(ReconcileError::unavailable)?;
        let fee = landed(&[JournalEvent::FeeCharged])?.negated();
        Ok(gross == line.gross && (fact.fee.is_none() || fee == charged))
    }
}
