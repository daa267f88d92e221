//! `trigger`: makes an event really happen in a sandbox, through the public API, and waits until it is told.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use crate::sandbox::Scenario;
use crate::settings::Settings;

use super::output::say;
use super::remote::{Remote, RemoteArguments};
use super::{CliError, Outcome};

/// How long the event is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a payment in a scenario is left alone before its state is said.
const SETTLE: Duration = Duration::from_secs(2);

/// What is to happen.
#[derive(Debug, Args)]
pub struct TriggerArguments {
    /// An event such as payment.captured, or a scenario of the sandbox such as lost_callback, which the next payment then
    /// lives through; without one, those that can be triggered are listed
    event: Option<String>,
    #[command(flatten)]
    remote: RemoteArguments,
}

/// What can be made to happen, and how.
const STORIES: &[(&str, Story)] = &[
    ("payment.requires_action", Story::Start),
    ("payment.captured", Story::Capture),
    ("payment.failed", Story::CannotPay),
    ("payment.cancelled", Story::Cancel),
    ("payment.expired", Story::Expire),
    ("payment.in_review", Story::WrongAmount),
    ("payment.held", Story::Complain),
    ("payment.released", Story::WinDispute),
    ("payment.late", Story::PayLate),
    ("dispute.opened", Story::Complain),
    ("dispute.updated", Story::AnswerDispute),
    ("dispute.closed", Story::WinDispute),
    ("settlement.created", Story::Capture),
    ("refund.succeeded", Story::Refund),
    ("refund.awaiting_funds", Story::RefundWithoutFunds),
    ("refund.failed", Story::RefundRefused),
    ("finding.opened", Story::WrongAmount),
    ("finding.repaired", Story::AdoptWrongAmount),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    /// A payment that waits for its shopper.
    Start,
    /// The shopper pays.
    Capture,
    /// The shopper wants to pay and cannot.
    CannotPay,
    /// The shop calls the payment off.
    Cancel,
    /// The gateway takes another amount than was asked.
    WrongAmount,
    /// The same, and two persons let it stand.
    AdoptWrongAmount,
    /// The shopper pays and gets it back.
    Refund,
    /// The shopper pays, and there is nothing at the gateway to pay back from.
    RefundWithoutFunds,
    /// The shopper pays, and the gateway will not pay it back.
    RefundRefused,
    /// The shopper never comes: the test clock goes on by four hours.
    Expire,
    /// The shop calls the payment off, the shopper approves all the same, and somebody else has PayPal take the money.
    PayLate,
    /// The shopper pays and complains at PayPal: the money is held.
    Complain,
    /// The same, and we answer.
    AnswerDispute,
    /// The same, and PayPal decides for us.
    WinDispute,
}

/// Makes the event happen.
///
/// # Errors
/// [`CliError`]: an event that cannot be triggered, no sandbox, or the server's refusal.
pub async fn trigger(settings: Settings, given: TriggerArguments) -> Result<Outcome, CliError> {
    let known = || {
        let scenarios = Scenario::ALL.iter().map(|scenario| scenario.name());
        STORIES.iter().map(|(event, _)| *event).chain(scenarios).collect::<Vec<_>>()
    };
    let Some(event) = given.event else {
        say!("{}", known().join("\n"))?;
        return Ok(Outcome::Done);
    };
    if let Some(scenario) = Scenario::ALL.iter().find(|scenario| scenario.name() == event) {
        return rehearse(&Remote::find(&settings, given.remote)?, *scenario).await;
    }
    let story = STORIES.iter().find(|(known, _)| *known == event).map(|(_, story)| *story);
    let story = story.ok_or_else(|| {
        CliError::Words(format!("`{event}` cannot be triggered; choose one of {}", known().join(", ")))
    })?;
    let remote = Remote::find(&settings, given.remote)?;
    expect_sandbox(&remote).await?;
    let before: Value = remote.get("/v1/events?limit=1").await?;
    let before = before["data"][0]["id"].as_str().map(str::to_owned);
    let payment = play(&remote, story).await?;
    let told = wait(&remote, &event, before, &payment).await?;
    say!("{event}  {}  {}", text(&told["subject"]), text(&told["id"]))?;
    Ok(Outcome::Done)
}

async fn expect_sandbox(remote: &Remote) -> Result<(), CliError> {
    let version: Value = remote.get("/version").await?;
    if version["environment"] == json!("test") {
        return Ok(());
    }
    Err(CliError::Words("only a sandbox makes things happen on demand".to_owned()))
}

/// A payment lives through a scenario, and what became of it is said.
async fn rehearse(remote: &Remote, scenario: Scenario) -> Result<Outcome, CliError> {
    expect_sandbox(remote).await?;
    // The bank's side of a scenario is GrabPay's sweep.
    let gateway = if scenario == Scenario::DepositShort { "grabpay" } else { "paypal" };
    let id = begin(remote, gateway).await?;
    arm(remote, scenario.name(), json!({ "payment": id })).await?;
    let path = format!("/v1/sandbox/payments/{id}");
    // Whoever cannot pay is a scenario too.
    remote.post(&path, &json!({ "shopper": "approve" })).await?;
    tokio::time::sleep(SETTLE).await;
    let payment: Value = remote.get(&format!("/v1/payments/{id}")).await?;
    say!("{scenario}  {id}  {}", text(&payment["state"]))?;
    Ok(Outcome::Done)
}

