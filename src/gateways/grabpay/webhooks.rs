//! Is a notice Grab's? Its signature is over method, content type and date *as received*, our path, and the raw body.
//!
//! No webhook vector is published; the signature is the request signature, whose vectors are tested in `sign`. A notice
//! whose date is more than five minutes off is refused: Grab dates every repetition anew.

use secrecy::{ExposeSecret, SecretString};

use super::amount;
use super::sign::{self, Signed};
use super::wire::{self, Notice};
use crate::gateways::{About, Notification, NotificationError, RawNotification, json};
use crate::money::{Currency, Money};

/// The door notices come in by.
#[derive(Debug)]
pub(super) struct Door {
    partner_id: String,
    /// Newest first; while one is being rotated both sign.
    partner_secrets: Vec<SecretString>,
}

impl Door {
    pub fn new(partner_id: String, partner_secrets: Vec<SecretString>) -> Door {
        Door { partner_id, partner_secrets }
    }

    /// Nothing of the body is read before its signature holds.
    pub fn verify(&self, raw: &RawNotification<'_>) -> Result<Notification, NotificationError> {
        let header = |name: &str| {
            raw.header(name)
                .ok_or_else(|| NotificationError::Forged(format!("header `{name}` is not there once")))
        };
        let (content_type, date) = (header("content-type")?, header("date")?);
        let (partner, signature) = header("authorization")?
            .split_once(':')
            .ok_or_else(|| forged("the notice carries no signature"))?;
        if partner != self.partner_id {
            return Err(forged("the notice is another partner's"));
        }
        let at = sign::read_date(date).ok_or_else(|| forged("the date is no HTTP date"))?;
        if (at - raw.received_at).num_seconds().abs() > sign::SKEW_S {
            return Err(forged("the date is more than five minutes off"));
        }
        let signed =
            Signed { method: raw.method, content_type, date, path: raw.path_and_query, body: raw.body };
        let fits = |secret: &SecretString| sign::same(signature, &signed.signature(secret.expose_secret()));
        if raw.method != "POST" || raw.body.is_empty() || !self.partner_secrets.iter().any(fits) {
            return Err(forged("the signature does not fit"));
        }
        self.read(raw.body)
    }

    fn read(&self, body: &[u8]) -> Result<Notification, NotificationError> {
        let malformed = |why: String| NotificationError::Malformed(why);
        let notice: Notice = json::read(body).map_err(|error| malformed(error.to_string()))?;
        if notice.partner_id.as_ref().is_some_and(|partner| *partner != self.partner_id) {
            return Err(forged("the notice is about another partner"));
        }
        if !wire::is_partner_ref(&notice.partner_tx_id) {
            return Err(malformed("partnerTxID is no reference".into()));
        }
        let event_type = format!("{}.{}", notice.tx_type, notice.tx_status);
        Ok(Notification {
            event_ref: Some(format!("{}.{event_type}", notice.partner_tx_id)),
            about: about(&notice),
            stated: stated(&notice).map_err(malformed)?,
            event_type,
        })
    }
}

/// A refund names its own reference; the payment's is the group's and the original's.
fn about(notice: &Notice) -> About {
    if notice.tx_type.eq_ignore_ascii_case("refund") {
        let group = notice.payload.as_ref().and_then(|payload| payload.partner_group_tx_id.clone());
        if group.is_none() && notice.orig_tx_id.is_none() {
            return About::Other;
        }
        return About::Payment { request_ref: group, gateway_ref: notice.orig_tx_id.clone() };
    }
    About::Payment { request_ref: Some(notice.partner_tx_id.clone()), gateway_ref: notice.tx_id.clone() }
}

/// The amount of a promise or a charge, which Grab's status does not name. The currency need not be one that GrabPay
/// takes: a wrong one is to be seen, not skipped.
fn stated(notice: &Notice) -> Result<Option<Money>, String> {
    let binding = ["auth", "charge", "capture"].iter().any(|kind| notice.tx_type.eq_ignore_ascii_case(kind));
    let (true, Some(units), Some(code)) = (binding, notice.amount, &notice.currency) else { return Ok(None) };
    let currency = Currency::find(code).map_err(|error| error.to_string())?;
    Ok(Some(amount::read(units, currency).unwrap_or_else(|| Money::from_minor(units, currency))))
}

fn forged(why: &str) -> NotificationError {
    NotificationError::Forged(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_notice_names_its_payment() {
        let door = Door::new("partner-1".into(), vec![]);
        let expect = |request_ref: Option<&str>, gateway_ref: &str| About::Payment {
            request_ref: request_ref.map(str::to_owned),
            gateway_ref: Some(gateway_ref.to_owned()),
        };
        let charge = door.read(include_bytes!("fixtures/notice_charge.json")).unwrap();
        assert_eq!(charge.about, expect(Some("pay_1"), "1f2a9f5c4a7b4c1d8e0f112233445566"));
        assert_eq!(charge.event_ref.as_deref(), Some("pay_1.Capture.success"));
        assert_eq!(charge.stated, Some(Money::from_minor(1234, Currency::find("SGD").unwrap())));
        let refund = door.read(include_bytes!("fixtures/notice_refund.json")).unwrap();
        assert_eq!(refund.about, expect(Some("pay_1"), "1f2a9f5c4a7b4c1d8e0f112233445566"));
        assert_ne!(refund.event_ref, charge.event_ref);
        assert_eq!(refund.stated, None, "the amount of a refund is not the payment's");
        let alone = br#"{"txType":"Refund","txStatus":"success","partnerTxID":"ref_1"}"#;
        assert_eq!(door.read(alone).unwrap().about, About::Other, "a refund that names no payment");
    }

    #[test]
    fn an_amount_is_told_as_it_stands_whatever_the_currency() {
        let door = Door::new("partner-1".into(), vec![]);
        let stated = |kind: &str, amount: &str| {
            let body = format!(r#"{{"txType":"{kind}","txStatus":"success","partnerTxID":"pay_1"{amount}}}"#);
            door.read(body.as_bytes()).map(|notice| notice.stated)
        };
        let money = |code: &str, minor| Some(Money::from_minor(minor, Currency::find(code).unwrap()));
        let ten_sgd = r#","amount":1000,"currency":"SGD""#;
        assert_eq!(stated("Auth", ten_sgd).unwrap(), money("SGD", 1000));
        assert_eq!(stated("Capture", r#","amount":1,"currency":"USD""#).unwrap(), money("USD", 1));
        assert_eq!(stated("Capture", r#","amount":-5,"currency":"SGD""#).unwrap(), money("SGD", -5));
        for silent in [stated("Init", ten_sgd), stated("Capture", ""), stated("Auth", r#","amount":5"#)] {
            assert_eq!(silent.unwrap(), None);
        }
        let unheard_of = stated("Capture", r#","amount":5,"currency":"XQQ""#);
        assert!(matches!(unheard_of, Err(NotificationError::Malformed(_))), "{unheard_of:?}");
    }

    #[test]
    fn a_notice_about_somebody_else_is_refused() {
        let door = Door::new("partner-2".into(), vec![]);
        let result = door.read(include_bytes!("fixtures/notice_charge.json"));
        assert!(matches!(result, Err(NotificationError::Forged(_))), "{result:?}");
    }
}
