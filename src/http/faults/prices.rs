//! Prices, quotes and what a split would come to.

use super::super::problem::{Code, Problem};
use super::code_of;
use crate::domain::fees::FeeError;
use crate::domain::fx::FixedPriceError;
use crate::domain::settlement::{PreviewError, SettlementError};
use crate::flows::price::{PriceError, TokenRefused};

impl From<TokenRefused> for Problem {
    fn from(error: TokenRefused) -> Problem {
        let code = match error {
            TokenRefused::Invalid => Code::QuoteTokenInvalid,
            TokenRefused::OtherMerchant => Code::QuoteOfOtherMerchant,
        };
        Problem::new(code, error.to_string()).at("quote")
    }
}

impl From<PriceError> for Problem {
    fn from(error: PriceError) -> Problem {
        let words = error.to_string();
        match error {
            PriceError::NoItems => Problem::new(Code::InvalidBody, words).at("items"),
            PriceError::TooManyItems { .. } => Problem::new(Code::TooManyItems, words).at("items"),
            PriceError::NoRate(_) | PriceError::FixedWithoutRate { .. } => {
                Problem::new(Code::RateUnavailable, words)
            }
            PriceError::RatesStale => Problem::new(Code::RatesStale, words).retry_after(60),
            PriceError::LockTooLong(_) => Problem::new(Code::LockTooLong, words).at("lock"),
            PriceError::TokenTooLong { .. } => Problem::new(Code::Unprocessable, words).at("items"),
            PriceError::Token(_) => Problem::internal(words),
            PriceError::FutureDate(_) | PriceError::BeforeFirst { .. } => {
                Problem::new(Code::InvalidParameter, words).at("date")
            }
            PriceError::Entry(refused) => {
                let field = match refused.why {
                    FixedPriceError::NotPositive(_) => "price.amount",
                    FixedPriceError::Empty => "valid_until",
                };
                let place = format!("entries[{}].{field}", refused.index);
                Problem::new(Code::InvalidBody, words).at(place)
            }
            PriceError::Quote(_) | PriceError::Rate(_) => Problem::new(Code::Unprocessable, words),
            PriceError::Money(error) => error.into(),
            PriceError::Endings(_) | PriceError::Rates(_) => Problem::internal(words),
            PriceError::Store(error) => error.into(),
            PriceError::Commit(error) => error.into(),
        }
    }
}

impl From<PreviewError> for Problem {
    fn from(error: PreviewError) -> Problem {
        let (param, words) = (error.param(), error.to_string());
        let code = match error {
            PreviewError::UnknownSupplier { .. } => Code::UnknownSupplier,
            PreviewError::Fee(FeeError::Figure { ref source, .. }) => code_of(source.code()),
            PreviewError::Settlement(SettlementError::Split(ref error)) => code_of(error.code()),
            PreviewError::Settlement(SettlementError::Money(_)) => Code::AmountTooLarge,
            _ => Code::Unprocessable,
        };
        Problem::new(code, words).at(param)
    }
}
