//! Money of a bill that nobody here was known to have paid: it goes back, is given to the payment that it was meant for,
//! or is the platform's.
//!
//! A refund belongs to a payment. Money that none here asked for gets one of its own, in review with exactly that capture:
//! so it goes back like everything else, once, asked about where nobody knows what came of the call.

use std::sync::Arc;

use serde_json::json;

use crate::domain::findings::{Action, Finding, Wish};
use crate::domain::ledger::journal::{self, Booking, Resolution};
use crate::domain::ledger::{AccountCode, Direction};
use crate::domain::orders::refund::Refund;
use crate::domain::orders::{Conflict, Held, Payment, PaymentState, ReportSource, TimelineEntry};
use crate::domain::splits::Terms;
use crate::flows::pay::{OpenAccount, Sending, Settles, sha256};
use crate::flows::refund::RefundFlowError;
use crate::ids::PaymentId;
use crate::money::Money;
use crate::store::{Change, TransactionFilter, Versioned};

use super::{Case, ResolveError, Resolving};

impl Resolving {
    /// What a final decision about such money writes besides itself, and the refund it sends.
    pub(super) async fn decide_ghost(
        &self,
        finding: &Versioned<Finding>,
        wish: Wish<'_>,
    ) -> Result<(Change, Option<Refund>), ResolveError> {
        match (wish.action, wish.payment) {
            (Action::Adopt, None) => {
                let mut change = self.bear_stranger(finding).await?;
                self.settlements.end_unasked(&mut change, &finding.value).await?;
                Ok((change, None))
            }
            (Action::Adopt, Some(payment)) => {
                let mut change = self.give(finding, payment).await?;
                self.settlements.end_unasked(&mut change, &finding.value).await?;
                Ok((change, None))
            }
            (Action::SendBack, _) => self.send_ghost_back(finding).await,
            (Action::Dismiss, _) => Err(ResolveError::NoMoney),
        }
    }

    /// Money of a bill that nobody explained: what stands aside for it becomes the platform's gain or loss. The books say
    /// how much that is: a fee that came with it is booked apart or with it. Where nothing stands any more, nothing moves.
    pub(super) async fn bear_stranger(&self, finding: &Versioned<Finding>) -> Result<Change, ResolveError> {
        let Finding { merchant, fact, amount, .. } = &finding.value;
        let currency = amount.ok_or(ResolveError::NoMoney)?.currency();
        let open = self.account_of(&finding.value)?;
        let (account, at) = (&open.account, self.clock.now());
        let booking =
            Booking { ids: &self.ids, merchant: *merchant, account, source: fact, subject: fact, at };
        let suspense = booking.at_gateway(AccountCode::SUSPENSE);
        let filter =
            TransactionFilter { subject: Some(fact.clone()), limit: 1_000, ..TransactionFilter::default() };
        let posted = self.store.ledger_transactions(*merchant, &filter).await?;
        let entries = posted.iter().flat_map(|transaction| &transaction.entries);
        let aside = entries
            .filter(|entry| entry.account == suspense && entry.amount.currency() == currency)
            .map(|entry| match entry.direction {
                Direction::Credit => entry.amount,
                Direction::Debit => entry.amount.negated(),
            });
        let aside = Money::sum(currency, aside).map_err(ResolveError::unavailable)?;
        let posted = journal::suspense_resolved(&booking, Resolution::Dismiss, aside);
        Ok(posted.map_err(ResolveError::unavailable)?.map(Change::posting).unwrap_or_default())
    }

    /// The money becomes the capture of a payment that has none: divided where it is what was asked, else in review as any
    /// wrong amount.
    async fn give(&self, finding: &Versioned<Finding>, id: PaymentId) -> Result<Change, ResolveError> {
        let open = self.account_of(&finding.value)?;
        let found = self.store.payment(id).await?;
        let found = found.filter(|found| found.value.merchant == finding.value.merchant);
        let payment = found.ok_or(ResolveError::NotIts("there is no such payment"))?;
        if payment.value.account != open.account.id {
            return Err(ResolveError::NotIts("it is of another gateway account"));
        }
        self.may_be_given(&payment.value, &finding.value).await?;
        let case = Case { finding: finding.clone(), payment, account: open.account.clone() };
        let aside = self.aside(&case).await?.ok_or(ResolveError::NoMoney)?;
        let asked = case.payment.value.amount;
        if aside.amount == asked {
            return self.adopt(&case, aside).await;
        }
        let (payment, now) = (&case.payment.value, self.clock.now());
        let why = Conflict::AmountDiffers { asked, reported: aside.amount };
        let held = Held { capture_ref: finding.value.fact.clone(), amount: aside.amount, received: None };
        let state = payment.state.under_review(why.clone(), Some(held));
        let state = state.ok_or(ResolveError::NotIts("it has money of its own"))?;
        let detail = json!({ "finding": finding.value.id, "amount": aside.amount });
        let evidence = sha256(detail.to_string().as_bytes());
        let differs = self.settlements.differs(payment, &case.account, &why, &evidence, true);
        let mut change = differs.await.map_err(ResolveError::unavailable)?;
        let after = Payment { state, updated_at: now, ..payment.clone() };
        change.update_payment(&after, case.payment.version);
        self.note(&mut change, &after, why.as_str(), detail);
        Ok(change)
    }

