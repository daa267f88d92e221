//! Starting a payment: everything that can be refused is refused before anything is stored; then intent, commit, call,
//! result.
//!
//! What of the call's outcome is not known stays not known: the payment remains `created` and is asked about, never
//! created again under another reference; what the lost answer held is asked for again (`restore`). A definite no, and a call that was never sent, end it as `failed`; its order reference is free again.

use serde_json::json;
use url::Url;

use crate::crash::{Point, point};
use crate::domain::fx::Quote;
use crate::domain::merchants::Merchant;
use crate::domain::orders::{
    Customer, Holder, Intent, IntentKind, Outcome, Payment, PaymentReport, PaymentState, ReportKind,
    ReportSource, SealedSecrets, Watched,
};
use crate::gateways::{GatewayError, PaymentSession, is_loopback};
use crate::ids::{PaymentId, QuoteId};
use crate::money::Money;
use crate::store::payments::Watch;
use crate::store::{Change, CommitError, Versioned};

use super::apply::Called;
use super::cause::Cause;
use super::patience::opened;
use super::{DECISIONS, OpenAccount, Pay, PayError, PaymentView};

/// What a merchant asks for.
#[derive(Debug, Clone)]
pub struct Start {
    /// The payment's id, made by the caller so that rows written with it can point at it.
    pub id: PaymentId,
    /// The merchant's order number.
    pub order_ref: String,
    /// What is to be paid.
    pub price: Price,
    /// The gateway, or one of the merchant's accounts there by name.
    pub gateway: String,
    /// The gateway's method, where it has several.
    pub method: Option<String>,
    /// Items, splits, policies, platform fee: as [`super::Settles::agree`] reads them.
    pub terms: serde_json::Value,
    /// The shopper.
    pub customer: Customer,
    /// Where the shopper goes in the end.
    pub return_url: Option<String>,
    /// The merchant's own notes; an object.
    pub metadata: serde_json::Value,
}

/// What is to be paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Price {
    /// This amount.
    Amount(Money),
    /// What this quote promises.
    Quote(QuoteId),
    /// What a verified token of this merchant promises.
    Token(Box<Quote>),
}

impl Pay {
    /// Starts a payment. `extra` is written with it: the idempotency row of the request.
    ///
    /// # Errors
    /// [`PayError`] names what is refused, with nothing stored; [`PayError::Superseded`] when `extra` lost.
    pub async fn start(
        &self,
        merchant: &Merchant,
        start: Start,
        extra: Change,
    ) -> Result<PaymentView, PayError> {
        self.look_again().await?;
        self.may_send()?;
        let (payment, mut intent, account) = self.write_down(merchant, start, extra).await?;
        let id = payment.value.id;
        let request = self.request(&payment.value);
        point(Point::StartIntended).await;
        let opened = self.holding(&mut intent, opened(&account, &request)).await;
        point(Point::StartCalled).await;
        match opened {
            Ok(session) => self.open_session(payment, &session).await?,
            Err(GatewayError::OutcomeUnknown(why)) => {
                tracing::warn!(payment = %id, why, "whether the gateway opened the payment is not known");
                self.leave_unknown(&payment.value, intent, &why).await?;
            }
            Err(error) => self.fail(payment, &account, &error).await?,
        }
        point(Point::StartRecorded).await;
        self.get(merchant.id, id).await
    }

