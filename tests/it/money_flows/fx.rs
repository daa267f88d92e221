//! The book of exchange deals over real conversions, refunds and banks: every position is what deals left open.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use straits::banks::camt053;
use straits::domain::access::Hand;
use straits::domain::deposits::{LineState, ReportedBatch};
use straits::domain::findings::FindingKind;
use straits::domain::fx_book::{Covers, FxDeal};
use straits::domain::merchants::{BankAccount, BankAccountKind, FeeOwner};
use straits::flows::deposits::StatementFile;
use straits::flows::fx_book::{FxBookError, NewDeal, NewLeg, NewPlace};
use straits::flows::onboard::seal_details;
use straits::ids::{BankAccountId, GatewaySettlementId};
use straits::money::Money;
use straits::store::Change;
use straits::store::bank_accounts::StoredBankAccount;

use super::one;
use super::world::{Setup, World, money};
use crate::engines::on_each_engine;

const CLIENT_NUMBER: &str = "0039012345";

/// A settles in CNY; the platform bears fees that the gateway keeps.
pub fn in_yuan() -> Setup {
    Setup { suppliers: ["CNY", "USD"], unreturned_fee: Some(FeeOwner::Platform), ..Setup::default() }
}

/// A bank account.
pub async fn bank(world: &World, kind: BankAccountKind, name: &str, currency: &str) -> BankAccountId {
    let account = BankAccount {
        id: world.ids.mint(),
        merchant: world.merchant.id,
        name: name.into(),
        kind,
        currency: currency.parse().unwrap(),
        country: "SG".into(),
        bic: None,
        hint: "0001".into(),
        sweeps: vec![],
        address: None,
        created_at: world.clock.now(),
    };
    let id = account.id;
    let number = if kind == BankAccountKind::Client { CLIENT_NUMBER } else { "0039012346" };
    let sealed = seal_details(&world.vault, id, &number.to_owned().into(), None).unwrap();
    let mut change = Change::new();
    change.insert_bank_account(&StoredBankAccount { account, sealed });
    world.store.commit(change).await.unwrap();
    id
}

/// The gateway sent this on.
pub async fn withdrawn(world: &World, reference: &str, amount: Money) -> GatewaySettlementId {
    let (nothing, at) = (Money::zero(amount.currency()), world.clock.now());
    let batch = ReportedBatch {
        reference: reference.into(),
        closed_at: at,
        paid_at: Some(at),
        deposit_reference: None,
        gross: amount,
        refunds: nothing,
        chargebacks: nothing,
        held: nothing,
        fee: nothing,
        tax: nothing,
        net: amount,
        items: vec![],
    };
    world.deposits.record_batch(&world.account, batch, Change::new()).await.unwrap().settlement.id
}

/// A part of a side.
pub fn leg(place: NewPlace, amount: Option<Money>) -> NewLeg {
    NewLeg { place, amount }
}

pub fn paypal() -> Vec<NewLeg> {
    vec![leg(NewPlace::GatewayAccount("paypal".into()), None)]
}

/// A deal of today, closing the oldest.
pub fn deal(world: &World, sold: Money, bought: Money, bank_ref: &str) -> NewDeal {
    NewDeal {
        sold,
        bought,
        paid_from: vec![],
        paid_into: vec![],
        charge: None,
        value_date: world.clock.now().date_naive(),
        bank_ref: bank_ref.into(),
        covers: Covers::Oldest { own: false },
    }
}

pub async fn record(world: &World, deal: &NewDeal) -> Result<FxDeal, FxBookError> {
    world.fx_book.record(world.merchant.id, world.maker, world.ids.mint(), deal, &Change::new()).await
}

/// 3000 per currency is what the open lots come to.
pub async fn lots_are_the_position(world: &World) {
    let open = world.store.open_lots(world.merchant.id).await.unwrap();
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for lot in &open.lots {
        for amount in [lot.base, lot.quote] {
            *sums.entry(amount.currency().to_string()).or_default() -= amount.minor();
        }
    }
    for row in world.balances().await.iter().filter(|row| row.account.to_string() == "3000") {
        let balance = row.debit_minus_credit;
        let lots = sums.remove(balance.currency().code()).unwrap_or_default();
        assert_eq!(balance.minor(), lots, "{open:?}");
    }
    assert!(sums.values().all(|sum| *sum == 0), "{sums:?}");
    world.verified().await;
}

