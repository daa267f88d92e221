//! Rules meet a charge: fee lines with their arithmetic.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::{Money, Percent};

use super::charge::Charge;
use super::error::FeeError;
use super::figure::{Denomination, Figure};
use super::rule::{Bearer, FeeBase, FeeKind, FeeRule, When};
use super::schedule::FeeBook;

/// One assessed fee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeeLine {
    /// The rule's name.
    pub rule: String,
    /// The rule's version.
    pub rule_version: String,
    /// What the fee is for.
    pub kind: FeeKind,
    /// Who bears it by the rule.
    pub bearer: Bearer,
    /// How much.
    pub amount: Money,
    /// `4.4 % × 100.00 + 0.50 = 4.90`.
    pub explain: String,
}

impl FeeLine {
    fn of(rule: &FeeRule, base: Money, denomination: Denomination) -> Result<FeeLine, FeeError> {
        let priced = rule.price(base, denomination)?;
        Ok(FeeLine {
            rule: rule.name.clone(),
            rule_version: rule.version(),
            kind: rule.kind,
            bearer: rule.bearer,
            amount: priced.amount,
            explain: priced.explain(),
        })
    }
}

/// The order in which the gateway's kinds are assessed.
pub(super) const GATEWAY_KINDS: [FeeKind; 4] =
    [FeeKind::Gateway, FeeKind::Interchange, FeeKind::Scheme, FeeKind::CrossBorder];

impl FeeBook {
    /// What the gateway takes of this charge by contract, tax on it included as lines of kind `tax`. Zero fees give
    /// no line.
    ///
    /// # Errors
    /// [`FeeError`].
    pub fn assess(&self, charge: &Charge<'_>) -> Result<Vec<FeeLine>, FeeError> {
        let denomination = Denomination::of(charge.gross.currency());
        let mut lines = Vec::new();
        let mut schedules = Vec::new();
        let mut net = charge.gross;
        for kind in GATEWAY_KINDS {
            for (schedule, rule) in self.select(kind, charge) {
                let base = if rule.of == FeeBase::Net { net } else { charge.gross };
                let line = FeeLine::of(rule, base, denomination)?;
                net = net.checked_sub(line.amount).map_err(|_| FeeError::TooLarge(rule.name.clone()))?;
                lines.push(line);
                schedules.push(&schedule.name);
            }
        }
        let mut taxes = Vec::new();
        for (schedule, rule) in self.select(FeeKind::Tax, charge) {
            let taxed = lines.iter().zip(&schedules).filter(|(_, name)| **name == &schedule.name);
            let bearer = taxed.clone().map(|(line, _)| line.bearer).next();
            let base = Money::sum(charge.gross.currency(), taxed.map(|(line, _)| line.amount))
                .map_err(|_| FeeError::TooLarge(rule.name.clone()))?;
            // Tax follows the fee it is on; its own `bearer` cannot part them.
            if let Some(bearer) = bearer {
                taxes.push(FeeLine { bearer, ..FeeLine::of(rule, base, denomination)? });
            }
        }
        // Apart until now: a second tax is on the fees, not on the first tax.
        lines.extend(taxes);
        lines.retain(|line| !line.amount.is_zero());
        Ok(lines)
    }

    /// The platform's commission by the rules of kind `platform`, with the tax rules of their schedules.
    pub fn commission(&self, charge: &Charge<'_>) -> Commission {
        let platform = self.select(FeeKind::Platform, charge);
        let gateways = |name: &str| {
            GATEWAY_KINDS.iter().any(|&kind| self.select(kind, charge).iter().any(|(of, _)| of.name == name))
        };
        let taxed = |name: &str| platform.iter().any(|(of, _)| of.name == name) && !gateways(name);
        let tax = self.select(FeeKind::Tax, charge).into_iter().filter(|(of, _)| taxed(&of.name));
        Commission {
            tax: tax.map(|(_, rule)| rule.clone()).collect(),
            rules: platform.into_iter().map(|(_, rule)| rule.clone()).collect(),
        }
    }
}

/// How the platform's commission, and the tax on it, is priced.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Commission {
    rules: Vec<FeeRule>,
    tax: Vec<FeeRule>,
}

impl Commission {
    /// No commission.
    pub fn none() -> Commission {
        Commission::default()
    }

    /// Whether any of it is taken of what the gateway's fee leaves.
    pub fn is_of_net(&self) -> bool {
        self.rules.iter().any(|rule| rule.of == FeeBase::Net)
    }

    /// From a payment's own terms.
    pub fn agreed(
        percent: Option<Percent>,
        fixed: Option<Figure>,
        of: FeeBase,
        minimum: Option<Figure>,
        cap: Option<Figure>,
        tax: Option<Percent>,
    ) -> Commission {
        let rule = |name: &str, kind, percent| FeeRule {
            name: name.to_owned(),
            kind,
            percent,
            fixed: None,
            minimum: None,
            cap: None,
            tiers: vec![],
            of,
            bearer: Bearer::default(),
            rounding: crate::money::Rounding::default(),
            when: When::default(),
            source: None,
            trust: None,
        };
        let fee = FeeRule { fixed, minimum, cap, ..rule("platform fee", FeeKind::Platform, percent) };
        let tax = tax.map(|percent| rule("tax on the platform fee", FeeKind::Tax, Some(percent)));
        Commission { rules: vec![fee], tax: tax.into_iter().collect() }
    }

    /// The commission and the tax on it. `gross` is what commission is due on, `net` the same less what the
    /// suppliers bear of the gateway's fee.
    ///
    /// # Errors
    /// [`FeeError`].
    pub fn price(
        &self,
        gross: Money,
        net: Money,
        denomination: Denomination,
    ) -> Result<(Vec<FeeLine>, Vec<FeeLine>), FeeError> {
        let base = |rule: &FeeRule| if rule.of == FeeBase::Net { net } else { gross };
        let lines = |rules: &[FeeRule], base: &dyn Fn(&FeeRule) -> Money| {
            rules
                .iter()
                .map(|rule| FeeLine::of(rule, base(rule), denomination))
                .collect::<Result<Vec<_>, _>>()
        };
        let fees = lines(&self.rules, &base)?;
        let sum = fees.iter().fold(Decimal::ZERO, |sum, line| sum + line.amount.amount());
        let taxed =
            Money::try_new(sum, gross.currency()).map_err(|_| FeeError::TooLarge("platform fee".into()))?;
        let taxes = lines(&self.tax, &|_| taxed)?;
        Ok((fees, taxes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    #[test]
    fn two_taxes_are_both_on_the_fees_and_neither_on_the_other() {
        let rules = r#"[{"name":"fee","kind":"gateway","percent":"10"},{"name":"scheme","kind":"scheme","fixed":"10.00"},
            {"name":"gst","kind":"tax","percent":"50"},{"name":"levy","kind":"tax","percent":"10"}]"#;
        let book = FeeBook::of(serde_json::from_str(rules).unwrap());
        let charge = Charge {
            gateway: "paypal",
            account: "paypal",
            method: None,
            market: None,
            payer_country: None,
            date: chrono::NaiveDate::from_ymd_opt(2026, 11, 23).unwrap(),
            gross: Money::from_minor(10_000, Currency::find("SGD").unwrap()),
        };
        let lines = book.assess(&charge).unwrap();
        let amounts: Vec<(&str, i64)> =
            lines.iter().map(|line| (line.rule.as_str(), line.amount.minor())).collect();
        assert_eq!(amounts, [("fee", 1_000), ("scheme", 1_000), ("gst", 1_000), ("levy", 200)]);
    }
}