    /// Change 1: the payment and the intent to create it.
    async fn write_down(
        &self,
        merchant: &Merchant,
        start: Start,
        extra: Change,
    ) -> Result<(Versioned<Payment>, Versioned<Intent>, std::sync::Arc<OpenAccount>), PayError> {
        check_order_ref(&start.order_ref)?;
        if let Some(url) = &start.return_url {
            check_return_url(url, merchant, self.0.loopback_returns)?;
        }
        for _ in 0..DECISIONS {
            let now = self.0.clock.now();
            let mut change = extra.clone();
            let (amount, quote) = match &start.price {
                Price::Amount(amount) => (*amount, None),
                Price::Quote(quote) => {
                    let (amount, used) = self.0.quotes.take(merchant.id, *quote, start.id, now).await?;
                    change.extend(used);
                    (amount, Some(*quote))
                }
                Price::Token(promised) => {
                    let (amount, used) = self.0.quotes.redeem(promised, start.id, now).await?;
                    change.extend(used);
                    (amount, Some(promised.id))
                }
            };
            if !amount.is_positive() {
                return Err(PayError::AmountNotPositive);
            }
            let account = self.0.accounts.choose(merchant.id, &start.gateway, amount)?;
            let (method, terms) = (start.method.as_deref(), start.terms.clone());
            let terms = self.0.settles.agree(merchant, &account.account, method, amount, terms).await?;
            let payment = Payment {
                id: start.id,
                merchant: merchant.id,
                order_ref: start.order_ref.clone(),
                amount,
                quote,
                gateway: account.account.gateway.clone(),
                account: account.account.id,
                method: start.method.clone(),
                gateway_ref: None,
                terms,
                customer: start.customer.clone(),
                payer_country: None,
                return_url: start.return_url.clone(),
                metadata: start.metadata.clone(),
                next_action: None,
                secrets: None,
                state: PaymentState::Created,
                disputed: false,
                created_at: now,
                // Until the gateway's answer names the moment.
                expires_at: now + account.gateway.descriptor().session_life(),
                updated_at: now,
            };
            let intent = self.new_intent(&payment, self.0.holder);
            change
                .insert_payment(&payment)
                .insert_intent(&intent)
                .insert_watch(&self.first_watch(&payment, &account));
            point(Point::StartDecided).await;
            match self.0.store.commit(change).await {
                Ok(_) => {
                    let payment = Versioned { value: payment, version: 1 };
                    return Ok((payment, Versioned { value: intent, version: 1 }, account));
                }
                Err(CommitError::LostUpdate { table: "payment", .. }) => {
                    let living = self.0.store.living_payment_of(merchant.id, &start.order_ref).await?;
                    if let Some(payment) = living {
                        return Err(PayError::OrderRefTaken { payment });
                    }
                }
                // The quote went to somebody else: ask it again, and it will say to whom.
                Err(CommitError::LostUpdate { .. }) if quote.is_some() && extra.is_empty() => {}
                Err(CommitError::LostUpdate { table, .. }) if quote.is_some() && table == "quote" => {}
                Err(CommitError::Unknown(why)) => match self.0.store.payment(start.id).await? {
                    // It stands after all; whether the call is made is decided by who asks about it.
                    Some(payment) => return self.resume(payment, account).await,
                    None => {
                        tracing::warn!(payment = %start.id, why, "the payment was not written; once more")
                    }
                },
                Err(error) => return Err(error.into()),
            }
        }
        Err(PayError::unavailable("the payment met other changes in a row"))
    }

    /// When it is asked about first, if nobody tells us before.
    fn first_watch(&self, payment: &Payment, account: &OpenAccount) -> Watch {
        let (ladder, pace) = (self.0.ladders.of(&payment.gateway), account.gateway.descriptor().poll_pace());
        Watch {
            payment: payment.id,
            gateway: payment.gateway.clone(),
            next_ask_at: ladder.next(&Watched::of(payment), pace, payment.created_at),
            asked_at: payment.created_at,
            in_vain: 0,
        }
    }

    fn new_intent(&self, payment: &Payment, holder: Holder) -> Intent {
        let (id, now) = (self.0.ids.mint(), payment.created_at);
        Intent::leased(id, payment.merchant, payment.id, IntentKind::Create, holder, now)
    }

    /// Goes on with a payment whose commit was not confirmed but stands.
    async fn resume(
        &self,
        payment: Versioned<Payment>,
        account: std::sync::Arc<OpenAccount>,
    ) -> Result<(Versioned<Payment>, Versioned<Intent>, std::sync::Arc<OpenAccount>), PayError> {
        let intents = self.0.store.intents_of(payment.value.id).await?;
        let intent = intents.into_iter().find(|intent| intent.value.kind == IntentKind::Create);
        let intent = intent.ok_or_else(|| PayError::unavailable("a payment without its intent"))?;
        Ok((payment, intent, account))
    }