/// A small generator: tests choose the same way on both engines.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_are_what_deals_left_open() {
    on_each_engine("positions_are_what_deals_left_open", async |database| {
        let store = database.open().await;
        for seed in 0..3 {
            let world = World::on(&store, &database.clock, in_yuan()).await;
            bank(&world, BankAccountKind::Client, "cny", "CNY").await;
            let mut dice = Dice(seed);
            let (mut payments, mut results) = (vec![], 0_i64);
            for step in 0..14 {
                let rate = ["7.12", "7.00", "7.25", "6.93"][usize::try_from(dice.roll(4)).unwrap()];
                database.tick(TimeDelta::hours(7));
                world.quote(&[("USD", "1"), ("CNY", rate)]).await;
                match dice.roll(5) {
                    0 | 1 => payments.push(one(&world, &format!("{seed}-{step}")).await),
                    2 if !payments.is_empty() => {
                        let payment = payments.swap_remove(dice.roll(payments.len() as u64) as usize);
                        let who = ["platform", "supplier"][usize::try_from(dice.roll(2)).unwrap()];
                        world.refund(payment, &format!(r#"{{"fx_difference":"{who}"}}"#)).await.unwrap();
                    }
                    _ => {
                        let amount = 1 + i64::try_from(dice.roll(20_000)).unwrap();
                        let price = Money::from_minor(
                            7 * amount + i64::try_from(dice.roll(99)).unwrap(),
                            "CNY".parse().unwrap(),
                        );
                        let mut sale = deal(
                            &world,
                            Money::from_minor(amount, "USD".parse().unwrap()),
                            price,
                            &format!("{seed}-{step}"),
                        );
                        sale.paid_from = paypal();
                        sale.covers = Covers::Oldest { own: true };
                        let sold = record(&world, &sale).await.unwrap();
                        let (_, closings) = world.fx_book.deal(world.merchant.id, sold.id).await.unwrap();
                        results += closings.iter().map(|closing| closing.realized.minor()).sum::<i64>();
                    }
                }
                lots_are_the_position(&world).await;
            }
            // Gains less losses of the books are the closings'.
            let standing = world.balances().await;
            let booked = standing.iter().filter(|row| row.account.to_string().starts_with("60"));
            assert_eq!(-booked.map(|row| row.debit_minus_credit.minor()).sum::<i64>(), results);
            let today = database.clock.now().date_naive();
            let report = world
                .fx_book
                .results(world.merchant.id, (today - TimeDelta::days(30), today), None, None, 100)
                .await
                .unwrap();
            let total: i64 = report.totals.iter().map(|pair| pair.gain.minor() - pair.loss.minor()).sum();
            assert_eq!(
                (total, report.lines.iter().map(|line| line.stored.realized.minor()).sum::<i64>()),
                (results, results)
            );
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_is_recorded_once_and_closes_no_lot_twice() {
    on_each_engine("a_deal_is_recorded_once_and_closes_no_lot_twice", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, in_yuan()).await;
        let cny = bank(&world, BankAccountKind::Client, "cny", "CNY").await;
        world.quote(&[("USD", "1"), ("CNY", "7.12")]).await;
        let payment = one(&world, "1").await;
        one(&world, "2").await;
        let open = world.store.open_lots(world.merchant.id).await.unwrap().lots;
        assert_eq!((open.len(), open[0].subject.clone()), (2, Some(payment.to_string())));
        let half = |bank_ref: &str, covers: Covers| {
            let mut half = deal(&world, money("85.10", "USD"), money("605.49", "CNY"), bank_ref);
            half.paid_from = paypal();
            half.covers = covers;
            half
        };
        // Two at once of one reference, and two that want one lot.
        let second = Covers::Named(vec![open[1].transaction]);
        let (one, two) = (half("FX-1", second.clone()), half("FX-2", second.clone()));
        let (first, again, other) =
            tokio::join!(record(&world, &one), record(&world, &one), record(&world, &two));
        let told = [first, again, other];
        assert_eq!(told.iter().filter(|told| told.is_ok()).count(), 1, "{told:?}");
        lots_are_the_position(&world).await;
        // A swap of the sides, too much, a wrong currency, a day ahead.
        let refusals = |why: &str, error: FxBookError| assert!(error.to_string().contains(why), "{error}");
        let mut swapped = deal(&world, money("605.49", "CNY"), money("85.10", "USD"), "FX-3");
        swapped.paid_into = paypal();
        refusals("swap `sold` and `bought`", record(&world, &swapped).await.unwrap_err());
        let mut large = half("FX-4", Covers::Oldest { own: false });
        large.sold = money("85.11", "USD");
        refusals("only USD 85.10 is open", record(&world, &large).await.unwrap_err());
        let mut ahead = half("FX-5", Covers::Oldest { own: false });
        ahead.value_date += TimeDelta::days(1);
        refusals("lies ahead", record(&world, &ahead).await.unwrap_err());
        let mut nowhere = half("FX-6", Covers::Oldest { own: false });
        nowhere.paid_from = vec![];
        nowhere.sold = money("500.00", "USD");
        refusals("no client account in USD", record(&world, &nowhere).await.unwrap_err());
        // The rest of a side is in its currency, whoever leaves the amount out; clients' money becomes nobody's own.
        let euro = bank(&world, BankAccountKind::Client, "eur", "EUR").await;
        let own = bank(&world, BankAccountKind::Own, "own-cny", "CNY").await;
        for (account, why) in [(euro, "eur is in EUR, this part in CNY"), (own, "would become your own")] {
            let mut astray = half("FX-8", Covers::Oldest { own: false });
            astray.paid_into = vec![leg(NewPlace::BankAccount(account), None)];
            refusals(why, record(&world, &astray).await.unwrap_err());
        }
        // Nor do clients bear what the bank charges.
        let mut charged = half("FX-8", Covers::Oldest { own: false });
        charged.charge = Some(leg(NewPlace::BankAccount(cny), Some(money("10.00", "CNY"))));
        refusals("CNY 10.00 of clients' money", record(&world, &charged).await.unwrap_err());
        assert_eq!(
            world.transactions().await.iter().filter(|row| row.event.as_str() == "converted_market").count(),
            1
        );
        // The other half; its rates stand side by side.
        record(&world, &half("FX-7", Covers::Oldest { own: false })).await.unwrap();
        let today = world.clock.now().date_naive();
        let results = async |payment| {
            world.fx_book.results(world.merchant.id, (today, today), payment, None, 100).await.unwrap()
        };
        let report = results(None).await;
        assert_eq!(report.lines.len(), 2);
        // Of one order, its own.
        let of_one = results(Some(payment)).await;
        assert_eq!((of_one.lines.len(), of_one.totals.len(), of_one.totals[0].closings), (1, 1, 1));
        assert_eq!(of_one.lines[0].stored.closing.subject, Some(payment.to_string()));
        let rates = &report.lines[1].rates;
        assert_eq!(rates.settled[0].rate.value().to_string(), "7.0844");
        assert_eq!(rates.paid.unwrap().value().normalize().to_string(), "7.1150411281");
        assert!(world.store.open_lots(world.merchant.id).await.unwrap().lots.is_empty());
        lots_are_the_position(&world).await;
        // What was closed stays as it was.
        world.clock.advance(TimeDelta::days(1));
        for user in [world.maker, world.checker] {
            let (id, merchant) = (world.ids.mint(), world.merchant.id);
            let closed = world.close_period.close(merchant, Hand::own(user), id, today, Change::new()).await;
            closed.unwrap();
        }
        let mut late = half("FX-9", Covers::Oldest { own: true });
        late.value_date = today;
        let late = record(&world, &late).await.unwrap_err();
        assert!(
            matches!(&late, FxBookError::PeriodClosed { date, until } if (*date, *until) == (today, today)),
            "{late}"
        );
        store.close().await;
    })
    .await;
}

/// A statement of the client account in yuan: amounts with their signs, and the bank's references.
fn yuan_statement(nth: u32, day: &str, entries: &[(&str, &str)]) -> String {
    let entries: String = entries
        .iter()
        .map(|(amount, reference)| {
            let side = if amount.starts_with('-') { "DBIT" } else { "CRDT" };
            let amount = amount.trim_start_matches('-');
            format!(
                "<Ntry><Amt Ccy=\"CNY\">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
                 <BookgDt><Dt>{day}</Dt></BookgDt><AcctSvcrRef>{reference}</AcctSvcrRef></Ntry>"
            )
        })
        .collect();
    format!(
        "<Document><BkToCstmrStmt><Stmt><Id>S{nth}</Id><Acct><Id><Othr><Id>{CLIENT_NUMBER}</Id></Othr></Id>\
         <Ccy>CNY</Ccy></Acct>{entries}</Stmt></BkToCstmrStmt></Document>"
    )
}

async fn read(world: &World, text: &str) -> Vec<LineState> {
    let statements = camt053::read(text.as_bytes()).unwrap();
    let file = StatementFile::new("camt053", text.as_bytes(), statements, None);
    let merchant = world.merchant.id;
    let read = world.deposits.read_statements(&world.vault, merchant, &file, Change::new()).await.unwrap();
    let mut states = vec![];
    for statement in read {
        let lines = world.store.bank_lines_of(statement.id, 100).await.unwrap();
        states.extend(lines.into_iter().map(|line| line.value.state));
    }
    states
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_banks_line_of_a_deal_is_not_booked_again() {
    on_each_engine("a_banks_line_of_a_deal_is_not_booked_again", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, in_yuan()).await;
        bank(&world, BankAccountKind::Client, "cny", "CNY").await;
        world.quote(&[("USD", "1"), ("CNY", "7.12")]).await;
        one(&world, "1").await;
        one(&world, "2").await;
        let sale = |bank_ref: &str| {
            let mut sale = deal(&world, money("85.10", "USD"), money("605.49", "CNY"), bank_ref);
            sale.paid_from = paypal();
            sale
        };
        let day = world.clock.now().date_naive().to_string();
        // The deal first, then the bank's word.
        let first = record(&world, &sale("FX-1")).await.unwrap();
        let states = read(&world, &yuan_statement(1, &day, &[("605.49", "FX-1")])).await;
        assert_eq!(states, [LineState::Converted { deal: first.id }]);
        assert!(world.findings().await.is_empty());
        // The bank's word first, unexplained, then the deal.
        let states = read(&world, &yuan_statement(2, &day, &[("605.49", "FX-2")])).await;
        assert_eq!(states, [LineState::Suspense]);
        assert_eq!(world.findings().await.len(), 1);
        record(&world, &sale("FX-2")).await.unwrap();
        assert!(world.findings().await.is_empty());
        let standing = world.standing().await;
        assert_eq!(standing["1010[cny] CNY"], "1210.98");
        assert_eq!((standing.get("2900[cny] CNY"), standing.get("3000 CNY")), (None, None));
        lots_are_the_position(&world).await;
        store.close().await;
    })
    .await;
}

/// A charge that a client account bears is no client's loss where the deal itself brings more than what was owed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charge_is_borne_by_what_the_deal_brings_and_by_nothing_else() {
    on_each_engine("a_charge_is_borne_by_what_the_deal_brings", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, in_yuan()).await;
        let cny = bank(&world, BankAccountKind::Client, "cny", "CNY").await;
        world.quote(&[("USD", "1"), ("CNY", "7.12")]).await;
        one(&world, "1").await;
        // 602.88 are owed in yuan, and nothing is held of them until the deal.
        let with = |bank_ref: &str, charge: &str| {
            let mut sale = deal(&world, money("85.10", "USD"), money("620.00", "CNY"), bank_ref);
            sale.paid_from = paypal();
            sale.charge = Some(leg(NewPlace::BankAccount(cny), Some(money(charge, "CNY"))));
            sale
        };
        let refused = record(&world, &with("FX-1", "20.00")).await.unwrap_err().to_string();
        assert!(refused.contains("CNY 20.00 of clients' money"), "{refused}");
        let made = record(&world, &with("FX-2", "10.00")).await.unwrap();
        assert_eq!(made.charge.map(|leg| leg.amount), Some(money("10.00", "CNY")));
        let standing = world.standing().await;
        assert_eq!(standing["1010[cny] CNY"], "610.00", "{standing:?}");
        lots_are_the_position(&world).await;
        store.close().await;
    })
    .await;
}

