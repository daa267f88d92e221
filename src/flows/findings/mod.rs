//! What does not agree is decided: by one user where nothing moves, by two where money does.
//!
//! | finding | `send_back` | `adopt` | `dismiss` |
//! |---|---|---|---|
//! | money that does not match (2900) | a refund of exactly that money | divided by the payment's own agreement | only where no money came |
//! | a second payment (2010) | a refund of it | divided as a sale of its own | – |
//! | a refund made elsewhere | – | of money that stands aside: the one meets the other; else taken as a refund of the payment, divided as the proposal says | – |
//! | a reversal, in a dispute or not | – | the platform's loss, or what it has back (5030) | only once nothing of it stands aside |
//! | a bill's payment that nothing here explains | a refund of exactly that capture | the capture of the payment that is named, else the platform's gain (5030) | – |
//! | a bill's movement that nothing here explains | – | the platform's gain or loss (5030) | – |
//! | a deposit that is short (2900) | – | a charge of the bank (5090) | – |
//! | a deposit that is over, a line nobody knows (2900) | – | the platform's gain or loss (5030) | only where no money stands |
//! | a hold, a fee, a stranger's notice, a call nobody knows the end of | – | – | explained, nothing moves |
//! | a call or file of payouts that nobody knows the end of | – | never taken: the suppliers have their balances back | only once its end is known |
//! | a payout paid otherwise than was instructed (2900) | – | what did not leave is the supplier's again, what left too much the platform's loss (5030) | only where no money stands |
//! | a payment that waits for a person at the gateway, books that differ | – | – | explained, nothing moves |
//!
//! Nothing is edited: every decision is a posting of its own.

mod aside;
mod error;
mod ghosts;

use std::collections::BTreeSet;

use crate::clock::Clock;
use crate::domain::access::Hand;
use crate::domain::findings::{Action, Decision, Finding, FindingKind, FindingState, Wish};
use crate::domain::ledger::journal::{self, Booking, Resolution};
use crate::domain::ledger::{AccountCode, Direction, JournalEvent};
use crate::domain::merchants::GatewayAccount;
use crate::domain::orders::Payment;
use crate::domain::orders::refund::Refund;
use crate::domain::refunds::Allocation;
use crate::ids::{FindingId, IdSource, MerchantId};
use crate::money::Money;
use crate::store::payments::PAYMENT;
use crate::store::{Change, CommitError, Store, TransactionFilter, Versioned};

use super::deposits::Deposits;
use super::pay::Pay;
use super::pay_out::{NeverTaken, Otherwise, never_taken, paid_otherwise};
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
    /// Money between gateways and banks.
    pub deposits: Deposits,
}

/// A finding with its payment and account, as a decision finds them.
struct Case {
    finding: Versioned<Finding>,
    payment: Versioned<Payment>,
    account: GatewayAccount,
}

