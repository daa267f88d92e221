//! What one legal entity owes and holds in a currency, against each other before anything is bought.
//!
//! Only own positions of one entity meet, never two entities', never supplier money that was not converted, and only
//! in currencies that may be netted at all.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::ledger::{AccountCode, ClientMoney, Layer, TrialBalance, balance};
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
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

/// An entity's positions by its books: own are its operating bank accounts (1000) and the position of conversions (3000), held
/// where that is long, to be bought where it is short. What others' accounts hold beside it is theirs; long money that still
/// lies there counts as own. Currencies without an own position are left out.
///
/// # Errors
/// [`MoneyError`] when a sum does not fit.
pub fn booked(entity: &str, trial: &TrialBalance) -> Result<Vec<Position>, MoneyError> {
    let mut positions = Vec::new();
    for check in ClientMoney::of(trial)? {
        let (currency, long) = (check.position.currency(), check.position);
        let zero = Money::zero(currency);
        let own = trial.lines.iter().filter(|line| {
            line.code == AccountCode::BANK_OPERATING
                && line.layer == Layer::Posted
                && line.debit_minus_credit.currency() == currency
        });
        let at_bank = own.map(|line| balance::on_normal_side(line.code, line.debit_minus_credit));
        let (at_bank, owed) = (Money::sum(currency, at_bank)?, long.negated().max(zero)?);
        let long = long.max(zero)?;
        // An overdraft eats what is held elsewhere.
        let held = at_bank.checked_add(long)?.max(zero)?;
        if held.is_zero() && owed.is_zero() {
            continue;
        }
        let entity = entity.to_owned();
        positions.push(Position { entity: entity.clone(), holder: Holder::Own, held, owed });
        let client = check.held.checked_sub(long)?.max(zero)?;
        positions.push(Position { entity, holder: Holder::Client, held: client, owed: zero });
    }
    Ok(positions)
}

/// Nets each entity's own positions, currency by currency, but those in currencies that are kept apart.
///
/// # Errors
/// [`MoneyError`] where a position mixes currencies.
pub fn net(positions: &[Position], kept_apart: &BTreeSet<Currency>) -> Result<Vec<Netted>, MoneyError> {
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
            nettable: !kept_apart.contains(&currency),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ledger::TrialLine;
    use crate::domain::treasury::RouteTable;

    /// Debits less credits, by code and currency.
    fn trial(lines: &[(AccountCode, &'static str, i64)]) -> TrialBalance {
        let line = |(code, currency, minor): &(AccountCode, &'static str, i64)| TrialLine {
            code: *code,
            layer: Layer::Posted,
            debit_minus_credit: Money::from_minor(*minor, Currency::known(currency)),
        };
        TrialBalance { lines: lines.iter().map(line).collect() }
    }

    /// Held, owed, netted, to buy, surplus and clients' of each currency.
    fn netted(lines: &[(AccountCode, &'static str, i64)]) -> Vec<(&'static str, [i64; 6])> {
        let apart = &RouteTable::shipped().not_netted;
        let table = net(&booked("us", &trial(lines)).unwrap(), apart).unwrap();
        let row = |line: Netted| {
            let figures = [line.held, line.owed, line.netted, line.to_buy, line.surplus, line.client_held];
            (line.currency.code(), figures.map(Money::minor))
        };
        table.into_iter().map(row).collect()
    }

    #[test]
    fn only_own_money_is_set_against_what_is_to_be_bought() {
        use AccountCode as Code;
        let (bank, position) = (Code::BANK_OPERATING, Code::FX_POSITION);
        let table = netted(&[
            (Code::BANK_CLIENT, "CNY", 90_000),
            (bank, "CNY", 20_000),
            (position, "CNY", 60_591),
            // Sold to us: it still lies at the gateway, beside what belongs to others.
            (Code::GATEWAY_BALANCE, "USD", 10_000),
            (position, "USD", -8_510),
            (Code::SUPPLIER_PENDING, "USD", -1_490),
            // Others' alone.
            (Code::GATEWAY_BALANCE, "THB", 5_000),
            (Code::SUPPLIER_PENDING, "THB", -5_000),
        ]);
        assert_eq!(
            table,
            [("CNY", [20_000, 60_591, 20_000, 40_591, 0, 90_000]), ("USD", [8_510, 0, 0, 0, 8_510, 1_490])]
        );
    }

    #[test]
    fn where_positions_are_kept_apart_all_of_it_is_bought() {
        use AccountCode as Code;
        let own = [(Code::BANK_OPERATING, "IDR", 70_000), (Code::FX_POSITION, "IDR", 50_000)];
        assert_eq!(netted(&own), [("IDR", [70_000, 50_000, 0, 50_000, 70_000, 0])]);
        let positions = booked("us", &trial(&own)).unwrap();
        assert!(!net(&positions, &RouteTable::shipped().not_netted).unwrap()[0].nettable);
        // An operator's own table says otherwise.
        let own = net(&positions, &BTreeSet::new()).unwrap().remove(0);
        assert_eq!((own.nettable, own.netted.minor()), (true, 50_000));
    }

    #[test]
    fn an_overdraft_is_nothing_that_is_held() {
        use AccountCode as Code;
        let own = [(Code::BANK_OPERATING, "SGD", -3_000), (Code::FX_POSITION, "SGD", -5_000)];
        assert_eq!(netted(&own), [("SGD", [2_000, 0, 0, 0, 2_000, 0])]);
        assert_eq!(netted(&[(Code::BANK_OPERATING, "SGD", -3_000)]), []);
    }
}
