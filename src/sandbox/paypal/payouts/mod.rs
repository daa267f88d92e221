//! Payouts v1: a batch is taken on, worked off by the clock, and each payout has its own end.
//!
//! One second after it was taken on a batch is processed, three seconds after it is done: what the payees get is
//! debited (T0001), the fees of the batch with one row (T0104). Until then the money is on the account and cannot be
//! used. How a payout ends is rehearsed by its receiver's address:
//!
//! | the address begins with | the payout |
//! |---|---|
//! | `unclaimed` | waits for its payee, and returns after 30 days (T1114) or when it is cancelled |
//! | `returned` | waits for its payee, and returns after a minute (T1114) |
//! | `refunded`, `reversed` | is paid, and comes back after a minute (T1115, T1114) |
//! | `onhold` | is looked at for a day, then paid |
//! | `blocked`, `failed` | is never debited |
//! | `denied` (the first of the batch) | the whole batch is denied |
//! | anything else | is paid |
//!
//! Not published and chosen: the fee of a payout that returns stays with PayPal; the merchant's id of a payout stands in
//! the reports' custom field; a batch has one currency.

mod calls;
mod fee;
mod read;
mod work;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::super::book::{Record, Session};
use super::super::scenario::{Faults, Scenario};
use super::super::{Sandbox, SandboxError};
use super::{amount, events, stamp};
use crate::money::Money;

pub(super) use calls::{cancel, create, show, show_item};
pub use fee::PayPalPayoutFee;
pub(in super::super) use work::work_off;

/// Where a batch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum BatchState {
    Pending,
    Processing,
    Success,
    Denied,
}

impl BatchState {
    fn word(self) -> &'static str {
        match self {
            BatchState::Pending => "PENDING",
            BatchState::Processing => "PROCESSING",
            BatchState::Success => "SUCCESS",
            BatchState::Denied => "DENIED",
        }
    }
}

/// Where a payout stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum ItemState {
    Pending,
    OnHold,
    Success,
    Unclaimed,
    Failed,
    Blocked,
    Returned,
    Refunded,
    Reversed,
}

impl ItemState {
    /// The word, and what its event is called where it has one.
    fn words(self) -> (&'static str, Option<&'static str>) {
        match self {
            ItemState::Pending => ("PENDING", None),
            ItemState::OnHold => ("ONHOLD", Some("HELD")),
            ItemState::Success => ("SUCCESS", Some("SUCCEEDED")),
            ItemState::Unclaimed => ("UNCLAIMED", Some("UNCLAIMED")),
            ItemState::Failed => ("FAILED", Some("FAILED")),
            ItemState::Blocked => ("BLOCKED", Some("BLOCKED")),
            ItemState::Returned => ("RETURNED", Some("RETURNED")),
            ItemState::Refunded => ("REFUNDED", Some("REFUNDED")),
            ItemState::Reversed => ("REVERSED", None),
        }
    }

    /// Whether the money is not on the account.
    fn is_debited(self) -> bool {
        matches!(self, ItemState::Success | ItemState::Unclaimed)
    }

    /// PayPal's error, where it shows one.
    fn error(self) -> Option<(&'static str, &'static str)> {
        match self {
            ItemState::Unclaimed => Some(("RECEIVER_UNREGISTERED", "Receiver is unregistered")),
            ItemState::Failed => Some(("RECEIVER_ACCOUNT_LOCKED", "Receiver's account is locked")),
            ItemState::Blocked => {
                Some(("RECEIVER_COUNTRY_NOT_ALLOWED", "Receiver is in a country that is not allowed"))
            }
            ItemState::OnHold => Some(("TRANSACTION_ON_HOLD", "The payout is being reviewed")),
            _ => None,
        }
    }
}

/// A batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Batch {
    id: String,
    client_id: String,
    /// Account and `sender_batch_id`: what a duplicate is found by.
    key: String,
    sender_batch_id: String,
    /// The header as it was sent.
    header: Map<String, Value>,
    state: BatchState,
    amount: Money,
    fees: Money,
    faults: Faults,
    created: DateTime<Utc>,
    completed: Option<DateTime<Utc>>,
    due: Option<DateTime<Utc>>,
}

impl Record for Batch {
    const KIND: &'static str = "paypal.payout_batch";
    fn id(&self) -> &str {
        &self.id
    }
    fn alias(&self) -> Option<&str> {
        Some(&self.key)
    }
    fn due(&self) -> Option<DateTime<Utc>> {
        self.due
    }
}

/// One payout.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Item {
    id: String,
    batch_id: String,
    sender_item_id: Option<String>,
    /// As it was sent; the amount aside, which may be another by scenario.
    sent: Map<String, Value>,
    receiver: String,
    amount: Money,
    fee: Money,
    /// What is debited instead, and the rate, where the account does not hold the currency.
    converted: Option<(Money, Decimal)>,
    /// The fee in that currency.
    converted_fee: Option<Money>,
    state: ItemState,
    transaction_id: Option<String>,
    activity_id: String,
    processed: Option<DateTime<Utc>>,
    due: Option<DateTime<Utc>>,
}

