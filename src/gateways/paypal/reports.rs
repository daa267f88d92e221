//! PayPal's answers read as reports: which capture tells, what it took, credited or will bring, how a refund stands.

use chrono::{DateTime, TimeDelta, Utc};

use super::status::{self, CaptureStatus};
use super::{amount, wire};
use crate::clock::Clock;
use crate::domain::fx::Country;
use crate::domain::orders::{Capture, Exchanged, RefundReport, ReportKind};
use crate::gateways::GatewayError;
use crate::money::{Currency, Money, Rate};

/// Money that nobody accepts goes back after this.
const PENDING_LIFE: TimeDelta = TimeDelta::days(30);

/// Of several captures (a declined one before a good one) the one that tells most: taken, then waiting, then the last.
pub(super) fn telling(captures: &[wire::Capture]) -> Option<&wire::Capture> {
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
pub(super) fn waiting(
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

/// The country of the PayPal account that paid. A code that is no country is not known.
pub(super) fn payer_country(order: &wire::Order) -> Option<Country> {
    let source = order.payment_source.as_ref().and_then(|source| source.paypal.as_ref());
    let code = [source, order.payer.as_ref()]
        .into_iter()
        .flatten()
        .find_map(|payer| payer.address.as_ref()?.country_code.as_deref())?;
    country(code)
}

/// A country as PayPal writes it: by ISO 3166, and China outside China as C2.
pub(super) fn country(code: &str) -> Option<Country> {
    Country::find(if code == "C2" { "CN" } else { code }).ok()
}

/// The fee only in the capture's own currency; the receivable only with the rate that made it.
pub(super) fn capture(capture: &wire::Capture, now: &DateTime<Utc>) -> Result<Capture, String> {
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

/// The account gives what its currency is and the refund is paid of it: which amount is which, their currencies say. What
/// does not read is left to the bill: the refund itself is told all the same.
fn read_converted(converted: &wire::Converted, gross: Money) -> Option<Exchanged> {
    let read = |amount: &Option<wire::Amount>| amount::read(amount.as_ref()?).ok();
    let (one, other) = (read(&converted.payable_amount)?, read(&converted.converted_amount)?);
    let (bought, sold) = if one.currency() == gross.currency() { (one, other) } else { (other, one) };
    Exchanged::try_new(sold, bought).filter(|_| bought.currency() == gross.currency())
}

/// RFC 3339, as PayPal writes every time.
pub(super) fn read_time(text: &str) -> Result<DateTime<Utc>, String> {
    let at = DateTime::parse_from_rfc3339(text).map_err(|_| "a time that is not RFC 3339".to_owned())?;
    Ok(at.to_utc())
}

/// A refund as PayPal tells it; the fee given back only where it names one.
pub(super) fn refund(refund: &wire::Refund, clock: &Clock) -> Result<RefundReport, GatewayError> {
    let read = || -> Result<RefundReport, String> {
        let payable = refund.seller_payable_breakdown.as_ref();
        let fee = payable.and_then(|payable| payable.paypal_fee.as_ref());
        let gross = amount::read(refund.amount.as_ref().ok_or("a refund without an amount")?)?;
        let converted = payable.and_then(|payable| payable.net_amount_breakdown.as_ref()?.first());
        Ok(RefundReport {
            refund_ref: refund.id.clone(),
            request_ref: refund.custom_id.clone(),
            amount: gross,
            fee_returned: fee.map(amount::read).transpose()?,
            exchanged: converted.and_then(|converted| read_converted(converted, gross)),
            status: status::refund(&refund.status),
            at: refund.create_time.as_deref().map_or_else(|| Ok(clock.now()), read_time)?,
        })
    };
    read().map_err(GatewayError::OutcomeUnknown)
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
        let read = super::capture(&capture(), &DateTime::UNIX_EPOCH).unwrap();
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
            super::capture(&capture, &DateTime::UNIX_EPOCH)
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
            assert!(super::capture(&capture, &DateTime::UNIX_EPOCH).is_err(), "rate `{value}`");
        }
    }

    #[test]
    fn what_paypal_changed_for_a_refund_is_told_by_its_currencies() {
        let read = |breakdown: &str| {
            let body = format!(
                r#"{{"id":"R1","status":"COMPLETED","amount":{{"currency_code":"USD","value":"40.00"}},
                    "seller_payable_breakdown":{{{breakdown}}}}}"#
            );
            let refund: wire::Refund = crate::gateways::json::read(body.as_bytes()).unwrap();
            super::refund(&refund, &Clock::fixed(DateTime::UNIX_EPOCH)).map(|report| report.exchanged)
        };
        let (eur, usd) =
            (r#"{"currency_code":"EUR","value":"34.55"}"#, r#"{"currency_code":"USD","value":"40.00"}"#);
        let both = |payable: &str, converted: &str| {
            format!(
                r#""net_amount_breakdown":[{{"payable_amount":{payable},"converted_amount":{converted}}}]"#
            )
        };
        for sides in [both(usd, eur), both(eur, usd)] {
            let exchanged = read(&sides).unwrap().unwrap();
            assert_eq!((exchanged.sold(), exchanged.bought()), (money("EUR", 3_455), money("USD", 4_000)));
        }
        let other = r#"{"currency_code":"GBP","value":"1.00"}"#;
        let odd = r#"{"currency_code":"EUR","value":"1,00"}"#;
        let none =
            [String::new(), r#""net_amount_breakdown":[]"#.into(), r#""net_amount_breakdown":null"#.into()];
        for nothing in none.into_iter().chain([both(usd, usd), both(eur, other), both(usd, odd)]) {
            assert_eq!(read(&nothing).unwrap(), None, "{nothing}");
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
