//! A captured payment is divided: `2000 || 2100… + 4000|2300 + 2200 + 5005` (J01, J03).

use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::domain::merchants::{Recognise, Role};
use crate::ids::SupplierId;
use crate::money::Money;

use super::booking::{Booking, Movement};

/// What the division came to, all in one currency.
#[derive(Debug, Clone)]
pub struct SplitAmounts<'a> {
    /// What leaves clearing: the sum of all others.
    pub whole: Money,
    /// What each supplier gets.
    pub shares: &'a [(SupplierId, Money)],
    /// The platform's commission and rest.
    pub commission: Money,
    /// What the platform sold itself.
    pub own_sales: Money,
    /// Tax on the commission.
    pub tax: Money,
    /// The gateway's fee that suppliers or payer bear.
    pub fee_borne: Money,
    /// Whether the platform sells for others; a principal's part is all sales. (The purchase cost of a principal is
    /// its suppliers' share, which the shipped chart keeps net of the sale.)
    pub role: Role,
    /// When commission is earned.
    pub recognise: Recognise,
    /// Whose tax: `SG`.
    pub jurisdiction: &'a str,
}

/// The account that commission of a merchant of this role is earned on.
pub(crate) fn revenue(role: Role, own_sale: bool) -> AccountCode {
    match role {
        Role::Agent if !own_sale => AccountCode::REVENUE_COMMISSION,
        Role::Agent | Role::Principal => AccountCode::REVENUE_OWN_SALES,
    }
}

/// The division.
///
/// # Errors
/// [`LedgerError`] when the parts do not sum to the whole.
pub fn split(
    booking: &Booking<'_>,
    amounts: &SplitAmounts<'_>,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    let earned = |own_sale| match amounts.recognise {
        Recognise::Capture => booking.plain(revenue(amounts.role, own_sale)),
        Recognise::Delivered => booking.plain(AccountCode::COMMISSION_DEFERRED),
    };
    let mut movements = vec![Movement::debit(booking.at_gateway(AccountCode::ORDER_CLEARING), amounts.whole)];
    movements.extend(amounts.shares.iter().map(|&(supplier, share)| {
        Movement::credit(booking.of_supplier(AccountCode::SUPPLIER_PENDING, supplier), share)
    }));
    if earned(false) == earned(true) {
        let kept = amounts.commission.checked_add(amounts.own_sales);
        let kept = kept.map_err(|_| LedgerError::TooLarge(JournalEvent::Split))?;
        movements.push(Movement::credit(earned(false), kept));
    } else {
        movements.push(Movement::credit(earned(false), amounts.commission));
        movements.push(Movement::credit(earned(true), amounts.own_sales));
    }
    let tax = Account::new(AccountCode::TAX_OUTPUT, Owner::of(amounts.jurisdiction));
    movements.push(Movement::credit(tax, amounts.tax));
    let borne = booking.at_gateway(AccountCode::COST_GATEWAY_FEE_RECHARGED);
    movements.push(Movement::credit(borne, amounts.fee_borne));
    booking.post(JournalEvent::Split, &movements)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::booking::tests::{amount, assert_balances, supplier, with_booking};
    use super::*;

    proptest! {
        #[test]
        fn balances_when_the_parts_sum_to_the_whole(
            parts in prop::collection::vec(amount("SGD"), 4..8),
            principal: bool,
            deferred: bool,
        ) {
            with_booking(|booking| {
                let whole = Money::sum(parts[0].currency(), parts.iter().copied()).expect("one currency");
                let shares: Vec<_> = parts[4..].iter().map(|&share| (supplier(booking), share)).collect();
                assert_balances(split(booking, &SplitAmounts {
                    whole,
                    shares: &shares,
                    commission: parts[0],
                    own_sales: parts[1],
                    tax: parts[2],
                    fee_borne: parts[3],
                    role: if principal { Role::Principal } else { Role::Agent },
                    recognise: if deferred { Recognise::Delivered } else { Recognise::Capture },
                    jurisdiction: "SG",
                }));
            });
        }
    }
}
