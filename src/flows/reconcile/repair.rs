//! What becomes of one difference: asked about, repaired, set aside, or left to a person, with the evidence.

use std::collections::HashSet;

use crate::domain::findings::{Finding, FindingKind};
use crate::domain::ledger::journal::Booking;
use crate::domain::orders::{RefundReport, RefundStatus, ReportSource};
use crate::domain::reconciliation::{BillLine, Difference, Fact, Grade};
use crate::flows::pay::{OpenAccount, Settles};
use crate::ids::{PaymentId, RefundId};
use crate::store::reconciliations::Pooled;
use crate::store::{Change, Versioned};

use super::books::row_id;
use super::view::Evidence;
use super::{Found, ReconcileError, Reconciling};

/// So often another run of the same days may come first.
const BEATEN: usize = 3;

impl Reconciling {
    /// What becomes of a difference. Whoever was beaten to it by another run, the daily duty's beside a person's, looks again:
    /// the finding is the other's.
    pub(super) async fn settle_difference(
        &self,
        open: &OpenAccount,
        difference: Difference,
        known: i64,
    ) -> Result<Found, ReconcileError> {
        for _ in 0..BEATEN {
            let found = self.decided(open, difference.clone(), known).await?;
            let Some(id) = found.finding.as_deref().and_then(|id| id.parse().ok()) else { return Ok(found) };
            if self.0.store.finding(open.account.merchant, id).await?.is_some() {
                return Ok(found);
            }
        }
        Err(ReconcileError::unavailable("another run of these days comes first again and again"))
    }

    async fn decided(
        &self,
        open: &OpenAccount,
        difference: Difference,
        known: i64,
    ) -> Result<Found, ReconcileError> {
        let kind = difference.as_str();
        match difference {
            Difference::PaidThere(line) => self.paid_there(open, line, known).await,
            Difference::RefundThere(line) => self.refund_there(open, line).await,
            Difference::MovedThere(line) => self.moved_there(open, line).await,
            Difference::ConvertedThere { movement, exchanged, lines } => {
                self.converted_there(open, &movement, exchanged, *lines).await
            }
            Difference::MissingThere(fact) => self.missing_there(open, fact).await,
            Difference::Amount(fact, line) => {
                self.differs(open, FindingKind::BillAmount, kind, fact, line).await
            }
            Difference::Currency(fact, line) => {
                self.differs(open, FindingKind::BillCurrency, kind, fact, line).await
            }
            Difference::Fee(fact, line) => self.differs(open, FindingKind::BillFee, kind, fact, line).await,
            Difference::Status(fact, line) => {
                self.differs(open, FindingKind::BillStatus, kind, fact, line).await
            }
            Difference::Duplicate { line, same_bytes } => self.duplicate(open, line, same_bytes).await,
            Difference::Late(fact, line) => {
                let evidence = evidence(Some(&line), Some(&fact));
                // It was missed, and is found: see [`Reconciling::no_longer_missed`].
                let finding = self.missed(open, &fact).await?.map(|missed| missed.value.id.to_string());
                Ok(Found { kind, grade: Grade::Automatic, finding, evidence })
            }
            Difference::OtherReference(fact, line) => {
                let repair = Some("matched by its content; nothing was booked".to_owned());
                let evidence = Evidence { repair, ..evidence(Some(&line), Some(&fact)) };
                Ok(Found { kind, grade: Grade::Flagged, finding: None, evidence })
            }
        }
    }

