//! Thirty-one stories of money as data (`tests/scenarios/postings.json`): where the books stand, what is posted, where
//! they stand then. Here the ledger itself is put to them: every transaction balances, no account falls through its
//! floor, and the books end as told, in memory and through the store's one writer. That the flows *produce* these
//! postings is tested where the flows are.
//!
//! A story that begins with balances gets them by one event `opening`; what they do not balance by stands against
//! `9000[opening]`, an account that only tests know. Stories spend the platform's own money (1000)
//! without saying where it came from; they are given some, and it is taken off again before the end is compared.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use straits::clock::{Clock, from_micros};
use straits::domain::ledger::account::Class;
use straits::domain::ledger::balance::below_floor;
use straits::domain::ledger::{
    Account, AccountCode, Chart, JournalEvent, Layer, LedgerTransaction, Owner, Posting,
};
use straits::ids::{IdSource, MerchantId};
use straits::money::{Currency, Money};
use straits::store::Change;

use crate::engines::on_each_engine;
use crate::scenarios_flows::OPENING;

#[derive(Deserialize)]
struct File {
    chart: Vec<ChartRow>,
    scenarios: Vec<Scenario>,
}

#[derive(Deserialize)]
struct ChartRow {
    code: String,
    name: String,
    normal: String,
}

#[derive(Deserialize)]
struct Scenario {
    id: String,
    title: String,
    start: Vec<Standing>,
    transactions: Vec<Told>,
    end: Vec<Standing>,
}

#[derive(Deserialize)]
struct Standing {
    account: String,
    currency: Currency,
    debit_minus_credit: String,
}

#[derive(Deserialize)]
struct Told {
    event: String,
    lines: Vec<Line>,
}

#[derive(Deserialize)]
struct Line {
    side: String,
    account: String,
    amount: String,
    currency: Currency,
}

/// Own money at the start, in minor units of each currency that a story has in 1000.
const OWN_FUNDS: i64 = 10_000_000;

type Balances = BTreeMap<(Account, Currency), i64>;

fn file() -> File {
    serde_json::from_str(include_str!("../scenarios/postings.json")).unwrap()
}

impl Scenario {
    fn own_accounts(&self) -> BTreeSet<(Account, Currency)> {
        let lines = self.transactions.iter().flat_map(|told| &told.lines);
        let accounts = lines.map(|line| (account(&line.account), line.currency));
        accounts.filter(|(account, _)| account.code == AccountCode::BANK_OPERATING).collect()
    }
}

/// `1120[paypal,dispute]`.
fn account(text: &str) -> Account {
    let (code, owner) =
        text.split_once('[').map_or((text, None), |(code, owner)| (code, owner.strip_suffix(']')));
    Account::new(AccountCode::find(code.parse().unwrap()).unwrap(), owner.map_or_else(Owner::none, Owner::of))
}

/// Every chapter of a story as transactions: the opening, if it has one, then what is told.
struct Ledger {
    ids: IdSource,
    merchant: MerchantId,
}

impl Ledger {
    fn new(clock: &Clock) -> Ledger {
        let ids = IdSource::random(clock.clone());
        Ledger { merchant: ids.mint(), ids }
    }

    fn transactions(&self, scenario: &Scenario) -> Vec<LedgerTransaction> {
        let opening = self.opening(scenario);
        let told = scenario.transactions.iter().enumerate().map(|(index, told)| {
            let postings = told.lines.iter().map(|line| {
                let amount = Money::parse(&line.amount, line.currency).unwrap();
                match line.side.as_str() {
                    "Dr" => Posting::debit(account(&line.account), amount),
                    "Cr" => Posting::credit(account(&line.account), amount),
                    other => panic!("{}: `{other}` is no side", scenario.id),
                }
            });
            self.transaction(&format!("{} {index} {}", scenario.id, told.event), postings.collect())
        });
        opening.into_iter().chain(told).collect()
    }

    fn opening(&self, scenario: &Scenario) -> Option<LedgerTransaction> {
        let mut rest: BTreeMap<Currency, i64> = BTreeMap::new();
        let mut postings = Vec::new();
        for standing in &scenario.start {
            let balance = Money::parse(&standing.debit_minus_credit, standing.currency).unwrap();
            *rest.entry(standing.currency).or_default() -= balance.minor();
            postings.extend(posting(account(&standing.account), balance));
        }
        for account_of_ours in scenario.own_accounts() {
            *rest.entry(account_of_ours.1).or_default() -= OWN_FUNDS;
            postings.extend(posting(account_of_ours.0, Money::from_minor(OWN_FUNDS, account_of_ours.1)));
        }
        Chart::know_beside(OPENING).unwrap();
        let against = Account::new(AccountCode::find(9000).unwrap(), Owner::of("opening"));
        let rest = rest.into_iter().map(|(currency, minor)| Money::from_minor(minor, currency));
        postings.extend(rest.filter_map(|money| posting(against.clone(), money)));
        (!postings.is_empty()).then(|| self.transaction(&format!("{} opening", scenario.id), postings))
    }

