//! Terms are checked before anything is stored, and frozen with the payment.

use std::collections::BTreeMap;

use crate::domain::fees::Charge;
use crate::domain::merchants::{GatewayAccount, Merchant};
use crate::domain::settlement::{Contract, GatewayFee, SettlementError, SettlementInput, check_divisible};
use crate::domain::splits::{Agreement, SplitError, Terms};
use crate::money::Money;

use super::{SettleError, Settlements, broken};

impl Settlements {
    pub(super) async fn agree_terms(
        &self,
        merchant: &Merchant,
        account: &GatewayAccount,
        method: Option<&str>,
        amount: Money,
        terms: serde_json::Value,
    ) -> Result<serde_json::Value, SettleError> {
        let terms: Terms =
            serde_json::from_value(terms).map_err(|error| refused("invalid_split", None, error))?;
        let agreement = Agreement::try_new(terms, amount).map_err(not_divisible)?;
        for supplier in agreement.suppliers() {
            if self.0.store.supplier(merchant.id, supplier).await?.is_none() {
                let param = place_of(agreement.terms(), supplier);
                return Err(refused("unknown_supplier", param, format!("there is no supplier {supplier}")));
            }
        }
        if !account.lands_here() {
            let why = format!("gateway account `{}` pays suppliers itself (funds_flow)", account.name);
            return Err(refused("funds_flow_not_settled", Some("gateway".to_owned()), why));
        }
        let charge = Charge {
            gateway: &account.gateway,
            account: &account.name,
            method,
            market: Some(&merchant.tax_jurisdiction),
            payer_country: None,
            date: self.0.clock.now().with_timezone(&merchant.zone).date_naive(),
            gross: amount,
        };
        self.try_out(merchant, account, &agreement, &charge)?;
        serde_json::to_value(agreement.terms()).map_err(broken)
    }

    /// Refuses what the capture could not divide, with the fee that the rules tell of this charge today.
    fn try_out(
        &self,
        merchant: &Merchant,
        account: &GatewayAccount,
        agreement: &Agreement,
        charge: &Charge<'_>,
    ) -> Result<(), SettleError> {
        let scheduled = self.0.fees.assess(charge).map_err(|error| not_divisible(error.into()))?;
        let input = SettlementInput {
            contract: &Contract::of(merchant, account),
            agreement,
            fee: GatewayFee::Accrued(scheduled),
            received: None,
            received_mid: None,
            commission: self.0.fees.commission(charge),
            exchanges: &BTreeMap::new(),
        };
        let trial = check_divisible(&input, account.converts(agreement.amount().currency()));
        trial.map_err(|error| match error {
            SettlementError::Split(error) => not_divisible(error),
            other => refused("invalid_split", None, other),
        })
    }
}

fn place_of(terms: &Terms, supplier: crate::ids::SupplierId) -> Option<String> {
    let split = terms.splits.iter().position(|split| split.supplier == supplier);
    let item = || terms.items.iter().position(|item| item.supplier == Some(supplier));
    split
        .map(|at| format!("splits[{at}].supplier"))
        .or_else(|| item().map(|at| format!("items[{at}].supplier")))
}

fn not_divisible(error: SplitError) -> SettleError {
    refused(error.code(), Some(error.param()), error)
}

fn refused(code: &'static str, param: Option<String>, why: impl std::fmt::Display) -> SettleError {
    SettleError::Refused { code, param, why: why.to_string() }
}
