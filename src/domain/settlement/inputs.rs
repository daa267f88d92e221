//! Everything a settlement follows from, kept beside it: whoever has it and the rules of that day computes the same
//! settlement again, or says what it would have been by other rules.
//!
//! The one computation of a capture is [`Inputs::settle`]; a replay calls the same on what was kept.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::fees::{Charge, FeeBook, FeeError};
use crate::domain::splits::{Agreement, SplitError, Terms};
use crate::ids::SupplierId;
use crate::money::{BasisPoints, Currency, Money, Rate, RateError};

use super::contract::Contract;
use super::conversion::Exchange;
use super::settle::{GatewayFee, SettlementError, SettlementInput, settle};
use super::settled::Settlement;

/// What a payment was divided by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs {
    /// The fee book's name: [`FeeBook::kept`].
    pub fees: String,
    /// The merchant's and the account's terms.
    pub contract: Contract,
    /// What the payment says of its division.
    pub terms: Terms,
    /// What was captured.
    pub amount: Money,
    /// The gateway's method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The payer's country.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payer_country: Option<String>,
    /// The business day.
    pub date: NaiveDate,
    /// The fee that the capture named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged: Option<Money>,
    /// What the gateway credited after converting itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<Received>,
    /// Suppliers that settle in a currency of their own, with mid from the shared one; none: not to be had then,
    /// or not the one that binds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanges: Vec<(SupplierId, Currency, Option<Mid>)>,
    /// Conversions that had to wait, in the order they were done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub later: Vec<LaterConversion>,
}

/// A rate of two currencies that the place names, as its digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Mid(#[serde(with = "rust_decimal::serde::str")] pub Decimal);

impl From<Rate> for Mid {
    fn from(rate: Rate) -> Mid {
        Mid(rate.value())
    }
}

/// What came of a capture that the gateway converted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// What it credited.
    pub amount: Money,
    /// At its rate.
    pub rate: Mid,
    /// Mid at that moment, where one was to be had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mid: Option<Mid>,
}

/// A conversion that was done later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LaterConversion {
    /// Whose share.
    pub supplier: SupplierId,
    /// Into what.
    pub currency: Currency,
    /// At which mid.
    pub mid: Mid,
    /// The spread by the rules of that moment, basis points.
    pub spread_bps: i32,
    /// What refunds had taken of the share by then, or earlier conversions.
    pub refunded: Money,
}

/// Why the inputs come to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InputsError {
    /// The terms are none.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// The rules do not price the charge.
    #[error(transparent)]
    Fee(#[from] FeeError),
    /// A rate is none.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// It cannot be divided.
    #[error(transparent)]
    Settlement(#[from] SettlementError),
}

impl Inputs {
    /// What the fee rules are asked about.
    pub fn charge(&self) -> Charge<'_> {
        Charge {
            gateway: &self.contract.gateway,
            account: &self.contract.account,
            method: self.method.as_deref(),
            market: Some(&self.contract.jurisdiction),
            payer_country: self.payer_country.as_deref(),
            date: self.date,
            gross: self.amount,
        }
    }

    /// The currency that is shared.
    pub fn shared_currency(&self) -> Currency {
        self.received.as_ref().map_or(self.amount, |received| received.amount).currency()
    }

    /// The settlement by the rules of `fees`, with every conversion that was done later.
    ///
    /// # Errors
    /// [`InputsError`].
    pub fn settle(&self, fees: &FeeBook) -> Result<Settlement, InputsError> {
        self.settle_with(fees, None)
    }

    /// What it would have been by `other` rules than those of its day, `own`: conversions done later have their spread too,
    /// and what the gateway charged moves by what the tariffs differ in, so that a charge off its tariff stays off it.
    ///
    /// # Errors
    /// [`InputsError`]; what was divided may not be divisible by every rule.
    pub fn settle_by(&self, own: &FeeBook, other: &FeeBook) -> Result<Settlement, InputsError> {
        let charged = self.charged.map(|amount| self.charged_by(amount, own, other)).transpose()?;
        let inputs = Inputs { charged, ..self.clone() };
        inputs.settle_with(other, Some(other.markup(&self.charge())?))
    }

    /// What a gateway that charged `amount` would have charged by another tariff, tax and all; by none, the same.
    fn charged_by(&self, amount: Money, own: &FeeBook, other: &FeeBook) -> Result<Money, InputsError> {
        let by = |book: &FeeBook| {
            let lines = book.assess(&self.charge())?;
            let whole = Money::sum(amount.currency(), lines.iter().map(|line| line.amount));
            Ok::<_, InputsError>((!lines.is_empty()).then_some(whole.map_err(SettlementError::from)?))
        };
        let moved = match (by(own)?, by(other)?) {
            (_, None) => return Ok(amount),
            (None, Some(whole)) => Ok(whole),
            (Some(was), Some(would_be)) => {
                would_be.checked_sub(was).and_then(|more| amount.checked_add(more))
            }
        };
        let none = Money::zero(amount.currency());
        Ok(moved.and_then(|moved| moved.max(none)).map_err(SettlementError::from)?)
    }

    fn settle_with(
        &self,
        fees: &FeeBook,
        later_spread: Option<BasisPoints>,
    ) -> Result<Settlement, InputsError> {
        let agreement = Agreement::try_new(self.terms.clone(), self.amount)?;
        let charge = self.charge();
        let scheduled = fees.assess(&charge)?;
        let fee = match self.charged {
            Some(amount) => GatewayFee::Charged { amount, scheduled },
            None => GatewayFee::Accrued(scheduled),
        };
        let rate = |base: Money, quote: Currency, mid: Mid| Rate::try_new(base.currency(), quote, mid.0);
        let received = self.received.as_ref().map(|received| {
            Ok((received.amount, rate(self.amount, received.amount.currency(), received.rate)?))
        });
        let received_mid = self
            .received
            .as_ref()
            .and_then(|received| Some(rate(self.amount, received.amount.currency(), received.mid?)));
        let settled = settle(&SettlementInput {
            contract: &self.contract,
            agreement: &agreement,
            fee,
            received: received.transpose().map_err(InputsError::Rate)?,
            received_mid: received_mid.transpose()?,
            commission: fees.commission(&charge),
            exchanges: &self.exchanges(fees.markup(&charge)?)?,
        });
        let mut settlement = settled?;
        for later in &self.later {
            let mid = Rate::try_new(self.shared_currency(), later.currency, later.mid.0)?;
            let spread = later_spread.unwrap_or(BasisPoints(later.spread_bps));
            let point = self.contract.fx_point;
            settlement.convert_pending(later.supplier, mid, spread, later.refunded, point)?;
        }
        Ok(settlement)
    }

    fn exchanges(&self, spread: BasisPoints) -> Result<BTreeMap<SupplierId, Exchange>, RateError> {
        let shared = self.shared_currency();
        let known = self.exchanges.iter().map(|&(supplier, currency, mid)| {
            let mid = mid.map(|mid| Rate::try_new(shared, currency, mid.0)).transpose()?;
            Ok((supplier, Exchange { currency, mid, spread }))
        });
        known.collect()
    }
}
