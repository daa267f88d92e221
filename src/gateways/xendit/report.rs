//! What Xendit says of a payout, read as a report.

use chrono::{DateTime, Utc};

use super::amount;
use super::payouts::is_payout_ref;
use super::status::{self, Word};
use super::wire::{Payout, Transaction};
use crate::domain::payouts::{PayoutReport, PayoutStatus};
use crate::gateways::PayoutOrder;
use crate::money::{Currency, Money};

/// One payout; its fee is told elsewhere.
///
/// # Errors
/// In words, for an answer that cannot be trusted.
pub(super) fn of(payout: &Payout, order: &PayoutOrder, now: DateTime<Utc>) -> Result<PayoutReport, String> {
    if payout.reference_id != order.payout.to_string() {
        return Err("the answer is about another payout".to_owned());
    }
    if !is_payout_ref(&payout.id) {
        return Err("the payout has no id".to_owned());
    }
    // The published example writes "IDR," where it means IDR.
    let code = payout.currency.trim_end_matches(',');
    let currency = Currency::find(code).map_err(|error| error.to_string())?;
    let stated = amount::read(&payout.amount, currency)?;
    let word = payout.status.as_str();
    let status = match status::payout(word) {
        None => PayoutStatus::Unknown { raw: word.to_owned() },
        Some(Word::Waiting) => PayoutStatus::Pending,
        Some(Word::Paid) => PayoutStatus::Paid { debited: stated },
        Some(Word::Refused) => {
            let code = payout.failure_code.clone().unwrap_or_else(|| word.to_owned());
            PayoutStatus::Failed { reason: words(&code).to_owned(), code }
        }
        Some(Word::Back) => {
            let reason = payout.failure_code.as_deref().map_or("the payee's bank sent it back", words);
            PayoutStatus::Returned { debited: stated, arrived: stated, reason: reason.to_owned() }
        }
    };
    let read = |text: &str| DateTime::parse_from_rfc3339(text).map_err(|_| format!("`{text}` is no time"));
    let at = payout.updated.as_deref().map(read).transpose()?.map_or(now, |at| at.with_timezone(&Utc));
    let (rail_ref, stated) = (Some(payout.id.clone()), Some(stated));
    Ok(PayoutReport { payout: order.payout, rail_ref, status, stated, fee: None, at })
}

/// A failure code in words; a code without any is its own.
fn words(code: &str) -> &str {
    match code {
        "INSUFFICIENT_BALANCE" => "the balance at Xendit was too small",
        "REJECTED_BY_CHANNEL" => "the payee's bank refused it",
        "TEMPORARY_TRANSFER_ERROR" => "the payee's bank could not be reached for a while",
        "INVALID_DESTINATION" => "there is no such account, or its name is another",
        "TRANSFER_ERROR" => "the transfer failed at the bank",
        "CANCELLED" => "called back before it was sent on",
        "COMPLIANCE_REJECTED" => "refused by Xendit's compliance",
        "EXPIRED" => "nobody took it in time",
        code => code,
    }
}

