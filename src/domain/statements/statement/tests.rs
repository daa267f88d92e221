use super::*;
use crate::clock::from_micros;
use crate::domain::ledger::JournalEvent;
use crate::domain::statements::Side;
use crate::ids::Id;
use crate::money::Currency;
use proptest::prelude::*;

fn usd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::find("USD").unwrap())
}

fn march() -> Period {
    Period::try_new("2026-03-01".parse().unwrap(), "2026-03-31".parse().unwrap(), chrono_tz::Asia::Singapore)
        .unwrap()
}

fn movement(transaction: u128, event: JournalEvent, debit_minus_credit: i64) -> Movement {
    let at = march().begins_at() + chrono::TimeDelta::hours(1);
    Movement {
        transaction: TransactionId::from_bits(transaction),
        event,
        subject: Some("pay_00000000000000000000000001".to_owned()),
        recorded_at: at,
        effective_at: at - chrono::TimeDelta::hours(2),
        debit_minus_credit: usd(debit_minus_credit),
    }
}

fn statement(opening: i64, movements: Vec<Movement>, closing: i64) -> Result<Statement, StatementError> {
    Statement::try_new(SupplierId::from_bits(1), march(), usd(opening), movements, usd(closing))
}

#[test]
fn a_sale_its_release_and_its_refund_are_two_lines() {
    let movements = vec![
        movement(1, JournalEvent::Split, -8510),
        // 2100 → 2110 moves the supplier's own money: no line.
        movement(2, JournalEvent::SuspenseResolved, 8510),
        movement(2, JournalEvent::SuspenseResolved, -8510),
        // J10: the refund takes 2110 empty and the rest is owed: one line.
        movement(3, JournalEvent::RefundDecided, 8510),
        movement(3, JournalEvent::RefundDecided, 490),
    ];
    let statement = statement(0, movements, -490).unwrap();
    let lines: Vec<(Side, i64, i64, &str)> = statement
        .entries()
        .iter()
        .map(|line| (line.side, line.amount.minor(), line.balance.minor(), line.narrative))
        .collect();
    assert_eq!(
        lines,
        [
            (Side::Credit, 8510, 8510, "Your share of a sale"),
            (Side::Debit, 9000, -490, "Refund to the shopper"),
        ]
    );
    assert_eq!(statement.closing(), usd(-490));
}

#[test]
fn a_statement_that_does_not_foot_names_the_difference() {
    let refusal = statement(100, vec![movement(1, JournalEvent::Split, -50)], 149).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the statement comes to USD 1.50, the ledger to USD 1.49: a difference of USD 0.01"
    );
    assert!(statement(100, vec![], 101).is_err());
    assert!(statement(100, vec![], 100).is_ok());
}

#[test]
fn days_are_those_of_the_merchants_zone() {
    let statement = statement(0, vec![movement(1, JournalEvent::Split, -1)], 1).unwrap();
    let line = &statement.entries()[0];
    assert_eq!(
        (line.booked_on.to_string(), line.value_date.to_string()),
        ("2026-03-01".into(), "2026-02-28".into())
    );
}

#[test]
fn refuses_movements_of_other_days_and_currencies() {
    for outside in [march().begins_at() - chrono::TimeDelta::microseconds(1), march().ends_before()] {
        let stray = Movement { recorded_at: outside, ..movement(1, JournalEvent::Split, -1) };
        assert!(matches!(statement(0, vec![stray], 1), Err(StatementError::OutsidePeriod { .. })));
    }
    let eur = Money::from_minor(-1, Currency::find("EUR").unwrap());
    let stray = Movement { debit_minus_credit: eur, ..movement(1, JournalEvent::Split, -1) };
    assert!(matches!(
        statement(0, vec![stray], 1),
        Err(StatementError::Money(MoneyError::CurrencyMismatch { .. }))
    ));
}

#[test]
fn json_is_the_contracts() {
    let json =
        serde_json::to_value(statement(0, vec![movement(1, JournalEvent::Split, -1)], 1).unwrap()).unwrap();
    let expected = serde_json::json!({
        "supplier": "sup_00000000000000000000000001", "from": "2026-03-01", "to": "2026-03-31",
        "zone": "Asia/Singapore", "currency": "USD", "has_more": false,
        "opening": {"amount": "0.00", "currency": "USD"}, "closing": {"amount": "0.01", "currency": "USD"},
        "entries": [{
            "booked_on": "2026-03-01", "value_date": "2026-02-28", "direction": "credit",
            "amount": {"amount": "0.01", "currency": "USD"}, "narrative": "Your share of a sale",
            "transaction": "txn_00000000000000000000000001", "payment": "pay_00000000000000000000000001",
            "balance": {"amount": "0.01", "currency": "USD"},
        }],
    });
    assert_eq!(json, expected);
}

proptest! {
    #[test]
    fn every_statement_foots_and_pages_join(
        amounts in prop::collection::vec((0_u128..6, -1_000_000_i64..1_000_000), 0..40),
        opening in -1_000_000_i64..1_000_000,
        cut in 0_usize..40,
    ) {
        // Consecutive movements share a transaction when their random numbers run on equal.
        let mut number = 0;
        let mut last = None;
        let movements: Vec<Movement> = amounts.iter().map(|(run, amount)| {
            if last != Some(*run) { number += 1; last = Some(*run); }
            movement(number, JournalEvent::Split, *amount)
        }).collect();
        let gained: i64 = -amounts.iter().map(|(_, amount)| amount).sum::<i64>();
        let whole = statement(opening, movements.clone(), opening + gained).unwrap();
        let sum: i64 = whole.entries().iter().map(|line| line.signed().minor()).sum();
        prop_assert_eq!(sum, gained);
        prop_assert!(whole.entries().iter().all(|line| line.amount.is_positive()));
        prop_assert!(statement(opening, movements.clone(), opening + gained + 1).is_err());

        let cut = movements.iter().position(|movement| movement.transaction.to_string() > TransactionId::from_bits(cut as u128).to_string()).unwrap_or(0);
        let middle = opening - movements[..cut].iter().map(|movement| movement.debit_minus_credit.minor()).sum::<i64>();
        let first = statement(opening, movements[..cut].to_vec(), middle).unwrap();
        let second = statement(middle, movements[cut..].to_vec(), opening + gained).unwrap();
        let joined: Vec<StatementEntry> = first.entries().iter().chain(second.entries()).cloned().collect();
        prop_assert_eq!(joined, whole.entries());
    }
}

#[test]
fn the_value_date_may_lie_far_back() {
    let late = Movement { effective_at: from_micros(0), ..movement(1, JournalEvent::Split, -1) };
    assert_eq!(statement(0, vec![late], 1).unwrap().entries()[0].value_date.to_string(), "1970-01-01");
}