/// The bank's word first: the charge's line is held against the deal as those of its sides are.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_charge_that_the_bank_told_first_is_not_booked_again() {
    on_each_engine("a_charge_that_the_bank_told_first", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, in_yuan()).await;
        let cny = bank(&world, BankAccountKind::Client, "cny", "CNY").await;
        world.quote(&[("USD", "1"), ("CNY", "7.12")]).await;
        one(&world, "1").await;
        let day = world.clock.now().date_naive().to_string();
        let told = yuan_statement(1, &day, &[("620.00", "A-1"), ("-10.00", "A-2")]);
        assert_eq!(read(&world, &told).await, [LineState::Suspense, LineState::Suspense]);
        let mut sale = deal(&world, money("85.10", "USD"), money("620.00", "CNY"), "FX-1");
        sale.paid_from = paypal();
        sale.charge = Some(leg(NewPlace::BankAccount(cny), Some(money("10.00", "CNY"))));
        record(&world, &sale).await.unwrap();
        assert!(world.findings().await.is_empty());
        let standing = world.standing().await;
        assert_eq!(standing["1010[cny] CNY"], "610.00", "{standing:?}");
        assert_eq!(standing["5090[cny] CNY"], "10.00", "{standing:?}");
        assert_eq!(standing.get("2900[cny] CNY"), None, "{standing:?}");
        // Nothing of the deal waits for a line any more: the next of this sum is something else.
        let next = yuan_statement(2, &day, &[("-10.00", "B-1")]);
        assert_eq!(read(&world, &next).await, [LineState::Suspense]);
        lots_are_the_position(&world).await;
        store.close().await;
    })
    .await;
}

