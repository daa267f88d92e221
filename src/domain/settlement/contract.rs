//! What of a merchant's contracts decides of a division.

use serde::{Deserialize, Serialize};

use crate::domain::merchants::{FundsFlow, FxPoint, GatewayAccount, Merchant, Recharge, Recognise, Role};

/// The merchant's and its gateway account's terms, as they stood when a payment was divided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contract {
    /// Agent or principal.
    pub role: Role,
    /// When commission is earned.
    pub recognise: Recognise,
    /// Whose tax.
    pub jurisdiction: String,
    /// Which gateway: `grabpay`.
    pub gateway: String,
    /// The account there: `grabpay-sg`.
    pub account: String,
    /// Who holds captured money.
    pub funds_flow: FundsFlow,
    /// Which fee a supplier bears.
    pub recharge: Recharge,
    /// Whose moment's rate binds a supplier that settles in another currency.
    #[serde(default, skip_serializing_if = "FxPoint::is_capture")]
    pub fx_point: FxPoint,
}

impl Contract {
    /// As the two stand now.
    pub fn of(merchant: &Merchant, account: &GatewayAccount) -> Contract {
        Contract {
            role: merchant.role,
            recognise: merchant.recognise,
            jurisdiction: merchant.tax_jurisdiction.clone(),
            gateway: account.gateway.clone(),
            account: account.name.clone(),
            funds_flow: account.funds_flow,
            recharge: account.recharge,
            fx_point: account.fx_point,
        }
    }
}
