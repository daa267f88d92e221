//! What paid a gateway's invoice came back: the fee is owed again, `1000 || 2310` (J08 the other way round), until it is paid
//! again, `2310 || 1000`.

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::money::Money;

use super::booking::{Fact, Movement};

/// The bank took the payment of an invoice back; `bank` is the name of the own account, `gateway` the gateway account's.
///
/// # Errors
/// None for one currency.
pub fn invoice_returned(
    fact: &Fact<'_>,
    gateway: &str,
    bank: &str,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let (own, owed) = accounts(gateway, bank);
    fact.post(JournalEvent::InvoiceReturned, &[Movement::debit(own, amount), Movement::credit(owed, amount)])
}

/// The invoice was paid again.
///
/// # Errors
/// None for one currency.
pub fn invoice_paid_again(
    fact: &Fact<'_>,
    gateway: &str,
    bank: &str,
    amount: Money,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let (own, owed) = accounts(gateway, bank);
    fact.post(JournalEvent::InvoicePaidAgain, &[Movement::debit(owed, amount), Movement::credit(own, amount)])
}

fn accounts(gateway: &str, bank: &str) -> (Account, Account) {
    let own = Account::new(AccountCode::BANK_OPERATING, Owner::of(bank));
    (own, Account::new(AccountCode::GATEWAY_FEE_ACCRUED, Owner::of(gateway)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, with_fact};

    proptest! {
        #[test]
        fn balances(amount in amount("SGD")) {
            with_fact(|fact| assert_balances(super::invoice_returned(fact, "grabpay", "ops", amount)));
            with_fact(|fact| assert_balances(super::invoice_paid_again(fact, "grabpay", "ops", amount)));
        }
    }
}
