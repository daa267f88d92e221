//! The exact result of a rate or a percentage, and the named rules that turn it into money.

use rust_decimal::{Decimal, RoundingStrategy};

use super::{Currency, Money};

/// How an exact result becomes a whole number of minor units. All four are sign-symmetric: −x rounds to −(round x).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Ties away from zero: the default, and what gateways print.
    #[default]
    HalfUp,
    /// Ties to the even neighbour.
    HalfEven,
    /// Away from zero.
    Up,
    /// Towards zero.
    Down,
}

impl Rounding {
    /// Rounds to `digits` decimals.
    pub fn apply(self, value: Decimal, digits: u32) -> Decimal {
        let strategy = match self {
            Rounding::HalfUp => RoundingStrategy::MidpointAwayFromZero,
            Rounding::HalfEven => RoundingStrategy::MidpointNearestEven,
            Rounding::Up => RoundingStrategy::AwayFromZero,
            Rounding::Down => RoundingStrategy::ToZero,
        };
        value.round_dp_with_strategy(digits, strategy)
    }
}

/// The exact result of a rate or percentage. It cannot be posted or serialised; the only exit is [`Unrounded::round`].
#[must_use]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unrounded {
    value: Decimal,
    currency: Currency,
}

impl Unrounded {
    /// `None` when no [`Money`] of this currency could hold the rounded value.
    pub(super) fn try_new(value: Decimal, currency: Currency) -> Option<Unrounded> {
        Money::holds(value, currency).then_some(Unrounded { value, currency })
    }

    /// The exact value in major units, for explanations: `605.9120`.
    pub fn value(self) -> Decimal {
        self.value
    }

    /// The currency.
    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The one rounding, to the currency's ledger exponent.
    pub fn round(self, rounding: Rounding) -> Money {
        Money::from_rounded(rounding.apply(self.value, self.currency.exponent()), self.currency)
    }
}
