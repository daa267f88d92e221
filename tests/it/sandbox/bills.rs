//! The far sides' bills, read by our adapters: two readings of one format that share no code.

use std::io::Cursor;

use chrono::{NaiveDate, TimeDelta};
use straits::domain::reconciliation::{BillKind, BillLine};
use straits::gateways::bills::{BillError, Way};
use straits::money::Money;
use straits::sandbox::{Scenario, Target};

use super::adapters::{Rehearsal, grabpay, paypal};

async fn pulled(rehearsal: &Rehearsal, day: NaiveDate) -> Result<Vec<BillLine>, BillError> {
    let bills = rehearsal.gateway.bills().unwrap();
    if bills.way() == Way::File {
        let mut file = Vec::new();
        bills.download(day, &mut file).await?;
        return bills.read(Box::new(Cursor::new(file))).collect();
    }
    let (mut lines, mut from) = (Vec::new(), None);
    loop {
        let page = bills.page(day, from).await?;
        lines.extend(page.lines);
        from = page.next;
        if from.is_none() {
            return Ok(lines);
        }
    }
}

fn today(rehearsal: &Rehearsal) -> NaiveDate {
    let zone = rehearsal.gateway.bills().unwrap().zone();
    rehearsal.stage.clock.now().with_timezone(&zone).date_naive()
}

fn told(lines: &[BillLine]) -> Vec<String> {
    lines.iter().map(|line| format!("{} {} net {}", line.kind.as_str(), line.gross, line.net())).collect()
}

async fn a_day(rehearsal: &Rehearsal) -> (NaiveDate, String, String) {
    let day = today(rehearsal);
    let (payment, secrets, capture) = rehearsal.taken().await;
    let refund = rehearsal.refund(&capture, 400);
    let made = rehearsal.gateway.refunds().unwrap().refund(&payment, &secrets, &refund).await.unwrap();
    rehearsal.stage.advance(TimeDelta::days(1)).await;
    (day, capture, made.refund_ref)
}

#[tokio::test]
async fn paypals_search_and_settlement_report_say_the_same() {
    let rehearsal = paypal("self").await;
    let (day, capture, refund) = a_day(&rehearsal).await;
    let lines = pulled(&rehearsal, day).await.unwrap();
    assert_eq!(told(&lines), ["payment USD 100.00 net USD 95.10", "refund USD -4.00 net USD -4.00"]);
    assert_eq!((&lines[0].gateway_ref, &lines[1].gateway_ref), (&capture, &refund));
    assert_eq!(lines[1].related_ref.as_ref(), Some(&capture));

    let client = rehearsal.stage.paypal().await;
    let name = format!("/ppreports/outgoing/STL-{}.01.009.CSV", day.format("%Y%m%d"));
    let (status, file) = client.get_text(&name).await;
    assert_eq!(status, 200, "{file}");
    let bills = rehearsal.gateway.bills().unwrap();
    let read: Vec<BillLine> =
        bills.read(Box::new(Cursor::new(file.into_bytes()))).collect::<Result<_, _>>().unwrap();
    assert_eq!(told(&read), told(&lines));
    assert_eq!(read[0].our_ref, lines[0].our_ref);
    // A day that is not over has none yet.
    let today = today(&rehearsal).format("%Y%m%d");
    assert_eq!(client.get_text(&format!("/ppreports/outgoing/STL-{today}.01.009.CSV")).await.0, 404);
    assert!(pulled(&rehearsal, day.pred_opt().unwrap()).await.unwrap().is_empty());
}

#[tokio::test]
async fn grabpays_report_names_charge_refund_and_payout() {
    let rehearsal = grabpay().await;
    let (day, capture, refund) = a_day(&rehearsal).await;
    let lines = pulled(&rehearsal, day).await.unwrap();
    // 1.8 % of 12.34 are 0.22.
    assert_eq!(
        told(&lines),
        [
            "payment SGD 12.34 net SGD 12.12",
            "refund SGD -4.00 net SGD -4.00",
            "withdrawal SGD -8.12 net SGD -8.12",
        ]
    );
    assert_eq!((&lines[0].gateway_ref, &lines[1].gateway_ref), (&capture, &refund));
    assert!(matches!(lines[2].kind, BillKind::Withdrawal));
    let credits = rehearsal.stage.sandbox.grabpay_bank_credits("partner-1").await.unwrap();
    assert_eq!((&lines[2].gateway_ref, lines[2].net().negated()), (&credits[0].reference, credits[0].net));
    let absent = pulled(&rehearsal, today(&rehearsal)).await;
    assert_eq!(absent.unwrap_err(), BillError::Absent);
}

#[tokio::test]
async fn a_bill_that_differs_is_a_minor_unit_short() {
    for rehearsal in [paypal("self").await, grabpay().await] {
        rehearsal.stage.sandbox.arm(Scenario::BillDiffers, Target::Next(1)).await.unwrap();
        let (day, ..) = a_day(&rehearsal).await;
        let lines = pulled(&rehearsal, day).await.unwrap();
        let short = Money::from_minor(rehearsal.amount.minor() - 1, rehearsal.amount.currency());
        assert_eq!(lines[0].gross, short);
    }
}
