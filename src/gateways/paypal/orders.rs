//! Orders: opening one, asking about one, capturing one, and reading what PayPal answers as a report.

use chrono::{DateTime, TimeDelta, Utc};

use super::api::{Said, request_id};
use super::errors::Class;
use super::status::{self, CaptureStatus, OrderStatus};
use super::{ORDER_LIFE, PayPal, amount, refunds, wire};
use crate::domain::fx::Country;
use crate::domain::orders::{Capture, MoneyReport, PaymentReport, ReportKind};
use crate::gateways::{GatewayError, GatewaySecrets, NextAction, PaymentRequest, PaymentSession, text};
use crate::money::{Currency, Money, Rate};

const DESCRIPTION_LIMIT: usize = 127;
/// Money that nobody accepts goes back after this.
const PENDING_LIFE: TimeDelta = TimeDelta::days(30);

impl PayPal {
    pub(super) async fn open_order(&self, request: &PaymentRequest) -> Result<PaymentSession, GatewayError> {
        let order = self.create(request).await?.granted()?;
        let approve = order.links.iter().find(|link| link.rel == "payer-action" || link.rel == "approve");
        let url = approve.map(|link| link.href.clone()).ok_or_else(|| {
            GatewayError::OutcomeUnknown(format!("order {} came without an approval link", order.id))
        })?;
        Ok(PaymentSession {
            gateway_ref: Some(order.id),
            next_action: NextAction::Redirect { url },
            secrets: GatewaySecrets::default(),
            expires_at: self.clock.now() + ORDER_LIFE,
        })
    }

    async fn create(&self, request: &PaymentRequest) -> Result<Said<wire::Order>, GatewayError> {
        let body = self.order_body(request)?;
        let id = request_id(&request.request_ref, "order")?;
        self.api.post("/v2/checkout/orders", Some(&id), body).await
    }

    /// The same request always gives the same bytes: PayPal holds a repeated id against the first body.
    fn order_body(&self, request: &PaymentRequest) -> Result<Vec<u8>, GatewayError> {
        let impossible = |why: String| GatewayError::NotSent(why);
        let order = wire::OrderRequest {
            intent: "CAPTURE",
            purchase_units: [wire::PurchaseUnitRequest {
                reference_id: "default",
                custom_id: &request.request_ref,
                invoice_id: &request.request_ref,
                description: text::shorten(&request.description, DESCRIPTION_LIMIT),
                amount: amount::write(request.amount)
                    .ok_or_else(|| impossible(format!("PayPal cannot write {}", request.amount)))?,
                payee: wire::PayeeRequest { merchant_id: &self.merchant_id },
            }],
            payment_source: wire::PaymentSource {
                paypal: wire::Wallet {
                    experience_context: wire::ExperienceContext {
                        return_url: &request.return_url,
                        // The shopper who turns back comes without `PayerID`; the order says that nothing was agreed.
                        cancel_url: &request.return_url,
                        user_action: "PAY_NOW",
                        shipping_preference: "NO_SHIPPING",
                    },
                },
            },
        };
        serde_json::to_vec(&order).map_err(|error| impossible(error.to_string()))
    }

    /// Asks for the order. While its id is unknown (the answer to its creation was lost) the creation is repeated
    /// under its own request id, which PayPal answers with the first order; it moves no money.
    pub(super) async fn look_up(&self, request: &PaymentRequest) -> Result<PaymentReport, GatewayError> {
        let lapsed = self.clock.now() >= request.created_at + ORDER_LIFE;
        let said = match &request.gateway_ref {
            Some(order) => self.get_order(order).await?,
            // Nobody was ever shown this order, so nobody approved it.
            None if lapsed => return Ok(PaymentReport::of(ReportKind::Expired)),
            None => self.create(request).await?,
        };
        match said {
            Said::Yes(order) => self.report(order).await,
            Said::Nothing if lapsed => Ok(PaymentReport::of(ReportKind::Expired)),
            Said::Nothing => Ok(PaymentReport::of(ReportKind::NotFound)),
            Said::No(refusal) => Err(refusal.into_error()),
        }
    }

    pub(super) async fn get_order(&self, order: &str) -> Result<Said<wire::Order>, GatewayError> {
        if !wire::is_order_id(order) {
            return Err(GatewayError::NotSent("not an order id".into()));
        }
        self.api.get(&format!("/v2/checkout/orders/{order}")).await
    }