    /// Paid back at the gateway, not here: a refund of ours that we did not hear of, or somebody else's.
    async fn refund_there(&self, open: &OpenAccount, line: BillLine) -> Result<Found, ReconcileError> {
        let kind = "refund_only_there";
        let merchant = open.account.merchant;
        let amount = line.gross.negated();
        let ours = line.our_ref.as_deref().and_then(|text| text.parse::<RefundId>().ok());
        let known = match ours {
            Some(id) => self.0.store.refund(merchant, id).await?,
            None => None,
        };
        let payment = match &known {
            Some(refund) => self.0.store.payment(refund.value.payment).await?,
            None => {
                let capture = line.related_ref.as_deref().unwrap_or_default();
                let subject = self.0.store.subject_of_capture(merchant, capture).await?;
                let named = subject.as_deref().or(line.our_ref.as_deref());
                match named.and_then(|text| text.parse::<PaymentId>().ok()) {
                    Some(id) => {
                        self.0.store.payment(id).await?.filter(|payment| payment.value.merchant == merchant)
                    }
                    None => None,
                }
            }
        };
        let Some(payment) = payment else {
            return self.aside(open, kind, line, "was paid back, and no payment here is its own").await;
        };
        // Refunds of ours are asked about by their own name, strangers' are listed with the payment.
        if let Some(refund) = &known {
            self.0.refunding.look_into(refund.value.id).await;
        }
        let said = self.asked(payment.value.id).await?;
        let refunds = self.0.store.refunds_of(payment.value.id).await?;
        let told = refunds.iter().any(|refund| {
            refund.value.refund_ref.as_deref() == Some(line.gateway_ref.as_str())
                && refund.value.state.as_str() == "succeeded"
        });
        let mut evidence = said.of(payment.value.id, evidence(Some(&line), None));
        if told {
            evidence.repair = Some("the gateway confirmed it; the refund was heard of now".to_owned());
            return Ok(Found { kind, grade: Grade::Automatic, finding: None, evidence });
        }
        let elsewhere = FindingKind::RefundElsewhere;
        if self.0.store.finding_about(merchant, elsewhere, &line.gateway_ref).await?.is_none() {
            // The gateway lists no refunds: the bill says it alone, and it goes through the same door.
            let report = RefundReport {
                refund_ref: line.gateway_ref.clone(),
                request_ref: known.as_ref().map(|refund| refund.value.id.to_string()),
                amount,
                // What payouts or invoices bear is a part of theirs.
                fee_returned: Some(line.fee.negated())
                    .filter(|fee| fee.is_positive() && open.account.lands_on_balance()),
                exchanged: None,
                status: RefundStatus::Succeeded,
                at: line.at,
            };
            let settles = &self.0.settlements;
            settles.apply_refund_report(&payment, &open.account, &report, ReportSource::Bill).await?;
        }
        let finding = self.0.store.finding_about(merchant, elsewhere, &line.gateway_ref).await?;
        evidence.repair = Some("booked as it happened; whose share it was, a person says".to_owned());
        match finding {
            Some(finding) => Ok(waits(kind, Some(finding.value.id.to_string()), evidence)),
            // It was one of ours after all.
            None => Ok(Found { kind, grade: Grade::Flagged, finding: None, evidence }),
        }
    }

    /// Booked here, and no bill named it within the cut-off. The gateway is asked: what it says is the other channel.
    async fn missing_there(&self, open: &OpenAccount, fact: Fact) -> Result<Found, ReconcileError> {
        let known = self.0.store.fact_of_transaction(open.account.merchant, fact.number).await?;
        let (source, subject) = known.unwrap_or_default();
        let mut change = Change::new();
        let detail =
            format!("{} of {} stands in no bill within three days", fact.gross, fact.at.date_naive());
        let mut finding = self.0.settlements.finding(
            FindingKind::MissingThere,
            &open.account,
            &source,
            Some(fact.gross),
            detail,
        );
        let payment = subject.and_then(|subject| subject.parse::<PaymentId>().ok());
        finding.payment = payment.map(|payment| payment.to_string());
        let evidence = self.told_of(payment, evidence(None, Some(&fact))).await?;
        let id = self.opened(&mut change, finding).await?;
        self.commit_once(change).await?;
        Ok(waits("missing_there", id, evidence))
    }

    /// With what the gateway says when it is asked about the payment, where there is one.
    pub(super) async fn told_of(
        &self,
        payment: Option<PaymentId>,
        evidence: Evidence,
    ) -> Result<Evidence, ReconcileError> {
        Ok(match payment {
            Some(payment) => self.asked(payment).await?.of(payment, evidence),
            None => evidence,
        })
    }

    /// The finding that a fact stands in no bill, if it was opened.
    async fn missed(
        &self,
        open: &OpenAccount,
        fact: &Fact,
    ) -> Result<Option<Versioned<Finding>>, ReconcileError> {
        let (merchant, store) = (open.account.merchant, &self.0.store);
        let Some((source, _)) = store.fact_of_transaction(merchant, fact.number).await? else {
            return Ok(None);
        };
        Ok(store.finding_about(merchant, FindingKind::MissingThere, &source).await?)
    }

