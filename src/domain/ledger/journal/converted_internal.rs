//! A supplier's share changes currency with us: two legs through the position account, the spread as its own line
//! (J04): `2100 || 3000` in the payment's currency, `3000 || 2100 + 4020` in the supplier's.

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::ids::SupplierId;
use crate::money::Money;

use super::booking::{Booking, Movement};

/// One internal deal.
#[derive(Debug, Clone, Copy)]
pub struct InternalConversion {
    /// Whose share.
    pub supplier: SupplierId,
    /// What is converted.
    pub from: Money,
    /// What it is worth at mid, in the supplier's currency.
    pub at_mid: Money,
    /// What the supplier gets.
    pub paid: Money,
}

impl InternalConversion {
    /// The account of the markup: `4020[USDCNY]`.
    pub(crate) fn markup_account(&self) -> Account {
        let pair = format!("{}{}", self.from.currency(), self.paid.currency());
        Account::new(AccountCode::REVENUE_FX_MARKUP, Owner::of(pair))
    }
}

/// The deal, at the supplier's pending balance.
///
/// # Errors
/// [`LedgerError`] when `at_mid` and `paid` are of different currencies.
pub fn converted_internal(
    booking: &Booking<'_>,
    deal: &InternalConversion,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let event = JournalEvent::ConvertedInternal;
    let markup = deal.at_mid.checked_sub(deal.paid).map_err(|_| LedgerError::TooLarge(event))?;
    let pending = booking.of_supplier(AccountCode::SUPPLIER_PENDING, deal.supplier);
    let position = booking.plain(AccountCode::FX_POSITION);
    booking.post(
        event,
        &[
            Movement::debit(pending.clone(), deal.from),
            Movement::credit(position.clone(), deal.from),
            Movement::debit(position, deal.at_mid),
            Movement::credit(pending, deal.paid),
            Movement::credit(deal.markup_account(), markup),
        ],
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, supplier, with_booking};
    use super::*;

    proptest! {
        #[test]
        fn balances(from in amount("USD"), at_mid in amount("CNY"), paid in amount("CNY")) {
            with_booking(|booking| {
                let deal = InternalConversion { supplier: supplier(booking), from, at_mid, paid };
                assert_balances(converted_internal(booking, &deal));
            });
        }
    }
}
