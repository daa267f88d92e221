//! What a settlement comes to, as it is frozen and stored.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::fees::Bearer;
use crate::domain::merchants::{Recognise, Role};
use crate::domain::splits::Part;
use crate::ids::SupplierId;
use crate::money::{Currency, Money};

use super::conversion::Conversion;
use super::line::Line;

/// A payment, settled: lines for people, parts for refunds and deliveries, amounts for the journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// What the payer paid.
    pub gross: Money,
    /// Who gets what, and why.
    pub lines: Vec<Line>,
    /// One for each split or item; frozen.
    pub parts: Vec<Part>,
    /// The gateway's fee without tax.
    pub fee: Money,
    /// The tax on it.
    pub fee_tax: Money,
    /// The fee by contract where suppliers bear that instead of what was charged; else `fee`.
    pub fee_expected: Money,
    /// Whether the fee is accrued, not yet charged.
    pub fee_accrued: bool,
    /// Who bears it: suppliers, where they bear any of it.
    pub fee_bearer: Bearer,
    /// The gateway's own conversion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub received: Option<GatewayConversion>,
    /// Our conversions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conversions: Vec<Conversion>,
    /// Suppliers whose conversion waits: for a rate, or for the moment whose rate binds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pending_conversions: Vec<SupplierId>,
    /// Agent or principal.
    pub role: Role,
    /// When commission is earned.
    pub recognise: Recognise,
    /// Whose tax.
    pub jurisdiction: String,
    /// The program that computed it.
    pub engine: String,
}

impl Settlement {
    /// The currency in which the parts are shared: the payment's, or what the gateway converted it to.
    pub fn shared_currency(&self) -> Currency {
        self.received.as_ref().map_or(self.gross, |received| received.to).currency()
    }
}

/// The gateway converted at capture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayConversion {
    /// What was left after its fee.
    pub from: Money,
    /// What it credited.
    pub to: Money,
    /// Its rate.
    #[serde(with = "rust_decimal::serde::str")]
    pub rate: Decimal,
}
