use super::*;
use crate::clock::from_micros;
use crate::domain::ledger::{BlockHash, ChainHead, JournalEvent, Place};
use crate::domain::statements::{Party, Side, cut_to_whole_transactions};
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

fn entry(transaction: i64, event: JournalEvent, debit_minus_credit: i64) -> AccountEntry {
    let at = march().begins_at() + chrono::TimeDelta::hours(1);
    AccountEntry {
        place: Place { number: transaction, position: 0 },
        account_id: 1,
        seq: transaction,
        transaction: TransactionId::from_bits(transaction.unsigned_abs().into()),
        event,
        source: "capture".to_owned(),
        subject: Some("pay_00000000000000000000000001".to_owned()),
        recorded_at: at,
        effective_at: at - chrono::TimeDelta::hours(2),
        debit_minus_credit: usd(debit_minus_credit),
        balance_after: usd(0),
    }
}

fn statement(opening: i64, entries: Vec<AccountEntry>, closing: i64) -> Result<Statement, StatementError> {
    Statement::try_new(SupplierId::from_bits(1), march(), usd(opening), entries, usd(closing))
}

#[test]
fn a_sale_its_release_and_its_refund_are_two_lines() {
    let entries = vec![
        entry(1, JournalEvent::Split, -8510),
        // 2100 → 2110 moves the supplier's own money: no line.
        entry(2, JournalEvent::SuspenseResolved, 8510),
        entry(2, JournalEvent::SuspenseResolved, -8510),
        // J10: the refund takes 2110 empty and the rest is owed: one line.
        entry(3, JournalEvent::RefundDecided, 8510),
        entry(3, JournalEvent::RefundDecided, 490),
    ];
    let statement = statement(0, entries, -490).unwrap();
    let lines: Vec<(Side, i64, i64, &str)> = statement
        .entries()
        .iter()
        .map(|line| (line.side, line.amount.minor(), line.balance.minor(), &*line.narrative))
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
    let refusal = statement(100, vec![entry(1, JournalEvent::Split, -50)], 149).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "the statement comes to USD 1.50, the ledger to USD 1.49: a difference of USD 0.01"
    );
    assert!(statement(100, vec![], 101).is_err());
    assert!(statement(100, vec![], 100).is_ok());
}

#[test]
fn days_are_those_of_the_merchants_zone() {
    let statement = statement(0, vec![entry(1, JournalEvent::Split, -1)], 1).unwrap();
    let line = &statement.entries()[0];
    assert_eq!(
        (line.booked_on.to_string(), line.value_date.to_string()),
        ("2026-03-01".into(), "2026-02-28".into())
    );
}

#[test]
fn refuses_entries_of_other_days_and_currencies() {
    for outside in [march().begins_at() - chrono::TimeDelta::microseconds(1), march().ends_before()] {
        let stray = AccountEntry { recorded_at: outside, ..entry(1, JournalEvent::Split, -1) };
        assert!(matches!(statement(0, vec![stray], 1), Err(StatementError::OutsidePeriod { .. })));
    }
    let eur = Money::from_minor(-1, Currency::find("EUR").unwrap());
    let stray = AccountEntry { debit_minus_credit: eur, ..entry(1, JournalEvent::Split, -1) };
    assert!(matches!(
        statement(0, vec![stray], 1),
        Err(StatementError::Money(MoneyError::CurrencyMismatch { .. }))
    ));
}

#[test]
fn json_is_the_contracts() {
    let head = ChainHead { seq: 17, hash: BlockHash::GENESIS };
    let party = |name: &str, country: Option<&str>| Party {
        name: name.to_owned(),
        country: country.map(str::to_owned),
        tax_number: Some("201812345K".to_owned()),
    };
    let letterhead = Letterhead {
        issuer: party("Market", None),
        holder: party("Kilns", Some("TH")),
        ledger_head: Some(head),
    };
    let kept: Letterhead = serde_json::from_str(&serde_json::to_string(&letterhead).unwrap()).unwrap();
    assert_eq!(kept, letterhead);
    let statement = statement(0, vec![entry(1, JournalEvent::Split, -1)], 1).unwrap().with_letterhead(kept);
    let json = serde_json::to_value(statement).unwrap();
    let expected = serde_json::json!({
        "supplier": "sup_00000000000000000000000001", "from": "2026-03-01", "to": "2026-03-31",
        "zone": "Asia/Singapore", "currency": "USD", "has_more": false, "number": null, "sha256": null,
        "issuer": {"name": "Market", "country": null, "tax_number": "201812345K"},
        "holder": {"name": "Kilns", "country": "TH", "tax_number": "201812345K"},
        "totals": {"entries": 1, "credits": {"amount": "0.01", "currency": "USD"}, "debits": {"amount": "0.00", "currency": "USD"}},
        "ledger_head": format!("17:{}", "0".repeat(64)),
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
        // Consecutive entries share a transaction when their random numbers run on equal.
        let mut number = 0_i64;
        let mut last = None;
        let entries: Vec<AccountEntry> = amounts.iter().map(|(run, amount)| {
            if last != Some(*run) { number += 1; last = Some(*run); }
            entry(number, JournalEvent::Split, *amount)
        }).collect();
        let gained: i64 = -amounts.iter().map(|(_, amount)| amount).sum::<i64>();
        let whole = statement(opening, entries.clone(), opening + gained).unwrap();
        let sum: i64 = whole.entries().iter().map(|line| line.signed().minor()).sum();
        prop_assert_eq!(sum, gained);
        prop_assert!(whole.entries().iter().all(|line| line.amount.is_positive()));
        prop_assert!(statement(opening, entries.clone(), opening + gained + 1).is_err());

        let mut page = entries[..cut.min(entries.len())].to_vec();
        let asked = page.len();
        cut_to_whole_transactions(&mut page, asked);
        let torn = page.last().map(|last| last.transaction) == entries.get(page.len()).map(|next| next.transaction);
        prop_assume!(!torn || page.is_empty());
        let cut = page.len();
        let middle = opening - entries[..cut].iter().map(|entry| entry.debit_minus_credit.minor()).sum::<i64>();
        let first = statement(opening, entries[..cut].to_vec(), middle).unwrap();
        let second = statement(middle, entries[cut..].to_vec(), opening + gained).unwrap();
        let joined: Vec<StatementEntry> = first.entries().iter().chain(second.entries()).cloned().collect();
        prop_assert_eq!(joined, whole.entries());
    }
}

#[test]
fn the_value_date_may_lie_far_back() {
    let late = AccountEntry { effective_at: from_micros(0), ..entry(1, JournalEvent::Split, -1) };
    assert_eq!(statement(0, vec![late], 1).unwrap().entries()[0].value_date.to_string(), "1970-01-01");
}

#[test]
fn a_page_ends_between_transactions() {
    let rows = [1, 2, 2, 3, 3, 3].map(|number| entry(number, JournalEvent::Split, -1));
    let page = |asked: usize| {
        let mut page = rows[..asked.min(rows.len())].to_vec();
        let more = cut_to_whole_transactions(&mut page, asked);
        (page.len(), more)
    };
    assert_eq!(
        [2, 3, 4, 5, 6, 7].map(page),
        [(1, true), (1, true), (3, true), (3, true), (3, true), (6, false)]
    );
}
