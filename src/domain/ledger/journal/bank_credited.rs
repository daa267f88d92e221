//! The bank credited what gateways had sent: `1010 | 5090 || 1140` (J07, J09), what is missing and unexplained in 2900.

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::money::Money;

use super::booking::{Fact, Movement};

/// What arrived, and what of it.
#[derive(Debug, Clone, Copy)]
pub struct Deposit<'a> {
    /// The bank account in the books: 1010 or 1000 with its name.
    pub account: &'a Account,
    /// What was credited.
    pub received: Money,
    /// What the bank says it kept.
    pub charges: Money,
    /// What is missing beyond that; below zero where more came than was sent.
    pub missing: Money,
    /// What was sent: gateway accounts by name.
    pub sent: &'a [(String, Money)],
}

impl Deposit<'_> {
    /// Everything but where the received money stands.
    pub(super) fn others(&self) -> Vec<Movement> {
        let at_bank = |code| Account::new(code, self.account.owner.clone());
        let mut movements = vec![
            Movement::debit(at_bank(AccountCode::COST_BANK_CHARGES), self.charges),
            Movement::debit(at_bank(AccountCode::SUSPENSE), self.missing),
        ];
        for (gateway, amount) in self.sent {
            let transit = Account::new(AccountCode::CASH_IN_TRANSIT, Owner::of(gateway));
            movements.push(Movement::credit(transit, *amount));
        }
        movements
    }
}

/// The bank's line is what gateways sent.
///
/// # Errors
/// [`LedgerError`] when the parts do not sum.
pub fn bank_credited(
    fact: &Fact<'_>,
    deposit: &Deposit<'_>,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let mut movements = vec![Movement::debit(deposit.account.clone(), deposit.received)];
    movements.extend(deposit.others());
    fact.post(JournalEvent::BankCredited, &movements)
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_fact};
    use super::*;

    pub fn with_deposit(
        (first, second, charges, missing): (Money, Money, Money, Money),
        run: impl Fn(&Deposit<'_>),
    ) {
        let account = Account::new(AccountCode::BANK_CLIENT, Owner::of("dbs"));
        let sent = [("a".to_owned(), first), ("b".to_owned(), second)];
        let received = first
            .checked_add(second)
            .and_then(|sum| sum.checked_sub(charges))
            .and_then(|sum| sum.checked_sub(missing));
        let received = received.unwrap_or(first);
        run(&Deposit { account: &account, received, charges, missing, sent: &sent });
    }

    proptest! {
        #[test]
        fn balances(first in amount("SGD"), second in amount("SGD"), charges in amount("SGD"), missing in amount("SGD"), over: bool) {
            let missing = if over { missing.negated() } else { missing };
            with_deposit((first, second, charges, missing), |deposit| {
                with_fact(|fact| assert_balances(bank_credited(fact, deposit)));
            });
        }
    }
}
