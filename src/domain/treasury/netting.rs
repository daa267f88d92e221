//! What one legal entity owes and holds in a currency, against each other before anything is bought.
//!
//! Only own positions of one entity meet, never two entities', never supplier money that was not converted, and only
//! in currencies that may be netted at all.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money, MoneyError};

use super::request::Holder;

/// What an entity holds or owes in a currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The legal entity.
    pub entity: String,
    /// Whose money it is; client money is shown and never netted.
    pub holder: Holder,
    /// Held.
    pub held: Money,
    /// To be bought for obligations.
    pub owed: Money,
}

/// One line of the netting table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Netted {
    /// The legal entity.
    pub entity: String,
    /// The currency.
    pub currency: Currency,
    /// Own money held.
    pub held: Money,
    /// Own obligations.
    pub owed: Money,
    /// The smaller of the two, or nothing where the currency is not netted.
    pub netted: Money,
    /// What remains to be bought.
    pub to_buy: Money,
    /// What remains to be sold or kept.
    pub surplus: Money,
    /// Client money of the entity in this currency, untouched.
    pub client_held: Money,
    /// Whether the currency may be netted.
    pub nettable: bool,
}

/// Currencies whose rules keep positions apart unless counsel says otherwise (unverified, off by default).
pub const NOT_NETTED: [&str; 6] = ["IDR", "VND", "MYR", "KRW", "TWD", "INR"];

/// Whether positions in a currency are netted by default.
pub fn nettable(currency: Currency) -> bool {
    !NOT_NETTED.contains(&currency.code())
}

/// Nets each entity's own positions, currency by currency.
///
/// # Errors
/// [`MoneyError`] where a position mixes currencies.
pub fn net(positions: &[Position]) -> Result<Vec<Netted>, MoneyError> {
    let mut lines: BTreeMap<(String, Currency), Netted> = BTreeMap::new();
    for position in positions {
        position.held.same_currency(position.owed)?;
        let currency = position.held.currency();
        let zero = Money::zero(currency);
        let line = lines.entry((position.entity.clone(), currency)).or_insert_with(|| Netted {
            entity: position.entity.clone(),
            currency,
            held: zero,
            owed: zero,
            netted: zero,
            to_buy: zero,
            surplus: zero,
            client_held: zero,
            nettable: nettable(currency),
        });
        match position.holder {
            Holder::Own => {
                line.held = line.held.checked_add(position.held)?;
                line.owed = line.owed.checked_add(position.owed)?;
            }
            Holder::Client => line.client_held = line.client_held.checked_add(position.held)?,
        }
    }
    let mut table = Vec::new();
    for mut line in lines.into_values() {
        let zero = Money::zero(line.currency);
        line.netted = if line.nettable { line.held.min(line.owed)?.max(zero)? } else { zero };
        line.to_buy = line.owed.checked_sub(line.netted)?;
        line.surplus = line.held.checked_sub(line.netted)?;
        table.push(line);
    }
    Ok(table)
}
