//! By whose fault a payout came back short. The supplier's, as long as nobody says otherwise: it has what arrived. Two users
//! say that it was the platform's, which then makes up the rest.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::access::{Hand, NotSecond};
use crate::domain::ledger::journal::{Fact, Movement};
use crate::domain::ledger::{AccountCode, JournalEvent, LedgerError, LedgerTransaction};
use crate::ids::UserId;
use crate::money::{Money, MoneyError};

use super::payout::{Payout, PayoutState};
use super::report::ReturnFault;

/// What users said of a return.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FaultFound {
    /// Whose fault it was.
    pub fault: ReturnFault,
    /// Who said so first.
    pub proposed_by: UserId,
    /// When.
    pub proposed_at: DateTime<Utc>,
    /// Who said so too; the rest is booked since then.
    #[schema(required)]
    pub confirmed_by: Option<UserId>,
    /// When.
    #[schema(required)]
    pub confirmed_at: Option<DateTime<Utc>>,
}

/// Why it is nobody's fault, or not by this word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// It did not come back.
    #[error("the payout is `{0}`: only what came back has a fault")]
    NotReturned(&'static str),
    /// It came back whole, or in another currency, in which the supplier has it.
    #[error("{arrived} came back of {amount}: nothing is missing that could be made up")]
    NothingMissing {
        /// What came back.
        arrived: Money,
        /// What was sent.
        amount: Money,
    },
    /// The rest is booked.
    #[error("two users have said so and the rest is booked")]
    Settled,
    /// Nobody has said that it was the platform's.
    #[error("it is the supplier's as long as nobody says otherwise")]
    NothingProposed,
    /// Not a second person.
    #[error(transparent)]
    NotSecond(#[from] NotSecond),
    /// A sum does not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Payout {
    /// What is missing of a payout that came back short.
    ///
    /// # Errors
    /// [`FaultError`] where nothing is.
    pub fn missing(&self) -> Result<Money, FaultError> {
        let PayoutState::Returned { arrived, .. } = &self.state else {
            return Err(FaultError::NotReturned(self.state.as_str()));
        };
        let nothing = || FaultError::NothingMissing { arrived: *arrived, amount: self.amount };
        if arrived.currency() != self.amount.currency() {
            return Err(nothing());
        }
        let missing = self.amount.checked_sub(*arrived)?;
        if missing.is_positive() { Ok(missing) } else { Err(nothing()) }
    }

    /// A user's word: the platform's is proposed by one and confirmed by another; the supplier's takes a proposal back.
    /// `issuers`: who else made keys of the proposer's.
    ///
    /// # Errors
    /// [`FaultError`].
    pub fn found(
        &self,
        fault: ReturnFault,
        hand: Hand,
        issuers: &[UserId],
        at: DateTime<Utc>,
    ) -> Result<Option<FaultFound>, FaultError> {
        self.missing()?;
        match (&self.fault, fault) {
            (Some(found), _) if found.confirmed_by.is_some() => Err(FaultError::Settled),
            (None, ReturnFault::Supplier) => Err(FaultError::NothingProposed),
            (Some(_), ReturnFault::Supplier) => Ok(None),
            (None, ReturnFault::Platform) => {
                let (proposed_by, confirmed_by) = (hand.user, None);
                Ok(Some(FaultFound { fault, proposed_by, proposed_at: at, confirmed_by, confirmed_at: None }))
            }
            (Some(found), ReturnFault::Platform) => {
                hand.is_second(&[found.proposed_by], issuers)?;
                let (confirmed_by, confirmed_at) = (Some(hand.user), Some(at));
                Ok(Some(FaultFound { confirmed_by, confirmed_at, ..found.clone() }))
            }
        }
    }
}

/// What the platform makes up: the supplier has it, the rail's costs bear it (J21, ours).
///
/// # Errors
/// [`LedgerError`].
pub fn made_up(
    fact: &Fact<'_>,
    payout: &Payout,
    missing: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let booking = &payout.booking;
    let costs = Movement::debit(booking.at_rail(AccountCode::COST_PAYOUT_FEE), missing);
    fact.post(JournalEvent::PayoutReturned, &[costs, Movement::credit(booking.available(), missing)])
}

#[cfg(test)]
mod tests {
    use super::super::payout::tests::{payout, usd};
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::ids::IdSource;

    #[test]
    fn two_users_say_that_it_was_the_platforms() {
        let ids = IdSource::seeded(Clock::fixed(from_micros(0)), 1);
        let (maker, checker, at) = (Hand::own(ids.mint()), Hand::own(ids.mint()), from_micros(5));
        let back = |minor| payout(PayoutState::Returned { arrived: usd(minor), at, reason: String::new() });
        let ours = ReturnFault::Platform;
        let mut one = back(48_750);
        assert_eq!(one.missing(), Ok(usd(1_250)));
        assert_eq!(one.found(ReturnFault::Supplier, maker, &[], at), Err(FaultError::NothingProposed));
        one.fault = one.found(ours, maker, &[], at).unwrap();
        assert!(matches!(one.found(ours, maker, &[], at), Err(FaultError::NotSecond(_))));
        assert!(matches!(one.found(ours, checker, &[checker.user], at), Err(FaultError::NotSecond(_))));
        assert_eq!(one.found(ReturnFault::Supplier, checker, &[], at), Ok(None));
        let confirmed = one.found(ours, checker, &[], at).unwrap().unwrap();
        assert_eq!((confirmed.proposed_by, confirmed.confirmed_by), (maker.user, Some(checker.user)));
        one.fault = Some(confirmed);
        assert_eq!(one.found(ours, maker, &[], at), Err(FaultError::Settled));
        assert!(matches!(back(50_000).found(ours, maker, &[], at), Err(FaultError::NothingMissing { .. })));
        let sent = payout(PayoutState::Sent).found(ours, maker, &[], at);
        assert_eq!(sent, Err(FaultError::NotReturned("sent")));
    }
}