impl Resolving {
    /// One person's word on a finding: written as a proposal, or carried out, with `extra`. An allocation that does not fit
    /// is refused to whoever proposes it.
    ///
    /// # Errors
    /// [`ResolveError`]; nothing has moved.
    pub async fn resolve(
        &self,
        merchant: MerchantId,
        hand: Hand,
        id: FindingId,
        wish: Wish<'_>,
        reason: &str,
        extra: Change,
    ) -> Result<Finding, ResolveError> {
        let finding = self.store.finding(merchant, id).await?.ok_or(ResolveError::Unknown)?;
        let action = wish.action;
        if let (Action::SendBack, Some(Ok(payment))) =
            (action, finding.value.payment.as_deref().map(str::parse))
        {
            self.refunding.ask_first(merchant, payment).await?;
        }
        let proposer = match finding.value.state {
            FindingState::Proposed { by, .. } => vec![by],
            FindingState::Open | FindingState::Resolved { .. } => vec![],
        };
        let issuers = self.store.key_makers(merchant, &proposer).await?;
        let decided = finding.value.decide(hand, &issuers, wish, reason, self.clock.now())?;
        let (state, carry) = match decided {
            Decision::Proposed(state) => (state, false),
            Decision::Carry(state) => (state, true),
        };
        let mut change = extra;
        let mut sends = None;
        let agreed = match &state {
            FindingState::Resolved { allocation, payment, .. }
            | FindingState::Proposed { allocation, payment, .. } => {
                Wish { action, allocation, payment: *payment }
            }
            FindingState::Open => action.into(),
        };
        let mut about = agreed.payment.filter(|_| carry);
        if carry {
            let (effect, refund) = self.effect(&finding, agreed).await?;
            change.extend(effect);
            about = about.or(refund.as_ref().map(|refund| refund.payment));
            sends = refund;
        } else if !agreed.allocation.is_empty() || agreed.payment.is_some() {
            // Tried and thrown away.
            self.effect(&finding, agreed).await?;
        }
        change.decide_finding_of(&finding, &state, about);
        let payment = about.map(|payment| payment.to_string()).or(finding.value.payment.clone());
        let decided = Finding { state, payment, ..finding.value };
        if carry && action.takes_two() {
            let subject = decided.id.to_string();
            self.settlements.tell(
                &mut change,
                merchant,
                "finding.repaired",
                &subject,
                finding_data(&decided),
            );
        }
        self.commit(change).await?;
        if let Some(refund) = sends {
            self.refunding.send_written(refund.id).await;
        }
        Ok(decided)
    }

    /// What a final decision writes besides itself, and the refund it sends.
    async fn effect(
        &self,
        finding: &Versioned<Finding>,
        wish: Wish<'_>,
    ) -> Result<(Change, Option<Refund>), ResolveError> {
        let Wish { action, allocation, .. } = wish;
        if finding.value.kind == FindingKind::PaidUnknownHere {
            return self.decide_ghost(finding, wish).await;
        }
        if (finding.value.kind, action) == (FindingKind::UnknownMovement, Action::Adopt) {
            return Ok((self.bear_stranger(finding).await?, None));
        }
        if finding.value.kind == FindingKind::PayoutUnknown {
            let Ok(batch) = finding.value.fact.parse() else { return Err(ResolveError::NoMoney) };
            let (merchant, now) = (finding.value.merchant, self.clock.now());
            let undone = never_taken(&self.store, &self.ids, now, merchant, batch).await;
            return match (action, undone.map_err(ResolveError::unavailable)?) {
                (Action::Adopt, NeverTaken::Undone { change, .. }) => Ok((change, None)),
                (Action::Adopt, NeverTaken::Debited(why)) => Err(ResolveError::Debited(why)),
                (Action::Dismiss, NeverTaken::Nothing) => Ok((Change::new(), None)),
                (Action::Dismiss, NeverTaken::Undone { held, .. }) => Err(ResolveError::MoneyHeld(held)),
                (Action::Dismiss, NeverTaken::Debited(why)) => Err(ResolveError::Debited(why)),
                (Action::Adopt, NeverTaken::Nothing) | (Action::SendBack, _) => Err(ResolveError::NoMoney),
            };
        }
        if let (
            FindingKind::DepositShort | FindingKind::DepositOver | FindingKind::BankUnexplained,
            deposits,
        ) = (finding.value.kind, &self.deposits)
        {
            let borne = deposits.bear(&finding.value).await.map_err(ResolveError::unavailable)?;
            return match (action, borne) {
                (Action::Dismiss, None) => Ok((Change::new(), None)),
                (Action::Dismiss, Some(_)) => {
                    let held = finding.value.amount.ok_or(ResolveError::NoMoney)?;
                    Err(ResolveError::MoneyHeld(held))
                }
                (_, Some(change)) => Ok((change, None)),
                (_, None) => Err(ResolveError::NoMoney),
            };
        }
        if finding.value.kind == FindingKind::PayoutDiffers {
            let settled = paid_otherwise(&self.store, &self.ids, self.clock.now(), &finding.value).await;
            return match (action, settled.map_err(ResolveError::unavailable)?) {
                (Action::Dismiss, None) => Ok((Change::new(), None)),
                (Action::Dismiss, Some(Otherwise { aside, change })) if aside.is_zero() => Ok((change, None)),
                (Action::Dismiss, Some(Otherwise { aside, .. })) => Err(ResolveError::MoneyHeld(aside.abs())),
                (_, Some(Otherwise { aside, change })) if !aside.is_zero() => Ok((change, None)),
                (_, _) => Err(ResolveError::NoMoney),
            };
        }
        let Some(case) = self.case(finding).await? else {
            return match action {
                Action::Dismiss => Ok((Change::new(), None)),
                Action::SendBack | Action::Adopt => Err(ResolveError::NoMoney),
            };
        };
        let (mut change, refund) = self.effect_on(&case, action, allocation).await?;
        if action.takes_two() {
            self.decided_about(&mut change, &case.payment);
        } else {
            // What comes meanwhile was not looked at: then this decision is taken again too.
            change.require(&PAYMENT, case.payment.value.id, case.payment.version);
        }
        Ok((change, refund))
    }

