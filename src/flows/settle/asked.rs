//! What captures and conversions both need: what the fee rules are asked about, and how waiting conversions are stored.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::country::Country;
use crate::domain::fees::{AgreedFee, Charge};
use crate::domain::findings::FindingKind;
use crate::domain::merchants::{FxPoint, GatewayAccount, Merchant};
use crate::domain::orders::{Capture, Payment};
use crate::domain::settlement::Settlement;
use crate::ids::SupplierId;
use crate::money::Money;
use crate::store::Change;
use crate::store::settlements::SettlementRecord;

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

    /// A fee far beyond its contract is told at once, with its capture: the month's drift shows only what is repeated, and
    /// a bill that repeats the fee agrees with it.
    pub(super) async fn watch_fee(
        &self,
        change: &mut Change,
        payment: &Payment,
        account: &GatewayAccount,
        capture: &Capture,
    ) -> Result<(), SettleError> {
        let Some(charged) = capture.fee.filter(|fee| fee.currency() == capture.amount.currency()) else {
            return Ok(());
        };
        let merchant = self.merchant(payment.merchant).await?;
        let agreed = self.0.fees.agreed(&charge(payment, account, &merchant, capture));
        let Some(agreed) = agreed.ok().flatten().map(|agreed| agreed.fee) else { return Ok(()) };
        let beyond = charged.checked_sub(agreed).map_err(broken)?;
        let percent = self.0.fee_tolerance;
        let tolerated = Decimal::from(capture.amount.minor()) * percent.fraction();
        if Decimal::from(beyond.minor()) <= tolerated {
            return Ok(());
        }
        let why = format!(
            "{charged} was charged of {}, the contract says {agreed}: more than {} % of it beyond",
            capture.amount,
            percent.value()
        );
        let kind = FindingKind::FeeDrift;
        let mut finding = self.finding(kind, account, &capture.capture_ref, Some(beyond), why);
        finding.payment = Some(payment.id.to_string());
        self.open(change, finding).await
    }
}

/// Whose conversion waits for a rate, and since when, as it is stored.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub(super) since: DateTime<Utc>,
    pub(super) suppliers: Vec<SupplierId>,
}

impl Waiting {
    /// Of a settlement that waits; older rows have the suppliers alone, who wait since the capture.
    pub(super) fn of(record: &SettlementRecord) -> Result<Option<Waiting>, SettleError> {
        let Some(text) = &record.waiting else { return Ok(None) };
        let old = |suppliers| Waiting { since: record.created_at, suppliers };
        let read = serde_json::from_str(text).or_else(|_| serde_json::from_str(text).map(old));
        read.map(Some).map_err(broken)
    }

    /// What waits at a capture: nothing where a later moment's rate binds.
    pub(super) fn at_capture(settlement: &Settlement, point: FxPoint, at: DateTime<Utc>) -> Waiting {
        let waits = if point.is_capture() { settlement.pending_conversions.clone() } else { vec![] };
        Waiting { since: at, suppliers: waits }
    }

    /// As it is stored; nothing when none waits.
    pub(super) fn stored(&self) -> Result<Option<String>, SettleError> {
        let waits = !self.suppliers.is_empty();
        waits.then(|| serde_json::to_string(self)).transpose().map_err(broken)
    }
}
