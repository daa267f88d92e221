//! What does not agree is decided: by one user where nothing moves, by two where money does.
//!
//! | finding | `send_back` | `adopt` | `dismiss` |
//! |---|---|---|---|
//! | money that does not match (2900) | a refund of exactly that money | divided by the payment's own agreement | only where no money came |
//! | a second payment (2010) | a refund of it | divided as a sale of its own | – |
//! | a refund made elsewhere | – | taken as a refund of the payment | – |
//! | a reversal | – | the platform's loss (5030) | – |
//! | a hold, a fee, a stranger's notice | – | – | explained, nothing moves |
//!
//! Nothing is edited: every decision is a posting of its own.

mod error;

use crate::clock::Clock;
use crate::domain::findings::{Action, Decision, Finding, FindingKind, FindingState};
use crate::domain::ledger::journal::{self, Booking, Movement, Resolution};
use crate::domain::ledger::{AccountCode, Direction, JournalEvent, PostedTransaction};
use crate::domain::merchants::GatewayAccount;
use crate::domain::orders::refund::{Refund, RefundKind, RefundState};
use crate::domain::orders::{Capture, Payment, PaymentState, ReportSource, Taken, TimelineEntry};
use crate::domain::refunds;
use crate::ids::{FindingId, IdSource, MerchantId, UserId};
use crate::money::Money;
use crate::store::payments::PAYMENT;
use crate::store::{Change, CommitError, Store, TransactionFilter, Versioned};

use super::pay::{Pay, sha256};
use super::refund::{RefundInput, Refunding};
use super::settle::{Settlements, finding_data};

pub use error::ResolveError;

/// The flow; clones share what it works with.
#[derive(Debug, Clone)]
pub struct Resolving {
    /// Reads, and the one writer.
    pub store: Store,
    /// Ids.
    pub ids: IdSource,
    /// Business time.
    pub clock: Clock,
    /// Payments and gateway accounts.
    pub pay: Pay,
    /// The money side.
    pub settlements: Settlements,
    /// Paying back.
    pub refunding: Refunding,
}

/// Money that stands aside for a payment: under which capture, where (2900 or 2010), how much, and what the gateway
/// charged for it.
struct Aside {
    capture_ref: String,
    account: AccountCode,
    amount: Money,
    fee: Option<Money>,
}

/// A finding with its payment and account, as a decision finds them.
struct Case {
    finding: Versioned<Finding>,
    payment: Versioned<Payment>,
    account: GatewayAccount,
}

impl Resolving {
    /// One user's word on a finding: written as a proposal, or carried out, with `extra`.
    ///
    /// # Errors
    /// [`ResolveError`]; nothing has moved.
    pub async fn resolve(
        &self,
        merchant: MerchantId,
        user: UserId,
        id: FindingId,
        action: Action,
        reason: &str,
        extra: Change,
    ) -> Result<Finding, ResolveError> {
        let finding = self.store.finding(merchant, id).await?.ok_or(ResolveError::Unknown)?;
        let (state, carry) = match finding.value.decide(user, action, reason, self.clock.now())? {
            Decision::Proposed(state) => (state, false),
            Decision::Carry(state) => (state, true),
        };
        let mut change = extra;
        let mut sends = None;
        if carry || action == Action::Dismiss {
            let (effect, refund) = self.effect(&finding, action).await?;
            change.extend(effect);
            sends = refund;
        }
        change.decide_finding(&finding, &state);
        self.commit(change).await?;
        if let Some(refund) = sends {
            self.refunding.send_written(refund.id).await;
        }
        Ok(Finding { state, ..finding.value })
    }

    /// What a final decision writes besides itself, and the refund it sends.
    async fn effect(
        &self,
        finding: &Versioned<Finding>,
        action: Action,
    ) -> Result<(Change, Option<Refund>), ResolveError> {
        let Some(case) = self.case(finding).await? else {
            return match action {
                Action::Dismiss => Ok((Change::new(), None)),
                Action::SendBack | Action::Adopt => Err(ResolveError::NoMoney),
            };
        };
        let kind = finding.value.kind;
        if let (FindingKind::RefundElsewhere, Action::Adopt) = (kind, action) {
            return Ok((self.adopt_refund(&case).await?, None));
        }
        if let (FindingKind::Reversed, Action::Adopt) = (kind, action) {
            return Ok((self.bear(&case)?, None));
        }
        let aside = self.aside(&case).await?;
        match (action, aside) {
            (Action::Dismiss, Some(aside)) if kind.is_about_a_payment() => {
                Err(ResolveError::MoneyHeld(aside.amount))
            }
            (Action::Dismiss, _) => Ok((Change::new(), None)),
            (_, None) => Err(ResolveError::NoMoney),
            (Action::SendBack, Some(aside)) => {
                self.send_back(&case, &aside).map(|(change, refund)| (change, Some(refund)))
            }
            (Action::Adopt, Some(aside)) => Ok((self.adopt(&case, aside).await?, None)),
        }
    }

