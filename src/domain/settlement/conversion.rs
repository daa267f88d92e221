//! A supplier's share in the supplier's own currency: an internal deal at mid less a spread.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::merchants::FxPoint;
use crate::ids::SupplierId;
use crate::money::{BasisPoints, Currency, Money, Rate, RateError, Rounding};

use super::line::{Converted, Line, LineKind};

/// What is needed to pay a supplier in its own currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// The currency it settles in.
    pub currency: Currency,
    /// Mid from the shared currency; `None`: not to be had now, the conversion waits.
    pub mid: Option<Rate>,
    /// What is taken off mid.
    pub spread: BasisPoints,
}

/// One internal deal, frozen with its settlement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conversion {
    /// Whose share.
    pub supplier: SupplierId,
    /// The share.
    pub from: Money,
    /// The share at mid, half up.
    pub at_mid: Money,
    /// What the supplier gets, rounded down.
    pub paid: Money,
    /// Mid.
    #[serde(with = "rust_decimal::serde::str")]
    pub mid: Decimal,
    /// Mid less the spread.
    #[serde(with = "rust_decimal::serde::str")]
    pub rate: Decimal,
    /// The spread in basis points.
    pub spread_bps: i32,
}

impl Conversion {
    /// Converts `from`.
    ///
    /// # Errors
    /// [`RateError`] when the rate is of another currency or the result too large.
    pub fn of(
        supplier: SupplierId,
        from: Money,
        mid: Rate,
        spread: BasisPoints,
    ) -> Result<Conversion, RateError> {
        let applied = mid.with_markup(BasisPoints(-spread.0))?;
        Ok(Conversion {
            supplier,
            from,
            at_mid: mid.convert(from)?.round(Rounding::HalfUp),
            paid: applied.convert(from)?.round(Rounding::Down),
            mid: mid.value(),
            rate: applied.value(),
            spread_bps: spread.0,
        })
    }

    /// As a line; `version` is the agreement's, `point` the one whose rate binds.
    pub(super) fn line(&self, version: &str, point: FxPoint) -> Line {
        let (from, at_mid) = (self.from, self.at_mid);
        let spread = Money::from_minor(at_mid.minor() - self.paid.minor(), self.paid.currency());
        let exact = from.amount() * self.rate;
        let basis = Decimal::new(i64::from(self.spread_bps), 2).normalize();
        Line {
            kind: LineKind::Conversion,
            to: self.supplier.to_string(),
            amount: self.paid,
            rule: match point {
                FxPoint::Capture => "conversion at capture".to_owned(),
                FxPoint::Available => "conversion when available".to_owned(),
                FxPoint::Payout => "conversion at payout".to_owned(),
            },
            rule_version: version.to_owned(),
            explain: format!(
                "mid {} − {basis} % = {}; {} × {} = {} → {}",
                self.mid,
                self.rate,
                from.amount(),
                self.rate,
                exact.normalize(),
                self.paid.amount()
            ),
            converted: Some(Converted { from, rate: self.rate, mid: Some(self.mid), spread: Some(spread) }),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::Id;

    proptest! {
        #[test]
        fn the_position_never_pays_more_than_mid(
            minor in 0..Money::INPUT_LIMIT / 10_000,
            rate in 1_i64..100_000_000,
            spread in 0..2_000_i32,
        ) {
            let (usd, jpy) = (Currency::find("USD").unwrap(), Currency::find("JPY").unwrap());
            let mid = Rate::try_new(usd, jpy, Decimal::new(rate, 4)).unwrap();
            let from = Money::from_minor(minor, usd);
            let deal = Conversion::of(SupplierId::from_bits(1), from, mid, BasisPoints(spread)).unwrap();
            prop_assert!(deal.paid.minor() <= deal.at_mid.minor());
            prop_assert!(Decimal::from(deal.paid.minor()) <= from.amount() * deal.rate);
        }
    }
}
