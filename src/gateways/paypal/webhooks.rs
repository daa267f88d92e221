//! Is a notice PayPal's? By PayPal's own word (postback) or by its signature, as the account's `verification` says.
//!
//! Either way the body is judged byte for byte as it came, a notice older than four days (PayPal repeats for three and
//! keeps the first time) or from the future is refused, and what is learnt is only *what to ask about*.

use std::num::NonZeroU32;

use chrono::{DateTime, TimeDelta, Utc};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

use super::api::{Api, Said};
use super::certificates::Certificates;
use super::wire::{Event, Resource, Verdict};
use super::{payouts, sign, wire};
use crate::gateways::{
    About, AccountSettings, BuildError, Context, Notification, NotificationError, RawNotification, json,
};
use crate::ids::PaymentId;

/// One account's questions by postback: a busy shop's notices in a second, and a burst after an outage.
const QUESTIONS_PER_SECOND: NonZeroU32 = NonZeroU32::new(20).unwrap();
const QUESTIONS_AT_ONCE: NonZeroU32 = NonZeroU32::new(100).unwrap();
const OLDEST: TimeDelta = TimeDelta::days(4);
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// The door notices come in by.
#[derive(Debug)]
pub(super) struct Door {
    webhook_id: String,
    verification: Verification,
    certificates: Certificates,
    questions: Questions,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verification {
    Postback,
    Own,
}

/// How often PayPal is asked whether a notice is its own.
#[derive(Debug)]
struct Questions(DefaultDirectRateLimiter);

impl Questions {
    fn new(per_second: NonZeroU32, at_once: NonZeroU32) -> Questions {
        Questions(RateLimiter::direct(Quota::per_second(per_second).allow_burst(at_once)))
    }

    fn take(&self) -> Result<(), NotificationError> {
        let refused = |_| NotificationError::Unavailable("PayPal is asked about too many notices".into());
        self.0.check().map_err(refused)
    }
}

/// The signed headers.
struct Transmission<'a> {
    id: &'a str,
    time: &'a str,
    at: DateTime<Utc>,
    signature: &'a str,
    certificate: &'a str,
}

impl Door {
    pub fn open(account: &AccountSettings, context: &Context) -> Result<Door, BuildError> {
        let verification = match account.optional("verification")?.as_deref() {
            None | Some("postback") => Verification::Postback,
            Some("self") => Verification::Own,
            Some(_) => return Err(account.wrong("verification", "must be `postback` or `self`")),
        };
        let certificates = Certificates::new(context, |why| account.wrong("trust", why))?;
        let questions = Questions::new(QUESTIONS_PER_SECOND, QUESTIONS_AT_ONCE);
        Ok(Door { webhook_id: account.text("webhook_id")?, verification, certificates, questions })
    }

    /// When the first certificate that notices were signed under ends.
    pub fn certificate_expiry(&self) -> Option<DateTime<Utc>> {
        self.certificates.expiry()
    }

    pub async fn verify(
        &self,
        api: &Api,
        raw: &RawNotification<'_>,
    ) -> Result<Notification, NotificationError> {
        let sent = self.read_headers(raw)?;
        match self.verification {
            Verification::Own => {
                let chain = self.certificates.chain(sent.certificate, sent.at).await?;
                let message = sign::signed_message(sent.id, sent.time, &self.webhook_id, raw.body);
                let leaf = chain.first().ok_or_else(|| forged("no certificate"))?;
                sign::verify_signature(leaf, &message, sent.signature).map_err(NotificationError::Forged)?;
                read_event(raw.body)
            }
            Verification::Postback => {
                // Read first: only a body that is one whole JSON value can be spliced into the question.
                let event = read_event(raw.body)?;
                // Anyone can write what was checked so far; asking PayPal costs, so forged notices may cost only so much.
                // Who is told "later" and is PayPal sends it again.
                self.questions.take()?;
                self.ask_paypal(api, &sent, raw.body).await?;
                Ok(event)
            }
        }
    }