/// Days say which deal an unnamed line may be; a line that names its deal needs none.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_names_its_deal_is_it_whenever_it_was_booked() {
    on_each_engine("a_line_that_names_its_deal", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, in_yuan()).await;
        bank(&world, BankAccountKind::Client, "cny", "CNY").await;
        world.quote(&[("USD", "1"), ("CNY", "7.12")]).await;
        one(&world, "1").await;
        one(&world, "2").await;
        let sale = |bank_ref: &str| {
            let mut sale = deal(&world, money("85.10", "USD"), money("605.49", "CNY"), bank_ref);
            sale.paid_from = paypal();
            sale
        };
        let today = world.clock.now().date_naive();
        let before = today - TimeDelta::days(11);
        // The line first: the deal was recorded under a later day, as a closed period wants it.
        let told = yuan_statement(1, &before.to_string(), &[("605.49", "FX-7")]);
        assert_eq!(read(&world, &told).await, [LineState::Suspense]);
        record(&world, &sale("FX-7")).await.unwrap();
        assert!(world.findings().await.is_empty());
        // The deal first, and its line eleven days later; one that names nothing is not it.
        let mut early = sale("FX-8");
        early.value_date = before;
        let early = record(&world, &early).await.unwrap();
        let told = yuan_statement(2, &today.to_string(), &[("605.49", "X-1"), ("605.49", "FX-8")]);
        let states = read(&world, &told).await;
        assert_eq!(states, [LineState::Suspense, LineState::Converted { deal: early.id }]);
        let standing = world.standing().await;
        assert_eq!(standing["1010[cny] CNY"], "1816.47", "{standing:?}");
        assert_eq!(standing["2900[cny] CNY"], "-605.49", "{standing:?}");
        lots_are_the_position(&world).await;
        store.close().await;
    })
    .await;
}

