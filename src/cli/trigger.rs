//! `trigger`: makes an event really happen in a sandbox, through the public API, and waits until it is told.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::{Value, json};

use crate::settings::Settings;

use super::output::say;
use super::remote::{Remote, RemoteArguments};
use super::{CliError, Outcome};

/// How long the event is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is to happen.
#[derive(Debug, Args)]
pub struct TriggerArguments {
    /// An event such as payment.captured; without one, those that can be triggered are listed
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
    ("payment.in_review", Story::WrongAmount),
    ("settlement.created", Story::Capture),
    ("refund.succeeded", Story::Refund),
    ("refund.awaiting_funds", Story::RefundWithoutFunds),
    ("finding.opened", Story::WrongAmount),
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
    /// The shopper pays and gets it back.
    Refund,
    /// The shopper pays, and there is nothing at the gateway to pay back from.
    RefundWithoutFunds,
}

/// Makes the event happen.
///
/// # Errors
/// [`CliError`]: an event that cannot be triggered, no sandbox, or the server's refusal.
pub async fn trigger(settings: Settings, given: TriggerArguments) -> Result<Outcome, CliError> {
    let known = || STORIES.iter().map(|(event, _)| *event).collect::<Vec<_>>();
    let Some(event) = given.event else {
        say!("{}", known().join("\n"))?;
        return Ok(Outcome::Done);
    };
    let story = STORIES.iter().find(|(known, _)| *known == event).map(|(_, story)| *story);
    let story = story.ok_or_else(|| {
        CliError::Words(format!("`{event}` cannot be triggered; choose one of {}", known().join(", ")))
    })?;
    let remote = Remote::find(&settings, given.remote)?;
    let version: Value = remote.get("/version").await?;
    if version["environment"] != json!("test") {
        return Err(CliError::Words("only a sandbox makes things happen on demand".to_owned()));
    }
    let before: Value = remote.get("/v1/events?limit=1").await?;
    let before = before["data"][0]["id"].as_str().map(str::to_owned);
    let payment = play(&remote, story).await?;
    let told = wait(&remote, &event, before, &payment).await?;
    say!("{event}  {}  {}", text(&told["subject"]), text(&told["id"]))?;
    Ok(Outcome::Done)
}

/// Plays the story and answers its payment.
async fn play(remote: &Remote, story: Story) -> Result<String, CliError> {
    if story == Story::WrongAmount {
        arm(remote, "wrong_amount", json!({ "next": 1 })).await?;
    }
    // PayPal lets the shopper choose another way to pay, and pays back from a bank: GrabPay knows a plain no.
    let plain = matches!(story, Story::CannotPay | Story::RefundWithoutFunds);
    let gateway = if plain { "grabpay" } else { "paypal" };
    let stamp = Instant::now();
    let unique =
        uuid::Builder::from_random_bytes(crate::app::Sources::system().ids.random_bytes()).into_uuid();
    let body = json!({
        "order_ref": format!("trigger-{unique}"),
        "amount": {"amount": "12.00", "currency": "SGD"},
        "gateway": gateway,
    });
    let payment = remote.post("/v1/payments", &body).await?;
    let id = text(&payment["id"]).to_owned();
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
        Story::Refund | Story::RefundWithoutFunds => {
            shopper("approve").await?;
            while remote.get::<Value>(&format!("/v1/payments/{id}")).await?["state"] != json!("captured") {
                if stamp.elapsed() > PATIENCE {
                    return Err(CliError::Words(format!("payment {id} was not captured")));
                }
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            if story == Story::RefundWithoutFunds {
                arm(remote, "insufficient_balance", json!({ "payment": id })).await?;
            }
            remote.post(&format!("/v1/payments/{id}/refunds"), &json!({ "reason": "trigger" })).await?;
        }
    }
    Ok(id)
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
    let began = Instant::now();
    let behind = before.map(|id| format!("&ending_before={id}")).unwrap_or_default();
    while began.elapsed() < PATIENCE {
        let page: Value = remote.get(&format!("/v1/events?limit=100{behind}")).await?;
        let about = |told: &&Value| {
            told["type"] == json!(event)
                && (told["subject"] == json!(payment) || told["data"]["payment"] == json!(payment))
        };
        if let Some(told) = page["data"].as_array().into_iter().flatten().find(about) {
            return Ok(told.clone());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    Err(CliError::Words(format!("{event} was not told within {} s", PATIENCE.as_secs())))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