    async fn case(&self, finding: &Versioned<Finding>) -> Result<Option<Case>, ResolveError> {
        let Some(Ok(id)) = finding.value.payment.as_deref().map(str::parse) else { return Ok(None) };
        let Some(payment) = self.store.payment(id).await? else { return Ok(None) };
        let Some(open) = self.pay.accounts().find(payment.value.account) else { return Ok(None) };
        Ok(Some(Case { finding: finding.clone(), payment, account: open.account.clone() }))
    }

    /// The money that stands aside for this finding, from the books themselves: what was booked unmatched or twice for
    /// the payment and not resolved since.
    async fn aside(&self, case: &Case) -> Result<Option<Aside>, ResolveError> {
        let filter = TransactionFilter {
            subject: Some(case.payment.value.id.to_string()),
            limit: 200,
            ..TransactionFilter::default()
        };
        let booked = self.store.ledger_transactions(case.finding.value.merchant, &filter).await?;
        let refunds = self.store.refunds_of(case.payment.value.id).await?;
        let left = |row: &PostedTransaction| {
            let adopted = booked
                .iter()
                .any(|other| other.event == JournalEvent::SuspenseResolved && other.source == row.source);
            let sent_back = refunds.iter().map(|refund| &refund.value).any(|refund| {
                refund.kind != RefundKind::Settlement && refund.capture_ref == row.source && refund.counts()
            });
            !adopted && !sent_back
        };
        let stands = |row: &&PostedTransaction| {
            matches!(row.event, JournalEvent::CapturedUnmatched | JournalEvent::CapturedTwice) && left(row)
        };
        // A finding that names the capture means that one; one that names the payment means whatever stands.
        let named = booked.iter().filter(stands).find(|row| row.source == case.finding.value.fact);
        let Some(row) = named.or_else(|| booked.iter().find(stands)) else { return Ok(None) };
        let account = match row.event {
            JournalEvent::CapturedTwice => AccountCode::CUSTOMER_REFUNDABLE,
            _ => AccountCode::SUSPENSE,
        };
        let same = |event: JournalEvent| {
            booked.iter().filter(move |other| other.source == row.source && other.event == event)
        };
        // The gateway may have corrected the amount since.
        let parts = [row].into_iter().chain(same(JournalEvent::SuspenseBooked));
        let parts = parts.flat_map(|part| &part.entries).filter(|entry| entry.account.code == account);
        let parts = parts.map(|entry| match entry.direction {
            Direction::Credit => entry.amount,
            Direction::Debit => entry.amount.negated(),
        });
        let Some(currency) = row.entries.first().map(|entry| entry.amount.currency()) else {
            return Ok(None);
        };
        let amount = Money::sum(currency, parts).map_err(ResolveError::unavailable)?;
        let fee = same(JournalEvent::FeeCharged).next().and_then(debited);
        Ok(Some(Aside { capture_ref: row.source.clone(), account, amount, fee }))
    }

    /// A refund of exactly the money that stands aside.
    fn send_back(&self, case: &Case, aside: &Aside) -> Result<(Change, Refund), ResolveError> {
        let now = self.clock.now();
        let subject = case.payment.value.id.to_string();
        let twice = aside.account == AccountCode::CUSTOMER_REFUNDABLE;
        let kind = if twice { RefundKind::Duplicate } else { RefundKind::Suspense };
        let booking = self.booking(case, &aside.capture_ref, &subject);
        let movements = vec![
            Movement::debit(booking.at_gateway(aside.account), aside.amount),
            Movement::credit(booking.at_gateway(AccountCode::REFUND_IN_TRANSIT), aside.amount),
        ];
        let decision = refunds::Refund::undivided(aside.amount, movements.clone());
        let refund = Refund {
            id: self.ids.mint(),
            merchant: case.finding.value.merchant,
            payment: case.payment.value.id,
            kind,
            amount: aside.amount,
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
            booking.post(JournalEvent::RefundDecided, &movements)
        } else {
            journal::suspense_resolved(&booking, Resolution::SendBack, aside.amount)
        };
        let mut change = posted.map_err(ResolveError::unavailable)?.map(Change::posting).unwrap_or_default();
        change.require(&PAYMENT, case.payment.value.id, case.payment.version);
        self.refunding.intend(&mut change, &refund);
        Ok((change, refund))
    }

