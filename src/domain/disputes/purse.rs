//! What suppliers hold and owe, moved along with what is being decided: several postings of one change follow from one
//! another before any of them stands.

use std::collections::BTreeMap;

use crate::domain::ledger::journal::Movement;
use crate::domain::ledger::{Account, AccountCode, Owner};
use crate::domain::refunds::{Funds, Refund, debit_supplier};
use crate::domain::settlement::Settlement;
use crate::ids::SupplierId;
use crate::money::{AllocationPolicy, Currency, Money, MoneyError, allocate};

/// Each supplier's buckets as far as one payment may touch them, and its debt.
#[derive(Debug, Clone, Default)]
pub struct Purse {
    /// 2100 (this payment's own), 2110 and 2120.
    pub funds: BTreeMap<(SupplierId, Currency), Funds>,
    /// 1200.
    pub owes: BTreeMap<(SupplierId, Currency), Money>,
    /// 5060 less what 1290 allows for, of what was taken or later: written off, and not come in since.
    pub lost: BTreeMap<(SupplierId, Currency), Money>,
}

impl Purse {
    /// What a supplier holds.
    pub fn funds(&self, supplier: SupplierId, currency: Currency) -> Funds {
        let none = || Funds { own: vec![], available: Money::zero(currency) };
        self.funds.get(&(supplier, currency)).cloned().unwrap_or_else(none)
    }

    /// What a supplier owes.
    fn owes(&self, supplier: SupplierId, currency: Currency) -> Money {
        self.owes.get(&(supplier, currency)).copied().unwrap_or(Money::zero(currency))
    }

    /// What of a supplier's debts was written off.
    fn lost(&self, supplier: SupplierId, currency: Currency) -> Money {
        self.lost.get(&(supplier, currency)).copied().unwrap_or(Money::zero(currency))
    }