impl Record for Item {
    const KIND: &'static str = "paypal.payout_item";
    fn id(&self) -> &str {
        &self.id
    }
    fn alias(&self) -> Option<&str> {
        Some(&self.batch_id)
    }
    fn due(&self) -> Option<DateTime<Utc>> {
        self.due
    }
}

/// `{"currency","value"}`, as Payouts writes money.
fn written(money: Money) -> Value {
    json!({"currency": money.currency().code(), "value": amount::text(money)})
}

impl Batch {
    fn subject(&self) -> events::Subject<'_> {
        events::Subject { client_id: &self.client_id, id: &self.id, faults: &self.faults }
    }

    /// The header as a question and an event show it.
    fn represent(&self) -> Value {
        let begun = self.state != BatchState::Pending;
        let fees = if begun { self.fees } else { Money::zero(self.fees.currency()) };
        let mut shown = json!({
            "payout_batch_id": self.id,
            "batch_status": self.state.word(),
            "time_created": stamp(self.created),
            "sender_batch_header": self.header,
            "funding_source": "BALANCE",
            "amount": written(self.amount),
            "fees": written(fees),
        });
        if let Some(at) = self.completed {
            shown["time_completed"] = json!(stamp(at));
            shown["time_closed"] = json!(stamp(at));
        }
        shown
    }

    fn path(&self) -> String {
        format!("/v1/payments/payouts/{}", self.id)
    }
}

impl Item {
    /// What leaves the account in all, in the currency it leaves in.
    fn cost(&self) -> Money {
        let (paid, fee) = match (self.converted, self.converted_fee) {
            (Some((paid, _)), Some(fee)) => (paid, fee),
            _ => (self.amount, self.fee),
        };
        Money::from_minor(paid.minor() + fee.minor(), paid.currency())
    }

    fn represent(&self, sandbox: &Sandbox) -> Value {
        let mut sent = self.sent.clone();
        sent.insert("amount".to_owned(), written(self.amount));
        sent.entry("recipient_wallet").or_insert_with(|| json!("PAYPAL"));
        let begun = self.state != ItemState::Pending;
        let fee = if begun { self.fee } else { Money::zero(self.fee.currency()) };
        let href = format!("{}/v1/payments/payouts-item/{}", sandbox.paypal_url(), self.id);
        let mut shown = json!({
            "payout_item_id": self.id,
            "activity_id": self.activity_id,
            "transaction_status": self.state.words().0,
            "payout_item_fee": written(fee),
            "payout_batch_id": self.batch_id,
            "payout_item": sent,
            "links": [{"href": href, "rel": "item", "method": "GET"}],
        });
        if let Some(id) = &self.transaction_id {
            shown["transaction_id"] = json!(id);
        }
        if let Some((from, rate)) = self.converted.filter(|_| self.transaction_id.is_some()) {
            shown["currency_conversion"] = json!({"from_amount": written(from), "to_amount": written(self.amount),
                                                  "exchange_rate": inverse(rate)});
        }
        if let Some(at) = self.processed {
            shown["time_processed"] = json!(stamp(at));
        }
        if let Some((name, message)) = self.state.error() {
            shown["errors"] = json!({"name": name, "message": message, "debug_id": "0", "details": []});
        }
        shown
    }

    /// The same alone, and in an event.
    fn resource(&self, sandbox: &Sandbox, batch: &Batch) -> Value {
        let mut shown = self.represent(sandbox);
        shown["sender_batch_id"] = json!(batch.sender_batch_id);
        shown
    }
}

/// From what is debited to what is paid; the account's rates are the other way round.
fn inverse(rate: Decimal) -> String {
    let inverse = Decimal::ONE.checked_div(rate).unwrap_or_default();
    inverse.round_dp(8).normalize().to_string()
}

/// Arms a scenario for a batch that is already known; false when none is.
pub(super) async fn arm(
    sandbox: &Sandbox,
    session: &mut Session,
    reference: &str,
    scenario: Scenario,
) -> Result<bool, SandboxError> {
    let known = session.all::<Batch>().await?;
    let named = known.into_iter().rfind(|batch| batch.id == reference || batch.sender_batch_id == reference);
    let Some(mut batch) = named else { return Ok(false) };
    batch.faults.arm(scenario);
    session.put(&batch).await?;
    if scenario == Scenario::ForgedCallback {
        forge(sandbox, session, &batch).await?;
    }
    Ok(true)
}

/// A notice that claims that everybody is paid, signed for somebody else.
async fn forge(sandbox: &Sandbox, session: &mut Session, batch: &Batch) -> Result<(), SandboxError> {
    let mut claimed = batch.represent();
    claimed["batch_status"] = json!("SUCCESS");
    let resource = json!({"batch_header": claimed});
    events::lie(sandbox, session, batch.subject(), "PAYMENT.PAYOUTSBATCH.SUCCESS", "payouts", resource).await
}
