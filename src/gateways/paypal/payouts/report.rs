//! What PayPal says of a payout, read as a report.

use chrono::{DateTime, Utc};

use super::super::status::{self, PayoutWord};
use super::super::{amount, reports, wire as paypal};
use super::wire::{Item, PayoutAmount};
use crate::domain::payouts::{PayoutReport, PayoutStatus};
use crate::gateways::PayoutOrder;
use crate::money::Money;

/// What a batch's word says of a payout that has none of its own.
pub(super) fn of_batch(word: &str) -> PayoutStatus {
    match status::payout_batch_refused(word) {
        Some(false) => PayoutStatus::Pending,
        Some(true) => PayoutStatus::Failed {
            code: word.to_owned(),
            reason: "PayPal refused the whole batch of payouts".into(),
        },
        None => PayoutStatus::Unknown { raw: word.to_owned() },
    }
}

/// One item. `refused`: what the batch's refusal makes of items that wait.
///
/// # Errors
/// In words, for an answer that cannot be trusted.
pub(super) fn of_item(
    item: &Item,
    order: &PayoutOrder,
    refused: Option<&PayoutStatus>,
    now: DateTime<Utc>,
) -> Result<PayoutReport, String> {
    let stated = read(&item.payout_item.amount)?;
    let fee = item.payout_item_fee.as_ref().map(read).transpose()?;
    let converted = item.currency_conversion.as_ref().and_then(|conversion| conversion.from_amount.as_ref());
    let debited = converted.map(read).transpose()?.unwrap_or(stated);
    let at = item.time_processed.as_deref().map(reports::read_time).transpose()?.unwrap_or(now);
    let word = item.transaction_status.as_deref();
    let known = word.map_or(Some(PayoutWord::Waiting), status::payout);
    let told = |otherwise: &str| {
        let error = item.errors.as_ref();
        let name = error.and_then(|error| error.name.clone());
        let words = error.and_then(|error| error.message.clone());
        (
            name.clone().unwrap_or_else(|| otherwise.to_owned()),
            words.or(name).unwrap_or_else(|| otherwise.to_owned()),
        )
    };
    let status = match (known, word.unwrap_or("PENDING")) {
        (None, word) => PayoutStatus::Unknown { raw: word.to_owned() },
        (Some(PayoutWord::Waiting), _) => refused.cloned().unwrap_or(PayoutStatus::Pending),
        (Some(PayoutWord::Paid), _) => PayoutStatus::Paid { debited },
        (Some(PayoutWord::Unclaimed), _) => PayoutStatus::Unclaimed { debited },
        (Some(PayoutWord::Refused), word) => {
            let (code, reason) = told(word);
            PayoutStatus::Failed { code, reason }
        }
        (Some(PayoutWord::Back), word) => {
            PayoutStatus::Returned { debited, arrived: debited, reason: told(word).1 }
        }
    };
    let moved = matches!(
        status,
        PayoutStatus::Paid { .. } | PayoutStatus::Unclaimed { .. } | PayoutStatus::Returned { .. }
    );
    // Before that it is an estimate.
    let fee = fee.filter(|_| moved);
    let (rail_ref, stated) = (Some(item.payout_item_id.clone()), Some(stated));
    Ok(PayoutReport { payout: order.payout, rail_ref, status, stated, fee, at })
}

fn read(written: &PayoutAmount) -> Result<Money, String> {
    let PayoutAmount { currency, value } = written;
    amount::read(&paypal::Amount { currency_code: currency.clone(), value: value.clone() })
}

#[cfg(test)]
mod tests {
    use super::super::wire::Page;
    use super::*;
    use crate::domain::merchants::PayoutAccountKind;
    use crate::domain::payouts::FeeBearer;
    use crate::gateways::{Creditor, json};
    use crate::money::Currency;

    const BATCH: &str = include_str!("../fixtures/payouts_batch.json");

    fn money(code: &str, minor: i64) -> Money {
        Money::from_minor(minor, Currency::find(code).unwrap())
    }