    fn read_headers<'a>(&self, raw: &'a RawNotification<'_>) -> Result<Transmission<'a>, NotificationError> {
        let header = |name: &str, longest: usize| {
            raw.header(name)
                .filter(|value| {
                    (1..=longest).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_graphic())
                })
                .ok_or_else(|| NotificationError::Forged(format!("header `{name}` is missing or malformed")))
        };
        if raw.method != "POST" {
            return Err(forged("PayPal posts its notices"));
        }
        if header("paypal-auth-algo", 100)? != sign::ALGORITHM {
            return Err(forged("another algorithm than SHA256withRSA"));
        }
        let time = header("paypal-transmission-time", 64)?;
        let at =
            DateTime::parse_from_rfc3339(time).map_err(|_| forged("the transmission time is no time"))?;
        let at = at.to_utc();
        if at < raw.received_at - OLDEST || at > raw.received_at + AHEAD {
            return Err(forged("the transmission time is not within the last four days"));
        }
        let sent = Transmission {
            id: header("paypal-transmission-id", 50)?,
            time,
            at,
            signature: header("paypal-transmission-sig", 500)?,
            certificate: header("paypal-cert-url", 500)?,
        };
        if !self.certificates.admits(sent.certificate) {
            return Err(forged("the certificate's address is not PayPal's"));
        }
        Ok(sent)
    }

    async fn ask_paypal(
        &self,
        api: &Api,
        sent: &Transmission<'_>,
        event: &[u8],
    ) -> Result<(), NotificationError> {
        let said = api.post::<Verdict>(
            "/v1/notifications/verify-webhook-signature",
            None,
            postback(sent, &self.webhook_id, event),
        );
        match said.await {
            Ok(Said::Yes(verdict, _)) if verdict.verification_status == "SUCCESS" => Ok(()),
            Ok(Said::Yes(verdict, _)) if verdict.verification_status == "FAILURE" => {
                Err(forged("PayPal does not know the notice"))
            }
            // PayPal finds the question itself malformed: nothing of ours changes from notice to notice.
            Ok(Said::No(refusal)) if !refusal.is_account_matter() => {
                Err(NotificationError::Forged(format!("PayPal refused to look at it: {}", refusal.code)))
            }
            Ok(_) => Err(NotificationError::Unavailable("PayPal gave no verdict".into())),
            Err(error) => Err(NotificationError::Unavailable(error.to_string())),
        }
    }
}

/// The question, with the event's own bytes in it: written anew they would no longer be what was signed.
fn postback(sent: &Transmission<'_>, webhook_id: &str, event: &[u8]) -> Vec<u8> {
    let members = serde_json::json!({
        "auth_algo": sign::ALGORITHM,
        "cert_url": sent.certificate,
        "transmission_id": sent.id,
        "transmission_sig": sent.signature,
        "transmission_time": sent.time,
        "webhook_id": webhook_id,
    });
    let mut question = members.to_string().into_bytes();
    question.pop();
    question.extend_from_slice(b",\"webhook_event\":");
    question.extend_from_slice(event);
    question.push(b'}');
    question
}

fn read_event(body: &[u8]) -> Result<Notification, NotificationError> {
    let event: Event = json::read(body).map_err(|error| NotificationError::Malformed(error.to_string()))?;
    let about = about(&event.event_type, &event.resource);
    Ok(Notification { event_ref: Some(event.id), event_type: event.event_type, about, stated: None })
}

/// Which payment an event is about. A refund of ours carries the payment's reference as its `invoice_id` (see `refunds`); one
/// made at PayPal's own pages what its capture carries, or nothing but the way up to it.
fn about(event_type: &str, resource: &Resource) -> About {
    if event_type.starts_with("CUSTOMER.DISPUTE.") {
        let named = resource.dispute_id.clone().filter(|id| super::disputes::is_dispute_id(id));
        return named.map_or(About::Other, |dispute_ref| About::Dispute { dispute_ref });
    }
    if event_type.starts_with("PAYMENT.PAYOUTSBATCH.") || event_type.starts_with("PAYMENT.PAYOUTS-ITEM.") {
        return payouts::about(resource);
    }
    let related = resource.supplementary_data.as_ref().and_then(|data| data.related_ids.as_ref());
    let order = related.and_then(|ids| ids.order_id.clone());
    let (request_ref, gateway_ref) = match event_type {
        _ if event_type.starts_with("CHECKOUT.") => {
            let unit = resource.purchase_units.first();
            let order = resource.id.clone().filter(|id| wire::is_order_id(id));
            (unit.and_then(|unit| unit.custom_id.clone()), order)
        }
        _ if event_type == "PAYMENT.CAPTURE.REFUNDED" || event_type.starts_with("PAYMENT.REFUND.") => {
            let names = [&resource.invoice_id, &resource.custom_id];
            let payment = names.into_iter().flatten().find(|name| name.parse::<PaymentId>().is_ok());
            let named = payment.or(resource.invoice_id.as_ref()).cloned();
            (named, order.or_else(|| resource.capture_above()))
        }
        _ if event_type.starts_with("PAYMENT.CAPTURE.") => {
            (resource.custom_id.clone().or_else(|| resource.invoice_id.clone()), order)
        }
        _ => (None, None),
    };
    if request_ref.is_none() && gateway_ref.is_none() {
        return About::Other;
    }
    About::Payment { request_ref, gateway_ref }
}

