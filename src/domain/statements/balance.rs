//! A supplier's balance in one currency: six buckets, and what it owes.

use chrono::NaiveDate;
use serde::Serialize;

use crate::domain::ledger::AccountCode;
use crate::money::{Currency, Money, MoneyError};

/// Where a supplier's money lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// 2100: earned, not yet received or released.
    Pending,
    /// 2110: free to be paid out.
    Available,
    /// 2120: kept back as a reserve.
    Reserved,
    /// 2130: held for a dispute or review.
    Held,
    /// 2140: instructed, not yet confirmed by the rail.
    InTransit,
    /// 2150: paid out, not claimed.
    Unclaimed,
    /// 1200: owed by the supplier; it lowers the balance.
    Owed,
}

impl Bucket {
    /// Every bucket, in the order of the API.
    pub const ALL: [Bucket; 7] = [
        Bucket::Pending,
        Bucket::Available,
        Bucket::Reserved,
        Bucket::Held,
        Bucket::InTransit,
        Bucket::Unclaimed,
        Bucket::Owed,
    ];

    /// The account of the chart.
    pub fn code(self) -> AccountCode {
        match self {
            Bucket::Pending => AccountCode::SUPPLIER_PENDING,
            Bucket::Available => AccountCode::SUPPLIER_AVAILABLE,
            Bucket::Reserved => AccountCode::SUPPLIER_RESERVED,
            Bucket::Held => AccountCode::SUPPLIER_HELD,
            Bucket::InTransit => AccountCode::PAYOUT_IN_TRANSIT,
            Bucket::Unclaimed => AccountCode::PAYOUT_UNCLAIMED,
            Bucket::Owed => AccountCode::SUPPLIER_RECEIVABLE,
        }
    }

    /// The bucket of an account, if a supplier has money there.
    pub fn of(code: AccountCode) -> Option<Bucket> {
        Bucket::ALL.into_iter().find(|bucket| bucket.code() == code)
    }
}

/// What a supplier has in one currency. Every amount is as a reader expects it: `owed` is above zero when it owes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct SupplierBalance {
    /// Its currency.
    pub currency: Currency,
    /// 2100.
    pub pending: Money,
    /// 2110.
    pub available: Money,
    /// 2120.
    pub reserved: Money,
    /// 2130.
    pub held: Money,
    /// 2140.
    pub in_transit: Money,
    /// 2150.
    pub unclaimed: Money,
    /// 1200.
    pub owed: Money,
    /// The statement's balance: the six buckets less `owed`.
    pub balance: Money,
    /// When what is `reserved` becomes available, earliest first.
    pub reserves: Vec<Reserve>,
}

/// What is kept back until a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Reserve {
    /// Available from this day on, in the merchant's zone.
    pub release_on: NaiveDate,
    /// How much.
    pub amount: Money,
}

/// Why balances are no supplier's balance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BalanceError {
    /// Another account of the chart.
    #[error("account {0} holds no supplier's money")]
    NotABucket(AccountCode),
    /// Two currencies, or a sum beyond the ledger.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl SupplierBalance {
    /// From the ledger's balances, debit minus credit as it stores them; accounts that are not there are zero, and
    /// several of one code (2140 and 2150 have one per payout) are summed.
    ///
    /// # Errors
    /// [`BalanceError`].
    pub fn try_new(
        currency: Currency,
        debit_minus_credit: impl IntoIterator<Item = (AccountCode, Money)>,
    ) -> Result<SupplierBalance, BalanceError> {
        let mut balance = SupplierBalance::nothing(currency);
        for (code, signed) in debit_minus_credit {
            let bucket = Bucket::of(code).ok_or(BalanceError::NotABucket(code))?;
            let credit = signed.negated();
            balance.balance = balance.balance.checked_add(credit)?;
            let shown = if bucket == Bucket::Owed { signed } else { credit };
            let place = balance.place(bucket);
            *place = place.checked_add(shown)?;
        }
        Ok(balance)
    }

    /// The same, with the days on which its reserves are released.
    #[must_use]
    pub fn with_reserves(mut self, mut reserves: Vec<Reserve>) -> SupplierBalance {
        reserves.sort_by_key(|reserve| reserve.release_on);
        self.reserves = reserves;
        self
    }

    /// One bucket.
    pub fn in_bucket(&self, bucket: Bucket) -> Money {
        match bucket {
            Bucket::Pending => self.pending,
            Bucket::Available => self.available,
            Bucket::Reserved => self.reserved,
            Bucket::Held => self.held,
            Bucket::InTransit => self.in_transit,
            Bucket::Unclaimed => self.unclaimed,
            Bucket::Owed => self.owed,
        }
    }

    fn nothing(currency: Currency) -> SupplierBalance {
        let zero = Money::zero(currency);
        SupplierBalance {
            currency,
            pending: zero,
            available: zero,
            reserved: zero,
            held: zero,
            in_transit: zero,
            unclaimed: zero,
            owed: zero,
            balance: zero,
            reserves: vec![],
        }
    }

    fn place(&mut self, bucket: Bucket) -> &mut Money {
        match bucket {
            Bucket::Pending => &mut self.pending,
            Bucket::Available => &mut self.available,
            Bucket::Reserved => &mut self.reserved,
            Bucket::Held => &mut self.held,
            Bucket::InTransit => &mut self.in_transit,
            Bucket::Unclaimed => &mut self.unclaimed,
            Bucket::Owed => &mut self.owed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::find("USD").unwrap())
    }

    #[test]
    fn the_balance_is_six_buckets_less_what_is_owed() {
        let stored =
            [(2100, -1), (2110, -20), (2120, -300), (2130, -4_000), (2140, -50_000), (2140, -7), (2150, -6)];
        let owed = [(1200, 100_000)];
        let rows = stored.into_iter().chain(owed);
        let rows = rows.map(|(code, minor)| (AccountCode::find(code).unwrap(), usd(minor)));
        let balance = SupplierBalance::try_new(usd(0).currency(), rows).unwrap();
        let shown = Bucket::ALL.map(|bucket| balance.in_bucket(bucket).minor());
        assert_eq!(shown, [1, 20, 300, 4_000, 50_007, 6, 100_000]);
        assert_eq!(balance.balance, usd(54_334 - 100_000));
    }

    #[test]
    fn refuses_other_accounts_and_currencies() {
        let usd_only = usd(0).currency();
        let revenue = AccountCode::REVENUE_COMMISSION;
        assert_eq!(
            SupplierBalance::try_new(usd_only, [(revenue, usd(1))]),
            Err(BalanceError::NotABucket(revenue))
        );
        let eur = Money::from_minor(1, Currency::find("EUR").unwrap());
        let mixed = SupplierBalance::try_new(usd_only, [(AccountCode::SUPPLIER_PENDING, eur)]);
        assert!(matches!(mixed, Err(BalanceError::Money(MoneyError::CurrencyMismatch { .. }))));
    }

    #[test]
    fn json_names_every_bucket() {
        let json = serde_json::to_value(SupplierBalance::nothing(usd(0).currency())).unwrap();
        let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), 10, "{keys:?}");
        assert_eq!(json["in_transit"]["amount"], "0.00");
    }
}
