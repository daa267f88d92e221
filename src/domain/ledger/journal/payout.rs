//! Where a payout's money stands, from the supplier's balance to the rail's debit.

use serde::{Deserialize, Serialize};

use crate::domain::ledger::{Account, AccountCode, Owner};
use crate::ids::SupplierId;

/// The accounts of one payout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PayoutBooking {
    /// Who is paid.
    pub supplier: SupplierId,
    /// The rail account's name, the first dimension of 2140, 2150, 5020 and 5025.
    pub rail: String,
    /// What the rail debits: 1110 of a gateway account, 1010 of a bank account, or 1150 of the rail itself.
    pub cash: Account,
    /// What the rail's fee comes off: the same, or the merchant's own account at that bank (1000).
    pub fees: Account,
}

impl PayoutBooking {
    /// The supplier's money that may be paid out: 2110.
    pub fn available(&self) -> Account {
        Account::new(AccountCode::SUPPLIER_AVAILABLE, Owner::of(self.supplier))
    }

    /// Instructed and not yet debited: 2140.
    pub fn in_transit(&self) -> Account {
        self.at_rail_for(AccountCode::PAYOUT_IN_TRANSIT)
    }

    /// Debited, and the payee has not taken it: 2150.
    pub fn unclaimed(&self) -> Account {
        self.at_rail_for(AccountCode::PAYOUT_UNCLAIMED)
    }

    /// What the rail holds for payees that have not taken it, where the money came from a gateway's balance: 1120.
    /// Elsewhere it stays where it was debited from.
    pub fn kept(&self) -> Account {
        match self.cash.code {
            AccountCode::GATEWAY_BALANCE => {
                let reason = format!("{},unclaimed", self.cash.owner.as_str());
                Account::new(AccountCode::GATEWAY_HELD, Owner::of(reason))
            }
            _ => self.cash.clone(),
        }
    }

    /// What the rail paid otherwise than was instructed, until two persons decide: 2900 where the money left.
    pub fn suspense(&self) -> Account {
        Account::new(AccountCode::SUSPENSE, self.cash.owner.clone())
    }

    /// An account told apart by the rail alone: 5020, 5025.
    pub fn at_rail(&self, code: AccountCode) -> Account {
        Account::new(code, Owner::of(&self.rail))
    }

    fn at_rail_for(&self, code: AccountCode) -> Account {
        Account::new(code, Owner::of(format!("{},{}", self.rail, self.supplier)))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::booking::Fact;
    use super::super::booking::tests::with_fact;
    use super::*;

    /// A payout from PayPal's balance.
    pub fn with_payout<T>(run: impl FnOnce(&Fact<'_>, &PayoutBooking) -> T) -> T {
        with_fact(|fact| {
            let cash = Account::new(AccountCode::GATEWAY_BALANCE, Owner::of("paypal"));
            let supplier = fact.ids.mint();
            let payout = PayoutBooking { supplier, rail: "paypal".to_owned(), fees: cash.clone(), cash };
            run(fact, &payout)
        })
    }

    #[test]
    fn what_a_gateway_keeps_for_a_payee_is_told_apart_and_what_a_bank_sent_is_not() {
        with_payout(|_, payout| {
            assert_eq!(payout.kept().owner.as_str(), "paypal,unclaimed");
            let cash = Account::new(AccountCode::BANK_CLIENT, Owner::of("scb"));
            let by_bank = PayoutBooking { fees: cash.clone(), cash: cash.clone(), ..payout.clone() };
            assert_eq!(by_bank.kept(), cash);
        });
    }
}