    /// Takes the money. Where PayPal says that it was taken before, the order tells how.
    pub(super) async fn capture(&self, request: &PaymentRequest) -> Result<PaymentReport, GatewayError> {
        let order = request.gateway_ref.as_deref().filter(|order| wire::is_order_id(order));
        let order = order.ok_or_else(|| GatewayError::NotSent("the order id is not known yet".into()))?;
        let id = request_id(&request.request_ref, "capture")?;
        let path = format!("/v2/checkout/orders/{order}/capture");
        match self.api.post::<wire::Order>(&path, Some(&id), b"{}".to_vec()).await? {
            Said::No(refusal) if refusal.class == Class::AskOrder => {
                let order = self.get_order(order).await.and_then(Said::granted);
                // A failed question leaves the capture itself in the dark.
                self.report(order.map_err(|error| GatewayError::OutcomeUnknown(error.to_string()))?).await
            }
            said => self.report(said.granted()?).await,
        }
    }

    /// Reads an order. Payee and references are told as PayPal names them; the flow holds them against ours.
    async fn report(&self, order: wire::Order) -> Result<PaymentReport, GatewayError> {
        let unit = order.purchase_units.first();
        let payer_country = payer_country(&order);
        let mut report = PaymentReport {
            gateway_ref: Some(order.id.clone()),
            request_ref: unit.and_then(|unit| unit.custom_id.clone()),
            account: unit.and_then(|unit| unit.payee.as_ref()).and_then(|payee| payee.merchant_id.clone()),
            kind: ReportKind::RequiresAction,
            refunds: vec![],
            money: vec![],
        };
        if let Some(unit) = unit {
            let refunds = unit.payments.refunds.iter().map(|refund| refunds::report(refund, &self.clock));
            report.refunds = refunds.collect::<Result<_, _>>()?;
        }
        if let Some(capture) = unit.and_then(|unit| telling(&unit.payments.captures)) {
            self.report_capture(capture.clone(), payer_country, &mut report).await?;
            return Ok(report);
        }
        let word = order.status.as_deref().unwrap_or_default();
        report.kind = match status::order(word) {
            Some(OrderStatus::Open) => ReportKind::RequiresAction,
            Some(OrderStatus::Approved) => {
                let amount = unit.and_then(|unit| unit.amount.as_ref()).map(amount::read).transpose();
                ReportKind::Authorised { amount: amount.map_err(GatewayError::OutcomeUnknown)? }
            }
            Some(OrderStatus::Voided) => ReportKind::Cancelled { code: word.to_owned() },
            // Processed, but no capture came with it: not for us to guess.
            Some(OrderStatus::Processed) => ReportKind::Unknown { raw: "COMPLETED without a capture".into() },
            None => ReportKind::Unknown { raw: word.to_owned() },
        };
        Ok(report)
    }

    async fn report_capture(
        &self,
        mut capture: wire::Capture,
        payer_country: Option<Country>,
        report: &mut PaymentReport,
    ) -> Result<(), GatewayError> {
        let reason = capture.status_details.as_ref().and_then(|details| details.reason.clone());
        let Some(stands) = status::capture(&capture.status, reason.as_deref()) else {
            report.kind = ReportKind::Unknown { raw: capture.status };
            return Ok(());
        };
        match stands {
            CaptureStatus::Waiting => {
                let now = self.clock.now();
                report.kind = waiting(capture, reason, &now).map_err(GatewayError::OutcomeUnknown)?;
                return Ok(());
            }
            CaptureStatus::Refused => {
                report.kind = ReportKind::Failed { code: reason.unwrap_or(capture.status) };
                return Ok(());
            }
            CaptureStatus::Taken | CaptureStatus::Held | CaptureStatus::TakenBack => {}
        }
        if capture.status == "COMPLETED" && capture.seller_receivable_breakdown.is_none() {
            // The capture itself names its fee where the order left it out. Without an answer it stays unnamed.
            if let Ok(Said::Yes(whole)) = self.get_capture(&capture.id).await {
                capture.seller_receivable_breakdown = whole.seller_receivable_breakdown;
            }
        }
        let taken = read_capture(&capture, &self.clock.now()).map_err(GatewayError::OutcomeUnknown)?;
        let taken = Capture { payer_country, ..taken };
        let (reference, amount, at) = (capture.id, taken.amount, taken.at);
        match stands {
            CaptureStatus::Held => {
                report.money.push(MoneyReport::Held { reference, amount, reason: "dispute".into(), at });
            }
            CaptureStatus::TakenBack => report.money.push(MoneyReport::Reversed { reference, amount, at }),
            _ => {}
        }
        report.kind = ReportKind::Captured(taken);
        Ok(())
    }

