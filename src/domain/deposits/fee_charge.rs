//! Fees that a gateway charged apart from its payouts.

use chrono::{DateTime, NaiveDate, Utc};

use super::bank_statement::ReadLine;
use super::matching::REFERENCE_MIN;
use crate::ids::{BankAccountId, BankLineId, FeeChargeId, MerchantId};
use crate::money::{Money, MoneyError};

/// How many days apart a charge and a debit may be that does not name it.
const NEAR_DAYS: i64 = 7;

/// What paid an invoice came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FeeReturn {
    /// With this line.
    pub line: BankLineId,
    /// On this day.
    pub on: NaiveDate,
}

/// What a gateway charged in a report or an invoice. It does not change, but for the bank's line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeeCharge {
    /// Its id.
    pub id: FeeChargeId,
    /// Whose.
    pub merchant: MerchantId,
    /// The gateway account's name.
    pub gateway_account: String,
    /// The gateway's own reference.
    pub reference: String,
    /// When it was charged or paid.
    pub charged_at: DateTime<Utc>,
    /// Without tax.
    pub fee: Money,
    /// Tax on it.
    pub tax: Money,
    /// How many captures it is for.
    pub captures: u32,
    /// Fee and tax that were accrued for them.
    pub accrued: Money,
    /// The charged fee beyond the accrued one, where that is rounding.
    pub rounding: Money,
    /// The same where the contract is not what was charged.
    pub drift: Money,
    /// The own bank account that paid it; `None`: the gateway takes it from what it owes.
    pub paid_from: Option<BankAccountId>,
    /// The bank's line that debited it; none until a statement has it, and again once the bank took that back.
    pub bank_line: Option<BankLineId>,
    /// What brought its debit back, until another one pays it.
    pub returned: Option<FeeReturn>,
    /// When it was written down.
    pub recorded_at: DateTime<Utc>,
}

impl FeeCharge {
    /// What was charged, tax and all.
    ///
    /// # Errors
    /// [`MoneyError`] beyond what the ledger holds.
    pub fn total(&self) -> Result<Money, MoneyError> {
        self.fee.checked_add(self.tax)
    }

    /// Whether a debit may be what paid it: of its sum, and not one that takes money back.
    pub fn is_worth(&self, line: &ReadLine) -> bool {
        !line.reversal
            && self.total().is_ok_and(|total| total.is_positive() && line.amount == total.negated())
    }

    /// Whether a line names it.
    pub fn is_named(&self, line: &ReadLine) -> bool {
        line.tells_of(&self.reference) || line.tells_of(&self.id.to_string())
    }

    /// Whether statements that go up to this day should have its debit, and no line did. One that came back was seen.
    pub fn is_missed(&self, upto: NaiveDate) -> bool {
        let is_awaited = self.bank_line.is_none() && self.returned.is_none();
        is_awaited && (upto - self.charged_at.date_naive()).num_days() > NEAR_DAYS
    }

    /// Whether a credit brings back by name what paid it: by its id, or by a reference that is long enough to mean it.
    pub fn is_brought_back(&self, line: &ReadLine) -> bool {
        let is_said = self.reference.chars().count() >= REFERENCE_MIN && line.tells_of(&self.reference);
        self.bank_line.is_some()
            && self.total().is_ok_and(|total| total.is_positive() && line.amount == total)
            && (is_said || line.tells_of(&self.id.to_string()))
    }

    /// Whether a line that names nothing is near enough to be it.
    pub fn is_near(&self, line: &ReadLine) -> bool {
        let days = |since: NaiveDate| (line.booked_on - since).num_days();
        match self.returned {
            Some(returned) => (0..=NEAR_DAYS).contains(&days(returned.on)),
            None => days(self.charged_at.date_naive()).abs() <= NEAR_DAYS,
        }
    }
}
