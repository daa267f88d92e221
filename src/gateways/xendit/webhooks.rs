//! Is a notice Xendit's? It carries the account's verification token and no signature: whoever has the token can write
//! what he likes. So a notice says which payout to ask about and nothing else.

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

use super::wire::Event;
use crate::gateways::{About, Notification, NotificationError, RawNotification, json};
use crate::ids::PayoutId;

/// The door notices come in by.
#[derive(Debug)]
pub(super) struct Door {
    /// Newest first; while one is being changed both count.
    tokens: Vec<SecretString>,
    business_id: Option<String>,
}

impl Door {
    pub fn new(tokens: Vec<SecretString>, business_id: Option<String>) -> Door {
        Door { tokens, business_id }
    }

    /// Nothing of the body is read before the token fits.
    pub fn verify(&self, raw: &RawNotification<'_>) -> Result<Notification, NotificationError> {
        let forged = |why: &str| NotificationError::Forged(why.to_owned());
        let token = raw.header("x-callback-token");
        let token = token.ok_or_else(|| forged("header `x-callback-token` is not there once"))?;
        let fits = |own: &SecretString| bool::from(own.expose_secret().as_bytes().ct_eq(token.as_bytes()));
        if raw.method != "POST" || token.is_empty() || !self.tokens.iter().any(fits) {
            return Err(forged("the token is not this account's"));
        }
        let event: Event =
            json::read(raw.body).map_err(|error| NotificationError::Malformed(error.to_string()))?;
        if self.business_id.is_some() && event.business_id.is_some() && event.business_id != self.business_id
        {
            return Err(forged("the notice is another business's"));
        }
        let about = about(&event);
        Ok(Notification {
            event_ref: raw.header("webhook-id").map(str::to_owned),
            event_type: event.event,
            about,
            stated: None,
        })
    }
}

/// A payout of ours, by the reference we gave it; everything else Xendit tells is not acted on.
fn about(event: &Event) -> About {
    let item = event.data.reference_id.as_ref().and_then(|reference| reference.parse::<PayoutId>().ok());
    let named = event.event.starts_with("payout.").then_some(item).flatten();
    let Some(item) = named else { return About::Other };
    let batch_ref = event.data.id.clone().filter(|id| super::payouts::is_payout_ref(id));
    About::Payouts { batch: None, batch_ref, item: Some(item) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    const SUCCEEDED: &[u8] = include_bytes!("fixtures/event_payout_succeeded.json");

    fn heard(headers: &[(&str, &str)], body: &[u8]) -> Result<Notification, NotificationError> {
        let tokens = vec!["new-token".into(), "old-token".into()];
        let door = Door::new(tokens, Some("5f27a14a9bf05c73dd040bc8".into()));
        let headers: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let (method, path_and_query) = ("POST", "/v1/notifications/xendit");
        let received_at = DateTime::UNIX_EPOCH;
        door.verify(&RawNotification { method, path_and_query, headers: &headers, body, received_at })
    }

    #[test]
    fn the_token_opens_and_the_payout_is_named() {
        for token in ["new-token", "old-token"] {
            let heard = heard(&[("x-callback-token", token), ("webhook-id", "wh-1")], SUCCEEDED).unwrap();
            let about = About::Payouts {
                batch: None,
                batch_ref: Some("disb-571f3644d2b4edf0745e9703".into()),
                item: Some("po_01kb0000000000000000000002".parse().unwrap()),
            };
            assert_eq!((heard.about, heard.stated), (about, None));
            assert_eq!(
                (heard.event_type.as_str(), heard.event_ref.as_deref()),
                ("payout.succeeded", Some("wh-1"))
            );
        }
        // Another product's news, and a payout that is none of ours.
        for (from, to) in
            [("payout.succeeded", "payment.capture"), ("po_01kb0000000000000000000002", "myref-1")]
        {
            let text = String::from_utf8_lossy(SUCCEEDED).replace(from, to);
            assert_eq!(
                heard(&[("x-callback-token", "new-token")], text.as_bytes()).unwrap().about,
                About::Other
            );
        }
    }

    #[test]
    fn whatever_has_not_the_token_once_is_refused_unread() {
        let token = ("x-callback-token", "new-token");
        let wrong: &[&[(&str, &str)]] = &[
            &[],
            &[("x-callback-token", "")],
            &[("x-callback-token", "new-toke")],
            &[("x-callback-token", "new-token ")],
            &[token, token],
        ];
        for headers in wrong {
            assert!(matches!(heard(headers, b"no JSON"), Err(NotificationError::Forged(_))), "{headers:?}");
        }
        let other = String::from_utf8_lossy(SUCCEEDED).replace("5f27a14a9bf05c73dd040bc8", "another");
        assert!(matches!(heard(&[token], other.as_bytes()), Err(NotificationError::Forged(_))));
        for body in ["", "{}", "[]", "{\"event\":\"a\",\"event\":\"b\",\"data\":{}}"] {
            assert!(
                matches!(heard(&[token], body.as_bytes()), Err(NotificationError::Malformed(_))),
                "{body}"
            );
        }
    }
}
