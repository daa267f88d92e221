//! Payouts v2: one call pays one payee, so a batch is one payout.
//!
//! Our payout's id is both the idempotency key and the `reference_id`. The key keeps a repeated call from paying twice;
//! the reference is what is asked about, so that an answer that was lost is found. A reference need not be unique at
//! Xendit: two payouts under one of ours are an answer that is not trusted. What Xendit takes stands in its list of
//! transactions, not in the payout.
//!
//! Unverified: a reversed payout is taken to come back whole, its fee as the transaction then says.

use async_trait::async_trait;
use chrono::TimeDelta;
use secrecy::ExposeSecret;

use super::api::Said;
use super::errors::Class;
use super::report;
use super::wire::{ChannelProperties, CreatePayout, Payout, Transaction};
use super::{Xendit, amount, channels};
use crate::domain::merchants::PayoutAccountKind;
use crate::domain::payouts::{PayoutReport, PayoutStatus};
use crate::gateways::{GatewayError, PayoutBatchReport, PayoutBatchRequest, PayoutOrder, Payouts, text};
use crate::money::{Currency, Money};

const PAYOUTS: &str = "/v2/payouts";
/// Letters of a holder's name and of a description.
const NAME: usize = 100;
const DESCRIPTION: usize = 100;
/// A payee's bank sends back within days what it could not book, and fees stand in the transactions of the month.
const NEWS: TimeDelta = TimeDelta::days(30);

/// Ids of payouts: letters and digits, `-` and `_`.
pub(super) fn is_payout_ref(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=64).contains(&text.len()) && text.bytes().all(fits)
}

#[async_trait]
impl Payouts for Xendit {
    fn batch_limit(&self) -> usize {
        1
    }

    fn payout_currencies(&self) -> Vec<Currency> {
        self.taken.iter().map(|(currency, _)| *currency).collect()
    }

    fn calls_back(&self) -> bool {
        true
    }

    fn news_for(&self) -> Option<TimeDelta> {
        // There is no bill, and a notice can be lost.
        Some(NEWS)
    }

    async fn send(&self, batch: &PayoutBatchRequest) -> Result<PayoutBatchReport, GatewayError> {
        let [order] = batch.orders.as_slice() else {
            return Err(GatewayError::NotSent(format!(
                "{} payouts in a call that pays one",
                batch.orders.len()
            )));
        };
        let body = body(order).map_err(|why| GatewayError::Refused {
            code: "not_payable".to_owned(),
            message: why,
            retry_later: false,
        })?;
        let key = order.payout.to_string();
        let told = match self.api.post::<Payout>(PAYOUTS, Some(&key), body).await? {
            Said::No(refusal) if refusal.class == Class::Ask => match self.find(order).await? {
                Some(told) => told,
                None => return Err(refusal.into_error()),
            },
            // No such address: what that means for a payout nobody knows.
            Said::Nothing => return Err(GatewayError::OutcomeUnknown("HTTP 404".into())),
            said => self.read(&said.granted()?, order)?,
        };
        Ok(PayoutBatchReport { rail_ref: told.rail_ref.clone(), payouts: vec![told] })
    }

    async fn query(&self, batch: &PayoutBatchRequest) -> Result<Option<PayoutBatchReport>, GatewayError> {
        let mut payouts = vec![];
        for order in &batch.orders {
            let Some(mut told) = self.find(order).await? else { continue };
            if matches!(told.status, PayoutStatus::Paid { .. } | PayoutStatus::Returned { .. }) {
                told.fee = self.fee(order, told.rail_ref.as_deref()).await?;
            }
            payouts.push(told);
        }
        let Some(first) = payouts.first() else { return Ok(None) };
        Ok(Some(PayoutBatchReport { rail_ref: first.rail_ref.clone(), payouts }))
    }

    async fn take_back(&self, _: &PayoutBatchRequest, order: &PayoutOrder) -> Result<(), GatewayError> {
        let Some(told) = self.find(order).await? else {
            return Err(GatewayError::OutcomeUnknown("Xendit does not show the payout".into()));
        };
        let id = told.rail_ref.unwrap_or_default();
        self.api.post::<Payout>(&format!("{PAYOUTS}/{id}/cancel"), None, b"{}".to_vec()).await?.granted()?;
        Ok(())
    }
}

impl Xendit {
    /// What stands under our reference.
    async fn find(&self, order: &PayoutOrder) -> Result<Option<PayoutReport>, GatewayError> {
        let reference = order.payout.to_string();
        let listed: Vec<Payout> = self.api.list(PAYOUTS, &[("reference_id", &reference)]).await?;
        let mut own = listed.iter().filter(|payout| payout.reference_id == reference);
        let Some(first) = own.next() else { return Ok(None) };
        if own.next().is_some() {
            let why = format!("Xendit lists two payouts under {reference}");
            return Err(GatewayError::OutcomeUnknown(why));
        }
        self.read(first, order).map(Some)
    }

    fn read(&self, payout: &Payout, order: &PayoutOrder) -> Result<PayoutReport, GatewayError> {
        report::of(payout, order, self.clock.now()).map_err(GatewayError::OutcomeUnknown)
    }

    /// What Xendit took for it. Where this account's key may not read transactions nobody says.
    async fn fee(&self, order: &PayoutOrder, id: Option<&str>) -> Result<Option<Money>, GatewayError> {
        let reference = order.payout.to_string();
        let query = [("types", "DISBURSEMENT"), ("reference_id", &reference)];
        let listed: Vec<Transaction> = match self.api.list("/transactions", &query).await {
            Ok(listed) => listed,
            Err(GatewayError::Refused { code, message, .. }) => {
                tracing::warn!(code, message, "Xendit does not tell what it took for payouts");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let own = |transaction: &&Transaction| {
            transaction.reference_id.as_ref() == Some(&reference) && transaction.product_id.as_deref() == id
        };
        report::fee(listed.iter().filter(own), order.amount.currency()).map_err(GatewayError::OutcomeUnknown)
    }
}

/// The call's body, or why Xendit cannot be asked for it.
fn body(order: &PayoutOrder) -> Result<Vec<u8>, String> {
    let (payee, of) = (&order.creditor, order.payout);
    if payee.kind != PayoutAccountKind::Bank {
        return Err(format!("{of} does not go to a bank account by its number; Xendit pays no other"));
    }
    let currency = order.amount.currency();
    let written = amount::write(order.amount).ok_or_else(|| format!("Xendit cannot pay {}", order.amount))?;
    let bank = payee.bank_code.as_deref().unwrap_or_default();
    let channel_code = channels::of(currency, bank).ok_or_else(|| {
        format!("the bank of {of} is no channel of Xendit's in {currency}: give its bank code")
    })?;
    let number = payee.number.expose_secret().trim();
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    if number.is_empty() || number.len() > 64 || !number.bytes().all(fits) {
        return Err(format!("the account of {of} is no number"));
    }
    let name = payee.name.trim();
    if name.is_empty() || name.chars().count() > NAME {
        // Xendit holds it against the bank's own: cut short it is another name.
        return Err(format!("the holder's name of {of} is empty or longer than {NAME} letters"));
    }
    let request = CreatePayout {
        reference_id: of.to_string(),
        channel_code,
        channel_properties: ChannelProperties { account_holder_name: name, account_number: number },
        amount: written,
        currency: currency.code(),
        description: text::shorten(&order.note, DESCRIPTION),
    };
    serde_json::to_vec(&request).map_err(|error| error.to_string())
}
