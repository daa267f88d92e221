//! Where accounts stand: balances as the ledger keeps them and as a person reads them, floors, the trial balance.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::ids::{MerchantId, TransactionId};
use crate::money::{Currency, Money};

use super::account::{Account, AccountCode, Chart, NormalSide};
use super::transaction::{Direction, JournalEvent, Layer};

/// One account of the books with its balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountBalance {
    /// The store's number of it.
    pub id: i64,
    /// Whose book.
    pub merchant: MerchantId,
    /// Which account.
    pub account: Account,
    /// Expected or real.
    pub layer: Layer,
    /// Debits less credits.
    pub debit_minus_credit: Money,
    /// How many entries it has.
    pub entries: i64,
}

impl AccountBalance {
    /// As a person reads it: above zero on the side on which the account grows.
    pub fn shown(&self) -> Money {
        on_normal_side(self.account.code, self.debit_minus_credit)
    }
}

/// A balance seen from the side on which the account grows; positions and rounding show their debit side.
pub fn on_normal_side(code: AccountCode, debit_minus_credit: Money) -> Money {
    match Chart::shipped().get(code).map(|definition| definition.normal) {
        Some(NormalSide::Credit) => debit_minus_credit.negated(),
        _ => debit_minus_credit,
    }
}

/// Where an account would stand below its floor, on its normal side; `None` while it may stand there.
pub fn below_floor(code: AccountCode, debit_minus_credit: Money) -> Option<Money> {
    let definition = Chart::shipped().get(code)?;
    let shown = on_normal_side(code, debit_minus_credit);
    let floored = !definition.may_go_negative && definition.normal != NormalSide::Either;
    (floored && shown.is_negative()).then_some(shown)
}

/// A transaction as it stands in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedTransaction {
    /// Its place among all transactions.
    pub number: i64,
    /// Its id.
    pub id: TransactionId,
    /// Whose book.
    pub merchant: MerchantId,
    /// What happened.
    pub event: JournalEvent,
    /// The fact it books.
    pub source: String,
    /// The payment, payout or finding it is about.
    pub subject: Option<String>,
    /// When it happened in the world.
    pub effective_at: DateTime<Utc>,
    /// When it was booked.
    pub recorded_at: DateTime<Utc>,
    /// The block that holds it.
    pub block: i64,
    /// Its entries, in order.
    pub entries: Vec<PostedEntry>,
}

/// An entry as it stands in the books.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostedEntry {
    /// Where.
    pub account: Account,
    /// Expected or real.
    pub layer: Layer,
    /// Which side.
    pub direction: Direction,
    /// How much, above zero.
    pub amount: Money,
    /// Debits less credits of the account once it stands.
    pub balance_after: Money,
}

/// An entry seen from its account, with the words of its transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountEntry {
    /// Where it stands in the booking order.
    pub place: Place,
    /// The account's number in the store.
    pub account_id: i64,
    /// Its place in the account, from 1.
    pub seq: i64,
    /// Its transaction.
    pub transaction: TransactionId,
    /// What happened.
    pub event: JournalEvent,
    /// The fact.
    pub source: String,
    /// The payment, payout or finding it is about.
    pub subject: Option<String>,
    /// When it was booked.
    pub recorded_at: DateTime<Utc>,
    /// When it happened.
    pub effective_at: DateTime<Utc>,
    /// Debit less credit.
    pub debit_minus_credit: Money,
    /// Debits less credits of the account once it stands.
    pub balance_after: Money,
}

/// A place in the booking order of the whole ledger: the transaction's number, then the position in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The transaction's number.
    pub number: i64,
    /// The entry's position in it.
    pub position: i64,
}

impl Place {
    /// Behind every entry of transaction `number`; behind transaction 0 is the beginning.
    pub fn after(number: i64) -> Place {
        Place { number, position: i64::MAX }
    }
}

/// Every account code's balance per currency and layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialBalance {
    /// By currency, layer and code.
    pub lines: Vec<TrialLine>,
}

/// One line of a trial balance: on the debit or on the credit side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialLine {
    /// The code.
    pub code: AccountCode,
    /// Expected or real.
    pub layer: Layer,
    /// Debits less credits.
    pub debit_minus_credit: Money,
}

/// The sum of one currency and layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct TrialTotal {
    /// Of the lines on the debit side.
    pub debits: Money,
    /// Of the lines on the credit side.
    pub credits: Money,
}

impl TrialBalance {
    /// Totals per currency and layer; `None` when a sum does not fit.
    pub fn totals(&self) -> Option<BTreeMap<(Currency, Layer), TrialTotal>> {
        let mut totals = BTreeMap::new();
        for line in &self.lines {
            let currency = line.debit_minus_credit.currency();
            let nothing = Money::zero(currency);
            let total = totals
                .entry((currency, line.layer))
                .or_insert(TrialTotal { debits: nothing, credits: nothing });
            let side =
                if line.debit_minus_credit.is_negative() { &mut total.credits } else { &mut total.debits };
            *side = side.checked_add(line.debit_minus_credit.abs()).ok()?;
        }
        Some(totals)
    }

    /// Whether debits equal credits in every currency and layer.
    pub fn balances(&self) -> bool {
        self.totals().is_some_and(|totals| totals.values().all(|total| total.debits == total.credits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sgd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::find("SGD").unwrap())
    }

    #[test]
    fn floors_follow_the_chart_and_the_normal_side() {
        use AccountCode as Code;
        let cases = [
            // A supplier's pending money is a credit balance.
            (Code::SUPPLIER_PENDING, -100, None),
            (Code::SUPPLIER_PENDING, 0, None),
            (Code::SUPPLIER_PENDING, 1, Some(-1)),
            // What a supplier owes is a debit balance.
            (Code::SUPPLIER_RECEIVABLE, 100, None),
            (Code::SUPPLIER_RECEIVABLE, -1, Some(-1)),
            // An allowance is an asset that grows on the credit side.
            (Code::SUPPLIER_RECEIVABLE_ALLOWANCE, -5, None),
            (Code::SUPPLIER_RECEIVABLE_ALLOWANCE, 5, Some(-5)),
            // These may cross zero.
            (Code::GATEWAY_BALANCE, -100, None),
            (Code::FX_POSITION, -100, None),
            (Code::FX_POSITION, 100, None),
            (Code::SUSPENSE, 100, None),
        ];
        for (code, balance, expected) in cases {
            assert_eq!(below_floor(code, sgd(balance)), expected.map(sgd), "{code} at {balance}");
        }
    }

    #[test]
    fn a_trial_balance_adds_each_side_by_currency_and_layer() {
        let line = |code, layer, minor| TrialLine { code, layer, debit_minus_credit: sgd(minor) };
        let mut trial = TrialBalance {
            lines: vec![
                line(AccountCode::GATEWAY_BALANCE, Layer::Posted, 90),
                line(AccountCode::COST_GATEWAY_FEE, Layer::Posted, 10),
                line(AccountCode::SUPPLIER_PENDING, Layer::Posted, -100),
            ],
        };
        let total = trial.totals().unwrap()[&(Currency::find("SGD").unwrap(), Layer::Posted)];
        assert_eq!((total.debits, total.credits), (sgd(100), sgd(100)));
        assert!(trial.balances());
        trial.lines.push(line(AccountCode::GATEWAY_BALANCE, Layer::Pending, 1));
        assert!(!trial.balances());
    }
}