    /// Change 2 when the gateway opened the payment. A report may have come first: the session is added to what stands.
    pub(super) async fn open_session(
        &self,
        mut payment: Versioned<Payment>,
        session: &PaymentSession,
    ) -> Result<(), PayError> {
        let id = payment.value.id;
        let secrets: SealedSecrets = self.seal(id, &session.secrets)?;
        for _ in 0..DECISIONS {
            let now = self.0.clock.now();
            let mut after = payment.value.clone();
            if after.state == PaymentState::Created {
                after.state = PaymentState::RequiresAction;
            }
            after.gateway_ref = session.gateway_ref.clone().or(after.gateway_ref);
            after.next_action = serde_json::to_value(&session.next_action).ok();
            after.secrets = Some(secrets.clone());
            after.expires_at = session.expires_at;
            after.updated_at = now;
            let detail = json!({ "gateway_ref": session.gateway_ref, "expires_at": session.expires_at });
            let mut change = Change::new();
            change.update_payment(&after, payment.version);
            self.settle_create(&mut change, id, Outcome::Done, None).await?;
            self.note(&mut change, &after, "requires_action", detail);
            if after.state != payment.value.state {
                self.tell(&mut change, &after);
            }
            match self.0.store.commit(change).await {
                Ok(_) => return Ok(()),
                Err(CommitError::LostUpdate { .. } | CommitError::Unknown(_)) => {
                    payment = self.load(id).await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Err(PayError::unavailable("the session met other changes in a row"))
    }

    /// Change 2 when nobody knows: the payment stays created and is asked about.
    async fn leave_unknown(
        &self,
        payment: &Payment,
        intent: Versioned<Intent>,
        why: &str,
    ) -> Result<(), PayError> {
        let Versioned { value, version } = intent;
        let unknown =
            Intent { outcome: Outcome::Unknown, lease: None, detail: Some(why.to_owned()), ..value };
        let mut change = Change::new();
        change.update_intent(&unknown, version);
        self.note(&mut change, payment, "create_unknown", json!({ "why": why }));
        match self.0.store.commit(change).await {
            // A report came first and answered it.
            Ok(_) | Err(CommitError::LostUpdate { .. }) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Change 2 when nothing happened: a definite no, or a call that was never sent.
    async fn fail(
        &self,
        payment: Versioned<Payment>,
        account: &OpenAccount,
        error: &GatewayError,
    ) -> Result<(), PayError> {
        tracing::warn!(payment = %payment.value.id, %error, "the gateway did not open the payment");
        let code = match error {
            GatewayError::Refused { code, .. } => code.clone(),
            GatewayError::Throttled { .. } => "gateway_throttled".to_owned(),
            GatewayError::NotSent(_) | GatewayError::OutcomeUnknown(_) => "gateway_unreachable".to_owned(),
        };
        let report = PaymentReport::of(ReportKind::Failed { code });
        let called = Called { kind: IntentKind::Create, outcome: Outcome::Refused, secrets: None };
        self.apply(payment, account, &report, &Cause::of(ReportSource::Call), Some(&called)).await?;
        Ok(())
    }

    async fn settle_create(
        &self,
        change: &mut Change,
        payment: PaymentId,
        outcome: Outcome,
        detail: Option<String>,
    ) -> Result<(), PayError> {
        let intents = self.0.store.intents_of(payment).await?;
        let create = intents.into_iter().find(|intent| intent.value.kind == IntentKind::Create);
        if let Some(Versioned { value, version }) = create.filter(|intent| intent.value.unsettled()) {
            change.update_intent(&Intent { outcome, lease: None, detail, ..value }, version);
        }
        Ok(())
    }
}

fn check_order_ref(order_ref: &str) -> Result<(), PayError> {
    let length = order_ref.chars().count();
    let visible = order_ref.chars().all(|letter| !letter.is_control()) && order_ref.trim() == order_ref;
    if (1..=127).contains(&length) && visible { Ok(()) } else { Err(PayError::BadOrderRef) }
}

/// A shopper is sent only to the merchant's own sites; in sandbox mode to this machine too.
fn check_return_url(text: &str, merchant: &Merchant, loopback: bool) -> Result<(), PayError> {
    let refuse = |why| Err(PayError::BadReturnUrl(why));
    let Ok(url) = Url::parse(text) else { return refuse("is not an address") };
    if !matches!(url.scheme(), "http" | "https") || !url.username().is_empty() || url.password().is_some() {
        return refuse("must be an http(s) address without a user");
    }
    let here = is_loopback(&url);
    let origin = url.origin().ascii_serialization();
    if (loopback && here) || merchant.return_origins.contains(&origin) {
        return Ok(());
    }
    refuse("is not on one of the merchant's return origins")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::domain::merchants::{Recognise, Role};
    use crate::ids::IdSource;

    #[test]
    fn a_shopper_is_sent_to_the_merchants_own_sites_only() {
        let merchant = Merchant {
            id: IdSource::seeded(Clock::fixed(from_micros(0)), 1).mint(),
            name: "Shop".into(),
            role: Role::Agent,
            zone: chrono_tz::UTC,
            recognise: Recognise::Capture,
            return_origins: vec!["https://shop.example".into()],
            tax_jurisdiction: "SG".into(),
            tax_number: None,
        };
        let table = [
            ("https://shop.example/done?x=1", false, true),
            ("https://shop.example:443/", false, true),
            ("https://shop.example:8443/", false, false),
            ("http://shop.example/", false, false),
            ("https://shop.example.evil.example/", false, false),
            ("https://shop.example@evil.example/", false, false),
            ("https://user@shop.example/", false, false),
            ("javascript:alert(1)", true, false),
            ("//shop.example", true, false),
            ("http://127.0.0.1:9000/done", true, true),
            ("http://[::1]/done", true, true),
            ("http://localhost:3000/", true, true),
            ("http://127.0.0.1:9000/done", false, false),
            ("http://localhost.evil.example/", true, false),
        ];
        for (url, loopback, allowed) in table {
            assert_eq!(check_return_url(url, &merchant, loopback).is_ok(), allowed, "{url}");
        }
    }

    #[test]
    fn an_order_reference_is_visible_and_short() {
        let long = "x".repeat(128);
        for (text, good) in [
            ("order-1", true),
            ("订单一", true),
            ("", false),
            (" x", false),
            ("a\nb", false),
            (long.as_str(), false),
        ] {
            assert_eq!(check_order_ref(text).is_ok(), good, "{text:?}");
        }
    }
}