    fn order(number: u32, minor: i64) -> PayoutOrder {
        PayoutOrder {
            payout: format!("po_01kb000000000000000000000{number}").parse().unwrap(),
            rail_ref: None,
            amount: money("USD", minor),
            creditor: Creditor {
                name: "A".into(),
                country: "VN".into(),
                town: None,
                kind: PayoutAccountKind::Paypal,
                number: "a@example.com".into(),
                bank_code: None,
            },
            note: String::new(),
            purpose: None,
            bearer: Some(FeeBearer::Platform),
        }
    }

    fn told(body: &str, place: usize, order: &PayoutOrder, batch: &str) -> Result<PayoutReport, String> {
        let page: Page = json::read(body.as_bytes()).unwrap();
        let refused = Some(of_batch(batch)).filter(|status| matches!(status, PayoutStatus::Failed { .. }));
        of_item(&page.items[place], order, refused.as_ref(), DateTime::UNIX_EPOCH)
    }

    #[test]
    fn an_item_tells_what_left_the_account_its_fee_and_why_it_failed() {
        let paid = told(BATCH, 0, &order(2, 1000), "SUCCESS").unwrap();
        assert_eq!(paid.status, PayoutStatus::Paid { debited: money("EUR", 862) });
        assert_eq!((paid.fee, paid.rail_ref.as_deref()), (Some(money("USD", 25)), Some("8AELMXH8UB2P8")));
        assert_eq!(paid.at.to_rfc3339(), "2026-11-23T02:00:03+00:00");
        let blocked = told(BATCH, 1, &order(3, 1200), "SUCCESS").unwrap();
        let PayoutStatus::Failed { code, reason } = blocked.status else { panic!("{blocked:?}") };
        assert_eq!(code, "RECEIVER_COUNTRY_NOT_ALLOWED");
        assert_eq!((reason.as_str(), blocked.fee), ("Receiver is not allowed to receive payments", None));
        let back = told(BATCH, 2, &order(4, 1400), "SUCCESS").unwrap();
        let (debited, arrived) = (money("USD", 1400), money("USD", 1400));
        assert_eq!(back.status, PayoutStatus::Returned { debited, arrived, reason: "RETURNED".into() });
    }

    #[test]
    fn another_amount_is_told_as_it_is_and_no_amount_is_no_answer() {
        let wrong = told(BATCH, 0, &order(2, 9900), "SUCCESS").unwrap();
        assert_eq!((wrong.stated, wrong.fee), (Some(money("USD", 1000)), Some(money("USD", 25))));
        assert_eq!(wrong.status, PayoutStatus::Paid { debited: money("EUR", 862) });
        for (from, to) in
            [("\"10.00\"", "\"1e3\""), ("2026-11-23T02:00:03Z", "yesterday"), ("\"8.62\"", "\"\"")]
        {
            assert!(told(&BATCH.replace(from, to), 0, &order(2, 1000), "SUCCESS").is_err(), "{to}");
        }
    }

    #[test]
    fn a_refused_batch_fails_what_waits_and_nothing_else() {
        let waiting = BATCH.replace("\"transaction_status\":\"SUCCESS\",", "");
        for batch in ["DENIED", "CANCELED"] {
            let failed = told(&waiting, 0, &order(2, 1000), batch).unwrap().status;
            assert!(matches!(&failed, PayoutStatus::Failed { code, .. } if code == batch), "{failed:?}");
            let paid = told(BATCH, 0, &order(2, 1000), batch).unwrap().status;
            assert!(matches!(paid, PayoutStatus::Paid { .. }), "{paid:?}");
        }
        for batch in ["PENDING", "PROCESSING", "SUCCESS"] {
            assert_eq!(told(&waiting, 0, &order(2, 1000), batch).unwrap().status, PayoutStatus::Pending);
        }
        assert_eq!(
            of_batch("A_WORD_OF_TOMORROW"),
            PayoutStatus::Unknown { raw: "A_WORD_OF_TOMORROW".into() }
        );
    }
}