    /// These movements are decided.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn moved(&mut self, movements: &[Movement]) -> Result<(), MoneyError> {
        for Movement { account, amount } in movements {
            let Some(supplier) = supplier_of(account) else { continue };
            let key = (supplier, amount.currency());
            let none = || Funds { own: vec![], available: Money::zero(amount.currency()) };
            match account.code {
                AccountCode::SUPPLIER_AVAILABLE => {
                    let funds = self.funds.entry(key).or_insert_with(none);
                    funds.available = funds.available.checked_sub(*amount)?;
                }
                AccountCode::SUPPLIER_PENDING | AccountCode::SUPPLIER_RESERVED => {
                    let funds = self.funds.entry(key).or_insert_with(none);
                    match funds.own.iter_mut().find(|(own, _)| own == account) {
                        Some((_, holds)) => *holds = holds.checked_sub(*amount)?,
                        None => funds.own.push((account.clone(), amount.negated())),
                    }
                }
                AccountCode::SUPPLIER_RECEIVABLE => {
                    let owes = self.owes(supplier, amount.currency());
                    self.owes.insert(key, owes.checked_add(*amount)?);
                }
                AccountCode::COST_BAD_DEBT => {
                    let lost = self.lost(supplier, amount.currency());
                    self.lost.insert(key, lost.checked_add(*amount)?);
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The suppliers' part of a hold: their shares of what is disputed, as far as they still have them, from the buckets
    /// in which they stand to 2130. A debt is made when money is taken, not before.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn hold(&self, settlement: &Settlement, disputed: &Refund) -> Result<Vec<Movement>, MoneyError> {
        let mut shares: BTreeMap<(SupplierId, Currency), Money> = BTreeMap::new();
        let mut add = |supplier, amount: Money| {
            let sum = shares.entry((supplier, amount.currency())).or_insert(Money::zero(amount.currency()));
            *sum = sum.checked_add(amount)?;
            Ok::<(), MoneyError>(())
        };
        for (part, gone) in settlement.parts.iter().zip(&disputed.parts) {
            if let Some(supplier) = part.supplier {
                add(supplier, gone.share)?;
            }
        }
        for conversion in &disputed.conversions {
            add(conversion.supplier, conversion.from.negated())?;
            add(conversion.supplier, conversion.paid)?;
        }
        let mut movements = Vec::new();
        for ((supplier, currency), share) in shares {
            let mut left = share;
            for (account, holds) in self.funds(supplier, currency).in_order(supplier) {
                let taken = left.min(holds)?.max(Money::zero(currency))?;
                movements.push(Movement::debit(account, taken));
                left = left.checked_sub(taken)?;
            }
            let held = Owner::joined(&[&supplier, &"dispute"]);
            let held = Account::new(AccountCode::SUPPLIER_HELD, held);
            movements.push(Movement::credit(held, share.checked_sub(left)?));
        }
        movements.retain(|movement| !movement.amount.is_zero());
        Ok(movements)
    }

    /// A hold ended: of each share that comes free, what refunds of the same payment made its supplier owe meanwhile goes
    /// against that debt, from the bucket it came back to. Otherwise money that went back to the shopper could be paid out.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn settle(&self, held: &[Movement], back: &[Refund]) -> Result<Vec<Movement>, MoneyError> {
        let mut left: BTreeMap<(SupplierId, Currency), Money> = BTreeMap::new();
        let mut movements = Vec::new();
        for Movement { account, amount } in held.iter().filter(|movement| movement.amount.is_positive()) {
            let Some(supplier) = supplier_of(account) else { continue };
            let (key, currency) = ((supplier, amount.currency()), amount.currency());
            let receivable = Account::new(AccountCode::SUPPLIER_RECEIVABLE, Owner::of(supplier));
            let debt = match left.get(&key) {
                Some(debt) => *debt,
                None => {
                    let made = back.iter().flat_map(|refund| &refund.movements).filter(|movement| {
                        movement.account == receivable && movement.amount.currency() == currency
                    });
                    Money::sum(currency, made.map(|movement| movement.amount))?
                        .min(self.owes(supplier, currency))?
                        .max(Money::zero(currency))?
                }
            };
            let paid = debt.min(*amount)?;
            left.insert(key, debt.checked_sub(paid)?);
            movements.push(Movement::debit(account.clone(), paid));
            movements.push(Movement::credit(receivable, paid));
        }
        movements.retain(|movement| !movement.amount.is_zero());
        Ok(movements)
    }

    /// What was decided once, undone: a supplier's debt is lowered as far as it still stands; what was written off of it is
    /// the loss that comes in after all (J25), and no supplier's; the rest is available.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn undo(&self, movements: &[Movement]) -> Result<Vec<Movement>, MoneyError> {
        let mut undone = Vec::new();
        for movement in movements.iter().map(Movement::reversed) {
            let supplier = movement.account.owner.as_str().parse::<SupplierId>();
            let (AccountCode::SUPPLIER_RECEIVABLE, Ok(supplier)) = (movement.account.code, supplier) else {
                undone.push(movement);
                continue;
            };
            let back = movement.amount.negated();
            let (currency, nothing) = (back.currency(), Money::zero(back.currency()));
            let of = |code| Account::new(code, Owner::of(supplier));
            let lowered = back.min(self.owes(supplier, currency))?.max(nothing)?;
            let rest = back.checked_sub(lowered)?;
            let recovered = rest.min(self.lost(supplier, currency))?.max(nothing)?;
            undone.push(Movement::credit(movement.account, lowered));
            undone.push(Movement::credit(of(AccountCode::COST_BAD_DEBT), recovered));
            undone.push(Movement::credit(of(AccountCode::SUPPLIER_AVAILABLE), rest.checked_sub(recovered)?));
        }
        undone.retain(|movement| !movement.amount.is_zero());
        Ok(undone)
    }

    /// Where a debt that was written off is undone and made again in one decision, it stays written off: what is taken
    /// anew, as a debt or of what the supplier has by now, against what came in after all.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn still_lost(net: &[Movement]) -> Result<Vec<Movement>, MoneyError> {
        const TAKEN_FROM: [AccountCode; 4] = [
            AccountCode::SUPPLIER_RECEIVABLE,
            AccountCode::SUPPLIER_AVAILABLE,
            AccountCode::SUPPLIER_PENDING,
            AccountCode::SUPPLIER_RESERVED,
        ];
        let mut kept = Vec::new();
        let came_in = |movement: &&Movement| {
            movement.account.code == AccountCode::COST_BAD_DEBT && movement.amount.is_negative()
        };
        for lost in net.iter().filter(came_in) {
            let (mut left, currency) = (lost.amount.negated(), lost.amount.currency());
            for code in TAKEN_FROM {
                let own = net.iter().filter(|taken| {
                    taken.account.code == code
                        && taken.amount.is_positive()
                        && taken.amount.currency() == currency
                        && supplier_of(&taken.account) == supplier_of(&lost.account)
                });
                for taken in own {
                    let stays = taken.amount.min(left)?;
                    left = left.checked_sub(stays)?;
                    kept.push(Movement::credit(taken.account.clone(), stays));
                    kept.push(Movement::debit(lost.account.clone(), stays));
                }
            }
        }
        kept.retain(|movement| !movement.amount.is_zero());
        Ok(kept)
    }

    /// A fee of the dispute, borne by the suppliers in proportion to what the payer was charged for their parts.
    ///
    /// # Errors
    /// [`MoneyError`].
    pub fn recharge(&self, settlement: &Settlement, fee: Money) -> Result<Vec<Movement>, MoneyError> {
        let mut weights: BTreeMap<SupplierId, i64> = BTreeMap::new();
        for part in &settlement.parts {
            if let Some(supplier) = part.supplier {
                *weights.entry(supplier).or_default() += part.charged.minor();
            }
        }
        let by: Vec<_> = weights.values().map(|weight| (*weight).into()).collect();
        let Ok(parts) = allocate(fee, &by, AllocationPolicy::LargestRemainder) else { return Ok(vec![]) };
        let mut movements = Vec::new();
        for (supplier, part) in weights.into_keys().zip(parts.0) {
            movements.extend(debit_supplier(supplier, part, self.funds(supplier, part.currency()))?);
        }
        movements.retain(|movement| !movement.amount.is_zero());
        Ok(movements)
    }
}