    /// A payment that has taken nothing, and for which nothing is on its way.
    async fn may_be_given(&self, payment: &Payment, finding: &Finding) -> Result<(), ResolveError> {
        let no = |why| Err(ResolveError::NotIts(why));
        match &payment.state {
            state if state.taken().is_some() => return no("it is captured"),
            PaymentState::InReview { held: Some(_), .. }
            | PaymentState::Cancelled { returned: Some(_), .. } => {
                return no("it has money of its own");
            }
            // The gateway is about to say what came of that.
            PaymentState::Authorized | PaymentState::Pending { expected: Some(_), .. } => {
                return no("its own money is on its way");
            }
            _ => {}
        }
        if finding.amount.is_none_or(|amount| amount.currency() != payment.amount.currency()) {
            return no("it was asked in another currency");
        }
        let paid = self.store.order_settled_by(payment.merchant, &payment.order_ref).await?;
        if paid.is_some_and(|paid| paid != payment.id) {
            return no("another payment has paid its order");
        }
        Ok(())
    }

    /// The refund of such money: of the payment that was written for it before, else of one that is written with it.
    async fn send_ghost_back(
        &self,
        finding: &Versioned<Finding>,
    ) -> Result<(Change, Option<Refund>), ResolveError> {
        let open = self.account_of(&finding.value)?;
        if open.gateway.refunds().is_none() {
            return Err(RefundFlowError::NotSupported(open.account.gateway.clone()).into());
        }
        if let Some(case) = self.case(finding).await? {
            let aside = self.aside(&case).await?.ok_or(ResolveError::NoMoney)?;
            let (mut change, refund) = self.send_back(&case, &aside).await?;
            self.decided_about(&mut change, &case.payment);
            return Ok((change, Some(refund)));
        }
        if self.pay.sending() == Sending::Held {
            return Err(RefundFlowError::Held.into());
        }
        let payment = self.unasked(&finding.value, &open)?;
        let mut change = Change::new();
        change.insert_payment(&payment);
        let detail = json!({ "finding": finding.value.id, "amount": payment.amount });
        self.note(&mut change, &payment, "never_asked", detail);
        let payment = Versioned { value: payment, version: 1 };
        let case = Case { finding: finding.clone(), payment, account: open.account.clone() };
        let aside = self.aside(&case).await?.ok_or(ResolveError::NoMoney)?;
        let (sent, refund) = self.send_back(&case, &aside).await?;
        change.extend(sent);
        Ok((change, Some(refund)))
    }

    /// A payment of money that none here asked for. The gateway is told of it by the capture's name and by no other: there
    /// is no order of ours that it could open.
    fn unasked(&self, finding: &Finding, open: &OpenAccount) -> Result<Payment, ResolveError> {
        let amount = finding.amount.ok_or(ResolveError::NoMoney)?;
        let now = self.clock.now();
        let held = Held { capture_ref: finding.fact.clone(), amount, received: None };
        let why = Conflict::NeverAsked { reported: amount };
        Ok(Payment {
            id: self.ids.mint(),
            merchant: finding.merchant,
            order_ref: finding.id.to_string(),
            amount,
            quote: None,
            gateway: open.account.gateway.clone(),
            account: open.account.id,
            method: None,
            gateway_ref: Some(finding.fact.clone()),
            terms: serde_json::to_value(Terms::default()).map_err(ResolveError::unavailable)?,
            customer: Default::default(),
            payer_country: None,
            return_url: None,
            metadata: json!({}),
            next_action: None,
            secrets: None,
            state: PaymentState::InReview { why, held: Some(held) },
            disputed: false,
            created_at: finding.opened_at,
            expires_at: finding.opened_at,
            updated_at: now,
        })
    }

    /// A line of the payment's timeline, and its event.
    fn note(&self, change: &mut Change, payment: &Payment, kind: &str, detail: serde_json::Value) {
        let entry = TimelineEntry {
            id: self.ids.mint(),
            source: ReportSource::Operator,
            kind: kind.to_owned(),
            state: payment.state.as_str().to_owned(),
            evidence: sha256(detail.to_string().as_bytes()),
            detail,
            at: self.clock.now(),
        };
        change.report_payment(payment, &entry);
        self.pay.tell(change, payment);
    }

    /// The gateway account that the money stands at.
    fn account_of(&self, finding: &Finding) -> Result<Arc<OpenAccount>, ResolveError> {
        let accounts = self.pay.accounts().all();
        let named = |open: &&Arc<OpenAccount>| {
            open.account.merchant == finding.merchant && open.account.name == finding.gateway_account
        };
        accounts.iter().find(named).cloned().ok_or(ResolveError::NoMoney)
    }
}