/// Plays the story and answers its payment.
async fn play(remote: &Remote, story: Story) -> Result<String, CliError> {
    if matches!(story, Story::WrongAmount | Story::AdoptWrongAmount) {
        arm(remote, "wrong_amount", json!({ "next": 1 })).await?;
    }
    // PayPal lets the shopper choose another way to pay, and pays back from a bank: GrabPay knows a plain no.
    let plain = matches!(story, Story::CannotPay | Story::RefundWithoutFunds);
    let gateway = if plain { "grabpay" } else { "paypal" };
    let id = begin(remote, gateway).await?;
    let shopper = |act: &'static str| {
        let path = format!("/v1/sandbox/payments/{id}");
        async move { remote.post(&path, &json!({ "shopper": act })).await }
    };
    match story {
        Story::Start => {}
        Story::CannotPay => {
            arm(remote, "insufficient_balance", json!({ "payment": id })).await?;
            shopper("approve").await?;
        }
        Story::Cancel => {
            remote.post(&format!("/v1/payments/{id}/cancel"), &json!({})).await?;
        }
        Story::Capture | Story::WrongAmount => {
            shopper("approve").await?;
        }
        Story::AdoptWrongAmount => {
            shopper("approve").await?;
            let finding = until(format!("payment {id} has no finding"), async || {
                let found: Value = remote.get("/v1/findings?state=open&limit=100").await?;
                let own =
                    found["data"].as_array().into_iter().flatten().find(|one| one["payment"] == json!(id));
                Ok(own.map(|finding| text(&finding["id"]).to_owned()))
            });
            let path = format!("/v1/findings/{}/resolve", finding.await?);
            remote.decide(&path, &json!({ "action": "adopt", "reason": "trigger" })).await?;
        }
        Story::Expire => {
            remote.post("/v1/sandbox/clock", &json!({ "advance": "4h" })).await?;
        }
        Story::PayLate => {
            remote.post(&format!("/v1/payments/{id}/cancel"), &json!({})).await?;
            shopper("approve").await?;
            let payment: Value = remote.get(&format!("/v1/payments/{id}")).await?;
            remote.capture_at_paypal(text(&payment["gateway_ref"])).await?;
        }
        Story::Refund | Story::RefundWithoutFunds | Story::RefundRefused => {
            shopper("approve").await?;
            captured(remote, &id).await?;
            if story != Story::Refund {
                let refused = story == Story::RefundRefused;
                let fault = if refused { "refund_refused" } else { "insufficient_balance" };
                arm(remote, fault, json!({ "payment": id })).await?;
            }
            remote.post(&format!("/v1/payments/{id}/refunds"), &json!({ "reason": "trigger" })).await?;
        }
        Story::Complain | Story::AnswerDispute | Story::WinDispute => {
            shopper("approve").await?;
            captured(remote, &id).await?;
            arm(remote, "dispute_opened", json!({ "payment": id })).await?;
            let dispute = until(format!("payment {id} is not disputed"), async || {
                let found: Value = remote.get(&format!("/v1/disputes?payment={id}")).await?;
                Ok(found["data"][0]["id"].as_str().map(str::to_owned))
            });
            let dispute = dispute.await?;
            if story == Story::AnswerDispute {
                let proof = json!({ "type": "PROOF_OF_FULFILLMENT", "notes": "trigger" });
                remote.post(&format!("/v1/disputes/{dispute}/evidence"), &proof).await?;
            } else if story == Story::WinDispute {
                arm(remote, "dispute_won", json!({ "payment": id })).await?;
            }
        }
    }
    Ok(id)
}

/// A payment that waits for its shopper.
async fn begin(remote: &Remote, gateway: &str) -> Result<String, CliError> {
    let unique =
        uuid::Builder::from_random_bytes(crate::app::Sources::system().ids.random_bytes()).into_uuid();
    let body = json!({
        "order_ref": format!("trigger-{unique}"),
        "amount": {"amount": "12.00", "currency": "SGD"},
        "gateway": gateway,
    });
    let payment = remote.post("/v1/payments", &body).await?;
    Ok(text(&payment["id"]).to_owned())
}

async fn captured(remote: &Remote, id: &str) -> Result<(), CliError> {
    until(format!("payment {id} was not captured"), async || {
        let payment: Value = remote.get(&format!("/v1/payments/{id}")).await?;
        Ok((payment["state"] == json!("captured")).then_some(()))
    })
    .await
}

/// Looks until there is something, or says `otherwise`.
async fn until<T>(
    otherwise: String,
    look: impl AsyncFn() -> Result<Option<T>, CliError>,
) -> Result<T, CliError> {
    let began = Instant::now();
    while began.elapsed() < PATIENCE {
        if let Some(found) = look().await? {
            return Ok(found);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Err(CliError::Words(otherwise))
}

async fn arm(remote: &Remote, scenario: &str, whom: Value) -> Result<(), CliError> {
    remote.post(&format!("/v1/sandbox/scenarios/{scenario}"), &whom).await?;
    Ok(())
}

/// The event, told after `before` and about this payment.
async fn wait(
    remote: &Remote,
    event: &str,
    before: Option<String>,
    payment: &str,
) -> Result<Value, CliError> {
    let behind = before.map(|id| format!("&ending_before={id}")).unwrap_or_default();
    let otherwise = format!("{event} was not told within {} s", PATIENCE.as_secs());
    until(otherwise, async || {
        let page: Value = remote.get(&format!("/v1/events?limit=100{behind}")).await?;
        let about = |told: &&Value| {
            told["type"] == json!(event)
                && (told["subject"] == json!(payment) || told["data"]["payment"] == json!(payment))
        };
        Ok(page["data"].as_array().into_iter().flatten().find(about).cloned())
    })
    .await
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