/// Whose bucket it is; a reserve's owner is the supplier and its day.
fn supplier_of(account: &Account) -> Option<SupplierId> {
    account.owner.as_str().split(',').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::ids::IdSource;

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::find("USD").unwrap())
    }

    #[test]
    fn what_comes_back_lowers_the_debt_that_is_left_and_no_more() {
        let supplier: SupplierId =
            IdSource::seeded(Clock::fixed(from_micros(1_795_000_000_000_000)), 1).mint();
        let of = |code| Account::new(code, Owner::of(supplier));
        let taken = [Movement::debit(of(AccountCode::SUPPLIER_RECEIVABLE), usd(90))];
        for (owes, lost, lowered, recovered, available) in [
            (90, 0, 90, 0, 0),
            (30, 0, 30, 0, 60),
            (0, 0, 0, 0, 90),
            (0, 90, 0, 90, 0),
            (30, 50, 30, 50, 10),
            (90, 90, 90, 0, 0),
            (0, -20, 0, 0, 90),
        ] {
            let mut purse = Purse::default();
            purse.owes.insert((supplier, usd(0).currency()), usd(owes));
            purse.lost.insert((supplier, usd(0).currency()), usd(lost));
            let undone = purse.undo(&taken).unwrap();
            let credit = |code| {
                let found = undone.iter().find(|movement| movement.account == of(code));
                found.map_or(0, |movement| -movement.amount.minor())
            };
            assert_eq!(credit(AccountCode::SUPPLIER_RECEIVABLE), lowered, "{owes}");
            assert_eq!(credit(AccountCode::COST_BAD_DEBT), recovered, "{owes} {lost}");
            assert_eq!(credit(AccountCode::SUPPLIER_AVAILABLE), available, "{owes} {lost}");
            purse.moved(&undone).unwrap();
            assert_eq!(purse.funds(supplier, usd(0).currency()).available, usd(available));
            assert_eq!(purse.lost(supplier, usd(0).currency()), usd(lost - recovered));
        }
    }

    #[test]
    fn what_was_written_off_and_is_taken_again_stays_written_off() {
        let supplier: SupplierId =
            IdSource::seeded(Clock::fixed(from_micros(1_795_000_000_000_000)), 1).mint();
        let of = |code| Account::new(code, Owner::of(supplier));
        let (owed, lost) = (of(AccountCode::SUPPLIER_RECEIVABLE), of(AccountCode::COST_BAD_DEBT));
        for (again, came_in, stays) in [(60, 100, 60), (100, 40, 40), (0, 100, 0), (60, 0, 0)] {
            let net =
                [Movement::debit(owed.clone(), usd(again)), Movement::credit(lost.clone(), usd(came_in))];
            let kept = Purse::still_lost(&net).unwrap();
            let of_account = |account: &Account| {
                let own = kept.iter().filter(|movement| movement.account == *account);
                own.map(|movement| movement.amount.minor()).sum::<i64>()
            };
            assert_eq!((of_account(&owed), of_account(&lost)), (-stays, stays), "{again} {came_in}");
        }
        // Taken again of what the supplier has earned since: that is left alone, too, and another's is none of it.
        let (has, other) = (of(AccountCode::SUPPLIER_AVAILABLE), supplier_of(&lost));
        assert_eq!(other, Some(supplier));
        let net = [
            Movement::debit(has.clone(), usd(50)),
            Movement::debit(owed.clone(), usd(30)),
            Movement::credit(lost.clone(), usd(60)),
        ];
        let kept = Purse::still_lost(&net).unwrap();
        let of_it = [Movement::credit(owed, usd(30)), Movement::debit(lost.clone(), usd(30))];
        assert_eq!(kept[..2], of_it);
        assert_eq!(kept[2..], [Movement::credit(has, usd(30)), Movement::debit(lost, usd(30))]);
    }
}
