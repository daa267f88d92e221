//! `demo`: serves in sandbox mode and plays the main job through the public API, as any client would.
//!
//! Price, quote, payment, the shopper's consent, the callback, the settlement, the supplier's statement: each step is
//! one request whose answer is printed in a line. Nothing here knows more than the API and `sandbox.json` say.

use std::time::Duration;

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::app::{App, Identity, Sources};
use crate::http::api::operations::recorder;
use crate::settings::{Mode, Settings};

use super::output::say;
use super::serve::{announce, start_log, stop_signal};
use super::{CliError, Outcome};

/// How long the callback is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Serves and plays; with `exit` it ends afterwards.
///
/// # Errors
/// [`CliError`]: the step that failed, with the server's own words.
pub async fn demo(settings: Settings, exit: bool) -> Result<Outcome, CliError> {
    if settings.mode == Mode::Live {
        return Err(CliError::Words("the demo plays in sandbox mode only".to_owned()));
    }
    start_log(&settings)?;
    recorder();
    let app = App::build(settings, Sources::system()).await?;
    let signalled = stop_signal();
    announce(&app);
    let identity = app.seeded().map(|seeded| seeded.default.clone());
    let identity = identity.ok_or_else(|| CliError::Words("there are no test keys".to_owned()))?;
    let shop = Shop { http: reqwest::Client::new(), url: app.url().to_owned(), identity };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = tokio::spawn(app.serve(async move {
        tokio::select! {
            () = signalled => {}
            _ = stopped => {}
        }
    }));
    let mut played = shop.play().await;
    if !exit {
        played = played.and_then(|()| say!("\nThe server stays up; end it with Ctrl-C."));
    }
    if exit || played.is_err() {
        let _ = stop.send(());
    } else {
        // Kept open until the signal comes: dropping it would end the server.
        let _stop = stop;
        return finish(server, played).await;
    }
    finish(server, played).await
}

async fn finish(
    server: tokio::task::JoinHandle<Result<(), crate::app::AppError>>,
    played: Result<(), CliError>,
) -> Result<Outcome, CliError> {
    server.await.map_err(|error| CliError::Words(error.to_string()))??;
    played.map(|()| Outcome::Done)
}

struct Shop {
    http: reqwest::Client,
    url: String,
    identity: Identity,
}

impl Shop {
    async fn play(&self) -> Result<(), CliError> {
        self.ready().await?;
        let supplier = self.identity.supplier_id;
        let price = self.get("publishable", "/v1/prices?amount=19.90&currency=USD&country=SG").await?;
        say!(
            "\nprice       USD 19.90 is {} for a shopper in {}",
            text(&price["items"][0]["text"]),
            text(&price["country"])
        )?;

        let wanted = json!({"from": {"amount": "19.90", "currency": "USD"}, "to": "SGD", "lock": "30m"});
        let quote = self.post("publishable", "/v1/quotes", wanted).await?;
        say!("quote       {} promised until {}", money(&quote["to"]), text(&quote["expires_at"]))?;

        let payment = json!({
            "order_ref": format!("demo-{}", text(&quote["id"])),
            "quote": quote["id"],
            "gateway": "paypal",
            "splits": [{"supplier": supplier, "share": {"percent": "80"}}],
        });
        let payment = self.post("storefront", "/v1/payments", payment).await?;
        let id = text(&payment["id"]).to_owned();
        say!(
            "payment     {id} is {}; the shopper opens {}",
            text(&payment["state"]),
            text(&payment["next_action"]["url"])
        )?;

        let path = format!("/v1/sandbox/payments/{id}");
        self.post("storefront", &path, json!({"shopper": "approve"})).await?;
        say!("shopper     approved at the gateway and came back")?;

        let captured = self.captured(&id).await?;
        let reports = captured["timeline"].as_array().map_or(0, Vec::len);
        say!(
            "captured    {} after {reports} reports of the gateway",
            money(&captured["captured"]["amount"])
        )?;

        let settlement = self.get("finance", &format!("/v1/payments/{id}/settlement")).await?;
        say!("settlement  {} is divided:", money(&settlement["gross"]))?;
        for line in settlement["lines"].as_array().into_iter().flatten() {
            say!(
                "              {:<14} {:>12}  {}",
                text(&line["kind"]),
                money(&line["amount"]),
                text(&line["explain"])
            )?;
        }

        let day = text(&captured["captured"]["at"]).get(..10).unwrap_or_default().to_owned();
        let path = format!("/v1/suppliers/{supplier}/statements?from={day}&to={day}");
        let statement = self.get("supplier", &path).await?;
        say!(
            "statement   opening {}, closing {}:",
            money(&statement["opening"]),
            money(&statement["closing"])
        )?;
        for entry in statement["entries"].as_array().into_iter().flatten() {
            say!(
                "              {} {:<6} {:>12}  {}",
                text(&entry["booked_on"]),
                text(&entry["direction"]),
                money(&entry["amount"]),
                text(&entry["narrative"])
            )?;
        }
        let verify = self.get("finance", "/v1/ledger/verify").await?;
        say!(
            "books       {}",
            if verify["ok"] == json!(true) { "every check holds" } else { "a check fails" }
        )?;
        Ok(())
    }

    async fn ready(&self) -> Result<(), CliError> {
        for _ in 0..100 {
            let answer = self.http.get(format!("{}/readyz", self.url)).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Err(CliError::Words("the server did not become ready".to_owned()))
    }

    /// Waits for the callback, as a shop would.
    async fn captured(&self, id: &str) -> Result<Value, CliError> {
        let path = format!("/v1/payments/{id}");
        let wait = async {
            loop {
                let payment = self.get("storefront", &path).await?;
                if payment["state"] == json!("captured") {
                    return Ok(payment);
                }
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        };
        let late = |_| {
            Err(CliError::Words(format!("payment {id} was not captured within {} s", PATIENCE.as_secs())))
        };
        tokio::time::timeout(PATIENCE, wait).await.unwrap_or_else(late)
    }

    async fn get(&self, key: &str, path: &str) -> Result<Value, CliError> {
        self.send(key, self.http.get(format!("{}{path}", self.url))).await
    }

    async fn post(&self, key: &str, path: &str, body: Value) -> Result<Value, CliError> {
        let request = self.http.post(format!("{}{path}", self.url)).json(&body);
        let once = uuid::Builder::from_random_bytes(Sources::system().ids.random_bytes()).into_uuid();
        self.send(key, request.header("Idempotency-Key", once.to_string())).await
    }

    async fn send(&self, key: &str, request: reqwest::RequestBuilder) -> Result<Value, CliError> {
        let key = self.identity.keys.get(key).cloned().unwrap_or_default();
        let key = secrecy::SecretString::from(key);
        let words = |error: reqwest::Error| CliError::Words(error.to_string());
        let answer = request.bearer_auth(key.expose_secret()).send().await.map_err(words)?;
        let status = answer.status();
        let body: Value = answer.json().await.map_err(words)?;
        if status.is_success() {
            return Ok(body);
        }
        Err(CliError::Words(format!("{status}: {}: {}", text(&body["code"]), text(&body["detail"]))))
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn money(value: &Value) -> String {
    format!("{} {}", text(&value["currency"]), text(&value["amount"]))
}