    async fn get_capture(&self, capture: &str) -> Result<Said<wire::Capture>, GatewayError> {
        self.api.get(&format!("/v2/payments/captures/{capture}")).await
    }
}

/// Of several captures (a declined one before a good one) the one that tells most: taken, then waiting, then the last.
fn telling(captures: &[wire::Capture]) -> Option<&wire::Capture> {
    let rank = |capture: &&wire::Capture| {
        let reason = capture.status_details.as_ref().and_then(|details| details.reason.as_deref());
        match status::capture(&capture.status, reason) {
            Some(CaptureStatus::Taken | CaptureStatus::Held | CaptureStatus::TakenBack) => 3,
            None => 2,
            Some(CaptureStatus::Waiting) => 1,
            Some(CaptureStatus::Refused) => 0,
        }
    };
    captures.iter().max_by_key(rank)
}

/// A capture that is not decided: what it will bring, and by when a person has to act, where one has to.
fn waiting(
    capture: wire::Capture,
    reason: Option<String>,
    now: &DateTime<Utc>,
) -> Result<ReportKind, String> {
    let expected = capture.amount.as_ref().map(amount::read).transpose()?;
    let at = capture.create_time.as_deref().map_or(Ok(*now), read_time)?;
    let by_hand = reason.as_deref().is_some_and(status::waits_for_a_person);
    let person_by = by_hand.then_some(at + PENDING_LIFE);
    Ok(ReportKind::Pending { reason: reason.unwrap_or(capture.status), expected, person_by })
}

/// The country of the PayPal account that paid, by ISO 3166; PayPal writes China outside China as C2. A code that is no
/// country is not known.
fn payer_country(order: &wire::Order) -> Option<Country> {
    let source = order.payment_source.as_ref().and_then(|source| source.paypal.as_ref());
    let code = [source, order.payer.as_ref()]
        .into_iter()
        .flatten()
        .find_map(|payer| payer.address.as_ref()?.country_code.as_deref())?;
    Country::find(if code == "C2" { "CN" } else { code }).ok()
}

/// The fee only in the capture's own currency; the receivable only with the rate that made it.
fn read_capture(capture: &wire::Capture, now: &DateTime<Utc>) -> Result<Capture, String> {
    let gross = capture.amount.as_ref().ok_or("a capture without an amount")?;
    let amount = amount::read(gross)?;
    let breakdown = capture.seller_receivable_breakdown.as_ref();
    let fee = breakdown.and_then(|breakdown| breakdown.paypal_fee.as_ref()).map(amount::read).transpose()?;
    if let Some(fee) = fee {
        amount.same_currency(fee).map_err(|error| format!("fee: {error}"))?;
    }
    let receivable = breakdown.map(|breakdown| read_receivable(breakdown, amount)).transpose()?.flatten();
    let at = capture.create_time.as_deref().map_or(Ok(*now), read_time)?;
    Ok(Capture { capture_ref: capture.id.clone(), amount, fee, receivable, payer_country: None, at })
}

fn read_receivable(breakdown: &wire::Receivable, gross: Money) -> Result<Option<(Money, Rate)>, String> {
    let Some(credited) = &breakdown.receivable_amount else { return Ok(None) };
    let credited = amount::read(credited)?;
    if credited.currency() == gross.currency() {
        return Ok(None);
    }
    let rate = breakdown.exchange_rate.as_ref().ok_or("a converted capture without its rate")?;
    let named =
        |code: &Option<String>, ours: Currency| code.as_deref().is_none_or(|code| code == ours.code());
    if !named(&rate.source_currency, gross.currency()) || !named(&rate.target_currency, credited.currency()) {
        return Err("the rate is not between the capture's two currencies".into());
    }
    let rate =
        Rate::parse(gross.currency(), credited.currency(), &rate.value).map_err(|error| error.to_string())?;
    Ok(Some((credited, rate)))
}

