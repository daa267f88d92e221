//! A plan of payouts and its two persons: one makes and submits it, another approves exactly that content.
//!
//! ```text
//! draft ─► in_approval ─► scheduled ─► executing ─► completed | partially_failed
//!   └─────────┴─► rejected | cancelled ◄──┘
//! ```
//!
//! An approval is of a hash. Whoever drops a payout has made a new plan: it is a draft again, and its editor is one of
//! its makers. Users are compared, never keys; but whoever made the other's key has had it in hand and is no other person.
//! Neither draft nor approval counts for more than a week, and what is planned for a later day waits for it.

use chrono::{DateTime, TimeDelta, Utc};

use crate::domain::access::{Hand, NotSecond};
use crate::ids::{MerchantId, PayoutScheduleId, PlanId, SupplierId, UserId};
use crate::money::{Currency, Money, MoneyError};

use super::document::PlanDocument;
use super::state::{Approval, PlanState, Stop};

/// So long a plan may be approved after its draft or its day, and calls begin after that and after an approval.
const COUNTS_FOR: TimeDelta = TimeDelta::days(7);

/// A plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutPlan {
    /// Its id.
    pub id: PlanId,
    /// Whose.
    pub merchant: MerchantId,
    /// What is to be paid.
    pub document: PlanDocument,
    /// Of the document's canonical bytes.
    pub hash: String,
    /// How far it is.
    pub state: PlanState,
    /// Everybody who gave it its content; nobody of these approves it.
    pub makers: Vec<UserId>,
    /// The schedule that drafted it, where no person did.
    pub schedule: Option<PayoutScheduleId>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
}

