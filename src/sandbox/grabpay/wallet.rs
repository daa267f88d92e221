//! The merchant's wallet: it holds gross takings until the daily sweep, pays refunds from what it holds, and is
//! credited to the bank on the next day, less Grab's discount.
//!
//! The day is Singapore's (UTC+8). The sweep of a day is made the first time anything looks at the wallet after that
//! day's end, so it needs no timer and misses no day.

use chrono::{DateTime, Days, NaiveDate, Utc};
use chrono_tz::{Asia, Tz};
use serde::{Deserialize, Serialize};

use super::super::book::{Record, Session};
use super::super::scenario::Scenario;
use super::super::{Sandbox, SandboxError, serial};
use super::Partner;
use super::charge::Charge;
use crate::money::{Currency, Money, Rounding};

#[derive(Debug, Serialize, Deserialize)]
struct Wallet {
    id: String,
    partner_id: String,
    currency: Currency,
    /// The day whose takings it holds.
    day: NaiveDate,
    balance: Money,
    /// What Grab keeps of the day's charges.
    discount: Money,
    /// What the day's settlement report leaves out (`bill_differs`).
    unreported: Money,
    /// What the bank keeps of the day's sweep (`deposit_short`).
    #[serde(default)]
    short: Option<Money>,
}

impl Record for Wallet {
    const KIND: &'static str = "grabpay.wallet";
    fn id(&self) -> &str {
        &self.id
    }
}

/// One day's takings on their way to the merchant's bank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BankCredit {
    /// Grab's reference.
    pub reference: String,
    /// Whose.
    pub partner_id: String,
    /// The day that was swept, Singapore time.
    pub day: NaiveDate,
    /// When the bank credits it: the next day.
    pub credited_on: NaiveDate,
    /// Charges less refunds.
    pub gross: Money,
    /// What Grab kept.
    pub discount: Money,
    /// What the bank is paid.
    pub net: Money,
    /// What Grab's report states as gross; differs only by scenario.
    pub reported_gross: Money,
    /// What the bank keeps of it without a word; only by scenario.
    #[serde(default)]
    pub short: Option<Money>,
}

impl Record for BankCredit {
    const KIND: &'static str = "grabpay.credit";
    fn id(&self) -> &str {
        &self.reference
    }
    fn alias(&self) -> Option<&str> {
        Some(&self.partner_id)
    }
}

impl Sandbox {
    /// The bank credits of a partner so far, oldest first.
    ///
    /// # Errors
    /// [`SandboxError`].
    pub async fn grabpay_bank_credits(&self, partner_id: &str) -> Result<Vec<BankCredit>, SandboxError> {
        let mut session = self.book.begin().await?;
        session.under(partner_id).await
    }
}

/// Puts a captured charge into the wallet.
pub(super) async fn take(
    sandbox: &Sandbox,
    session: &mut Session,
    partner: &Partner,
    charge: &Charge,
    now: DateTime<Utc>,
) -> Result<(), SandboxError> {
    let mut wallet = open(sandbox, session, partner, charge.amount.currency(), now).await?;
    let kept = charge.amount.percent(partner.merchant_discount).map(|exact| exact.round(Rounding::HalfUp));
    let kept = kept.map_err(|error| SandboxError::Setting(error.to_string()))?;
    wallet.balance = plus(wallet.balance, charge.amount.minor());
    wallet.discount = plus(wallet.discount, kept.minor());
    if charge.faults.has(Scenario::BillDiffers) {
        wallet.unreported = plus(wallet.unreported, 1);
    }
    if charge.faults.has(Scenario::DepositShort) {
        wallet.short = Some(Money::from_minor(50, charge.amount.currency()));
    }
    session.put(&wallet).await
}

/// Pays a refund from the wallet; false when it holds too little.
pub(super) async fn pay_back(
    sandbox: &Sandbox,
    session: &mut Session,
    partner: &Partner,
    amount: Money,
    now: DateTime<Utc>,
) -> Result<bool, SandboxError> {
    let mut wallet = open(sandbox, session, partner, amount.currency(), now).await?;
    if wallet.balance.minor() < amount.minor() {
        return Ok(false);
    }
    wallet.balance = plus(wallet.balance, -amount.minor());
    session.put(&wallet).await?;
    Ok(true)
}

/// Sweeps every wallet whose day is over.
pub(in super::super) async fn sweep(
    sandbox: &Sandbox,
    session: &mut Session,
    now: DateTime<Utc>,
) -> Result<(), SandboxError> {
    for mut wallet in session.all::<Wallet>().await? {
        if wallet.close_day(sandbox, session, singapore_day(now)).await? {
            session.put(&wallet).await?;
        }
    }
    Ok(())
}

async fn open(
    sandbox: &Sandbox,
    session: &mut Session,
    partner: &Partner,
    currency: Currency,
    now: DateTime<Utc>,
) -> Result<Wallet, SandboxError> {
    let id = format!("{} {currency}", partner.partner_id);
    let nothing = Money::zero(currency);
    let day = singapore_day(now);
    let found: Option<Wallet> = session.find(&id).await?;
    let mut wallet = found.unwrap_or_else(|| Wallet {
        id,
        partner_id: partner.partner_id.clone(),
        currency,
        day,
        balance: nothing,
        discount: nothing,
        unreported: nothing,
        short: None,
    });
    wallet.close_day(sandbox, session, day).await?;
    Ok(wallet)
}

impl Wallet {
    /// Writes the credit of a day that is over and empties the wallet; true if there was one.
    async fn close_day(
        &mut self,
        sandbox: &Sandbox,
        session: &mut Session,
        today: NaiveDate,
    ) -> Result<bool, SandboxError> {
        if self.day >= today {
            return Ok(false);
        }
        let nothing = Money::zero(self.currency);
        if !self.balance.is_zero() || !self.discount.is_zero() {
            let credit = BankCredit {
                reference: format!("GP-{}-{}", self.day.format("%Y%m%d"), serial::capitals(&sandbox.ids, 8)),
                partner_id: self.partner_id.clone(),
                day: self.day,
                credited_on: self.day.checked_add_days(Days::new(1)).unwrap_or(self.day),
                gross: self.balance,
                discount: self.discount,
                net: plus(self.balance, -self.discount.minor()),
                reported_gross: plus(self.balance, -self.unreported.minor()),
                short: self.short,
            };
            session.put(&credit).await?;
        }
        self.short = None;
        (self.day, self.balance, self.discount, self.unreported) = (today, nothing, nothing, nothing);
        Ok(true)
    }
}

fn plus(money: Money, minor: i64) -> Money {
    Money::from_minor(money.minor().saturating_add(minor), money.currency())
}

pub(in super::super) fn singapore_day(now: DateTime<Utc>) -> NaiveDate {
    singapore(now).date_naive()
}

pub(super) fn singapore(at: DateTime<Utc>) -> DateTime<Tz> {
    at.with_timezone(&Asia::Singapore)
}