/// A line that stood in suspense beside its deal, as one does that was read while the deal was recorded, is looked at
/// again with the next statement.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_missed_its_deal_finds_it_later() {
    on_each_engine("a_line_that_missed_its_deal_finds_it_later", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, in_yuan()).await;
        bank(&world, BankAccountKind::Client, "cny", "CNY").await;
        world.quote(&[("USD", "1"), ("CNY", "7.12")]).await;
        one(&world, "1").await;
        one(&world, "2").await;
        let sale = |bank_ref: &str| {
            let mut sale = deal(&world, money("85.10", "USD"), money("605.49", "CNY"), bank_ref);
            sale.paid_from = paypal();
            sale
        };
        let day = world.clock.now().date_naive().to_string();
        let alike = yuan_statement(1, &day, &[("605.49", "A-1"), ("605.49", "A-2")]);
        assert_eq!(read(&world, &alike).await, [LineState::Suspense, LineState::Suspense]);
        // Either could be it: the deal waits for its line, and so do the lines.
        record(&world, &sale("FX-1")).await.unwrap();
        read(&world, &yuan_statement(2, &day, &[("1.00", "B-1")])).await;
        assert_eq!(world.standing().await["2900[cny] CNY"], "-1211.98");
        // One of them is another's: what is left is the first one's.
        record(&world, &sale("A-2")).await.unwrap();
        read(&world, &yuan_statement(3, &day, &[("2.00", "C-1")])).await;
        let standing = world.standing().await;
        assert_eq!(standing["1010[cny] CNY"], "1213.98", "{standing:?}");
        assert_eq!(standing["2900[cny] CNY"], "-3.00", "{standing:?}");
        assert_eq!(world.findings().await.len(), 2, "of the 1.00 and the 2.00");
        lots_are_the_position(&world).await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deal_that_no_line_shows_is_missed_until_one_does() {
    on_each_engine("a_deal_that_no_line_shows_is_missed", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, in_yuan()).await;
        bank(&world, BankAccountKind::Client, "cny", "CNY").await;
        world.quote(&[("USD", "1"), ("CNY", "7.12")]).await;
        one(&world, "1").await;
        let mut sale = deal(&world, money("85.10", "USD"), money("605.49", "CNY"), "FX-1");
        sale.paid_from = paypal();
        let made = record(&world, &sale).await.unwrap();
        let missed = async || {
            let open = world.findings().await.into_iter();
            open.filter(|finding| finding.kind == FindingKind::MissingThere).collect::<Vec<_>>()
        };
        let day = |later: i64| (sale.value_date + TimeDelta::days(later)).to_string();
        read(&world, &yuan_statement(1, &day(6), &[("1.00", "A-1")])).await;
        assert_eq!(missed().await, [], "within a week");
        for (nth, later) in [(2, 7), (3, 8)] {
            read(&world, &yuan_statement(nth, &day(later), &[("1.00", "A-2")])).await;
            let found = missed().await;
            let [finding] = &found[..] else { panic!("{later}: {found:?}") };
            assert_eq!(finding.fact, format!("{}/1", made.id));
            assert_eq!(finding.amount, Some(money("605.49", "CNY")));
            assert!(finding.detail.contains("FX-1"), "{}", finding.detail);
        }
        let states = read(&world, &yuan_statement(4, &day(20), &[("605.49", "FX-1")])).await;
        assert_eq!(states, [LineState::Converted { deal: made.id }]);
        assert_eq!(missed().await, [], "the bank shows it after all");
        lots_are_the_position(&world).await;
        store.close().await;
    })
    .await;
}

