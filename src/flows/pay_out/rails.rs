//! Which rail accounts can be paid over, and whose money leaves over them.

use std::sync::Arc;

use crate::domain::ledger::journal::PayoutBooking;
use crate::domain::ledger::{Account, AccountCode, Owner};
use crate::domain::merchants::{Funding, RailAccount};
use crate::domain::payouts::{Offer, RailTable};
use crate::flows::pay::OpenAccount;
use crate::gateways::Payouts;
use crate::ids::{MerchantId, RailAccountId, SupplierId};
use crate::store::Seek;

use super::{PayOutError, PayingOut};

/// Rail accounts of one merchant that are looked at.
const MOST: i64 = 1_000;

/// A rail account and what speaks for it.
#[derive(Debug, Clone)]
pub(super) struct OpenRail {
    pub account: RailAccount,
    way: Way,
}

#[derive(Debug, Clone)]
enum Way {
    /// The gateway from whose balance it is paid.
    Gateway(Arc<OpenAccount>),
    /// A rail of its own.
    Own(Arc<dyn Payouts>),
}

impl OpenRail {
    /// What speaks for it.
    pub fn payouts(&self) -> Option<&dyn Payouts> {
        match &self.way {
            Way::Gateway(open) => open.gateway.payouts(),
            Way::Own(rail) => Some(rail.as_ref()),
        }
    }

    /// Whether what was sent can be called back until it is passed on.
    pub fn calls_back(&self) -> bool {
        self.payouts().is_some_and(Payouts::calls_back)
    }
}

impl PayingOut {
    /// A rail account, ready to be asked.
    pub(super) async fn rail(
        &self,
        merchant: MerchantId,
        id: RailAccountId,
    ) -> Result<OpenRail, PayOutError> {
        let account = self.0.store.rail_account(merchant, id).await?;
        let account = account.ok_or(PayOutError::Unknown("rail account"))?;
        let silent =
            || PayOutError::Unavailable(format!("nothing speaks for rail account `{}`", account.name));
        self.open(&account).ok_or_else(silent)
    }

    fn open(&self, account: &RailAccount) -> Option<OpenRail> {
        let way = match self.0.rails.get(&account.rail) {
            Some(rail) => Way::Own(rail.clone()),
            None => {
                let Funding::GatewayAccount(name) = &account.funding else { return None };
                let open = self.gateway(account.merchant, name)?;
                // Another gateway's money does not leave over this rail.
                let rail = open.gateway.descriptor().payout_rail;
                Way::Gateway(Some(open).filter(|_| rail == Some(account.rail.as_str()))?)
            }
        };
        let open = OpenRail { account: account.clone(), way };
        let can = |rail: &dyn Payouts| rail.payout_currencies().contains(&account.currency);
        open.payouts().is_some_and(can).then_some(open)
    }

    fn gateway(&self, merchant: MerchantId, name: &str) -> Option<Arc<OpenAccount>> {
        self.0.pay.accounts().of(merchant).into_iter().find(|open| open.account.name == name)
    }

    /// The rails that a plan may choose from.
    pub(super) async fn offers(&self, merchant: MerchantId) -> Result<Vec<Offer>, PayOutError> {
        let accounts = self.0.store.rail_accounts(merchant, Seek::Start, MOST).await?;
        let offer = |account: RailAccount| {
            self.open(&account)?;
            let terms = RailTable::shipped().of(&account.rail)?.clone();
            Some(Offer { account, terms })
        };
        Ok(accounts.into_iter().filter_map(offer).collect())
    }

    /// The ledger's accounts of a payout.
    pub(super) async fn booking(
        &self,
        account: &RailAccount,
        supplier: SupplierId,
    ) -> Result<PayoutBooking, PayOutError> {
        let at = |code, name: &str| Account::new(code, Owner::of(name));
        let (cash, fees) = match &account.funding {
            Funding::GatewayAccount(name) => {
                let open = self.gateway(account.merchant, name);
                let float = open.is_some_and(|open| !open.gateway.descriptor().takes_payments);
                let code = if float { AccountCode::RAIL_FLOAT } else { AccountCode::GATEWAY_BALANCE };
                let balance = at(code, name);
                (balance.clone(), balance)
            }
            Funding::BankAccount(id) => {
                let bank = self.0.store.bank_account(account.merchant, *id).await?;
                let name = bank.ok_or(PayOutError::Unknown("bank account"))?.account.name;
                (at(AccountCode::BANK_CLIENT, &name), at(AccountCode::BANK_OPERATING, &name))
            }
        };
        Ok(PayoutBooking { supplier, rail: account.name.clone(), cash, fees })
    }
}