    /// A source names the fact; the event is only a key here, for not every story's event is built yet.
    fn transaction(&self, source: &str, postings: Vec<Posting>) -> LedgerTransaction {
        let at = from_micros(1_795_000_000_000_000);
        LedgerTransaction::try_new(
            self.ids.mint(),
            self.merchant,
            JournalEvent::Opening,
            source,
            at,
            postings,
        )
        .unwrap_or_else(|error| panic!("{source}: {error}"))
    }
}

fn posting(account: Account, debit_minus_credit: Money) -> Option<Posting> {
    if debit_minus_credit.is_zero() {
        return None;
    }
    let amount = debit_minus_credit.abs();
    let debit = debit_minus_credit.is_positive();
    Some(if debit { Posting::debit(account, amount) } else { Posting::credit(account, amount) })
}

fn balances(transactions: &[LedgerTransaction]) -> Balances {
    let mut balances = Balances::new();
    for posting in transactions.iter().flat_map(LedgerTransaction::postings) {
        *balances.entry((posting.account.clone(), posting.amount.currency())).or_default() +=
            posting.signed_minor();
    }
    balances
}

#[test]
fn the_stories_use_the_shipped_chart() {
    let file = file();
    assert_eq!((file.chart.len(), file.scenarios.len()), (43, 31));
    for row in file.chart {
        let code = AccountCode::find(row.code.parse().unwrap()).unwrap();
        let shipped = Chart::shipped().get(code).unwrap();
        assert_eq!(shipped.name, row.name);
        let side = format!("{:?}", shipped.normal);
        let told = match row.normal.as_str() {
            "Dr" => "Debit",
            "Cr" => "Credit",
            _ if shipped.class == Class::ReportOnly => continue,
            _ => "Either",
        };
        assert_eq!(side, told, "{code}");
    }
}

#[test]
fn every_transaction_balances_and_every_story_ends_as_told() {
    let mut count = 0;
    for scenario in file().scenarios {
        let transactions =
            Ledger::new(&Clock::fixed(from_micros(1_795_000_000_000_000))).transactions(&scenario);
        count += scenario.transactions.len();
        // No step on the way goes through a floor.
        for step in 1..=transactions.len() {
            for ((account, currency), minor) in balances(&transactions[..step]) {
                let standing = Money::from_minor(minor, currency);
                assert_eq!(
                    below_floor(account.code, standing),
                    None,
                    "{} step {step}: {account}",
                    scenario.id
                );
            }
        }
        let end = balances(&transactions);
        for told in &scenario.end {
            let place = (account(&told.account), told.currency);
            let given = if scenario.own_accounts().contains(&place) { OWN_FUNDS } else { 0 };
            let standing = end.get(&place).copied().unwrap_or(0) - given;
            let standing = Money::from_minor(standing, told.currency);
            let expected = Money::parse(&told.debit_minus_credit, told.currency).unwrap();
            assert_eq!(standing, expected, "{} ({}): {}", scenario.id, scenario.title, told.account);
        }
    }
    assert_eq!(count, 102);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_holds_every_story() {
    on_each_engine("the_store_holds_every_story", async |database| {
        let store = database.open().await;
        for scenario in file().scenarios {
            let ledger = Ledger::new(&database.clock);
            let transactions = ledger.transactions(&scenario);
            for transaction in transactions.clone() {
                let source = transaction.source().to_owned();
                let mut change = Change::new();
                change.post(transaction);
                store.commit(change).await.unwrap_or_else(|error| panic!("{source}: {error}"));
            }
            for ((account, currency), minor) in balances(&transactions) {
                let stored = store
                    .ledger_balances(ledger.merchant, account.code, account.owner.as_str())
                    .await
                    .unwrap();
                let stored = stored
                    .iter()
                    .find(|row| row.layer == Layer::Posted && row.debit_minus_credit.currency() == currency);
                let standing = stored.map(|row| row.debit_minus_credit);
                assert_eq!(standing, Some(Money::from_minor(minor, currency)), "{} {account}", scenario.id);
            }
            let told_twice = transactions.first().unwrap().clone();
            let mut change = Change::new();
            change.post(told_twice);
            assert!(store.commit(change).await.is_err(), "{} is booked twice", scenario.id);
        }
        store.close().await;
    })
    .await;
}
