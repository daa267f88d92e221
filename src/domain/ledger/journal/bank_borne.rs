//! Two persons took unexplained money at a bank as the merchant's own: a charge (`5090 || 2900`), a loss or gain
//! (`5030 || 2900`).

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::money::Money;

use super::booking::{Fact, Movement};

/// What leaves suspense at a bank account of this name: above zero where it lay there as a debit.
///
/// # Errors
/// None for one currency.
pub fn bank_borne(
    fact: &Fact<'_>,
    bank: &str,
    amount: Money,
    is_charge: bool,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let to = match is_charge {
        true => Account::new(AccountCode::COST_BANK_CHARGES, Owner::of(bank)),
        false => Account::new(AccountCode::COST_REFUND_LOSS, Owner::none()),
    };
    let suspense = Account::new(AccountCode::SUSPENSE, Owner::of(bank));
    fact.post(JournalEvent::BankBorne, &[Movement::debit(to, amount), Movement::credit(suspense, amount)])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_fact};

    proptest! {
        #[test]
        fn balances(amount in amount("SGD"), gain: bool, is_charge: bool) {
            let amount = if gain { amount.negated() } else { amount };
            with_fact(|fact| assert_balances(super::bank_borne(fact, "dbs", amount, is_charge)));
        }
    }
}
