//! Money a payment has: taken for it, or held and not what was asked. A state carries it, so that a capture told of once
//! more is known, and money that stood aside is divided as it came.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money, Rate, RateError};

use super::report::Capture;

/// The capture that settled the payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// The gateway's id of the capture.
    pub capture_ref: String,
    /// How much, equal to what was asked.
    pub amount: Money,
    /// When the gateway took it.
    pub at: DateTime<Utc>,
    /// The payment was already failed, cancelled or expired.
    pub late: bool,
    /// What the gateway credited, where it converted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Received>,
}

/// Money that arrived without being what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// The gateway's id of the capture.
    pub capture_ref: String,
    /// How much.
    pub amount: Money,
    /// What the gateway credited, where it converted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Received>,
}

/// What the gateway credited after converting a capture itself, and its rate: money that stood aside is divided by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// How much.
    pub amount: Money,
    /// At which rate, from the payment's currency.
    #[serde(with = "rust_decimal::serde::str")]
    pub rate: Decimal,
}

impl Received {
    /// Of a capture.
    pub fn of(capture: &Capture) -> Option<Received> {
        capture.receivable.map(|(amount, rate)| Received { amount, rate: rate.value() })
    }

    /// As a capture in `currency` told it.
    ///
    /// # Errors
    /// [`RateError`]; none for what a capture told.
    pub fn receivable(self, currency: Currency) -> Result<(Money, Rate), RateError> {
        Ok((self.amount, Rate::try_new(currency, self.amount.currency(), self.rate)?))
    }
}

impl Held {
    /// The money of a capture.
    pub fn of(capture: &Capture) -> Held {
        let received = Received::of(capture);
        Held { capture_ref: capture.capture_ref.clone(), amount: capture.amount, received }
    }
}