    /// Every decision about a payment's money raises its version: of two that look at the same money side by side one is
    /// taken again.
    fn decided_about(&self, change: &mut Change, payment: &Versioned<Payment>) {
        if change.updates(&PAYMENT) {
            change.require(&PAYMENT, payment.value.id, payment.version);
        } else {
            let after = Payment { updated_at: self.clock.now(), ..payment.value.clone() };
            change.update_payment(&after, payment.version);
        }
    }

    /// The same of a finding about a payment of ours, from what stands aside for it.
    async fn effect_on(
        &self,
        case: &Case,
        action: Action,
        allocation: &[Allocation],
    ) -> Result<(Change, Option<Refund>), ResolveError> {
        let kind = case.finding.value.kind;
        if let (FindingKind::RefundElsewhere, Action::Adopt) = (kind, action) {
            return Ok((self.adopt_refund(case, allocation).await?, None));
        }
        if kind == FindingKind::Reversed {
            return match (action, self.moved_aside(case).await?) {
                (Action::Adopt, Some(aside)) => self.bear(case, aside).map(|change| (change, None)),
                (Action::Dismiss, Some(aside)) => Err(ResolveError::MoneyHeld(aside.abs())),
                (Action::Dismiss, None) => Ok((Change::new(), None)),
                (_, None) | (Action::SendBack, _) => Err(ResolveError::NoMoney),
            };
        }
        let aside = self.aside(case).await?;
        match (action, aside) {
            (Action::Dismiss, Some(aside)) if kind.is_about_a_payment() => {
                Err(ResolveError::MoneyHeld(aside.amount))
            }
            (Action::Dismiss, _) => Ok((Change::new(), None)),
            (_, None) => Err(ResolveError::NoMoney),
            (Action::SendBack, Some(aside)) => {
                self.send_back(case, &aside).await.map(|(change, refund)| (change, Some(refund)))
            }
            (Action::Adopt, Some(aside)) => Ok((self.adopt(case, aside).await?, None)),
        }
    }

    async fn case(&self, finding: &Versioned<Finding>) -> Result<Option<Case>, ResolveError> {
        let Some(Ok(id)) = finding.value.payment.as_deref().map(str::parse) else { return Ok(None) };
        let Some(payment) = self.store.payment(id).await? else { return Ok(None) };
        let Some(open) = self.pay.accounts().find(payment.value.account) else { return Ok(None) };
        Ok(Some(Case { finding: finding.clone(), payment, account: open.account.clone() }))
    }

