//! A decimal as a contract writes it, before its currency is known.

use std::fmt;

use crate::money::{Currency, Money, MoneyError, Rate, RateError, Rounding};

/// `"0.50"`: digits with an optional decimal point, zero or more. The currency comes with the payment.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Figure(String);

/// A figure that is none, or that the payment's currency cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FigureError {
    /// Not digits with an optional point.
    #[error("`{0}` is not a figure; write a decimal of zero or more as text, such as \"0.50\"")]
    NotAFigure(String),
    /// More decimals than the currency has, or too large.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// It cannot be converted into the currency that is shared.
    #[error(transparent)]
    Rate(#[from] RateError),
}

/// The currency in which a contract's figures are read, and the rate into the currency that is shared, where the
/// gateway converted before there was anything to share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denomination {
    /// The payment's currency.
    pub currency: Currency,
    /// The gateway's own rate.
    pub converted: Option<Rate>,
}

impl FigureError {
    /// The problem's code.
    pub fn code(&self) -> &'static str {
        match self {
            FigureError::Money(MoneyError::TooPrecise { .. }) => "too_precise",
            FigureError::Money(MoneyError::TooLarge { .. }) => "amount_too_large",
            _ => "invalid_amount",
        }
    }
}

impl Figure {
    /// From text.
    ///
    /// # Errors
    /// [`FigureError::NotAFigure`].
    pub fn parse(text: &str) -> Result<Figure, FigureError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let fits = digits(whole) && digits(fraction) && text.len() <= 29;
        fits.then(|| Figure(text.to_owned()))
            .ok_or_else(|| FigureError::NotAFigure(text.chars().take(40).collect()))
    }

    /// As money of the payment, or of what the gateway converted it to (half up).
    ///
    /// # Errors
    /// [`FigureError`].
    pub fn money(&self, denomination: Denomination) -> Result<Money, FigureError> {
        let money = Money::parse(&self.0, denomination.currency)?;
        match denomination.converted {
            Some(rate) => Ok(rate.convert(money)?.round(Rounding::HalfUp)),
            None => Ok(money),
        }
    }
}

impl Denomination {
    /// Figures in the payment's own currency.
    pub fn of(currency: Currency) -> Denomination {
        Denomination { currency, converted: None }
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl serde::Serialize for Figure {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> serde::Deserialize<'de> for Figure {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        Figure::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_plain_decimal() {
        for text in ["", "-1", "+1", "1e3", ".5", "5.", "1,000", "１", " 1", "1.2.3"] {
            assert_eq!(Figure::parse(text), Err(FigureError::NotAFigure(text.into())), "{text}");
        }
    }

    #[test]
    fn the_currency_decides_how_many_decimals_fit() -> Result<(), Box<dyn std::error::Error>> {
        let half = Figure::parse("0.50")?;
        assert!(half.money(Denomination::of(Currency::find("JPY")?)).is_err());
        assert_eq!(half.money(Denomination::of(Currency::find("KWD")?))?.minor(), 500);
        Ok(())
    }
}
