//! Gateways pay out and banks say what arrived: the stories J02, J07, J08, J09 and J13 told by the flows, what stands in
//! suspense until two persons decide, files that come twice, and the way through the program's own doors.

mod after_the_sweep;
mod billed;
mod columns;
mod corrected;
mod doors;
mod many_open;
mod once;
mod pages;
mod reversals;
mod short_and_over;
mod statements;
mod value_dates;
mod whose;

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use straits::banks::camt053;
use straits::domain::deposits::{DepositState, GatewaySettlement, LineState, ReportedBatch};
use straits::domain::fees::FeeBook;
use straits::domain::findings::{Action, FindingKind};
use straits::domain::ledger::{Account, AccountCode, Chart, JournalEvent, LedgerTransaction, Owner, Posting};
use straits::domain::merchants::{
    AvailableWhen, BankAccount, BankAccountKind, GatewayAccount, Recharge, SettlementMode,
};
use straits::domain::orders::Capture;
use straits::flows::deposits::{FeeReport, StatementFile};
use straits::flows::onboard::seal_details;
use straits::ids::PaymentId;
use straits::money::Money;
use straits::store::bank_accounts::StoredBankAccount;
use straits::store::bank_statements::BankStatement;
use straits::store::{Change, Store};

use crate::engines::{TestDatabase, on_each_engine};
use crate::money_flows::world::{Setup, World, money};
use crate::scenarios_flows::OPENING;

const ALL_TO_A: &str = r#"{"splits":[{"supplier":"A","share":{"remainder":true}}]}"#;
const LESS_A_TENTH: &str = r#"{"splits":[{"supplier":"A","share":{"remainder":true}}],
    "fee_bearer":"suppliers","platform_fee":{"percent":"10"}}"#;

fn sgd(amount: &str) -> Money {
    money(amount, "SGD")
}

fn grabpay(account: &mut GatewayAccount) {
    account.gateway = "grabpay".into();
    account.name = "grabpay-sg".into();
    account.available_when = AvailableWhen::BankReceived;
    account.recharge = Recharge::Schedule;
    account.settlement = SettlementMode::NetInBatch;
}

fn unionpay(account: &mut GatewayAccount) {
    grabpay(account);
    account.gateway = "unionpay".into();
    account.name = "unionpay".into();
    account.settlement = SettlementMode::GrossThenInvoice;
}

/// 1.8 percent and no tax on it.
fn fees() -> FeeBook {
    fees_of("1.8")
}

fn fees_of(percent: &str) -> FeeBook {
    let rule =
        format!("name = \"one\"\n[[rule]]\nname = \"MDR\"\nkind = \"gateway\"\npercent = \"{percent}\"\n");
    FeeBook::read(&[("one.toml", &format!("{rule}source = \"the story\"\ntrust = \"sample\"\n"))]).unwrap()
}

async fn world(store: &Store, database: &TestDatabase, account: fn(&mut GatewayAccount)) -> World {
    world_as(store, database, Setup { account, ..usual() }).await
}

/// Two suppliers paid in SGD, at the stories' fee.
fn usual() -> Setup {
    Setup { fees: fees(), suppliers: ["SGD", "SGD"], ..Setup::default() }
}

/// A merchant with its two accounts at a bank.
async fn world_as(store: &Store, database: &TestDatabase, setup: Setup) -> World {
    let world = World::on(store, &database.clock, setup).await;
    for (kind, number) in [(BankAccountKind::Client, "0039012345"), (BankAccountKind::Own, "0039012346")] {
        let account = BankAccount {
            id: world.ids.mint(),
            merchant: world.merchant.id,
            name: "dbs".into(),
            kind,
            currency: "SGD".parse().unwrap(),
            country: "SG".into(),
            bic: None,
            hint: number[6..].into(),
            sweeps: if kind == BankAccountKind::Client { vec![world.account.name.clone()] } else { vec![] },
            address: None,
            created_at: world.clock.now(),
        };
        let sealed = seal_details(&world.vault, account.id, &number.to_owned().into(), None).unwrap();
        let mut change = Change::new();
        change.insert_bank_account(&StoredBankAccount { account, sealed });
        store.commit(change).await.unwrap();
    }
    world
}

/// A capture whose fee the gateway does not name.
async fn captured(world: &World, order: &str, amount: &str, terms: &str) -> PaymentId {
    let capture = Capture {
        capture_ref: format!("CAP-{order}"),
        amount: sgd(amount),
        fee: None,
        receivable: None,
        payer_country: None,
        at: world.clock.now(),
    };
    world.paid(order, sgd(amount), terms, capture).await
}

fn batch(
    reference: &str,
    at: DateTime<Utc>,
    gross: &str,
    refunds: &str,
    fee: &str,
    net: &str,
) -> ReportedBatch {
    ReportedBatch {
        reference: reference.into(),
        closed_at: at,
        paid_at: Some(at),
        deposit_reference: None,
        gross: sgd(gross),
        refunds: sgd(refunds),
        chargebacks: sgd("0"),
        held: sgd("0"),
        fee: sgd(fee),
        tax: sgd("0"),
        net: sgd(net),
        items: vec![],
    }
}

