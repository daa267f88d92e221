//! Accounts: a code of the chart (`config/accounts.toml`) and the owner that tells instances apart.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{LazyLock, OnceLock};

use serde::Deserialize;

/// A code of the chart of accounts: `2100` supplier.pending.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountCode(u16);

macro_rules! codes {
    ($($name:ident = $code:literal),* $(,)?) => {
        impl AccountCode { $(#[doc = concat!("Account ", stringify!($code), " of the chart.")] pub const $name: AccountCode = AccountCode($code);)* }
        #[cfg(test)]
        const NAMED: &[AccountCode] = &[$(AccountCode::$name),*];
    };
}

codes! {
    BANK_OPERATING = 1000, BANK_CLIENT = 1010,
    GATEWAY_RECEIVABLE = 1100, GATEWAY_BALANCE = 1110, GATEWAY_HELD = 1120, CASH_IN_TRANSIT = 1140, RAIL_FLOAT = 1150,
    SUPPLIER_RECEIVABLE = 1200, SUPPLIER_RECEIVABLE_ALLOWANCE = 1290, TAX_INPUT = 1300,
    ORDER_CLEARING = 2000, CUSTOMER_REFUNDABLE = 2010, REFUND_IN_TRANSIT = 2020,
    SUPPLIER_PENDING = 2100, SUPPLIER_AVAILABLE = 2110, SUPPLIER_RESERVED = 2120, SUPPLIER_HELD = 2130,
    PAYOUT_IN_TRANSIT = 2140, PAYOUT_UNCLAIMED = 2150,
    TAX_OUTPUT = 2200, TAX_WITHHELD = 2210, COMMISSION_DEFERRED = 2300, GATEWAY_FEE_ACCRUED = 2310, SUSPENSE = 2900,
    FX_POSITION = 3000,
    REVENUE_COMMISSION = 4000, REVENUE_OWN_SALES = 4010, REVENUE_FX_MARKUP = 4020, REVENUE_RECHARGED = 4030,
    COST_GATEWAY_FEE = 5000, COST_GATEWAY_FEE_RECHARGED = 5005, COST_FEE_VARIANCE = 5010, COST_PAYOUT_FEE = 5020,
    COST_PAYOUT_FEE_RECHARGED = 5025, COST_REFUND_LOSS = 5030, COST_DISPUTE_FEE = 5040, COST_BAD_DEBT = 5060,
    ROUNDING = 5080, COST_BANK_CHARGES = 5090,
    FX_REALIZED_GAIN = 6000, FX_REALIZED_LOSS = 6010,
}

impl AccountCode {
    /// The number as the chart writes it.
    pub fn number(self) -> u16 {
        self.0
    }

    /// Finds a code in the shipped chart.
    ///
    /// # Errors
    /// [`AccountError::UnknownCode`].
    pub fn find(number: u16) -> Result<AccountCode, AccountError> {
        Chart::shipped()
            .get(AccountCode(number))
            .map(|definition| definition.code)
            .ok_or(AccountError::UnknownCode(number))
    }
}

impl fmt::Display for AccountCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for AccountCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The chart's dimensions of one account instance, in the chart's order, joined by a comma: `paypal,dispute`; empty
/// where the chart has none.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug)]
pub struct Owner(String);

impl Owner {
    /// An account without dimensions.
    pub fn none() -> Owner {
        Owner(String::new())
    }

    /// One dimension.
    pub fn of(dimension: impl fmt::Display) -> Owner {
        Owner(dimension.to_string())
    }

    /// Several dimensions, in the chart's order.
    pub fn joined(dimensions: &[&dyn fmt::Display]) -> Owner {
        Owner(dimensions.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
    }

    /// As stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One account of a merchant's book; currency and layer come with the amount posted to it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    /// Its code in the chart.
    pub code: AccountCode,
    /// Its dimensions.
    pub owner: Owner,
}

impl Account {
    /// An account of the chart.
    pub fn new(code: AccountCode, owner: Owner) -> Account {
        Account { code, owner }
    }
}

/// `2100[sup_…]`, as in the scenarios.
impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.owner.as_str().is_empty() {
            return write!(f, "{}", self.code);
        }
        write!(f, "{}[{}]", self.code, self.owner.as_str())
    }
}

/// `"1110[paypal]"`, `"3000"`.
impl serde::Serialize for Account {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Account {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let (code, owner) = match text.split_once('[') {
            Some((code, rest)) => (code, rest.strip_suffix(']')),
            None => (text.as_str(), Some("")),
        };
        let number = code.parse().ok().zip(owner);
        let (number, owner) = number.ok_or_else(|| {
            serde::de::Error::custom(format!("`{text}` is no account such as 1110[paypal]"))
        })?;
        Ok(Account::new(AccountCode::find(number).map_err(serde::de::Error::custom)?, Owner::of(owner)))
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What kind of account it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// What is owned.
    Asset,
    /// What is owed.
    Liability,
    /// A currency position, either side.
    Position,
    /// Earned.
    Income,
    /// Spent.
    Expense,
    /// Reserved for reports; never posted.
    ReportOnly,
}

/// The side on which an account grows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NormalSide {
    /// Assets, expenses.
    Debit,
    /// Liabilities, income.
    Credit,
    /// Positions, rounding.
    Either,
}

/// One row of the chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The code.
    pub code: AccountCode,
    /// `supplier.pending`.
    pub name: String,
    /// Asset, liability …
    pub class: Class,
    /// The side on which it grows.
    pub normal: NormalSide,
    /// Whether the balance may stand on the other side of zero.
    pub may_go_negative: bool,
    /// The dimensions, in order.
    pub per: Vec<String>,
}