/// What a refund's mirror met was paid by nobody: it has no rate of the market.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mirrors_rate_is_not_the_markets() {
    on_each_engine("a_mirrors_rate_is_not_the_markets", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, in_yuan()).await;
        bank(&world, BankAccountKind::Client, "cny", "CNY").await;
        world.quote(&[("USD", "1"), ("CNY", "7.12")]).await;
        let back = one(&world, "1").await;
        one(&world, "2").await;
        world.refund(back, r#"{"fx_difference":"platform"}"#).await.unwrap();
        let mut sale = deal(&world, money("85.10", "USD"), money("605.49", "CNY"), "FX-1");
        (sale.paid_from, sale.covers) = (paypal(), Covers::Oldest { own: true });
        record(&world, &sale).await.unwrap();
        let today = world.clock.now().date_naive();
        let report = world.fx_book.results(world.merchant.id, (today, today), None, None, 100).await.unwrap();
        let closings = report.lines.iter().map(|line| (&line.stored.closing, line.rates.paid));
        let closings: Vec<_> = closings.collect();
        assert!(closings.iter().any(|(closing, _)| closing.by.is_some()), "{closings:?}");
        assert!(closings.iter().any(|(closing, _)| closing.by.is_none()), "{closings:?}");
        for (closing, paid) in closings {
            assert_eq!(paid.is_some(), closing.by.is_none(), "{closing:?}");
        }
        store.close().await;
    })
    .await;
}
