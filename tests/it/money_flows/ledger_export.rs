//! The books in another currency: every line of the export recomputed from the rates the bank quoted, every account's worth
//! from its balance, and periods that add up.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{Days, NaiveDate, TimeDelta};
use futures_util::TryStreamExt;
use rust_decimal::{Decimal, RoundingStrategy};
use straits::domain::fx_book::Covers;
use straits::domain::general_ledger::GlAccounts;
use straits::domain::merchants::BankAccountKind;
use straits::flows::export_gl::GlExport;
use straits::money::Currency;

use super::fx::{bank, deal, in_yuan, paypal, record};
use super::one;
use super::world::{World, money};
use crate::engines::on_each_engine;

/// What a euro was in dollars (always one), Singapore dollars and yuan, day after day.
const DAYS: [(&str, &str); 6] = [
    ("1.30", "7.12"),
    ("1.31", "7.00"),
    ("1.28", "7.25"),
    ("1.285", "6.93"),
    ("1.3333", "7.1"),
    ("1.27", "7.02"),
];

/// One row of the file.
#[derive(Debug)]
struct Line {
    booked_on: NaiveDate,
    transaction: String,
    event: String,
    account: String,
    code: String,
    currency: Currency,
    amount: Decimal,
    functional: Decimal,
    rate: Option<Decimal>,
}

async fn export(world: &World, from: NaiveDate, to: NaiveDate) -> Vec<Line> {
    let flow = GlExport {
        store: world.store.clone(),
        clock: world.clock.clone(),
        rates: world.rates.clone(),
        accounts: Arc::new(GlAccounts::shipped().unwrap()),
    };
    let pages = flow.csv(world.merchant.id, (from, to), "SGD".parse().unwrap()).await.unwrap();
    let text: Vec<u8> = pages.try_collect::<Vec<Vec<u8>>>().await.unwrap().concat();
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(text.as_slice());
    let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
    let (end, rows) = rows.split_last().unwrap();
    assert_eq!((&end[0], end[1].parse::<usize>().unwrap()), ("#END", rows.len()));
    let side = |row: &csv::StringRecord, debit: usize| {
        let read = |at: usize| if row[at].is_empty() { Decimal::ZERO } else { row[at].parse().unwrap() };
        read(debit) - read(debit + 1)
    };
    let line = |row: &csv::StringRecord| Line {
        booked_on: row[0].parse().unwrap(),
        transaction: row[2].into(),
        event: row[3].into(),
        account: row[5].into(),
        code: row[6].split('[').next().unwrap().into(),
        currency: row[7].parse().unwrap(),
        amount: side(row, 8),
        functional: side(row, 11),
        rate: (!row[13].is_empty()).then(|| row[13].parse().unwrap()),
    };
    rows.iter().map(line).collect()
}

/// Singapore dollars for one of a currency on a day, from what was quoted.
fn quoted(first: NaiveDate, day: NaiveDate, currency: Currency) -> Decimal {
    let nth = usize::try_from((day - first).num_days()).unwrap();
    let (sgd, cny): (Decimal, Decimal) = (DAYS[nth].0.parse().unwrap(), DAYS[nth].1.parse().unwrap());
    match currency.code() {
        "SGD" => Decimal::ONE,
        "USD" => sgd,
        "CNY" => sgd / cny,
        other => panic!("{other}"),
    }
}

