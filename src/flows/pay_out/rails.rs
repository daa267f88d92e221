//! Which rail accounts can be paid over, and whose money leaves over them.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::TimeDelta;

use crate::domain::ledger::journal::PayoutBooking;
use crate::domain::ledger::{Account, AccountCode, Layer, Owner};
use crate::domain::merchants::{Funding, RailAccount};
use crate::domain::payouts::Offer;
use crate::flows::pay::OpenAccount;
use crate::gateways::Payouts;
use crate::ids::{MerchantId, RailAccountId, SupplierId};
use crate::money::{Currency, Money};
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

    /// The rails that alone tell what becomes of what they paid, and for how long.
    pub(super) async fn rails_with_news(&self) -> Result<Vec<(OpenRail, TimeDelta)>, PayOutError> {
        let mut rails = vec![];
        for merchant in self.0.store.merchants().await? {
            let accounts = self.0.store.rail_accounts(merchant.id, Seek::Start, MOST).await?;
            rails.extend(accounts.iter().filter_map(|account| {
                let rail = self.open(account)?;
                let news_for = rail.payouts()?.news_for()?;
                Some((rail, news_for))
            }));
        }
        Ok(rails)
    }

    pub(super) fn gateway(&self, merchant: MerchantId, name: &str) -> Option<Arc<OpenAccount>> {
        self.0.pay.accounts().of(merchant).into_iter().find(|open| open.account.name == name)
    }

    /// The rails that a plan may choose from, oldest first, with what the ledger says they can spend.
    pub(super) async fn offers(&self, merchant: MerchantId) -> Result<Vec<Offer>, PayOutError> {
        let mut offers = Vec::new();
        let mut held = self.standing_on(merchant, AccountCode::GATEWAY_BALANCE).await?;
        held.extend(self.standing_on(merchant, AccountCode::RAIL_FLOAT).await?);
        held.extend(self.standing_on(merchant, AccountCode::BANK_CLIENT).await?);
        let sent = self.standing_on(merchant, AccountCode::PAYOUT_IN_TRANSIT).await?;
        let accounts = self.0.store.rail_accounts(merchant, Seek::Start, MOST).await?;
        let mut behind: BTreeMap<String, Money> = BTreeMap::new();
        for account in accounts {
            let Some(cash) = self.cash(&account).await? else { continue };
            let (pot, nothing) = (format!("{cash} {}", account.currency), Money::zero(account.currency));
            // Payouts under way are counted against the account that they were instructed over.
            let prefix = format!("{},", account.name);
            let under_way = sent.iter().filter(|((one, currency), _)| {
                one.owner.as_str().starts_with(&prefix) && *currency == account.currency
            });
            let under_way = Money::sum(account.currency, under_way.map(|(_, money)| *money));
            let stands = held.get(&(cash, account.currency)).copied().unwrap_or(nothing);
            let left = behind.entry(pot.clone()).or_insert(stands);
            *left = under_way.and_then(|sent| left.checked_sub(sent)).map_err(PayOutError::unavailable)?;
            let Some(open) = self.open(&account) else { continue };
            let limit = open.payouts().map_or(1, |rail| self.0.rules.together(rail.batch_limit()));
            offers.push(Offer { account, pot, held: nothing, limit });
        }
        for offer in &mut offers {
            offer.held = behind.get(&offer.pot).copied().unwrap_or(offer.held);
        }
        Ok(offers)
    }

    /// What the books have at a gateway: takings, or money brought there to be paid out.
    fn balance(&self, merchant: MerchantId, name: &str) -> Account {
        let float =
            self.gateway(merchant, name).is_some_and(|open| !open.gateway.descriptor().takes_payments);
        let code = if float { AccountCode::RAIL_FLOAT } else { AccountCode::GATEWAY_BALANCE };
        Account::new(code, Owner::of(name))
    }

    /// The ledger's account whose money a rail account pays out; none where it is gone.
    async fn cash(&self, account: &RailAccount) -> Result<Option<Account>, PayOutError> {
        let at = |code, name: &str| Some(Account::new(code, Owner::of(name)));
        Ok(match &account.funding {
            Funding::GatewayAccount(name) => Some(self.balance(account.merchant, name)),
            Funding::BankAccount(id) => {
                let bank = self.0.store.bank_account(account.merchant, *id).await?;
                bank.and_then(|bank| at(AccountCode::BANK_CLIENT, &bank.account.name))
            }
        })
    }

    /// What stands on a code's accounts, as people read it.
    async fn standing_on(
        &self,
        merchant: MerchantId,
        code: AccountCode,
    ) -> Result<BTreeMap<(Account, Currency), Money>, PayOutError> {
        let rows = self.0.store.standing_accounts(merchant, code).await?;
        let posted = rows.into_iter().filter(|row| row.layer == Layer::Posted);
        Ok(posted
            .map(|row| {
                let shown = row.shown();
                ((row.account, shown.currency()), shown)
            })
            .collect())
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
                let balance = self.balance(account.merchant, name);
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
