//! A line of a settlement, in the API's shape: who gets what, by which rule, with the arithmetic.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::money::Money;

/// What a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// What the gateway takes.
    GatewayFee,
    /// What the platform keeps.
    PlatformFee,
    /// What a supplier gets.
    Share,
    /// A change of currency.
    Conversion,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What it is.
    pub kind: LineKind,
    /// The gateway account, `platform`, or a supplier's id.
    pub to: String,
    /// How much.
    pub amount: Money,
    /// The rule that says so.
    pub rule: String,
    /// Its version: the hash of the rule or of the agreement.
    pub rule_version: String,
    /// The arithmetic: `4.4 % × 100.00 + 0.50 = 4.90`.
    pub explain: String,
    /// For conversions: from what, at which rates.
    #[serde(flatten, default, skip_serializing_if = "Option::is_none")]
    pub converted: Option<Converted>,
}

/// What a conversion line says besides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Converted {
    /// What was converted.
    pub from: Money,
    /// The applied rate: units of the new currency for one of the old.
    #[serde(with = "rust_decimal::serde::str")]
    pub rate: Decimal,
    /// The mid rate, where one is known.
    #[serde(with = "rust_decimal::serde::str_option", default, skip_serializing_if = "Option::is_none")]
    pub mid: Option<Decimal>,
    /// The difference to mid, in the new currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<Money>,
}

/// Who keeps what no one else gets.
pub(super) const PLATFORM: &str = "platform";
