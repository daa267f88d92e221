//! One rule of one authority.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::country::Country;
use crate::money::{Percent, Rounding};

use super::period::Cycle;
use super::text::TaxText;

/// What a supplier is to a tax office.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SupplierClass {
    /// A person.
    Individual,
    /// A household or individual business.
    Household,
    /// A company.
    Company,
    /// Proven to be exempt.
    Exempt,
}

/// What is withheld from whom, from when on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxRule {
    /// Its name; one in force at a time.
    pub name: String,
    /// Who is owed it: the word in the settings and in account 2210.
    pub authority: String,
    /// The supplier's country.
    pub country: String,
    /// Which suppliers; empty: all that are not exempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub suppliers: Vec<SupplierClass>,
    /// Of the base.
    pub percent: Percent,
    /// The part of the gross sale that is the base.
    #[serde(default = "whole", with = "rust_decimal::serde::str")]
    pub share_of_base: Decimal,
    /// What it is counted over, and certified for.
    pub period: Cycle,
    /// Of the whole period's tax.
    #[serde(default)]
    pub rounding: Rounding,
    /// The first day.
    pub from: NaiveDate,
    /// The last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
    /// Where the figures come from.
    pub source: String,
    /// `published`, `unverified`, …
    pub trust: String,
}

fn whole() -> Decimal {
    Decimal::ONE
}

impl TaxRule {
    /// Whether it holds on a day.
    pub fn in_force(&self, day: NaiveDate) -> bool {
        self.from <= day && self.until.is_none_or(|until| day <= until)
    }

    pub(super) fn overlaps(&self, other: &TaxRule) -> bool {
        let ends_before = |one: &TaxRule, next: &TaxRule| one.until.is_some_and(|until| until < next.from);
        !ends_before(self, other) && !ends_before(other, self)
    }

    /// Whether it means suppliers of this kind; one of whom nothing is known is meant.
    pub fn concerns(&self, class: Option<SupplierClass>) -> bool {
        match class {
            None => true,
            Some(SupplierClass::Exempt) => false,
            Some(class) => self.suppliers.is_empty() || self.suppliers.contains(&class),
        }
    }

    /// Its figures.
    pub fn text(&self) -> TaxText {
        TaxText {
            version: self.version(),
            percent: self.percent,
            share_of_base: self.share_of_base.normalize(),
            rounding: self.rounding,
        }
    }

    /// Of its figures: which text of the rule withheld something.
    pub fn version(&self) -> String {
        // Plain data: serialising it to a string cannot fail.
        let text = serde_json::to_string(self).unwrap_or_default();
        digest(&SHA256, text.as_bytes()).as_ref().iter().take(6).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether a text can name a rule or an authority: 1 to 30 letters, digits and hyphens.
    pub fn is_name(text: &str) -> bool {
        (1..=30).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    }

    /// What is wrong with it: the key, and what to write.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        if !TaxRule::is_name(&self.name) {
            return Err(("name", "a name is letters, digits and hyphens, at most 30".into()));
        }
        if !TaxRule::is_name(&self.authority) {
            return Err(("authority", "an authority is letters, digits and hyphens, at most 30".into()));
        }
        if Country::find(&self.country).is_err() {
            return Err(("country", format!("`{}` is no country of ISO 3166 such as PH", self.country)));
        }
        if self.suppliers.contains(&SupplierClass::Exempt) {
            return Err(("suppliers", "who is exempt is meant by no rule".into()));
        }
        let rate = self.percent.fraction();
        if rate.is_zero() || rate > Decimal::ONE || self.percent.fraction().normalize().scale() > 6 {
            let why = "a rate is above 0 and at most 100 percent, with at most four decimals";
            return Err(("percent", why.into()));
        }
        let share = self.share_of_base;
        if share <= Decimal::ZERO || share > Decimal::ONE || share.normalize().scale() > 4 {
            let why = "a share is above 0 and at most 1, with at most four decimals";
            return Err(("share_of_base", why.into()));
        }
        if self.until.is_some_and(|until| until < self.from) {
            return Err(("until", "it ends before it begins".into()));
        }
        if self.source.trim().is_empty() || self.trust.trim().is_empty() {
            return Err(("source", "source and trust must not be empty".into()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::TaxTable;
    use super::*;
    use crate::money::{Currency, Money};

    #[test]
    fn the_tax_is_rounded_once_and_mirrors_below_zero() {
        let rules = TaxTable::shipped();
        let of = |name: &str| rules.rules().iter().find(|rule| rule.name == name).unwrap().clone();
        let table = [
            ("ph-remittance", "PHP", 1_000_000, 5_000), // J29: 1 % of half of 10,000.00
            ("ph-remittance", "PHP", 100, 1),           // half a centavo, up
            ("ph-remittance", "PHP", 99, 0),
            ("ph-remittance", "PHP", -100, -1),
            ("vn-vat-goods", "VND", 150, 2),
            ("vn-income-goods", "VND", 99, 0),
            ("id-marketplace", "IDR", 10_000_000, 50_000),
            ("id-marketplace", "IDR", 0, 0),
        ];
        for (rule, currency, base, tax) in table {
            let money = |minor| Money::from_minor(minor, Currency::find(currency).unwrap());
            assert_eq!(of(rule).text().tax(money(base)), Ok(money(tax)), "{rule} of {base}");
        }
    }

    #[test]
    fn who_is_meant() {
        use SupplierClass::{Company, Exempt, Household, Individual};
        let rules = TaxTable::shipped();
        let of = |name: &str| rules.rules().iter().find(|rule| rule.name == name).unwrap().clone();
        for (class, all, households) in [
            (None, true, true),
            (Some(Household), true, true),
            (Some(Individual), true, true),
            (Some(Company), true, false),
            (Some(Exempt), false, false),
        ] {
            assert_eq!(of("ph-remittance").concerns(class), all, "{class:?}");
            assert_eq!(of("vn-vat-goods").concerns(class), households, "{class:?}");
        }
    }
}
