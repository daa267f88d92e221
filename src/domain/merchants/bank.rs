//! A merchant's accounts at banks and at payout rails, and what their names may be: a name is the ledger's dimension.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{BankAccountId, MerchantId, RailAccountId};
use crate::money::Currency;

use super::seat::DebtorAddress;

/// A merchant's account at a bank. Its number is sealed; `hint` is its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankAccount {
    /// Its id.
    pub id: BankAccountId,
    /// Whose it is.
    pub merchant: MerchantId,
    /// Its name and ledger dimension: `dbs`. Unique per merchant, kind and currency.
    pub name: String,
    /// Whose money lies on it.
    pub kind: BankAccountKind,
    /// Its one currency.
    pub currency: Currency,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// The bank's BIC, where one is known.
    pub bic: Option<String>,
    /// The last four characters of the number.
    pub hint: String,
    /// Names of the gateway accounts whose takings in this currency arrive here.
    pub sweeps: Vec<String>,
    /// The holder's seat, as the bank is told it; none where nobody said so.
    pub address: Option<DebtorAddress>,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// Whose money lies on a bank account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BankAccountKind {
    /// Other people's, safeguarded: 1010.
    Client,
    /// The merchant's own: 1000.
    Own,
}

impl BankAccountKind {
    /// The account of the chart that is this money.
    pub fn code(self) -> u16 {
        match self {
            BankAccountKind::Client => 1010,
            BankAccountKind::Own => 1000,
        }
    }
}

/// A merchant's account at a payout rail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RailAccount {
    /// Its id.
    pub id: RailAccountId,
    /// Whose it is.
    pub merchant: MerchantId,
    /// Its name and ledger dimension. Unique per merchant and currency.
    pub name: String,
    /// The rail: one of [`RAILS`].
    pub rail: String,
    /// Its one currency.
    pub currency: Currency,
    /// Where the money of a payout comes from.
    pub funding: Funding,
    /// When it was added.
    pub created_at: DateTime<Utc>,
}

/// The rails that are known; a new one is a new word here.
pub const RAILS: [&str; 4] = ["paypal_payouts", "pain001", "xendit", "csv"];

/// Where the money of a payout comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Funding {
    /// A client bank account of the same currency.
    BankAccount(BankAccountId),
    /// The balance at a gateway, by the account's name.
    GatewayAccount(String),
}

/// Whether a text can be an account's name: owners of ledger accounts are joined by commas, and people read them.
pub fn is_account_name(text: &str) -> bool {
    let fits = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || *byte == b'-';
    (1..=40).contains(&text.len())
        && text.bytes().all(|byte| fits(&byte))
        && !text.starts_with('-')
        && !text.ends_with('-')
}
