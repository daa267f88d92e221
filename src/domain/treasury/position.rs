//! What can be spent where: funds per currency, client money and our own apart.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money, MoneyError};

use super::request::{Funds, Holder, Payable};

/// One currency's funds against what is payable in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The currency.
    pub currency: Currency,
    /// Client money at hand.
    pub client: Money,
    /// Own money at hand.
    pub own: Money,
    /// Payable in this currency, after withholding and debt.
    pub payable: Money,
    /// What is missing if everything were paid in its own currency; zero where nothing is.
    pub short: Money,
}

/// Funds and payables by currency.
///
/// # Errors
/// [`MoneyError`] where a payable mixes currencies.
pub fn positions(funds: &[Funds], payables: &[Payable]) -> Result<Vec<Position>, MoneyError> {
    let mut lines: BTreeMap<Currency, Position> = BTreeMap::new();
    let empty = |currency| {
        let zero = Money::zero(currency);
        Position { currency, client: zero, own: zero, payable: zero, short: zero }
    };
    for one in funds {
        let currency = one.available.currency();
        let line = lines.entry(currency).or_insert_with(|| empty(currency));
        let side = match one.holder {
            Holder::Client => &mut line.client,
            Holder::Own => &mut line.own,
        };
        *side = side.checked_add(one.available)?;
    }
    for payable in payables.iter().filter(|payable| payable.blocked.is_none()) {
        let currency = payable.gross.currency();
        let zero = Money::zero(currency);
        let line = lines.entry(currency).or_insert_with(|| empty(currency));
        let rest = payable.gross.checked_sub(payable.withholding.unwrap_or(zero))?;
        let rest = rest.checked_sub(payable.debt.unwrap_or(zero))?.max(zero)?;
        line.payable = line.payable.checked_add(rest)?;
    }
    for line in lines.values_mut() {
        let at_hand = line.client.checked_add(line.own)?;
        line.short = line.payable.checked_sub(at_hand)?.max(Money::zero(line.currency))?;
    }
    Ok(lines.into_values().collect())
}
