//! Sides of a deal that name no place: the one client account in their currency; and what is sold and is not there comes
//! from where exactly one place has it.

use crate::domain::deposits::GatewaySettlement;
use crate::domain::fx_book::Place;
use crate::domain::ledger::{AccountCode, Layer};
use crate::domain::merchants::{BankAccount, BankAccountKind};
use crate::ids::MerchantId;
use crate::money::Money;
use crate::store::Versioned;

use super::places::refused;
use super::{FxBook, FxBookError};

/// A place outside the client account, with the payout of a gateway that it is.
type Elsewhere = (Place, Option<Versioned<GatewaySettlement>>);

impl FxBook {
    /// The one client account in the currency of `whole`.
    pub(super) async fn the_one(
        &self,
        merchant: MerchantId,
        param: &str,
        whole: Money,
    ) -> Result<BankAccount, FxBookError> {
        let currency = whole.currency();
        let accounts = self.store.all_bank_accounts(merchant).await?.into_iter();
        let mut client: Vec<BankAccount> = accounts
            .map(|stored| stored.account)
            .filter(|account| account.kind == BankAccountKind::Client && account.currency == currency)
            .collect();
        match client.len() {
            1 => Ok(client.remove(0)),
            0 => Err(refused(
                param,
                format!("there is no client account in {currency}; say where this side is"),
            )),
            many => Err(refused(param, format!("there are {many} client accounts in {currency}; name one"))),
        }
    }

    /// Whether a bank account has so much in the books.
    pub(super) async fn has(
        &self,
        merchant: MerchantId,
        place: &Place,
        whole: Money,
    ) -> Result<bool, FxBookError> {
        let account = place.account();
        let rows = self.store.ledger_balances(merchant, account.code, account.owner.as_str()).await?;
        let of = |shown: Money| shown.currency() == whole.currency() && shown.minor() >= whole.minor();
        Ok(rows.iter().any(|row| row.layer == Layer::Posted && of(row.shown())))
    }

    /// Where so much is, outside banks: the one payout of a gateway that is on its way and comes to exactly it, else the one
    /// balance at a gateway that has it. None where several could be meant, or nothing.
    pub(super) async fn elsewhere(
        &self,
        merchant: MerchantId,
        whole: Money,
    ) -> Result<Option<Elsewhere>, FxBookError> {
        let mut sent = self.store.settlements_in_transit(merchant, whole.currency()).await?;
        sent.retain(|row| row.value.batch.net == whole);
        match sent.len() {
            0 => {}
            1 => {
                let row = sent.remove(0);
                let (settlement, gateway_account) = (row.value.id, row.value.gateway_account.clone());
                return Ok(Some((Place::InTransit { settlement, gateway_account }, Some(row))));
            }
            _ => return Ok(None),
        }
        let accounts = self.store.gateway_accounts().await?;
        let keeps = |name: &str| {
            accounts.iter().map(|row| &row.value.account).any(|account| {
                account.merchant == merchant && account.name == name && account.lands_on_balance()
            })
        };
        let rows = self.store.standing_accounts(merchant, AccountCode::GATEWAY_BALANCE).await?;
        let mut balances = rows.iter().filter(|row| {
            let shown = row.shown();
            row.layer == Layer::Posted
                && shown.currency() == whole.currency()
                && shown.minor() >= whole.minor()
                && keeps(row.account.owner.as_str())
        });
        Ok(match (balances.next(), balances.next()) {
            (Some(one), None) => {
                let gateway_account = one.account.owner.as_str().to_owned();
                Some((Place::Gateway { gateway_account }, None))
            }
            _ => None,
        })
    }
}