fn cents(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

/// Every transaction balances twice, and every line but the one that takes the rest is its amount at the day's rate.
fn lines_are_true(lines: &[Line], first: NaiveDate) {
    let mut transactions: BTreeMap<(&str, Currency), Vec<&Line>> = BTreeMap::new();
    for line in lines.iter().filter(|line| line.rate.is_some()) {
        transactions.entry((&line.transaction, line.currency)).or_default().push(line);
    }
    for lines in transactions.values() {
        assert_eq!(lines.iter().map(|line| line.amount).sum::<Decimal>(), Decimal::ZERO, "{lines:?}");
        assert_eq!(lines.iter().map(|line| line.functional).sum::<Decimal>(), Decimal::ZERO, "{lines:?}");
        let (_, rounded) = lines.split_last().unwrap();
        for line in rounded {
            let rate = quoted(first, line.booked_on, line.currency);
            assert!((line.rate.unwrap() - rate).abs() < Decimal::new(1, 10), "{line:?}: {rate}");
            assert_eq!(line.functional, cents(line.amount * rate), "{line:?}");
        }
    }
    let differences = lines.iter().filter(|line| line.event == "exchange_difference");
    assert_eq!(differences.map(|line| line.functional).sum::<Decimal>(), Decimal::ZERO);
}

/// What stands in an account of the file: by its code and currency; the results' own accounts by themselves.
fn sums(lines: &[Line]) -> BTreeMap<(String, Currency), Decimal> {
    let mut sums = BTreeMap::new();
    for line in lines {
        let result = ["6020", "6030"].contains(&line.account.as_str());
        // Gains and losses are one result, told twice.
        let place = if result { "result".to_owned() } else { line.code.clone() };
        *sums.entry((place, line.currency)).or_insert(Decimal::ZERO) += line.functional;
    }
    sums.retain(|_, sum| !sum.is_zero());
    sums
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_export_is_worth_what_the_balances_are() {
    on_each_engine("the_export_is_worth_what_the_balances_are", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, in_yuan()).await;
        bank(&world, BankAccountKind::Client, "cny", "CNY").await;
        let first = database.clock.now().date_naive();
        let mut payments = vec![];
        for (nth, (sgd, cny)) in DAYS.into_iter().enumerate() {
            if nth > 0 {
                database.tick(TimeDelta::days(1));
            }
            world.quote(&[("USD", "1"), ("SGD", sgd), ("CNY", cny)]).await;
            match nth {
                0 | 1 | 4 => payments.push(one(&world, &nth.to_string()).await),
                2 => {
                    let mut sale = deal(&world, money("100.00", "USD"), money("712.34", "CNY"), "FX-1");
                    (sale.paid_from, sale.covers) = (paypal(), Covers::Oldest { own: false });
                    record(&world, &sale).await.unwrap();
                }
                3 => {
                    let first = payments.remove(0);
                    world.refund(first, r#"{"fx_difference":"platform"}"#).await.unwrap();
                }
                _ => {}
            }
        }
        let last = database.clock.now().date_naive();
        let middle = first + Days::new(2);
        let whole = export(&world, first, last).await;
        lines_are_true(&whole, first);
        // What each account comes to is its balance at the last day's rate; a position what its lots were booked at.
        let sums_of = sums(&whole);
        let worth = |code: &str, currency| sums_of.get(&(code.into(), currency)).copied().unwrap_or_default();
        let mut balances: BTreeMap<(String, Currency), Decimal> = BTreeMap::new();
        for row in world.balances().await {
            let code = row.account.to_string().split('[').next().unwrap().to_owned();
            *balances.entry((code, row.debit_minus_credit.currency())).or_default() +=
                row.debit_minus_credit.amount();
        }
        let owned = |code: &str| code.starts_with('1') || code.starts_with('2');
        let mut measured = 0;
        for ((code, currency), balance) in balances.iter().filter(|((code, _), _)| owned(code)) {
            let expected = cents(balance * quoted(first, last, *currency));
            assert_eq!(worth(code, *currency), expected, "{code} {currency} {balance}");
            measured += usize::from(!balance.is_zero());
        }
        assert!(measured >= 3, "{balances:?}");
        let mut lots: BTreeMap<Currency, Decimal> = BTreeMap::new();
        for lot in world.store.open_lots(world.merchant.id).await.unwrap().lots {
            for amount in [lot.base, lot.quote] {
                let rate = quoted(first, lot.at.date_naive(), amount.currency());
                *lots.entry(amount.currency()).or_default() -= cents(amount.amount() * rate);
            }
        }
        assert!(!lots.is_empty());
        for (currency, expected) in lots {
            assert_eq!(worth("3000", currency), expected, "{currency}");
        }
        // Two periods add up to the one.
        let mut parts = sums(&export(&world, first, middle).await);
        for (place, sum) in sums(&export(&world, middle + Days::new(1), last).await) {
            *parts.entry(place).or_default() += sum;
        }
        parts.retain(|_, sum| !sum.is_zero());
        assert_eq!(parts, sums_of);
        assert!(
            sums_of.keys().any(|(place, _)| place == "result"),
            "rates moved and nothing was gained or lost"
        );
        store.close().await;
    })
    .await;
}