    /// A refund that was made at the gateway becomes one of ours: out of money that stands aside, where no allocation
    /// says otherwise and so much stands; else decided from the settlement. Against the suspense that its payment left.
    async fn adopt_refund(&self, case: &Case, allocation: &[Allocation]) -> Result<Change, ResolveError> {
        let amount = case.finding.value.amount.ok_or(ResolveError::NoMoney)?;
        let aside = match allocation.is_empty() {
            true => self.given_back(case, amount).await?,
            false => None,
        };
        let (mut change, refund) = match aside {
            Some(aside) => self.went_back(case, &aside, amount).await?,
            None => {
                let input = RefundInput {
                    amount: Some(amount),
                    allocation: allocation.to_vec(),
                    reason: format!("finding {}", case.finding.value.id),
                    ..RefundInput::default()
                };
                let (merchant, payment) = (case.payment.value.merchant, case.payment.value.id);
                let (id, fact) = (self.ids.mint(), &case.finding.value.fact);
                self.refunding.adopt(merchant, payment, id, &input, fact).await?
            }
        };
        let subject = refund.payment.to_string();
        let booking = self.booking(case, &case.finding.value.fact, &subject);
        let posted = journal::suspense_resolved(&booking, Resolution::SendBack, amount.negated());
        change.extend(posted.map_err(ResolveError::unavailable)?.map(Change::posting).unwrap_or_default());
        Ok(change)
    }

    /// What of the payment's money the gateway took (above zero) or gave back stands in suspense and is explained by
    /// nobody; `None` where the one has met the other.
    async fn moved_aside(&self, case: &Case) -> Result<Option<Money>, ResolveError> {
        let Finding { merchant, amount, fact, .. } = &case.finding.value;
        let amount = amount.ok_or(ResolveError::NoMoney)?;
        let payment = case.payment.value.id;
        let disputes = self.store.disputes_of(payment).await?;
        let facts = disputes.iter().flat_map(|dispute| dispute.value.facts());
        // One takes what another gives back, whoever told of either.
        let findings = self.store.findings_of(*merchant, payment).await?;
        let told = findings.iter().filter(|found| found.value.kind == FindingKind::Reversed);
        let facts = facts.chain(told.map(|found| found.value.fact.clone()));
        let captures = disputes.iter().map(|dispute| dispute.value.capture_ref.clone());
        // What came in and did not match has a finding of its own.
        let came = [JournalEvent::CapturedUnmatched, JournalEvent::CapturedTwice];
        let sources: BTreeSet<String> = facts.chain(captures).chain([fact.clone()]).collect();
        let subject = Some(payment.to_string());
        let filter = TransactionFilter { subject, limit: 1_000, ..TransactionFilter::default() };
        let posted = self.store.ledger_transactions(*merchant, &filter).await?;
        let posted =
            posted.iter().filter(|posted| sources.contains(&posted.source) && !came.contains(&posted.event));
        let entries = posted.flat_map(|transaction| &transaction.entries).filter(|entry| {
            entry.account.code == AccountCode::SUSPENSE && entry.amount.currency() == amount.currency()
        });
        let signed = entries.map(|entry| match entry.direction {
            Direction::Debit => entry.amount,
            Direction::Credit => entry.amount.negated(),
        });
        let sum = Money::sum(amount.currency(), signed).map_err(ResolveError::unavailable)?;
        Ok(Some(sum).filter(|sum| !sum.is_zero()))
    }

    /// The gateway took money back: the platform's loss, unless and until somebody else is made to bear it; what it gives
    /// back of that later is the platform's again. Never more than stands `aside`.
    fn bear(&self, case: &Case, aside: Money) -> Result<Change, ResolveError> {
        let amount = case.finding.value.amount.ok_or(ResolveError::NoMoney)?;
        let most = amount.abs().min(aside.abs()).map_err(ResolveError::unavailable)?;
        let moved = if aside.is_positive() { most.negated() } else { most };
        let subject = case.payment.value.id.to_string();
        let booking = self.booking(case, &case.finding.value.fact, &subject);
        let posted = journal::suspense_resolved(&booking, Resolution::Dismiss, moved);
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