/// Why a plan does not move.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// It is too far, or not far enough.
    #[error("the plan is `{0}`")]
    WrongState(&'static str),
    /// The checker is no second person beside its makers.
    #[error(transparent)]
    NotSecond(#[from] NotSecond),
    /// What was looked at is not what the plan is now.
    #[error("the plan's content is another one by now: its hash is {0}")]
    Changed(String),
    /// Above what the approver may approve.
    #[error("{total} is above what {by} may approve in {}", total.currency())]
    AboveLimit {
        /// Who.
        by: UserId,
        /// The plan's total.
        total: Money,
    },
    /// Drafted or approved too long ago: accounts, rates, cut-offs and what is held are others by now.
    #[error("its draft or approval of {0} has lapsed after {days} days: make a new plan", days = COUNTS_FOR.num_days())]
    Lapsed(DateTime<Utc>),
    /// Its day has not come: routes, cut-offs and dates are that day's.
    #[error("it is for {0}: approved {days} days before at most, not carried out before", days = COUNTS_FOR.num_days())]
    NotYet(DateTime<Utc>),
    /// It pays nobody.
    #[error("the plan pays nobody")]
    Empty,
    /// No payout to this supplier in this currency.
    #[error("the plan has no payout to this supplier in this currency")]
    NoSuchLine,
    /// A sum does not fit.
    #[error(transparent)]
    TooLarge(#[from] MoneyError),
    /// It could not be written down.
    #[error("{0}")]
    Unwritable(String),
}

impl PayoutPlan {
    fn in_state(&self, state: PlanState) -> PayoutPlan {
        PayoutPlan { state, ..self.clone() }
    }

    fn wrong(&self) -> PlanError {
        PlanError::WrongState(self.state.as_str())
    }

    /// What it says still counts.
    fn counts(&self, at: DateTime<Utc>) -> Result<(), PlanError> {
        let since = self.created_at.max(self.document.as_of);
        if at - since > COUNTS_FOR {
            return Err(PlanError::Lapsed(since));
        }
        Ok(())
    }

    /// A draft waits for another user.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn submit(&self, by: UserId, at: DateTime<Utc>) -> Result<PayoutPlan, PlanError> {
        match self.state {
            PlanState::Draft if self.document.lines.is_empty() => Err(PlanError::Empty),
            PlanState::Draft => Ok(self.in_state(PlanState::InApproval { by, at })),
            _ => Err(self.wrong()),
        }
    }

    /// Another user approves what has this hash. `issuers`: who else made keys of those on the other side; `limits`: what
    /// this user may approve, by currency; `None` is no limit.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn approve(
        &self,
        hand: Hand,
        issuers: &[UserId],
        hash: &str,
        limits: Option<&[Money]>,
        at: DateTime<Utc>,
    ) -> Result<PayoutPlan, PlanError> {
        if !matches!(self.state, PlanState::InApproval { .. }) {
            return Err(self.wrong());
        }
        if self.hash != hash {
            return Err(PlanError::Changed(self.hash.clone()));
        }
        self.counts(at)?;
        // An approval that lapses before the plan's day would be of no use.
        if self.document.as_of - at > COUNTS_FOR {
            return Err(PlanError::NotYet(self.document.as_of));
        }
        hand.is_second(&self.on_one_side(), issuers)?;
        let by = hand.user;
        for total in self.document.totals()? {
            let total = total.gross;
            let allowed =
                |limit: &&Money| limit.currency() == total.currency() && limit.minor() >= total.minor();
            if limits.is_some_and(|limits| !limits.iter().any(|limit| allowed(&limit))) {
                return Err(PlanError::AboveLimit { by, total });
            }
        }
        let approval = Approval { by, at, hash: hash.to_owned() };
        Ok(self.in_state(PlanState::Scheduled { approval }))
    }

    /// A user refuses it, for good.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn reject(&self, by: UserId, reason: &str, at: DateTime<Utc>) -> Result<PayoutPlan, PlanError> {
        match self.state {
            PlanState::InApproval { .. } => {
                Ok(self.in_state(PlanState::Rejected { by, at, reason: reason.to_owned() }))
            }
            _ => Err(self.wrong()),
        }
    }

    /// Called off; once calls are being made, what is not yet sent is stopped.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn cancel(&self, by: UserId, at: DateTime<Utc>) -> Result<PayoutPlan, PlanError> {
        match &self.state {
            PlanState::Draft | PlanState::InApproval { .. } | PlanState::Scheduled { .. } => {
                Ok(self.in_state(PlanState::Cancelled { by, at }))
            }
            PlanState::Executing { stopped: None, .. } => {
                let mut plan = self.clone();
                if let PlanState::Executing { stopped, .. } = &mut plan.state {
                    *stopped = Some(Stop { by, at });
                }
                Ok(plan)
            }
            _ => Err(self.wrong()),
        }
    }

    /// One payout is taken out: a draft again, with another hash.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn drop_line(
        &self,
        by: UserId,
        supplier: SupplierId,
        currency: Currency,
    ) -> Result<PayoutPlan, PlanError> {
        match self.state {
            PlanState::Draft | PlanState::InApproval { .. } | PlanState::Scheduled { .. } => {}
            _ => return Err(self.wrong()),
        }
        let document = self.document.without(supplier, currency)?;
        let hash = PlanDocument::hash_of(&document.canonical()?);
        let mut makers = self.makers.clone();
        if !makers.contains(&by) {
            makers.push(by);
        }
        Ok(PayoutPlan { document, hash, state: PlanState::Draft, makers, ..self.clone() })
    }

    /// Calls begin. The approval is held against the content once more.
    ///
    /// # Errors
    /// [`PlanError`].
    pub fn execute(&self, by: UserId, at: DateTime<Utc>) -> Result<PayoutPlan, PlanError> {
        let PlanState::Scheduled { approval } = &self.state else { return Err(self.wrong()) };
        let hash = PlanDocument::hash_of(&self.document.canonical()?);
        if approval.hash != hash {
            return Err(PlanError::Changed(hash));
        }
        if at < self.document.as_of {
            return Err(PlanError::NotYet(self.document.as_of));
        }
        self.counts(at)?;
        if at - approval.at > COUNTS_FOR {
            return Err(PlanError::Lapsed(approval.at));
        }
        let approval = approval.clone();
        let state = PlanState::Executing { approval, by, since: at, instructed: 0, stopped: None };
        Ok(self.in_state(state))
    }

    /// So many more of its lines are written down as payouts.
    #[must_use]
    pub fn instructed(&self, lines: usize) -> PayoutPlan {
        let mut plan = self.clone();
        if let PlanState::Executing { instructed, .. } = &mut plan.state {
            *instructed += lines;
        }
        plan
    }

    /// Everybody whose word an approval must not be: its makers, and whoever submitted it.
    pub fn on_one_side(&self) -> Vec<UserId> {
        let mut users = self.makers.clone();
        if let PlanState::InApproval { by, .. } = &self.state
            && !users.contains(by)
        {
            users.push(*by);
        }
        users
    }

    /// Every payout has its end.
    #[must_use]
    pub fn ended(&self, every_payee_has_it: bool, at: DateTime<Utc>) -> PayoutPlan {
        let PlanState::Executing { approval, .. } = &self.state else { return self.clone() };
        let approval = approval.clone();
        self.in_state(match every_payee_has_it {
            true => PlanState::Completed { approval, at },
            false => PlanState::PartiallyFailed { approval, at },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::payable::tests::{now, rules, standing, usd};
    use super::super::tests::{drafted, offer};
    use super::*;
    use crate::clock::Clock;
    use crate::ids::IdSource;

    fn plan(ids: &IdSource, maker: UserId) -> PayoutPlan {
        let payables = vec![standing(50_000, 0).payable(&rules(), now()).unwrap()];
        let document = drafted(payables, vec![offer("paypal", "paypal_payouts", 1)], rules()).document;
        let hash = PlanDocument::hash_of(&document.canonical().unwrap());
        let (id, merchant, makers) = (ids.mint(), ids.mint(), vec![maker]);
        let (state, schedule, created_at) = (PlanState::Draft, None, now());
        PayoutPlan { id, merchant, document, hash, state, makers, schedule, created_at }
    }

    #[test]
    fn two_persons_and_one_content() {
        let ids = IdSource::seeded(Clock::fixed(now()), 3);
        let (maker, checker, third): (UserId, UserId, UserId) = (ids.mint(), ids.mint(), ids.mint());
        let draft = plan(&ids, maker);
        let hash = draft.hash.clone();
        let submitted = draft.submit(third, now()).unwrap();
        let approve = |by, hash: &str, limits: Option<&[Money]>| {
            submitted.approve(Hand::own(by), &[], hash, limits, now())
        };
        // Whoever made the other's key may be both.
        let handed = Hand { user: checker, key_made_by: maker };
        let one = |maker, of| Err(PlanError::NotSecond(NotSecond::OneHand { maker, of }));
        assert_eq!(submitted.approve(handed, &[], &hash, None, now()), one(maker, checker));
        let issued = submitted.approve(Hand::own(checker), &[checker], &hash, None, now());
        assert_eq!(issued, one(checker, maker));
        let own = Hand::own(checker);
        assert_eq!(draft.approve(own, &[], &hash, None, now()), Err(PlanError::WrongState("draft")));
        assert_eq!(approve(maker, &hash, None), Err(NotSecond::FourEyes(maker).into()));
        assert_eq!(approve(third, &hash, None), Err(NotSecond::FourEyes(third).into()));
        assert!(matches!(approve(checker, "0000", None), Err(PlanError::Changed(_))));
        assert!(matches!(approve(checker, &hash, Some(&[usd(49_999)])), Err(PlanError::AboveLimit { .. })));
        assert!(matches!(approve(checker, &hash, Some(&[])), Err(PlanError::AboveLimit { .. })));
        let approved = approve(checker, &hash, Some(&[usd(50_000)])).unwrap();
        assert_eq!(approved.execute(maker, now()).unwrap().state.as_str(), "executing");
        // Content that was altered behind everybody's back is not executed.
        let mut altered = approved.clone();
        altered.document.lines[0].amount = usd(50_001);
        assert!(matches!(altered.execute(maker, now()), Err(PlanError::Changed(_))));
        // The checker edits: the approval is void, and the checker a maker.
        let supplier = approved.document.lines[0].supplier;
        let edited = approved.drop_line(checker, supplier, usd(1).currency()).unwrap();
        assert_eq!((edited.state.as_str(), edited.makers.clone()), ("draft", vec![maker, checker]));
        assert_ne!(edited.hash, hash);
        assert_eq!(edited.document.excluded[0].reason, "dropped");
        assert_eq!(edited.submit(maker, now()), Err(PlanError::Empty));
    }

    /// A draft of December does not pay in January, whenever it is approved; an edit makes it no younger.
    #[test]
    fn an_old_draft_is_neither_approved_nor_carried_out() {
        let ids = IdSource::seeded(Clock::fixed(now()), 3);
        let (maker, checker): (UserId, UserId) = (ids.mint(), ids.mint());
        let after = |days| now() + TimeDelta::days(days);
        let draft = plan(&ids, maker);
        let late = draft.submit(maker, after(40)).unwrap();
        let approve = |plan: &PayoutPlan, at| plan.approve(Hand::own(checker), &[], &plan.hash, None, at);
        assert_eq!(approve(&late, after(40)), Err(PlanError::Lapsed(now())));
        let approved = approve(&late, after(6)).unwrap();
        assert!(approved.execute(maker, after(7)).is_ok());
        assert_eq!(approved.execute(maker, after(8)), Err(PlanError::Lapsed(now())));
        let supplier = approved.document.lines[0].supplier;
        let edited = approved.drop_line(maker, supplier, usd(1).currency()).unwrap();
        assert_eq!(edited.created_at, now());
    }

    /// What is made for a later day counts from that day, and nothing of it is sent before.
    #[test]
    fn a_plan_of_a_later_day_waits_for_it() {
        let ids = IdSource::seeded(Clock::fixed(now()), 3);
        let (maker, checker): (UserId, UserId) = (ids.mint(), ids.mint());
        let after = |days| now() + TimeDelta::days(days);
        let mut draft = plan(&ids, maker);
        draft.document.as_of = after(20);
        draft.hash = PlanDocument::hash_of(&draft.document.canonical().unwrap());
        let waiting = draft.submit(maker, now()).unwrap();
        let approve = |at| waiting.approve(Hand::own(checker), &[], &draft.hash, None, at);
        assert_eq!(approve(after(12)), Err(PlanError::NotYet(after(20))));
        let approved = approve(after(13)).unwrap();
        assert_eq!(approved.execute(maker, after(19)), Err(PlanError::NotYet(after(20))));
        assert!(approved.execute(maker, after(20)).is_ok());
        assert_eq!(approved.execute(maker, after(21)), Err(PlanError::Lapsed(after(13))));
        assert!(approve(after(27)).unwrap().execute(maker, after(27)).is_ok());
        assert_eq!(approve(after(28)), Err(PlanError::Lapsed(after(20))));
    }

    #[test]
    fn what_is_over_stays_over() {
        let ids = IdSource::seeded(Clock::fixed(now()), 3);
        let (maker, checker): (UserId, UserId) = (ids.mint(), ids.mint());
        let waiting = plan(&ids, maker).submit(maker, now()).unwrap();
        let hash = waiting.hash.clone();
        let approved = waiting.approve(Hand::own(checker), &[], &hash, None, now()).unwrap();
        let running = approved.execute(maker, now()).unwrap();
        let over = [
            waiting.reject(checker, "no", now()).unwrap(),
            waiting.cancel(maker, now()).unwrap(),
            running.ended(true, now()),
            running.ended(false, now()),
        ];
        for plan in over {
            let word = plan.state.as_str();
            assert_eq!(plan.submit(maker, now()), Err(PlanError::WrongState(word)));
            assert_eq!(plan.cancel(maker, now()), Err(PlanError::WrongState(word)));
            assert_eq!(plan.execute(maker, now()), Err(PlanError::WrongState(word)));
        }
        let stopped = running.cancel(maker, now()).unwrap();
        assert_eq!(stopped.state.as_str(), "executing");
        assert_eq!(stopped.cancel(maker, now()), Err(PlanError::WrongState("executing")));
    }
}
