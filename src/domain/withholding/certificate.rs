//! What a supplier shows its tax office: what was withheld from it under one rule in one period, in one currency.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::ids::{PayoutId, SupplierId};
use crate::money::{Currency, Money, MoneyError, Percent};

use super::period::TaxPeriod;

/// A certificate's number: `ph-remittance.2026-Q4.PHP.sup_01kb…`. It says what it is of, so that there is one of each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct CertificateId {
    /// The rule.
    pub rule: String,
    /// The period.
    pub period: TaxPeriod,
    /// The currency.
    pub currency: Currency,
    /// The supplier.
    pub supplier: SupplierId,
}

impl fmt::Display for CertificateId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}.{}", self.rule, self.period, self.currency, self.supplier)
    }
}

/// What is no certificate's number.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no certificate has such a number")]
pub struct NoCertificate;

impl FromStr for CertificateId {
    type Err = NoCertificate;

    fn from_str(text: &str) -> Result<CertificateId, NoCertificate> {
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(NoCertificate);
        let (rule, period, currency, supplier) = (next()?, next()?, next()?, next()?);
        let id = CertificateId {
            rule: rule.to_owned(),
            period: period.parse().map_err(|_| NoCertificate)?,
            currency: Currency::find(currency).map_err(|_| NoCertificate)?,
            supplier: supplier.parse().map_err(|_| NoCertificate)?,
        };
        if id.to_string() == text { Ok(id) } else { Err(NoCertificate) }
    }
}

/// One payout's part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The payout.
    pub payout: PayoutId,
    /// When it was booked.
    pub at: DateTime<Utc>,
    /// Gross sales.
    pub sold: Money,
    /// Refunds.
    pub refunded: Money,
    /// The difference.
    pub base: Money,
    /// The tax on it.
    pub due: Money,
    /// The credit that stood before.
    pub credit_before: Money,
    /// What was withheld.
    pub withheld: Money,
    /// The credit that stands after it.
    pub credit: Money,
    /// The rule's figures.
    pub percent: Percent,
    /// The same.
    pub share_of_base: Decimal,
    /// The rule's text.
    pub version: String,
}

/// A certificate: the sums of its entries. `withheld = due − credit before + credit after`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Its number.
    pub id: CertificateId,
    /// Who was owed it.
    pub authority: String,
    /// What came of it, oldest first.
    pub entries: Vec<Entry>,
    /// Of what was withheld, paid to the authority.
    pub remitted: Money,
}

impl Certificate {
    /// The sum of a column.
    ///
    /// # Errors
    /// [`MoneyError`] when it does not fit.
    pub fn sum(&self, of: fn(&Entry) -> Money) -> Result<Money, MoneyError> {
        Money::sum(self.id.currency, self.entries.iter().map(of))
    }

    /// The credit before its first entry, and behind its last.
    pub fn credits(&self) -> (Money, Money) {
        let zero = Money::zero(self.id.currency);
        let first = self.entries.first().map_or(zero, |entry| entry.credit_before);
        (first, self.entries.last().map_or(zero, |entry| entry.credit))
    }

    /// Whether it says anything: nothing was accounted for of who is exempt.
    pub fn is_empty(&self) -> bool {
        let nothing = |entry: &Entry| entry.base.is_zero() && entry.due.is_zero() && entry.withheld.is_zero();
        self.entries.iter().all(nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_says_what_it_is_of() {
        let text = "ph-remittance.2026-Q4.PHP.sup_00000000000000000000000001";
        assert_eq!(text.parse::<CertificateId>().unwrap().to_string(), text);
        for none in
            ["", "a", "a.2026-Q4.PHP", "a.2026-Q5.PHP.sup_00000000000000000000000001", &format!("{text}.x")]
        {
            assert_eq!(none.parse::<CertificateId>(), Err(NoCertificate), "{none}");
        }
    }
}
