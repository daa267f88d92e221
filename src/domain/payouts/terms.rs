//! On what terms a supplier is paid out: holds with their reasons, who it is known to be, what is kept back, how its
//! debts are recovered.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::withholding::SupplierClass;
use crate::ids::{RailAccountId, UserId};
use crate::money::{Currency, Money, Percent};

use super::payout::FeeBearer;
use super::set_off::SetOffConsent;

/// A supplier's terms; without any, the merchant's rules alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PayoutTerms {
    /// Why it is not paid now; any one is enough.
    pub holds: Vec<Hold>,
    /// Who looked at its papers, and until when that counts.
    pub known: Option<Known>,
    /// What is kept back of each release.
    pub reserve: Option<Reserve>,
    /// The most of a cycle's balance that goes to its debts; without it the merchant's.
    pub debt_cap: Option<Percent>,
    /// Its word that debts in other currencies are set off too; without it they are not.
    pub set_off: Option<SetOffConsent>,
    /// Over this rail account only.
    pub rail: Option<RailAccountId>,
    /// Who bears the rail's fee; without it as the route has it.
    pub bearer: Option<FeeBearer>,
    /// Less than this is left for a later plan, by currency.
    pub minimum: Vec<Money>,
    /// The contract's payment term: so many days behind the one on which its oldest money became available, it is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_term_days: Option<u16>,
    /// ISO 20022 purpose, or the rail's own code.
    pub purpose: Option<String>,
    /// What it is to its tax office; without it every rule for its country counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tax_class: Option<SupplierClass>,
    /// Town of its address, where a rail wants one structured.
    pub town: Option<String>,
}

/// A hold on payouts. What is owed stays owed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Why.
    pub code: HoldCode,
    /// Of one currency, or all.
    pub currency: Option<Currency>,
    /// In words, for the office.
    pub note: String,
    /// Who placed it.
    pub by: UserId,
    /// When.
    pub at: DateTime<Utc>,
}

/// Why payouts are held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum HoldCode {
    /// Compliance looks into it.
    Compliance,
    /// A hit on a sanctions list.
    Sanctions,
    /// A court or authority ordered it.
    Legal,
    /// Too many disputes or returns.
    Risk,
    /// The payee's account is doubted.
    AccountDoubted,
    /// The supplier asked for it.
    Asked,
}

impl HoldCode {
    /// The word of the API.
    pub fn as_str(self) -> &'static str {
        match self {
            HoldCode::Compliance => "compliance",
            HoldCode::Sanctions => "sanctions",
            HoldCode::Legal => "legal",
            HoldCode::Risk => "risk",
            HoldCode::AccountDoubted => "account_doubted",
            HoldCode::Asked => "asked",
        }
    }
}

/// A supplier whose papers were looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Who looked.
    pub by: UserId,
    /// When.
    pub at: DateTime<Utc>,
    /// When they lapse, where they do.
    pub until: Option<DateTime<Utc>>,
}

/// A rolling reserve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reserve {
    /// Of each share that becomes payable.
    pub percent: Percent,
    /// For so many days.
    #[schema(minimum = 1, maximum = 730)]
    pub days: u16,
}

impl PayoutTerms {
    /// Why nothing is paid in a currency now: a hold's code, or `not_known`.
    pub fn barred(
        &self,
        currency: Currency,
        must_be_known: bool,
        now: DateTime<Utc>,
    ) -> Option<&'static str> {
        let holds = |hold: &&Hold| hold.currency.is_none_or(|only| only == currency);
        if let Some(hold) = self.holds.iter().find(holds) {
            return Some(hold.code.as_str());
        }
        let known = self.known.as_ref().is_some_and(|known| known.until.is_none_or(|until| now < until));
        (must_be_known && !known).then_some("not_known")
    }

    /// The same with these minimums, where they are higher.
    #[must_use]
    pub fn with_minimum<'a>(mut self, minimums: impl Iterator<Item = &'a Money>) -> PayoutTerms {
        for minimum in minimums {
            if minimum.minor() > self.minimum_in(minimum.currency()).minor() {
                self.minimum.retain(|own| own.currency() != minimum.currency());
                self.minimum.push(*minimum);
            }
        }
        self
    }

    /// The least that is paid in a currency.
    pub fn minimum_in(&self, currency: Currency) -> Money {
        let found = self.minimum.iter().copied().find(|minimum| minimum.currency() == currency);
        found.unwrap_or(Money::from_minor(1, currency))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::ids::IdSource;

    #[test]
    fn a_hold_bars_its_currency_and_lapsed_papers_bar_all() {
        let (usd, sgd) = (Currency::find("USD").unwrap(), Currency::find("SGD").unwrap());
        let at = from_micros(1_000_000);
        let by: UserId = IdSource::seeded(Clock::fixed(at), 1).mint();
        let hold = |currency| Hold { code: HoldCode::Risk, currency, note: String::new(), by, at };
        let terms = |holds, known| PayoutTerms { holds, known, ..PayoutTerms::default() };
        let known = |until| Some(Known { by, at, until });
        let table = [
            (terms(vec![], None), false, None),
            (terms(vec![], None), true, Some("not_known")),
            (terms(vec![], known(None)), true, None),
            (terms(vec![], known(Some(at))), true, Some("not_known")),
            (terms(vec![hold(Some(sgd))], known(None)), true, None),
            (terms(vec![hold(Some(usd))], known(None)), true, Some("risk")),
            (terms(vec![hold(None)], None), true, Some("risk")),
        ];
        for (terms, must_be_known, expected) in table {
            assert_eq!(terms.barred(usd, must_be_known, at), expected, "{terms:?}");
        }
    }
}
