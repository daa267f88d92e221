//! One fee rule: when it applies, how much it is, who bears it. Same keys in TOML and JSON.

use aws_lc_rs::digest;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::country::Country;
use crate::money::{Currency, Money, Percent, Rounding};

use super::charge::Charge;
use super::error::FeeError;
use super::figure::{Denomination, Figure};

/// What a fee is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeeKind {
    /// The gateway's own fee.
    Gateway,
    /// To the card's issuer.
    Interchange,
    /// To the card scheme.
    Scheme,
    /// On top for a payer abroad.
    CrossBorder,
    /// The platform's commission.
    Platform,
    /// The spread of our own conversions.
    FxMarkup,
    /// For a payout.
    Payout,
    /// VAT or GST on fees.
    Tax,
}

impl FeeKind {
    /// Whether the gateway takes it off a capture.
    pub fn is_gateways(self) -> bool {
        matches!(self, FeeKind::Gateway | FeeKind::Interchange | FeeKind::Scheme | FeeKind::CrossBorder)
    }
}

/// Who bears a fee.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Bearer {
    /// The platform, out of what it keeps.
    #[default]
    Platform,
    /// The suppliers, before the rest is shared.
    Suppliers,
    /// The payer: it is inside what was charged and no part of the sale.
    Payer,
}

/// What a percentage is taken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FeeBase {
    /// What the payer paid.
    #[default]
    Gross,
    /// See the table in [`crate::domain::fees`].
    Net,
}

/// A price band.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Tier {
    /// The smallest base of the band.
    pub from: Figure,
    /// Its percentage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Percent>,
    /// Its fixed part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Figure>,
}

/// When a rule applies; what is not named matches everything.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// The gateway (`grabpay`) or one account of it (`grabpay-sg`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// The gateway's method.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The merchant's market, ISO 3166 alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub market: Option<Country>,
    /// The payment's currency.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// The payer's country, ISO 3166 alpha-2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payer_country: Option<Country>,
    /// The first day on which it applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<NaiveDate>,
    /// The last day on which it applies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<NaiveDate>,
}

/// One fee rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FeeRule {
    /// Its name, as lines quote it.
    pub name: String,
    /// What the fee is for.
    pub kind: FeeKind,
    /// Of the base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Percent>,
    /// In the payment's currency, as are `minimum`, `cap` and the bands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Figure>,
    /// At least this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Figure>,
    /// At most this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Figure>,
    /// Price bands; they replace `percent` and `fixed` from the smallest band on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<Tier>,
    /// What `percent` is taken of.
    #[serde(default)]
    pub of: FeeBase,
    /// Who bears it, unless the payment says.
    #[serde(default)]
    pub bearer: Bearer,
    /// How the exact fee becomes money.
    #[serde(default)]
    pub rounding: Rounding,
    /// When it applies.
    #[serde(default)]
    pub when: When,
    /// Where the numbers come from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// How far the source is to be believed: `contract`, `third_party`, `sample`, `unverified`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trust: Option<String>,
}

/// A fee with its arithmetic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Priced {
    pub amount: Money,
    /// Before rounding, `minimum` and `cap`.
    pub exact: Decimal,
    pub percent: Option<Percent>,
    pub fixed: Money,
    pub bound: Option<Bound>,
    base: Money,
    rounded: Money,
}

/// What held a fee up or down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bound {
    Minimum,
    Cap,
}

impl Priced {
    /// `4.4 % × 100.00 + 0.50 = 4.90, at least 5.00`.
    pub fn explain(&self) -> String {
        let arithmetic = arithmetic(self.percent, self.base, self.fixed, self.exact, self.rounded);
        match self.bound {
            None => arithmetic,
            Some(Bound::Minimum) => format!("{arithmetic}, at least {}", self.amount.amount()),
            Some(Bound::Cap) => format!("{arithmetic}, at most {}", self.amount.amount()),
        }
    }
}