/// The fee and the tax on it, of all movements of a payout; `None` where Xendit has not yet said.
///
/// # Errors
/// In words, for an answer that cannot be trusted.
pub(super) fn fee<'a>(
    movements: impl Iterator<Item = &'a Transaction>,
    currency: Currency,
) -> Result<Option<Money>, String> {
    let mut told = None;
    for movement in movements {
        if movement.currency.as_deref().is_some_and(|code| code != currency.code()) {
            return Err("the movement of the payout is in another currency".to_owned());
        }
        let Some(fee) = &movement.fee else { continue };
        let taken = match fee.status.as_deref() {
            None | Some("COMPLETED") => {
                let [fee, tax] =
                    [&fee.xendit_fee, &fee.value_added_tax].map(|number| amount::read(number, currency));
                fee?.checked_add(tax?).map_err(|error| error.to_string())?
            }
            // Given back, or never taken.
            Some("CANCELED" | "REVERSED" | "NOT_APPLICABLE") => Money::zero(currency),
            Some(_) => continue,
        };
        let before = told.unwrap_or(Money::zero(currency));
        told = Some(taken.checked_add(before).map_err(|error| error.to_string())?);
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::merchants::PayoutAccountKind;
    use crate::domain::payouts::FeeBearer;
    use crate::gateways::{Creditor, json};

    const PAYOUT: &str = include_str!("fixtures/payout_succeeded.json");
    const TRANSACTIONS: &str = include_str!("fixtures/transactions.json");

    fn idr(minor: i64) -> Money {
        Money::from_minor(minor, Currency::find("IDR").unwrap())
    }

    fn order(minor: i64) -> PayoutOrder {
        PayoutOrder {
            payout: "po_01kb0000000000000000000002".parse().unwrap(),
            rail_ref: None,
            amount: idr(minor),
            creditor: Creditor {
                name: "Michael Chen".into(),
                country: "ID".into(),
                town: None,
                kind: PayoutAccountKind::Bank,
                number: "000000000099".into(),
                bank_code: Some("014".into()),
            },
            note: String::new(),
            purpose: None,
            bearer: Some(FeeBearer::Platform),
        }
    }

    fn told(body: &str, minor: i64) -> Result<PayoutReport, String> {
        of(&json::read(body.as_bytes()).unwrap(), &order(minor), DateTime::UNIX_EPOCH)
    }

    #[test]
    fn every_word_of_the_table_and_none_other_means_something() {
        for (word, meaning) in status::PAYOUT {
            let status = told(&PAYOUT.replace("SUCCEEDED", word), 1_000_000).unwrap().status;
            let fits = match meaning {
                Word::Waiting => status == PayoutStatus::Pending,
                Word::Paid => status == PayoutStatus::Paid { debited: idr(1_000_000) },
                Word::Refused => matches!(&status, PayoutStatus::Failed { code, .. } if code == word),
                Word::Back => {
                    matches!(&status, PayoutStatus::Returned { arrived, .. } if *arrived == idr(1_000_000))
                }
            };
            assert!(fits, "{word}: {status:?}");
        }
        let strange = told(&PAYOUT.replace("SUCCEEDED", "succeeded"), 1_000_000).unwrap().status;
        assert_eq!(strange, PayoutStatus::Unknown { raw: "succeeded".into() });
        let failed = PAYOUT.replace("\"SUCCEEDED\"", "\"FAILED\",\"failure_code\":\"INVALID_DESTINATION\"");
        let PayoutStatus::Failed { code, reason } = told(&failed, 1_000_000).unwrap().status else {
            panic!()
        };
        assert_eq!((code.as_str(), reason.starts_with("there is no such")), ("INVALID_DESTINATION", true));
    }

    #[test]
    fn another_amount_or_currency_is_told_as_it_is_and_another_payout_is_no_answer() {
        let paid = told(PAYOUT, 1_000_000).unwrap();
        assert_eq!(paid.at.to_rfc3339(), "2026-11-28T02:00:03+00:00");
        for (from, to) in [("10000", "1000"), ("\"IDR\"", "\"PHP\"")] {
            let other = told(&PAYOUT.replace(from, to), 1_000_000).unwrap();
            let stated = other.stated.unwrap();
            assert_ne!(stated, idr(1_000_000), "{to}");
            assert_eq!(other.status, PayoutStatus::Paid { debited: stated }, "{to}");
        }
        for (from, to) in [
            ("po_01kb0000000000000000000002", "po_01kb0000000000000000000003"),
            ("10000", "1e4"),
            ("2026-11-28T02:00:03Z", "yesterday"),
            ("disb-571f3644d2b4edf0745e9703", "../balance"),
        ] {
            assert!(told(&PAYOUT.replace(from, to), 1_000_000).is_err(), "{to}");
        }
    }

    #[test]
    fn the_fee_is_what_was_taken_with_its_tax() {
        let fee = |body: &str| {
            let page: super::super::wire::Page<Transaction> = json::read(body.as_bytes()).unwrap();
            super::fee(page.data.iter(), idr(0).currency())
        };
        assert_eq!(fee(TRANSACTIONS), Ok(Some(idr(550_000))));
        assert_eq!(fee(&TRANSACTIONS.replace("COMPLETED", "PENDING")), Ok(None));
        assert_eq!(fee(&TRANSACTIONS.replace("COMPLETED", "REVERSED")), Ok(Some(idr(0))));
        assert_eq!(fee("{\"data\":[]}"), Ok(None));
        assert!(fee(&TRANSACTIONS.replace("\"IDR\"", "\"PHP\"")).is_err());
    }
}