async fn record(world: &World, batch: ReportedBatch) -> GatewaySettlement {
    world.deposits.record_batch(&world.account, batch, Change::new()).await.unwrap().settlement
}

/// One line of a statement: amount with its sign, charge, bank's reference, text.
type BankEntry<'a> = (&'a str, &'a str, &'a str, &'a str);

/// A statement in camt.053 of one day.
fn camt(account: &str, day: &str, opening: &str, closing: &str, entries: &[BankEntry<'_>]) -> String {
    let side = |amount: &str| if amount.starts_with('-') { "DBIT" } else { "CRDT" };
    let balance = |code: &str, amount: &str| {
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"SGD\">{amount}</Amt><CdtDbtInd>{}</CdtDbtInd></Bal>",
            side(amount)
        )
    };
    let entries: String = entries.iter().map(|(amount, charge, reference, text)| {
        let charge = match *charge {
            "" => String::new(),
            charge => format!("<Chrgs><Rcrd><Amt Ccy=\"SGD\">{charge}</Amt><CdtDbtInd>DBIT</CdtDbtInd><ChrgInclInd>true</ChrgInclInd></Rcrd></Chrgs>"),
        };
        format!(
            "<Ntry><Amt Ccy=\"SGD\">{}</Amt><CdtDbtInd>{}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>{reference}</AcctSvcrRef>{charge}<AddtlNtryInf>{text}</AddtlNtryInf></Ntry>",
            amount.trim_start_matches('-'), side(amount)
        )
    }).collect();
    format!(
        "<Document><BkToCstmrStmt><Stmt><Id>{account}-{day}</Id><Acct><Id><Othr><Id>{account}</Id></Othr></Id><Ccy>SGD</Ccy></Acct>{}{}{entries}</Stmt></BkToCstmrStmt></Document>",
        balance("OPBD", opening),
        balance("CLBD", closing)
    )
}

async fn read(world: &World, text: &str) -> Vec<BankStatement> {
    let statements = camt053::read(text.as_bytes()).unwrap();
    let file = StatementFile::new("camt053", text.as_bytes(), statements, None);
    world.deposits.read_statements(&world.vault, world.merchant.id, &file, Change::new()).await.unwrap()
}

/// Own money, which the stories spend without saying where it came from.
async fn own_funds(world: &World) {
    Chart::know_beside(OPENING).unwrap();
    let own = Account::new(AccountCode::BANK_OPERATING, Owner::of("dbs"));
    let against = Account::new(AccountCode::find(9000).unwrap(), Owner::of("opening"));
    let postings = vec![Posting::debit(own, sgd("1000.00")), Posting::credit(against, sgd("1000.00"))];
    let (id, merchant, at) = (world.ids.mint(), world.merchant.id, world.clock.now());
    let opening =
        LedgerTransaction::try_new(id, merchant, JournalEvent::Opening, "own", at, postings).unwrap();
    world.store.commit(Change::posting(opening)).await.unwrap();
}

/// Debits less credits of each account.
type Net = BTreeMap<String, i64>;

fn add(net: &mut Net, side: &str, account: &str, amount: &str) {
    let minor = sgd(amount).minor();
    *net.entry(account.to_owned()).or_default() += if side == "Dr" { minor } else { -minor };
}

/// The books hold the story: each of its transactions is what the flows posted under these events, taken together.
async fn told(world: &World, id: &str, events: &[&[&str]]) {
    told_behind(world, 0, id, events).await;
}