    /// The money is taken for the payment after all: out of where it stands, and divided.
    async fn adopt(&self, case: &Case, aside: Aside) -> Result<Change, ResolveError> {
        let now = self.clock.now();
        let payment = &case.payment.value;
        let own = payment.state.taken().map(|taken| taken.capture_ref == aside.capture_ref);
        if own == Some(false) {
            let why = "it was captured and divided before; what came on top of it can only go back";
            return Err(ResolveError::Indivisible(why.to_owned()));
        }
        let twice = aside.account == AccountCode::CUSTOMER_REFUNDABLE;
        let capture = Capture {
            capture_ref: aside.capture_ref,
            amount: aside.amount,
            fee: aside.fee,
            receivable: None,
            at: now,
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
            change.require(&PAYMENT, payment.id, case.payment.version);
            return Ok(change);
        }
        let taken =
            Taken { capture_ref: capture.capture_ref.clone(), amount: capture.amount, at: now, late: false };
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
        if self.store.order_settled_by(payment.merchant, &payment.order_ref).await?.is_none() {
            change.settle_order(payment, now);
        }
        Ok(change)
    }

    /// A refund that was made at the gateway becomes one of ours: decided from the settlement, against the suspense
    /// that its payment left.
    async fn adopt_refund(&self, case: &Case) -> Result<Change, ResolveError> {
        let amount = case.finding.value.amount.ok_or(ResolveError::NoMoney)?;
        let input = RefundInput {
            amount: Some(amount),
            reason: format!("finding {}", case.finding.value.id),
            ..RefundInput::default()
        };
        let (mut change, refund) = self
            .refunding
            .adopt(
                case.payment.value.merchant,
                case.payment.value.id,
                self.ids.mint(),
                &input,
                &case.finding.value.fact,
            )
            .await?;
        let subject = refund.payment.to_string();
        let booking = self.booking(case, &case.finding.value.fact, &subject);
        let posted = journal::suspense_resolved(&booking, Resolution::SendBack, amount.negated());
        change.extend(posted.map_err(ResolveError::unavailable)?.map(Change::posting).unwrap_or_default());
        Ok(change)
    }

    /// The gateway took money back: the platform's loss, unless and until somebody else is made to bear it.
    fn bear(&self, case: &Case) -> Result<Change, ResolveError> {
        let amount = case.finding.value.amount.ok_or(ResolveError::NoMoney)?;
        let subject = case.payment.value.id.to_string();
        let booking = self.booking(case, &case.finding.value.fact, &subject);
        let posted = journal::suspense_resolved(&booking, Resolution::Dismiss, amount.negated());
        Ok(posted.map_err(ResolveError::unavailable)?.map(Change::posting).unwrap_or_default())
    }

    fn booking<'a>(&'a self, case: &'a Case, source: &'a str, subject: &'a str) -> Booking<'a> {
        Booking {
            ids: &self.ids,
            merchant: case.finding.value.merchant,
            account: &case.account,
            source,
            subject,
            at: self.clock.now(),
        }
    }

    async fn commit(&self, change: Change) -> Result<(), ResolveError> {
        match self.store.commit(change).await {
            Ok(_) => Ok(()),
            Err(CommitError::LostUpdate { table, .. }) => Err(ResolveError::Superseded { table }),
            Err(CommitError::AlreadyBooked { .. }) => Err(ResolveError::NoMoney),
            Err(CommitError::BelowFloor { .. }) => Err(ResolveError::Superseded { table: "ledger_account" }),
            Err(error) => Err(ResolveError::unavailable(error)),
        }
    }

    /// The answer of the API.
    pub fn view(finding: &Finding) -> serde_json::Value {
        let mut view = finding_data(finding);
        if let Some(object) = view.as_object_mut() {
            object.insert("object".to_owned(), "finding".into());
            object.insert("state".to_owned(), finding.state.as_str().into());
            let waits = matches!(finding.state, FindingState::Proposed { .. });
            object.insert("needs_second_user".to_owned(), waits.into());
        }
        view
    }
}

/// What a transaction debited: a capture the gateway's account, a fee its cost.
fn debited(row: &PostedTransaction) -> Option<Money> {
    row.entries.iter().find(|entry| entry.direction == Direction::Debit).map(|entry| entry.amount)
}