fn forged(why: &str) -> NotificationError {
    NotificationError::Forged(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_beyond_the_burst_are_put_off_and_not_refused() {
        let one = NonZeroU32::MIN;
        let questions = Questions::new(one, NonZeroU32::new(3).unwrap());
        assert_eq!((0..3).filter(|_| questions.take().is_ok()).count(), 3);
        assert!(matches!(questions.take(), Err(NotificationError::Unavailable(_))), "the sender repeats it");
    }

    #[test]
    fn the_event_goes_back_byte_for_byte() {
        let at = DateTime::UNIX_EPOCH;
        let sent = Transmission { id: "i\"d", time: "t", at, signature: "s", certificate: "c" };
        let event = b"{ \"b\":1.0,\n\"a\" : \"\\u00e9\" }";
        let question = postback(&sent, "W1", event);
        let text = std::str::from_utf8(&question).unwrap();
        assert!(text.contains(std::str::from_utf8(event).unwrap()), "{text}");
        let value: serde_json::Value = json::read(&question).unwrap();
        assert_eq!((&value["transmission_id"], &value["webhook_id"]), (&"i\"d".into(), &"W1".into()));
    }

    #[test]
    fn every_kind_of_event_names_its_payment() {
        let order = || Some("5O190127TN364715T".to_owned());
        let payment = || Some("pay_1".to_owned());
        let capture = || Some("42311647XV020574X".to_owned());
        let about = |body: &str| read_event(body.as_bytes()).unwrap().about;
        let expect = |request_ref, gateway_ref| About::Payment { request_ref, gateway_ref };
        for (file, expected) in [
            (include_str!("fixtures/event_order_approved.json"), expect(payment(), order())),
            (include_str!("fixtures/event_capture_completed.json"), expect(payment(), order())),
            (include_str!("fixtures/event_capture_refunded.json"), expect(payment(), capture())),
            (
                // Made at PayPal's own pages: a credit note's number, and what the capture carried.
                r#"{"id":"WH-1","event_type":"PAYMENT.CAPTURE.REFUNDED","resource":{"invoice_id":"CN-7","custom_id":"pay_01kb0000000000000000000001"}}"#,
                expect(Some("pay_01kb0000000000000000000001".to_owned()), None),
            ),
            (
                r#"{"id":"WH-1","event_type":"PAYMENT.REFUND.PENDING","resource":{"links":[{"rel":"up","href":"https://api.paypal.com/v2/payments/captures/42311647XV020574X"}]}}"#,
                expect(None, capture()),
            ),
            (
                r#"{"id":"WH-1","event_type":"PAYMENT.REFUND.FAILED","resource":{"links":[{"rel":"up","href":"https://api.paypal.com/v2/payments/captures/../x"}]}}"#,
                About::Other,
            ),
            (
                r#"{"id":"WH-1","event_type":"CUSTOMER.DISPUTE.CREATED","resource":{"dispute_id":"PP-D-1"}}"#,
                About::Dispute { dispute_ref: "PP-D-1".to_owned() },
            ),
            (r#"{"id":"WH-1","event_type":"PAYMENT.CAPTURE.COMPLETED"}"#, About::Other),
            (r#"{"id":"WH-1","event_type":"PAYMENT.PAYOUTS-ITEM.SUCCEEDED"}"#, About::Other),
            (
                include_str!("fixtures/event_payouts_batch_success.json"),
                About::Payouts {
                    batch: "pob_01kb0000000000000000000001".parse().ok(),
                    batch_ref: Some("Q6K2CE4GQ36MQ".to_owned()),
                    item: None,
                },
            ),
            (
                include_str!("fixtures/event_payouts_item_unclaimed.json"),
                About::Payouts {
                    batch: "pob_01kb0000000000000000000001".parse().ok(),
                    batch_ref: Some("Q6K2CE4GQ36MQ".to_owned()),
                    item: "po_01kb0000000000000000000002".parse().ok(),
                },
            ),
        ] {
            assert_eq!(about(file), expected, "{file}");
        }
    }
}