/// The same behind so many transactions, which lead up to the story.
async fn told_behind(world: &World, before: usize, id: &str, events: &[&[&str]]) {
    let file: Value = serde_json::from_str(include_str!("../scenarios/postings.json")).unwrap();
    let story = file["scenarios"].as_array().unwrap().iter().find(|story| story["id"] == id).unwrap();
    let story: Vec<Net> = story["transactions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|transaction| {
            let mut net = Net::new();
            for line in transaction["lines"].as_array().unwrap() {
                let text = |key: &str| line[key].as_str().unwrap();
                add(&mut net, text("side"), text("account"), text("amount"));
            }
            net
        })
        .collect();
    let posted = world.transactions().await.split_off(before);
    let sums: Vec<Net> = events
        .iter()
        .map(|words| {
            let mut net = Net::new();
            for transaction in posted.iter().filter(|row| words.contains(&row.event.as_str())) {
                for (side, account, amount, _) in world.lines(transaction) {
                    add(&mut net, &side, &account, &amount);
                }
            }
            net.retain(|_, minor| *minor != 0);
            net
        })
        .collect();
    assert_eq!(sums, story, "{id}");
    let known: Vec<&str> = events.iter().copied().flatten().copied().chain(["opening"]).collect();
    let strange: Vec<_> = posted.iter().filter(|row| !known.contains(&row.event.as_str())).collect();
    assert!(strange.is_empty(), "{id}: {strange:#?}");
    world.verified().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn j02_a_reported_fee_trues_up_what_was_accrued() {
    on_each_engine("j02", async |database| {
        let store = database.open().await;
        let setup = Setup { suppliers: ["SGD", "SGD"], account: grabpay, ..Setup::default() };
        let world = World::on(&store, &database.clock, setup).await;
        captured(&world, "j02", "100.00", LESS_A_TENTH).await;
        let report = FeeReport {
            reference: "REPORT-1".into(),
            at: world.clock.now(),
            captures: vec!["CAP-j02".into()],
            fee: sgd("2.00"),
            tax: sgd("0.18"),
            paid_from: None,
        };
        // Told twice, booked once.
        for _ in 0..2 {
            world.deposits.report_fees(&world.account, &report, Change::new()).await.unwrap();
        }
        let other = FeeReport { reference: "REPORT-2".into(), ..report };
        assert!(world.deposits.report_fees(&world.account, &other, Change::new()).await.is_err());
        told(&world, "J02", &[&["captured"], &["fee_accrued"], &["split"], &["fee_trued_up"]]).await;
        let drift = world.finding(FindingKind::FeeDrift).await;
        assert_eq!(drift.amount, Some(sgd("0.20")));
        world.word(world.maker, &drift, Action::Dismiss).await.unwrap();
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn j07_five_payments_and_a_refund_in_one_deposit() {
    on_each_engine("j07", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        own_funds(&world).await;
        let mut last = None;
        for order in ["1", "2", "3", "4", "5"] {
            last = Some(captured(&world, order, "10.20", ALL_TO_A).await);
        }
        world.refund(last.unwrap(), "{}").await.unwrap();
        let at = world.clock.now();
        let sent = record(&world, batch("GP-20261118-AB", at, "51.00", "10.20", "0.92", "39.88")).await;
        assert_eq!((sent.state.as_str(), sent.rounding, sent.drift), ("in_transit", sgd("0.02"), sgd("0")));
        assert_eq!(world.releasing.release_due().await.unwrap(), 0);
        let day = (at + TimeDelta::days(1)).date_naive().to_string();
        read(&world, &camt("003-901234-5", &day, "0.00", "39.88", &[("39.88", "", "B1", "GP 20261118 AB")]))
            .await;
        // Not before the next day has begun.
        assert_eq!(world.releasing.release_due().await.unwrap(), 0);
        database.tick(TimeDelta::days(2));
        assert_eq!(world.releasing.release_due().await.unwrap(), 5);
        assert_eq!(world.releasing.release_due().await.unwrap(), 0);
        read(&world, &camt("0039012346", &day, "1000.00", "999.08", &[("-0.92", "", "O1", "top-up")])).await;
        read(&world, &camt("0039012345", &day, "39.88", "40.80", &[("0.92", "", "B2", "top-up")])).await;
        let events: [&[&str]; 9] = [
            &["captured"],
            &["fee_accrued"],
            &["split"],
            &["refund_decided"],
            &["refund_confirmed"],
            &["gateway_settled"],
            &["bank_credited"],
            &["released"],
            &["bank_unexplained", "topped_up"],
        ];
        told(&world, "J07", &events).await;
        assert!(world.findings().await.is_empty());
        let now = store.gateway_settlement(world.merchant.id, sent.id).await.unwrap().unwrap().value;
        assert_eq!(now.state.as_str(), "received");
        let posted = world.transactions().await;
        assert_eq!(posted.iter().filter(|row| row.event == JournalEvent::Released).count(), 1);
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn j08_a_gross_deposit_and_an_invoice() {
    on_each_engine("j08", async |database| {
        let store = database.open().await;
        let world = world(&store, database, unionpay).await;
        own_funds(&world).await;
        for order in ["1", "2", "3", "4", "5"] {
            captured(&world, order, "10.20", ALL_TO_A).await;
        }
        let at = world.clock.now();
        record(&world, batch("UP-778899", at, "51.00", "0", "0", "51.00")).await;
        let day = at.date_naive().to_string();
        // It names nothing: found by its amount.
        read(&world, &camt("0039012345", &day, "0.00", "51.00", &[("51.00", "", "B1", "incoming")])).await;
        let invoice = FeeReport {
            reference: "INV-1".into(),
            at,
            captures: vec![],
            fee: sgd("0.92"),
            tax: sgd("0.08"),
            paid_from: Some("dbs".into()),
        };
        world.deposits.report_fees(&world.account, &invoice, Change::new()).await.unwrap();
        let events: [&[&str]; 6] = [
            &["captured"],
            &["fee_accrued"],
            &["split"],
            &["gateway_settled"],
            &["bank_credited"],
            &["fee_invoiced"],
        ];
        told(&world, "J08", &events).await;
        assert!(world.findings().await.is_empty());
        store.close().await;
    })
    .await;
}
