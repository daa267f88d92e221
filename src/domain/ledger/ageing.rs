//! Open items by age: what lies on accounts where money only rests.

use chrono::{DateTime, Utc};

use crate::money::{Money, MoneyError};

use super::account::{Account, AccountCode};

/// Accounts whose balance is the sum of items that somebody has to settle.
pub const WITH_ITEMS: [AccountCode; 8] = [
    AccountCode::CASH_IN_TRANSIT,
    AccountCode::SUPPLIER_RECEIVABLE,
    AccountCode::ORDER_CLEARING,
    AccountCode::CUSTOMER_REFUNDABLE,
    AccountCode::REFUND_IN_TRANSIT,
    AccountCode::PAYOUT_IN_TRANSIT,
    AccountCode::PAYOUT_UNCLAIMED,
    AccountCode::SUSPENSE,
];

/// Where the bands of age end, in days; the last has no end.
pub const BANDS: [i64; 4] = [1, 7, 30, 90];

/// What is open under one name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenItem {
    /// Where it lies.
    pub account: Account,
    /// What it is about: a payment, a deposit, a finding.
    pub subject: String,
    /// Debit less credit.
    pub amount: Money,
    /// When its first entry happened.
    pub since: DateTime<Utc>,
}

impl OpenItem {
    /// Whole days it has been open.
    pub fn days(&self, now: DateTime<Utc>) -> i64 {
        (now - self.since).num_days().max(0)
    }

    /// The number of its band.
    pub fn band(&self, now: DateTime<Utc>) -> usize {
        BANDS.iter().position(|end| self.days(now) < *end).unwrap_or(BANDS.len())
    }
}

/// What is left open of an account's items, the oldest first. What a supplier owes is one debt, whatever made it: its items
/// settle one another. Everywhere else an item is a matter of its own: money of a stranger does not pay another's.
///
/// # Errors
/// [`MoneyError`].
pub fn left_open(code: AccountCode, mut items: Vec<OpenItem>) -> Result<Vec<OpenItem>, MoneyError> {
    if code == AccountCode::SUPPLIER_RECEIVABLE {
        return settle_oldest(items);
    }
    items.sort_by_key(|item| item.since);
    Ok(items)
}

/// Items against items: what stands on the other side of an account's balance settles the oldest of it. A debt that was
/// netted in parts is as old as what is left of it.
///
/// # Errors
/// [`MoneyError`].
pub fn settle_oldest(mut items: Vec<OpenItem>) -> Result<Vec<OpenItem>, MoneyError> {
    items.sort_by_key(|item| item.since);
    let Some(first) = items.first() else { return Ok(items) };
    let balance = Money::sum(first.amount.currency(), items.iter().map(|item| item.amount))?;
    let against: Vec<OpenItem> =
        items.extract_if(.., |item| item.amount.is_negative() != balance.is_negative()).collect();
    let mut left = Money::sum(balance.currency(), against.iter().map(|item| item.amount.abs()))?;
    for item in &mut items {
        let settled = left.min(item.amount.abs())?;
        left = left.checked_sub(settled)?;
        let signed = if item.amount.is_negative() { settled.negated() } else { settled };
        item.amount = item.amount.checked_sub(signed)?;
    }
    items.retain(|item| !item.amount.is_zero());
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;
    use crate::domain::ledger::Owner;
    use crate::money::Currency;
    use chrono::TimeDelta;

    fn item(day: i64, minor: i64) -> OpenItem {
        OpenItem {
            account: Account::new(AccountCode::SUPPLIER_RECEIVABLE, Owner::of("A")),
            subject: format!("pay_{day}"),
            amount: Money::from_minor(minor, Currency::find("USD").unwrap()),
            since: from_micros(0) + TimeDelta::days(day),
        }
    }

    #[test]
    fn money_of_one_stranger_does_not_pay_anothers() {
        let both = || vec![item(3, -97), item(0, 97)];
        let days =
            |items: Vec<OpenItem>| items.into_iter().map(|item| item.amount.minor()).collect::<Vec<_>>();
        assert_eq!(days(left_open(AccountCode::SUSPENSE, both()).unwrap()), [97, -97]);
        assert!(left_open(AccountCode::SUPPLIER_RECEIVABLE, both()).unwrap().is_empty());
    }

    #[test]
    fn what_was_paid_back_settles_the_oldest_and_the_rest_keeps_its_age() {
        let left = settle_oldest(vec![item(0, 90), item(5, 40), item(6, -100)]).unwrap();
        let seen: Vec<_> = left.iter().map(|item| (item.subject.as_str(), item.amount.minor())).collect();
        assert_eq!(seen, [("pay_5", 30)]);
        assert!(settle_oldest(vec![item(0, 90), item(1, -90)]).unwrap().is_empty());
        let now = from_micros(0) + TimeDelta::days(31);
        let bands: Vec<usize> = [31, 30, 24, 1, -90].map(|day| item(day, 1).band(now)).into();
        assert_eq!(bands, [0, 1, 2, 3, 4], "0, 1, 7, 30 and 121 days");
    }
}