    /// What was missed and is named at last, in time or late, is missed no more.
    pub(super) async fn no_longer_missed(
        &self,
        open: &OpenAccount,
        named: &[Fact],
        rows: &[Versioned<Pooled>],
    ) -> Result<(), ReconcileError> {
        let missed: HashSet<&str> =
            rows.iter().filter(|row| row.value.state == "missing").map(|row| row.value.id.as_str()).collect();
        for fact in named.iter().filter(|fact| missed.contains(row_id(open, fact).as_str())) {
            if let Some(finding) = self.missed(open, fact).await? {
                let mut change = Change::new();
                self.0.settlements.close_explained(&mut change, &finding, "a bill names it after all", None);
                self.commit_once(change).await?;
            }
        }
        Ok(())
    }

    /// Named twice. The same bytes twice are a fault of the listing and move nothing; else the money stands aside.
    pub(super) async fn duplicate(
        &self,
        open: &OpenAccount,
        line: BillLine,
        same_bytes: bool,
    ) -> Result<Found, ReconcileError> {
        let mut change = Change::new();
        let detail = match same_bytes {
            true => {
                format!("`{}` stands in the bill twice, to the byte; nothing was booked", line.gateway_ref)
            }
            false => format!("`{}` was billed before, in other words", line.gateway_ref),
        };
        let subject = self.0.store.subject_of_capture(open.account.merchant, &line.gateway_ref).await?;
        let payment = match subject.and_then(|subject| subject.parse::<PaymentId>().ok()) {
            Some(payment) => Some(payment),
            None => self.named_payment(open, &line).await?.map(|payment| payment.value.id),
        };
        let repair =
            Some("nothing was booked: the gateway's balance says whether money moved twice".to_owned());
        let evidence = Evidence { repair, ..evidence(Some(&line), None) };
        let evidence = self.told_of(payment, evidence).await?;
        let named = payment.map(|payment| payment.to_string());
        let finding =
            self.open_finding(&mut change, open, FindingKind::BillDuplicate, &line, named, detail).await?;
        self.commit_once(change).await?;
        Ok(waits("duplicate", finding, evidence))
    }

    pub(super) fn booking<'a>(
        &'a self,
        open: &'a OpenAccount,
        source: &'a str,
        subject: &'a str,
        line: &BillLine,
    ) -> Booking<'a> {
        let (ids, merchant, account) = (&self.0.ids, open.account.merchant, &open.account);
        Booking { ids, merchant, account, source, subject, at: line.at }
    }

    pub(super) async fn open_finding(
        &self,
        change: &mut Change,
        open: &OpenAccount,
        kind: FindingKind,
        line: &BillLine,
        payment: Option<String>,
        detail: String,
    ) -> Result<Option<String>, ReconcileError> {
        let detail = format!("{detail} (bill line {})", line.hash);
        let mut finding =
            self.0.settlements.finding(kind, &open.account, &line.gateway_ref, Some(line.gross), detail);
        finding.payment = payment;
        self.opened(change, finding).await
    }

    /// The finding that stands after its change was written: another program's, where that was faster.
    pub(super) async fn stands(
        &self,
        open: &OpenAccount,
        kind: FindingKind,
        fact: &str,
    ) -> Result<Option<String>, ReconcileError> {
        let found = self.0.store.finding_about(open.account.merchant, kind, fact).await?;
        Ok(found.map(|found| found.value.id.to_string()))
    }

    /// Opens a finding unless it was; answers its id.
    pub(super) async fn opened(
        &self,
        change: &mut Change,
        finding: Finding,
    ) -> Result<Option<String>, ReconcileError> {
        let known = self.0.store.finding_about(finding.merchant, finding.kind, &finding.fact).await?;
        if let Some(known) = known {
            return Ok(Some(known.value.id.to_string()));
        }
        let id = finding.id.to_string();
        self.0.settlements.open(change, finding).await?;
        Ok(Some(id))
    }
}

/// What became of money that nobody has explained.
pub(super) const ASIDE: &str = "stands in suspense (2900)";

pub(super) fn waits(kind: &'static str, finding: Option<String>, evidence: Evidence) -> Found {
    Found { kind, grade: Grade::Waits, finding, evidence }
}

/// What both sides say.
pub(super) fn evidence(line: Option<&BillLine>, fact: Option<&Fact>) -> Evidence {
    Evidence { line: line.map(Into::into), booked: fact.map(Into::into), ..Evidence::default() }
}

/// Posts what is not nothing.
pub(super) fn post(
    change: &mut Change,
    built: Result<Option<crate::domain::ledger::LedgerTransaction>, crate::domain::ledger::LedgerError>,
) -> Result<(), ReconcileError> {
    if let Some(transaction) = built.map_err(ReconcileError::unavailable)? {
        change.post(transaction);
    }
    Ok(())
}