impl When {
    pub(super) fn matches(&self, charge: &Charge<'_>) -> bool {
        let gateway =
            self.gateway.as_deref().is_none_or(|name| name == charge.gateway || name == charge.account);
        gateway
            && self.method.as_deref().is_none_or(|method| charge.method == Some(method))
            && self.market.is_none_or(|market| charge.market == Some(market.code()))
            && self.currency.is_none_or(|currency| currency == charge.gross.currency())
            && self.payer_country.is_none_or(|country| charge.payer_country == Some(country.code()))
            && self.from.is_none_or(|from| from <= charge.date)
            && self.until.is_none_or(|until| charge.date <= until)
    }

    /// How many conditions it names besides its dates.
    pub(super) fn rank(&self) -> usize {
        let named = [
            self.gateway.is_some(),
            self.method.is_some(),
            self.market.is_some(),
            self.currency.is_some(),
            self.payer_country.is_some(),
        ];
        named.into_iter().filter(|named| *named).count()
    }
}

impl FeeRule {
    /// The first 16 hexadecimal digits of the SHA-256 of the rule as JSON: any change of the rule changes it.
    pub fn version(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        let hash = digest::digest(&digest::SHA256, &text);
        hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// The fee on `base`, rounded once.
    pub(super) fn price(&self, base: Money, denomination: Denomination) -> Result<Priced, FeeError> {
        let money = |figure: &Figure| {
            figure.money(denomination).map_err(|source| FeeError::Figure { rule: self.name.clone(), source })
        };
        let reached = |tier: &&Tier| money(&tier.from).is_ok_and(|from| from.minor() <= base.minor());
        let band =
            self.tiers.iter().filter(reached).max_by_key(|tier| money(&tier.from).map(Money::minor).ok());
        for tier in &self.tiers {
            money(&tier.from)?;
        }
        let (percent, fixed) =
            band.map_or((self.percent, self.fixed.as_ref()), |tier| (tier.percent, tier.fixed.as_ref()));
        let fixed = fixed.map(money).transpose()?.unwrap_or(Money::zero(base.currency()));
        let share = match percent {
            Some(percent) => {
                base.percent(percent).map_err(|_| FeeError::TooLarge(self.name.clone()))?.value()
            }
            None => Decimal::ZERO,
        };
        let exact = share + fixed.amount();
        let minimum = self.minimum.as_ref().map(money).transpose()?;
        let cap = self.cap.as_ref().map(money).transpose()?;
        if let (Some(minimum), Some(cap)) = (minimum, cap)
            && minimum.minor() > cap.minor()
        {
            return Err(FeeError::MinimumAboveCap(self.name.clone()));
        }
        let digits = base.currency().exponent();
        let rounded = self.rounding.apply(exact, digits);
        let rounded =
            Money::try_new(rounded, base.currency()).map_err(|_| FeeError::TooLarge(self.name.clone()))?;
        let (amount, bound) = match (minimum, cap) {
            (Some(minimum), _) if rounded.minor() < minimum.minor() => (minimum, Some(Bound::Minimum)),
            (_, Some(cap)) if rounded.minor() > cap.minor() => (cap, Some(Bound::Cap)),
            _ => (rounded, None),
        };
        Ok(Priced { amount, exact, percent, fixed, bound, base, rounded })
    }
}

/// `4.4 % × 100.00 + 0.50 = 4.90`; where rounding changed the result: `3.49 % × 10.00 + 0.49 = 0.839 → 0.84`.
fn arithmetic(percent: Option<Percent>, base: Money, fixed: Money, exact: Decimal, amount: Money) -> String {
    let terms = match percent {
        Some(percent) if fixed.is_zero() => format!("{percent} × {}", base.amount()),
        Some(percent) => format!("{percent} × {} + {}", base.amount(), fixed.amount()),
        None => return format!("fixed {}", fixed.amount()),
    };
    if exact == amount.amount() {
        format!("{terms} = {}", amount.amount())
    } else {
        format!("{terms} = {} → {}", exact.normalize(), amount.amount())
    }
}
