//! How an event travels: signed at its first try, verified by whoever asks.

use actix_web::HttpResponse;
use chrono::DateTime;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::super::super::book::{Record, Session};
use super::super::super::courier::{Delivery, Sender};
use super::super::super::{Sandbox, SandboxError, serial};
use super::super::envelope::{Answer, Refusal};
use super::super::webhooks::Webhook;
use super::super::{Call, stamp};
use super::Event;

/// A signature that was made.
#[derive(Debug, Serialize, Deserialize)]
struct Transmission {
    id: String,
    webhook_id: String,
    event_id: String,
    time: String,
    signature: String,
    forged: bool,
}

impl Record for Transmission {
    const KIND: &'static str = "paypal.transmission";
    fn id(&self) -> &str {
        &self.id
    }
}

/// Makes the signature at the first try.
pub(in super::super::super) async fn transmit(
    sandbox: &Sandbox,
    session: &mut Session,
    delivery: &mut Delivery,
) -> Result<(), SandboxError> {
    let Sender::PayPal { webhook_id, event_id } = &delivery.sender else { return Ok(()) };
    if delivery.transmission.is_some() {
        return Ok(());
    }
    let id = serial::uuid(&sandbox.ids);
    let time = stamp(sandbox.clock.wall());
    let receiver = if delivery.forged { serial::capitals(&sandbox.ids, 17) } else { webhook_id.clone() };
    let signature = sandbox
        .authority
        .sign(signed_text(&id, &time, &receiver, crc32fast::hash(delivery.body.as_bytes())).as_bytes())?;
    let transmission = Transmission {
        id: id.clone(),
        webhook_id: webhook_id.clone(),
        event_id: event_id.clone(),
        time,
        signature,
        forged: delivery.forged,
    };
    session.put(&transmission).await?;
    delivery.transmission = Some(id);
    Ok(())
}

/// What PayPal signs.
fn signed_text(id: &str, time: &str, webhook_id: &str, checksum: u32) -> String {
    format!("{id}|{time}|{webhook_id}|{checksum}")
}

/// The headers of a transmission.
pub(in super::super::super) async fn notice_headers(
    sandbox: &Sandbox,
    session: &mut Session,
    delivery: &Delivery,
) -> Result<HeaderMap, SandboxError> {
    let id = delivery.transmission.as_deref().unwrap_or_default();
    let made = session.find::<Transmission>(id).await?;
    let made = made.ok_or_else(|| SandboxError::Setting(format!("transmission `{id}` is gone")))?;
    let pairs = [
        ("content-type", "application/json".to_owned()),
        ("paypal-transmission-id", made.id),
        ("paypal-transmission-time", made.time),
        ("paypal-transmission-sig", made.signature),
        ("paypal-cert-url", certificate_url(sandbox)),
        ("paypal-auth-algo", "SHA256withRSA".to_owned()),
        ("paypal-auth-version", "v2".to_owned()),
    ];
    Ok(pairs
        .into_iter()
        .filter_map(|(name, value)| {
            Some((HeaderName::from_static(name), HeaderValue::from_str(&value).ok()?))
        })
        .collect())
}

fn certificate_url(sandbox: &Sandbox) -> String {
    format!("{}/v1/notifications/certs/{}", sandbox.paypal_url(), sandbox.authority.leaf_name())
}

/// `GET /v1/notifications/certs/CERT-…`.
pub(in super::super) fn certificate(sandbox: &Sandbox, name: &str) -> HttpResponse {
    if name != sandbox.authority.leaf_name() {
        return HttpResponse::NotFound().finish();
    }
    HttpResponse::Ok().content_type("application/x-pem-file").body(sandbox.authority.chain_pem())
}

/// `POST /v1/notifications/verify-webhook-signature`: SUCCESS for a transmission that was really made for this
/// webhook, with this body.
pub(in super::super) async fn verify(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    #[derive(Deserialize)]
    struct Asked<'a> {
        auth_algo: String,
        cert_url: String,
        transmission_id: String,
        transmission_sig: String,
        transmission_time: String,
        webhook_id: String,
        #[serde(borrow)]
        webhook_event: &'a RawValue,
    }
    call.object(true)?;
    let asked: Asked<'_> = serde_json::from_slice(call.body)
        .map_err(|_| Refusal::invalid_at("/", "MISSING_REQUIRED_PARAMETER"))?;
    let webhook: Option<Webhook> = call.session.find(&asked.webhook_id).await?;
    if webhook.is_none_or(|webhook| webhook.client_id != call.app.client_id) {
        return Err(Refusal::invalid_at("/webhook_id", "INVALID_WEBHOOK_ID"));
    }
    let made: Option<Transmission> = call.session.find(&asked.transmission_id).await?;
    let genuine = match made.filter(|made| {
        !made.forged
            && made.webhook_id == asked.webhook_id
            && made.signature == asked.transmission_sig
            && same_moment(&made.time, &asked.transmission_time)
            && asked.auth_algo == "SHA256withRSA"
            && asked.cert_url == certificate_url(call.sandbox)
    }) {
        None => false,
        Some(made) => match call.session.find::<Event>(&made.event_id).await? {
            None => false,
            // Clients that parse and write the event again change its bytes, not its content.
            Some(event) => {
                let given: Option<Value> = serde_json::from_str(asked.webhook_event.get()).ok();
                event.body == asked.webhook_event.get() || given == serde_json::from_str(&event.body).ok()
            }
        },
    };
    let status = if genuine { "SUCCESS" } else { "FAILURE" };
    Ok(Answer::ok(json!({"verification_status": status})))
}

/// SDKs may write `…05.000Z` for `…05Z`.
fn same_moment(made: &str, asked: &str) -> bool {
    let moment = |text: &str| DateTime::parse_from_rfc3339(text).ok();
    moment(made).is_some() && moment(made) == moment(asked)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signed text of PayPal's Java SDK's published transmission; the checksum is CRC-32 as in zlib.
    #[test]
    fn signs_the_text_paypal_signs() {
        let id = "071f7d20-1584-11e7-abf0-6b62a8a99ac4";
        let text = signed_text(id, "2017-03-30T20:04:05Z", "96605875FF6516633", 3_494_065_244);
        assert_eq!(text, format!("{id}|2017-03-30T20:04:05Z|96605875FF6516633|3494065244"));
        assert_eq!(crc32fast::hash(b"123456789"), 0xcbf4_3926);
    }
}
