//! Debts in other currencies, set against what can be paid: only where the supplier has agreed, only what its own currency
//! did not cover, at the mid rate that the plan is approved with and without a markup.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::UserId;
use crate::money::{Money, Rate, RateError, Rounding};

/// A supplier's word that its debts may be set against balances in other currencies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SetOffConsent {
    /// Who took it down.
    pub by: UserId,
    /// When.
    pub at: DateTime<Utc>,
    /// Where it stands: a contract's clause, a letter.
    pub note: String,
}

/// What a supplier owes in another currency, and what that is worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForeignDebt {
    /// What is owed.
    pub owed: Money,
    /// From the debt's currency into the payable's: mid.
    pub rate: Rate,
}

/// A debt that a payout covers from another currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SetOff {
    /// What of the debt is covered, in its currency.
    pub covered: Money,
    /// What that takes of the balance.
    pub taken: Money,
    /// Mid: units of the balance's currency for one of the debt's.
    #[schema(value_type = String, example = "33.72986")]
    pub rate: Decimal,
}

impl SetOff {
    /// The same where so much less is taken, and what that covers, rounded down; none where that is nothing.
    ///
    /// # Errors
    /// [`RateError`] where an amount does not fit.
    pub fn less(&self, by: Money) -> Result<Option<SetOff>, RateError> {
        let taken = self.taken.checked_sub(by).map_err(|_| RateError::TooLarge(self.taken.currency()))?;
        if !taken.is_positive() {
            return Ok(None);
        }
        let rate = Rate::try_new(self.covered.currency(), taken.currency(), self.rate)?;
        let covered = rate.convert_back(taken)?.round(Rounding::Down);
        Ok(covered.is_positive().then_some(SetOff { covered, taken, ..*self }))
    }
}

impl ForeignDebt {
    /// What `room` in the payable's currency covers of it: all, which takes its worth rounded half up; or as much as the
    /// room is worth, rounded down, which takes the room whole. `None` where that is nothing.
    ///
    /// # Errors
    /// [`RateError`] where the rate is of other currencies, or an amount does not fit.
    pub fn covered_by(&self, room: Money) -> Result<Option<SetOff>, RateError> {
        let worth = self.rate.convert(self.owed)?.round(Rounding::HalfUp);
        let (covered, taken) = match worth.minor() <= room.minor() {
            true => (self.owed, worth),
            false => (self.rate.convert_back(room)?.round(Rounding::Down), room),
        };
        let something = covered.is_positive() && taken.is_positive();
        Ok(something.then_some(SetOff { covered, taken, rate: self.rate.value() }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::Currency;

    fn debt(owed: i64, rate: &str) -> ForeignDebt {
        let (usd, thb) = (Currency::known("USD"), Currency::known("THB"));
        ForeignDebt { owed: Money::from_minor(owed, usd), rate: Rate::parse(usd, thb, rate).unwrap() }
    }

    #[test]
    fn all_that_there_is_room_for() {
        let baht = |minor| Money::from_minor(minor, Currency::known("THB"));
        for (owed, rate, room, expected) in [
            (2_600, "33.5", 100_000, Some((2_600, 87_100))),
            (2_600, "33.5", 87_100, Some((2_600, 87_100))),
            // 500.00 baht are 14.925373… dollars.
            (2_600, "33.5", 50_000, Some((1_492, 50_000))),
            (2_600, "33.5", 33, None),
            (0, "33.5", 50_000, None),
            (1, "0.3", 50_000, None),
        ] {
            let set_off = debt(owed, rate).covered_by(baht(room)).unwrap();
            let seen = set_off.map(|set_off| (set_off.covered.minor(), set_off.taken.minor()));
            assert_eq!(seen, expected, "{owed} {rate} {room}");
        }
    }

    proptest! {
        #[test]
        fn never_more_than_is_owed_or_there_is_room_for(owed in 0_i64..1_000_000_000, room in 0_i64..1_000_000_000) {
            let debt = debt(owed, "33.7298603651987111");
            let room = Money::from_minor(room, Currency::known("THB"));
            if let Some(set_off) = debt.covered_by(room).unwrap() {
                prop_assert!(set_off.covered.minor() <= owed && set_off.taken.minor() <= room.minor());
                // Less than one minor unit of the debt is lost by rounding.
                let worth = debt.rate.convert_back(set_off.taken).unwrap().round(Rounding::HalfUp);
                prop_assert!((worth.minor() - set_off.covered.minor()).abs() <= 1);
            }
        }
    }
}
