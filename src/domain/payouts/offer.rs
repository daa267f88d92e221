//! What a plan may pay over: the merchant's rail accounts, and the money behind them.

use crate::domain::merchants::RailAccount;
use crate::money::Money;

/// A rail account that this installation can speak to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The account.
    pub account: RailAccount,
    /// The ledger's account behind it, with its currency: `1110[paypal] USD`. Several rails may draw on one.
    pub pot: String,
    /// What stands there, less what is already on its way to payees; below zero where more is.
    pub held: Money,
    /// Most payouts that are sent in one call.
    pub limit: usize,
}