/// The chart of accounts.
#[derive(Debug, Clone)]
pub struct Chart(BTreeMap<AccountCode, Definition>);

/// The chart file or a code is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// No such code.
    #[error("account {0} is not in the chart of accounts")]
    UnknownCode(u16),
    /// The file does not read.
    #[error("accounts.toml: {0}")]
    Unreadable(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    account: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    code: u16,
    name: String,
    class: Class,
    normal: NormalSide,
    may_go_negative: bool,
    per: Vec<String>,
    #[expect(dead_code, reason = "for the reader of the file")]
    meaning: String,
}

static SHIPPED: LazyLock<Chart> = LazyLock::new(|| {
    // A test proves that the compiled-in file reads; an empty chart would refuse every posting.
    Chart::read(include_str!("../../../config/accounts.toml")).unwrap_or(Chart(BTreeMap::new()))
});

/// Accounts that this process knows beside the shipped chart; see [`Chart::know_beside`].
static BESIDE: OnceLock<Chart> = OnceLock::new();

impl Chart {
    /// Lets this process post to accounts that no shipped chart has. Only tests call it: a book that begins in the
    /// middle of a story needs an account (`9000[opening]`) for its first balances to stand against. The first call
    /// counts.
    ///
    /// # Errors
    /// [`AccountError::Unreadable`] with the place in the text.
    #[doc(hidden)]
    pub fn know_beside(text: &str) -> Result<(), AccountError> {
        let chart = Chart::read(text)?;
        BESIDE.get_or_init(|| chart);
        Ok(())
    }

    /// The chart compiled into the program.
    pub fn shipped() -> &'static Chart {
        &SHIPPED
    }

    /// Reads a chart.
    ///
    /// # Errors
    /// [`AccountError::Unreadable`] with the place in the file.
    pub fn read(text: &str) -> Result<Chart, AccountError> {
        let file: File = toml::from_str(text).map_err(|error| AccountError::Unreadable(error.to_string()))?;
        let definition = |row: Row| Definition {
            code: AccountCode(row.code),
            name: row.name,
            class: row.class,
            normal: row.normal,
            may_go_negative: row.may_go_negative,
            per: row.per,
        };
        Ok(Chart(file.account.into_iter().map(definition).map(|row| (row.code, row)).collect()))
    }

    /// One row.
    pub fn get(&self, code: AccountCode) -> Option<&Definition> {
        self.0.get(&code).or_else(|| BESIDE.get()?.0.get(&code))
    }

    /// All rows by code.
    pub fn iter(&self) -> impl Iterator<Item = &Definition> {
        self.0.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_code_is_in_the_shipped_chart() {
        for code in NAMED {
            assert!(Chart::shipped().get(*code).is_some(), "{code}");
        }
        assert_eq!(Chart::shipped().iter().count(), 43);
    }
}
