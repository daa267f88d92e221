//! What a payment says about its division, in the API's own shape. Unknown keys are refused.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::domain::fees::{Bearer, Commission, FeeBase, Figure};
use crate::ids::SupplierId;
use crate::money::{AllocationPolicy, Money, Percent};

/// Everything about who gets what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Who gets what; empty: all to the platform.
    #[serde(default)]
    pub splits: Vec<Split>,
    /// Where the minor units go that rounding leaves over.
    #[serde(default)]
    pub split_policy: AllocationPolicy,
    /// Who bears the gateway's fee; absent: each fee rule's own `bearer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fee_bearer: Option<Bearer>,
    /// The platform's commission; absent: the fee rules of kind `platform`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform_fee: Option<PlatformFee>,
    /// What was sold; empty: the splits divide the whole.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<Item>,
}

impl Terms {
    /// Every supplier that may get something, in the order of splits and items.
    pub fn suppliers(&self) -> Vec<SupplierId> {
        let named = self.splits.iter().map(|split| split.supplier);
        let selling = self.items.iter().filter_map(|item| item.supplier);
        let mut seen = BTreeSet::new();
        named.chain(selling).filter(|supplier| seen.insert(*supplier)).collect()
    }
}

/// One supplier's share.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// Who.
    pub supplier: SupplierId,
    /// How much.
    pub share: Share,
}

/// How much a supplier gets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ShareWire", into = "ShareWire")]
pub enum Share {
    /// `{"fixed":"10.00"}`, in the payment's currency.
    Fixed(Figure),
    /// `{"percent":"12.5","of":"net","cap":"20.00","minimum":"5.00"}`.
    Percent {
        /// How much of the base.
        percent: Percent,
        /// Of what.
        of: ShareBase,
        /// At most.
        cap: Option<Figure>,
        /// At least.
        minimum: Option<Figure>,
    },
    /// `{"remainder":true}`.
    Remainder,
}

/// What a share's percentage is taken of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum ShareBase {
    /// What commission and the suppliers' part of the fee leave.
    #[default]
    Net,
    /// What was charged.
    Gross,
    /// What the gateway credits, after its own conversion.
    Received,
}

/// The platform's commission.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlatformFee {
    /// Of the base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<Percent>,
    /// In the payment's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed: Option<Figure>,
    /// The base: the suppliers' goods, or the same less what the suppliers bear of the gateway's fee.
    #[serde(default)]
    pub of: FeeBase,
    /// At least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Figure>,
    /// At most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cap: Option<Figure>,
    /// VAT or GST on it, in percent, on top.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tax: Option<Percent>,
}

/// Something sold, or charged with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// The shop's own name for it; refunds quote it.
    #[serde(rename = "ref")]
    pub reference: String,
    /// What the payer pays for it.
    pub amount: Money,
    /// Whose it is; absent: the platform's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier: Option<SupplierId>,
    /// Commission is taken on goods only.
    #[serde(default)]
    pub kind: ItemKind,
}

/// What an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// Commission is taken on it.
    #[default]
    Goods,
    /// In full to the supplier.
    Shipping,
    /// The shopper's sales tax: in full to the supplier, who owes it.
    Tax,
}

impl PlatformFee {
    /// As priced rules.
    pub fn commission(&self) -> Commission {
        let fee = self.clone();
        Commission::agreed(fee.percent, fee.fixed, fee.of, fee.minimum, fee.cap, fee.tax)
    }
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ShareWire {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fixed: Option<Figure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    percent: Option<Percent>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    of: Option<ShareBase>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cap: Option<Figure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    minimum: Option<Figure>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    remainder: Option<bool>,
}

impl TryFrom<ShareWire> for Share {
    type Error = &'static str;

    fn try_from(wire: ShareWire) -> Result<Share, &'static str> {
        let bounded = wire.of.is_some() || wire.cap.is_some() || wire.minimum.is_some();
        match (wire.fixed, wire.percent, wire.remainder) {
            (Some(_), None, None) | (None, None, Some(true)) if bounded => {
                Err("`of`, `cap` and `minimum` belong to a share by `percent`")
            }
            (Some(fixed), None, None) => Ok(Share::Fixed(fixed)),
            (None, Some(percent), None) => {
                let of = wire.of.unwrap_or_default();
                Ok(Share::Percent { percent, of, cap: wire.cap, minimum: wire.minimum })
            }
            (None, None, Some(true)) => Ok(Share::Remainder),
            _ => Err(r#"a share is one of {"fixed":"10.00"}, {"percent":"12.5"} or {"remainder":true}"#),
        }
    }
}

impl From<Share> for ShareWire {
    fn from(share: Share) -> ShareWire {
        let empty =
            ShareWire { fixed: None, percent: None, of: None, cap: None, minimum: None, remainder: None };
        match share {
            Share::Fixed(fixed) => ShareWire { fixed: Some(fixed), ..empty },
            Share::Percent { percent, of, cap, minimum } => {
                ShareWire { percent: Some(percent), of: Some(of), cap, minimum, ..empty }
            }
            Share::Remainder => ShareWire { remainder: Some(true), ..empty },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_exactly_one_of_three() {
        let good = [
            r#"{"fixed":"10.00"}"#,
            r#"{"percent":"12.5"}"#,
            r#"{"percent":"12.5","of":"received","cap":"20.00","minimum":"5"}"#,
            r#"{"remainder":true}"#,
        ];
        for text in good {
            let share: Share = serde_json::from_str(text).expect(text);
            let again: Share = serde_json::from_value(serde_json::to_value(&share).expect(text)).expect(text);
            assert_eq!(share, again);
        }
        let bad = [
            "{}",
            r#"{"fixed":"10.00","percent":"1"}"#,
            r#"{"remainder":false}"#,
            r#"{"remainder":true,"cap":"1"}"#,
            r#"{"fixed":"1","of":"net"}"#,
            r#"{"fixed":10}"#,
            r#"{"percent":12.5}"#,
            r#"{"fixed":"-1.00"}"#,
            r#"{"percnt":"1"}"#,
        ];
        for text in bad {
            assert!(serde_json::from_str::<Share>(text).is_err(), "{text}");
        }
    }
}
