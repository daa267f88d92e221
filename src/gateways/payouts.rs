//! Payouts, where a gateway or a rail sends money to payees.
//!
//! One call sends one batch. The same batch goes out under the same reference or not at all; the flow asks
//! [`Payouts::query`] whenever it does not know.

use std::collections::BTreeSet;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use secrecy::SecretString;

use super::GatewayError;
use crate::domain::merchants::PayoutAccountKind;
use crate::domain::payouts::{DebtorAddress, FeeBearer, PayoutReport};
use crate::ids::{PayoutBatchId, PayoutId};
use crate::money::{Currency, Money};

/// One payment to one payee.
#[derive(Debug, Clone)]
pub struct PayoutOrder {
    /// Ours, and the rail's key of it.
    pub payout: PayoutId,
    /// The rail's id, once known.
    pub rail_ref: Option<String>,
    /// What is to reach the payee.
    pub amount: Money,
    /// Who is paid.
    pub creditor: Creditor,
    /// One line for the payee.
    pub note: String,
    /// ISO 20022 purpose or the rail's own code, where the corridor wants one.
    pub purpose: Option<String>,
    /// Who bears the charges, as it was approved: a rail that can be told is. `None`: of a call that was made before rails
    /// were told, when banks heard that all charges are ours.
    pub bearer: Option<FeeBearer>,
}

/// Whom a payout reaches, and where.
#[derive(Debug, Clone)]
pub struct Creditor {
    /// The name the account is held under.
    pub name: String,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// Town, where the rail wants a structured address (ISO 20022 `TwnNm`).
    pub town: Option<String>,
    /// What the number is.
    pub kind: PayoutAccountKind,
    /// The number; opened for the call and never logged.
    pub number: SecretString,
    /// BIC, national bank code or the rail's channel.
    pub bank_code: Option<String>,
}

/// What is sent in one call.
#[derive(Debug, Clone)]
pub struct PayoutBatchRequest {
    /// Our batch.
    pub batch: PayoutBatchId,
    /// The reference sent to the rail, ours, one per batch.
    pub request_ref: String,
    /// The rail's id, once known.
    pub rail_ref: Option<String>,
    /// What is paid; one currency.
    pub orders: Vec<PayoutOrder>,
    /// Which of them the call carried, once it was made: some may have been given up before. `None`: all.
    pub carried: Option<BTreeSet<PayoutId>>,
    /// Whose account pays, where that is one at a bank.
    pub debtor: Option<Debtor>,
    /// The day on which the rail is to pay.
    pub execute_on: NaiveDate,
    /// When the batch was written down.
    pub made_at: DateTime<Utc>,
}

/// The account that pays.
#[derive(Debug, Clone)]
pub struct Debtor {
    /// The merchant's name.
    pub name: String,
    /// ISO 3166 alpha-2 of the account.
    pub country: String,
    /// What else is known of its address.
    pub address: DebtorAddress,
    /// Its number; opened for the call and never logged.
    pub number: SecretString,
    /// The bank's BIC.
    pub bic: Option<String>,
}

/// What the rail says about a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PayoutBatchReport {
    /// The rail's id of the batch, where it has one.
    pub rail_ref: Option<String>,
    /// What it says of each payout it knows; one that is missing here it has not spoken of yet.
    pub payouts: Vec<PayoutReport>,
}

/// Sending money to payees.
#[async_trait]
pub trait Payouts: Send + Sync + std::fmt::Debug {
    /// Most payouts in one call.
    fn batch_limit(&self) -> usize;

    /// Currencies that can be sent.
    fn payout_currencies(&self) -> Vec<Currency>;

    /// Whether [`Payouts::take_back`] also reaches what the rail has taken on and not yet passed on.
    fn calls_back(&self) -> bool {
        false
    }

    /// Whether a person brings what is sent, and nobody can be asked what became of it.
    fn by_hand(&self) -> bool {
        false
    }

    /// How long after a payout was written down the rail may still say what nothing else tells of one that it paid: that it
    /// came back, what was taken for it. `None` where its bills or a bank's statements tell that.
    fn news_for(&self) -> Option<TimeDelta> {
        None
    }

    /// The file that the call carries, where the rail is told by one: the same bytes for the same batch.
    ///
    /// # Errors
    /// [`GatewayError::Refused`] where it cannot be written; [`Payouts::send`] then refuses likewise.
    fn file(&self, _batch: &PayoutBatchRequest) -> Result<Option<String>, GatewayError> {
        Ok(None)
    }

    /// The same as earlier programs wrote it, where they wrote it otherwise: what was handed over stays what it was.
    ///
    /// # Errors
    /// As [`Payouts::file`].
    fn former_file(&self, _batch: &PayoutBatchRequest) -> Result<Option<String>, GatewayError> {
        Ok(None)
    }

    /// Sends the batch. Called once under the batch's lease; never again while the outcome is unknown.
    ///
    /// # Errors
    /// [`GatewayError`]; `Refused` is of the whole batch, before any money moved.
    async fn send(&self, batch: &PayoutBatchRequest) -> Result<PayoutBatchReport, GatewayError>;

    /// Asks how the batch and its payouts stand, without sending anything; `Ok(None)`: the rail knows none of it under
    /// our references. A rail that cannot be asked by our references alone answers `OutcomeUnknown`.
    ///
    /// # Errors
    /// [`GatewayError`].
    async fn query(&self, batch: &PayoutBatchRequest) -> Result<Option<PayoutBatchReport>, GatewayError>;

    /// Takes back a payout that its payee has not taken yet; what came of it is told by the next query.
    ///
    /// # Errors
    /// [`GatewayError::Refused`] where the rail cannot.
    async fn take_back(&self, _batch: &PayoutBatchRequest, _order: &PayoutOrder) -> Result<(), GatewayError> {
        Err(GatewayError::Refused {
            code: "not_supported".to_owned(),
            message: "this rail takes nothing back".to_owned(),
            retry_later: false,
        })
    }
}