/// RFC 3339, as PayPal writes every time.
pub(super) fn read_time(text: &str) -> Result<DateTime<Utc>, String> {
    let at = DateTime::parse_from_rfc3339(text).map_err(|_| "a time that is not RFC 3339".to_owned())?;
    Ok(at.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(body: &str) -> wire::Order {
        crate::gateways::json::read(body.as_bytes()).unwrap()
    }

    fn capture() -> wire::Capture {
        let order = order(include_str!("fixtures/order_completed_converted.json"));
        telling(&order.purchase_units[0].payments.captures).unwrap().clone()
    }

    fn money(code: &str, minor: i64) -> Money {
        Money::from_minor(minor, Currency::find(code).unwrap())
    }

    #[test]
    fn fee_conversion_and_time_are_paypals_own() {
        let read = read_capture(&capture(), &DateTime::UNIX_EPOCH).unwrap();
        assert_eq!((read.amount, read.fee), (money("USD", 10_000), Some(money("USD", 398))));
        let (credited, rate) = read.receivable.unwrap();
        assert_eq!((credited, rate.value().to_string()), (money("EUR", 8835), "0.9201500000".to_owned()));
        assert_eq!(read.at, read_time("2026-11-20T09:15:10Z").unwrap());
    }

    #[test]
    fn a_breakdown_that_does_not_hold_together_is_no_report() {
        let change = |change: fn(&mut wire::Receivable)| {
            let mut capture = capture();
            change(capture.seller_receivable_breakdown.as_mut().unwrap());
            read_capture(&capture, &DateTime::UNIX_EPOCH)
        };
        assert!(change(|_| ()).is_ok());
        assert!(change(|breakdown| breakdown.exchange_rate = None).is_err(), "converted without a rate");
        let fee_in_euro = change(|breakdown| {
            let fee = wire::Amount { currency_code: "EUR".into(), value: "3.66".into() };
            breakdown.paypal_fee = Some(fee);
        });
        assert!(fee_in_euro.is_err(), "a fee in another currency than the capture's");
        for value in ["0", "-0.9", "0,92", "1e-1", ""] {
            let mut capture = capture();
            let breakdown = capture.seller_receivable_breakdown.as_mut().unwrap();
            breakdown.exchange_rate.as_mut().unwrap().value = value.into();
            assert!(read_capture(&capture, &DateTime::UNIX_EPOCH).is_err(), "rate `{value}`");
        }
    }

    #[test]
    fn the_payer_is_at_home_where_the_account_is() {
        let of = |members: &str| payer_country(&order(&format!(r#"{{"id":"O1"{members}}}"#)));
        let find = |code: &str| Some(Country::find(code).unwrap());
        let payer = r#","payer":{"payer_id":"P","address":{"country_code":"MY"}}"#;
        let source = r#","payment_source":{"paypal":{"address":{"country_code":"C2"}}}"#;
        assert_eq!(of(payer), find("MY"));
        assert_eq!(of(&format!("{payer}{source}")), find("CN"), "the source paid, and C2 is China");
        let nameless =
            ["", r#","payment_source":{"paypal":{}}"#, r#","payer":{"address":{"country_code":"XX"}}"#];
        assert!(nameless.into_iter().all(|members| of(members).is_none()));
    }

    #[test]
    fn what_waits_names_what_it_will_bring_and_whom_it_waits_for() {
        let read = |reason: &str| {
            let capture = wire::Capture { status: "PENDING".into(), ..capture() };
            waiting(capture, Some(reason.into()), &DateTime::UNIX_EPOCH).unwrap()
        };
        for (word, stands) in status::PENDING.iter().filter(|(_, stands)| *stands == CaptureStatus::Waiting) {
            let ReportKind::Pending { reason, expected, person_by } = read(word) else {
                panic!("{stands:?}")
            };
            assert_eq!((reason.as_str(), expected), (*word, Some(money("USD", 10_000))));
            let by_hand = ["UNILATERAL", "RECEIVING_PREFERENCE_MANDATES_MANUAL_ACTION"].contains(word);
            let deadline = read_time("2026-12-20T09:15:10Z").unwrap();
            assert_eq!(person_by, by_hand.then_some(deadline), "{word}");
        }
    }

    #[test]
    fn a_good_capture_after_a_declined_one_is_the_one_that_counts() {
        let (good, mut declined) = (capture(), capture());
        (declined.id, declined.status) = ("DECLINED1".into(), "DECLINED".into());
        for both in [[good.clone(), declined.clone()], [declined.clone(), good.clone()]] {
            assert_eq!(telling(&both).unwrap().id, good.id);
        }
        assert_eq!(telling(&[declined]).unwrap().id, "DECLINED1");
        assert!(telling(&[]).is_none());
    }
}
