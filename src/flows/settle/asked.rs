//! What captures and conversions both need: what the fee rules are asked about, and how waiting conversions are stored.

use chrono::{DateTime, Utc};

use crate::domain::country::Country;
use crate::domain::fees::{AgreedFee, Charge};
use crate::domain::merchants::{GatewayAccount, Merchant};
use crate::domain::orders::{Capture, Payment};
use crate::domain::settlement::Settlement;
use crate::money::Money;

use super::{SettleError, Settlements, broken};

/// What the fee rules are asked about.
pub(super) fn charge<'a>(
    payment: &'a Payment,
    account: &'a GatewayAccount,
    merchant: &'a Merchant,
    capture: &Capture,
) -> Charge<'a> {
    charge_of(payment, account, merchant, capture.payer_country, capture.amount, capture.at)
}

/// The same from its parts. What was known of the payer at the first capture stays: later news changes no settlement.
pub(super) fn charge_of<'a>(
    payment: &'a Payment,
    account: &'a GatewayAccount,
    merchant: &'a Merchant,
    payer_country: Option<Country>,
    gross: Money,
    at: DateTime<Utc>,
) -> Charge<'a> {
    Charge {
        gateway: &account.gateway,
        account: &account.name,
        method: payment.method.as_deref(),
        market: Some(&merchant.tax_jurisdiction),
        payer_country: payment.payer_country.or(payer_country).map(Country::code),
        date: at.with_timezone(&merchant.zone).date_naive(),
        gross,
    }
}

impl Settlements {
    /// What the gateway takes of a payment by contract, without tax, as the books would accrue it; `None` where no rule
    /// applies or the rules have no figure for it.
    pub(in crate::flows) fn agreed_fee(
        &self,
        merchant: &Merchant,
        account: &GatewayAccount,
        (method, payer_country): (Option<&str>, Option<Country>),
        gross: Money,
        at: DateTime<Utc>,
    ) -> Option<AgreedFee> {
        let charge = Charge {
            gateway: &account.gateway,
            account: &account.name,
            method,
            market: Some(&merchant.tax_jurisdiction),
            payer_country: payer_country.map(Country::code),
            date: at.with_timezone(&merchant.zone).date_naive(),
            gross,
        };
        self.0.fees.agreed(&charge).ok().flatten()
    }
}

/// As stored: the suppliers whose conversion waits, or nothing.
pub(super) fn waiting(settlement: &Settlement) -> Result<Option<String>, SettleError> {
    let waits = !settlement.pending_conversions.is_empty();
    waits.then(|| serde_json::to_string(&settlement.pending_conversions)).transpose().map_err(broken)
}
