//! Every gateway account of this installation, ready to talk.
//!
//! A snapshot that is replaced as a whole when accounts change: readers never wait, and a payment keeps finding the
//! account it was started on.

use std::ops::Deref;
use std::sync::Arc;

use arc_swap::ArcSwap;

use crate::domain::merchants::GatewayAccount;
use crate::gateways::Gateway;
use crate::ids::{GatewayAccountId, MerchantId};
use crate::money::Money;

use crate::domain::statements::Availability;

use super::PayError;

/// A merchant's account at a gateway and the adapter that speaks for it.
#[derive(Debug)]
pub struct OpenAccount {
    /// What the books need to know.
    pub account: GatewayAccount,
    /// The adapter.
    pub gateway: Arc<dyn Gateway>,
    /// When its takings become spendable.
    pub available: Availability,
}

/// The directory of accounts; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Accounts(Arc<ArcSwap<Vec<Arc<OpenAccount>>>>);

impl Accounts {
    /// A directory of these accounts.
    pub fn new(accounts: Vec<OpenAccount>) -> Accounts {
        let directory = Accounts::default();
        directory.replace(accounts);
        directory
    }

    /// Takes a new snapshot.
    pub fn replace(&self, accounts: Vec<OpenAccount>) {
        self.0.store(Arc::new(accounts.into_iter().map(Arc::new).collect()));
    }

    /// One account.
    pub fn find(&self, id: GatewayAccountId) -> Option<Arc<OpenAccount>> {
        self.0.load().iter().find(|open| open.account.id == id).cloned()
    }

    /// Every account, of every merchant.
    pub fn all(&self) -> Vec<Arc<OpenAccount>> {
        self.0.load().to_vec()
    }

    /// Every account as it stands, without a copy: for whoever looks and does not wait meanwhile.
    pub fn look(&self) -> impl Deref<Target = Arc<Vec<Arc<OpenAccount>>>> + use<> {
        self.0.load()
    }

    /// A merchant's accounts.
    pub fn of(&self, merchant: MerchantId) -> Vec<Arc<OpenAccount>> {
        self.0.load().iter().filter(|open| open.account.merchant == merchant).cloned().collect()
    }

    /// Every merchant's accounts at a gateway; `name` narrows to accounts of that name.
    pub fn at(&self, gateway: &str, name: Option<&str>) -> Vec<Arc<OpenAccount>> {
        let matches = |open: &&Arc<OpenAccount>| {
            open.account.gateway == gateway && name.is_none_or(|name| open.account.name == name)
        };
        self.0.load().iter().filter(matches).cloned().collect()
    }

    /// The merchant's account that takes `amount`, by the gateway's name or the account's own: the first that can.
    ///
    /// # Errors
    /// [`PayError::UnknownGateway`] when the merchant has none; otherwise why the first one cannot, and which of the
    /// merchant's gateways could.
    pub fn choose(
        &self,
        merchant: MerchantId,
        gateway: &str,
        amount: Money,
    ) -> Result<Arc<OpenAccount>, PayError> {
        let all = self.0.load();
        let ours = || all.iter().filter(|open| open.account.merchant == merchant);
        let named = ours().filter(|open| open.account.gateway == gateway || open.account.name == gateway);
        let mut refusal = None;
        for open in named {
            match open.gateway.check_amount(amount) {
                Ok(()) => return Ok(open.clone()),
                Err(why) => refusal = refusal.or(Some(why)),
            }
        }
        let Some(why) = refusal else { return Err(PayError::UnknownGateway(gateway.to_owned())) };
        let able = ours().filter(|open| open.gateway.check_amount(amount).is_ok());
        let mut able: Vec<String> = able.map(|open| open.account.gateway.clone()).collect();
        able.dedup();
        Err(PayError::Unchargeable { why, able })
    }
}
