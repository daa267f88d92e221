//! Tax withheld with payouts: J29 as it is told, once whatever becomes of the payout, by the turnover of sales and refunds.

use chrono::TimeDelta;
use straits::domain::access::{Hand, NotSecond};
use straits::domain::ledger::AccountCode;
use straits::domain::payouts::{Line, PayoutPlan, PayoutState, PayoutStatus};
use straits::domain::withholding::{CertificateId, Gross, RemittanceError, TaxRules, TaxTable};
use straits::flows::pay_out::Word;
use straits::flows::withholding::{RemittanceInput, WithholdingError};
use straits::ids::PaymentId;
use straits::money::Money;
use straits::store::withholding::CertificateFilter;
use straits::store::{Change, Seek, Store};

use super::money;
use super::world::{From, Treasury};
use crate::engines::{TestDatabase, on_each_engine};
use crate::money_flows::world::{Setup, World, taken};
use crate::scenarios_flows::Telling;

pub fn usd(amount: &str) -> Money {
    money(amount, "USD")
}

/// Suppliers in the Philippines, and BIR appoints the shop.
fn appointed() -> Setup {
    let withholding = TaxRules::appointed(TaxTable::shipped(), &["BIR".to_owned()]).unwrap();
    Setup { withholding, country: "PH", ..Setup::default() }
}

async fn treasury(store: &Store, database: &TestDatabase) -> Treasury {
    let world = World::on(store, &database.clock, appointed()).await;
    let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 10).await;
    treasury.payee(treasury.supplier("A")).await;
    treasury
}

/// A sale that is available by now, of whatever payment.
async fn counted(treasury: &Treasury, gross: Money) {
    let (store, supplier) = (&treasury.world.store, treasury.supplier("A"));
    let turnover = store.withholding_turnover(supplier, gross.currency(), None).await.unwrap();
    let payment: PaymentId = treasury.world.ids.mint();
    let row = turnover.count(supplier, payment, Gross { charged: gross, base: gross }, None);
    let mut change = Change::new();
    let merchant = treasury.world.merchant.id;
    change.insert_turnover(merchant, &row.unwrap().unwrap(), treasury.world.clock.now());
    store.commit(change).await.unwrap();
}

/// Drafted, approved, and everything written down and sent.
pub async fn carried(treasury: &Treasury) -> PayoutPlan {
    let plan = treasury.draft().await;
    assert!(!plan.document.lines.is_empty(), "{:?}", plan.document.excluded);
    treasury.approved(&plan).await;
    treasury.say(treasury.world.maker, plan.id, Word::Execute).await.unwrap();
    treasury.paying.carry_out(plan.id).await.unwrap();
    plan
}

pub fn of(plan: &PayoutPlan) -> &Line {
    assert_eq!(plan.document.lines.len(), 1, "{:?}", plan.document.excluded);
    &plan.document.lines[0]
}

pub async fn withheld(treasury: &Treasury) -> String {
    let standing = treasury.world.standing().await;
    standing.get("2210[BIR,A] USD").cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tax_is_withheld_on_the_gross_and_remitted_by_two_persons_as_told() {
    on_each_engine("J29", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, appointed()).await;
        let treasury = Treasury::on(world, "bank", From::Bank("bpi"), "PHP", 10).await;
        treasury.payee_in("PH", treasury.supplier("A"), "Payee").await;
        treasury.terms(treasury.supplier("A"), r#"{"town":"Manila"}"#).await;
        let telling = Telling::opened("J29", treasury.world).await;
        let (before, treasury) = (telling.before, Treasury { world: telling.world, ..treasury });
        let php = |amount: &str| money(amount, "PHP");
        counted(&treasury, php("10000.00")).await;
        let plan = carried(&treasury).await;
        let line = of(&plan);
        assert_eq!((line.gross, line.withholding, line.net), (php("9200.00"), php("50.00"), php("9150.00")));
        assert_eq!(line.taxes[0].explain, "1 % of 0.5 × 10000.00 = 50.00");
        treasury.works(plan.id).await;

        let world = &treasury.world;
        let bank = world.store.all_bank_accounts(world.merchant.id).await.unwrap().remove(0);
        let input = RemittanceInput {
            authority: "BIR".into(),
            period: line.taxes[0].period,
            bank_account: bank.account.id,
            reference: "1601-EQ".into(),
        };
        let (flow, merchant) = (&world.withholding, world.merchant.id);
        let propose =
            async || flow.propose(merchant, world.maker, world.ids.mint(), &input, Change::new()).await;
        let (first, second) = (propose().await.unwrap(), propose().await.unwrap());
        assert_eq!(first.total().unwrap(), php("50.00"));
        let decide = async |user, id| flow.decide(merchant, Hand::own(user), id, true, Change::new()).await;
        let own = decide(world.maker, first.id).await;
        assert!(
            matches!(
                own,
                Err(WithholdingError::Remittance(RemittanceError::NotSecond(NotSecond::FourEyes(_))))
            ),
            "{own:?}"
        );
        decide(world.checker, first.id).await.unwrap();
        let again = decide(world.checker, first.id).await;
        assert!(matches!(again, Err(WithholdingError::Remittance(RemittanceError::Decided(_)))), "{again:?}");
        let twice = decide(world.checker, second.id).await;
        assert!(matches!(twice, Err(WithholdingError::Remittance(RemittanceError::Changed(_)))), "{twice:?}");
        let nothing = propose().await;
        assert!(matches!(nothing, Err(WithholdingError::Remittance(RemittanceError::NothingOwed { .. }))));

        let posted = world.transactions().await;
        let taxes = posted[before..].iter().filter(|one| one.event.as_str().starts_with("tax_"));
        let taxes: Vec<_> = taxes.map(|one| world.lines(one)).collect();
        let line = |side: &str, account: &str| {
            (side.to_owned(), account.to_owned(), "50.00".to_owned(), "PHP".to_owned())
        };
        assert_eq!(
            taxes,
            [
                vec![line("Cr", "2210[BIR,A]"), line("Dr", "2110[A]")],
                vec![line("Cr", "1010[bpi]"), line("Dr", "2210[BIR,A]")]
            ]
        );
        let standing = world.standing().await;
        assert!(!standing.keys().any(|account| account.starts_with('2')), "{standing:?}");
        treasury.once(plan.id).await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_withheld_unasked_and_nothing_of_who_is_exempt() {
    on_each_engine("withholding off", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup { country: "PH", ..Setup::default() }).await;
        let off = Treasury::on(world, "paypal", From::PayPal, "USD", 10).await;
        off.payee(off.supplier("A")).await;
        sold(&off, database, "o-1", "100.00").await;
        let plan = off.draft().await;
        assert_eq!((of(&plan).withholding, of(&plan).taxes.len()), (usd("0.00"), 0));
        let currency = usd("0.00").currency();
        let turnover = store.withholding_turnover(off.supplier("A"), currency, None).await.unwrap();
        assert_eq!(turnover.nth, 0, "nothing is counted either");

        let treasury = treasury(&store, database).await;
        treasury.terms(treasury.supplier("A"), r#"{"tax_class":"exempt"}"#).await;
        sold(&treasury, database, "o-1", "100.00").await;
        let plan = carried(&treasury).await;
        assert_eq!((of(&plan).withholding, of(&plan).taxes[0].explain.as_str()), (usd("0.00"), "exempt"));
        treasury.works(plan.id).await;
        // What was sold while it was exempt stays so.
        treasury.terms(treasury.supplier("A"), r#"{"tax_class":"company"}"#).await;
        sold(&treasury, database, "o-2", "10.00").await;
        assert_eq!(of(&treasury.draft().await).withholding, usd("0.05"));
        let (merchant, all) = (treasury.world.merchant.id, CertificateFilter::default());
        let all = store.withholding_certificates(merchant, all, Seek::Start, 10).await.unwrap();
        assert!(all.is_empty(), "nothing was withheld, nothing is certified: {all:?}");
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_payout_that_fails_or_comes_back_withholds_once() {
    on_each_engine("withheld once", async |database| {
        let store = database.open().await;
        let treasury = treasury(&store, database).await;
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, treasury.supplier("A"), "100.00").await;
        treasury.fund(AccountCode::GATEWAY_BALANCE, "paypal", "1000.00").await;
        counted(&treasury, usd("100.00")).await;
        let first = carried(&treasury).await;
        assert_eq!((of(&first).withholding, of(&first).amount), (usd("0.50"), usd("99.50")));
        let payout = treasury.payout(first.id).await;
        let failed = PayoutStatus::Failed { code: "X".into(), reason: String::new() };
        treasury.rail.say(payout.id, failed, None);
        for _ in 0..2 {
            treasury.paying.ask(payout.batch).await.unwrap();
        }
        assert_eq!(withheld(&treasury).await, "-0.50");

        let second = carried(&treasury).await;
        assert_eq!((of(&second).withholding, of(&second).gross), (usd("0.00"), usd("99.50")));
        let payout = treasury.payout(second.id).await;
        let debited = usd("99.50");
        for status in [
            PayoutStatus::Paid { debited },
            PayoutStatus::Returned { debited, arrived: debited, reason: "closed".into() },
        ] {
            treasury.rail.say(payout.id, status, None);
            treasury.paying.ask(payout.batch).await.unwrap();
        }
        let third = carried(&treasury).await;
        assert_eq!((of(&third).withholding, of(&third).gross), (usd("0.00"), usd("99.50")));
        assert_eq!(withheld(&treasury).await, "-0.50");
        treasury.world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_plans_at_once_withhold_once() {
    on_each_engine("withholding race", async |database| {
        let store = database.open().await;
        let treasury = treasury(&store, database).await;
        let supplier = treasury.supplier("A");
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, supplier, "100.00").await;
        treasury.fund(AccountCode::GATEWAY_BALANCE, "paypal", "1000.00").await;
        counted(&treasury, usd("100.00")).await;
        let plans = [treasury.draft().await, treasury.draft().await];
        for plan in &plans {
            assert_eq!(of(plan).withholding, usd("0.50"));
            treasury.approved(plan).await;
            treasury.say(treasury.world.maker, plan.id, Word::Execute).await.unwrap();
        }
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, supplier, "100.00").await;
        let works = plans.clone().map(|plan| {
            let paying = treasury.beside(false);
            tokio::spawn(async move { paying.carry_out(plan.id).await })
        });
        for work in works {
            let _ = work.await.unwrap();
        }
        for plan in &plans {
            treasury.paying.carry_out(plan.id).await.unwrap();
        }
        let mut states = vec![];
        for plan in &plans {
            let payout = treasury.payout(plan.id).await;
            let state = serde_json::to_value(&payout.state).unwrap();
            states.push(state["code"].as_str().unwrap_or(payout.state.as_str()).to_owned());
        }
        states.sort();
        assert_eq!(states, ["sent", "withholding_changed"]);
        assert_eq!(withheld(&treasury).await, "-0.50");
        // What was not paid is paid by the next plan, untaxed.
        let next = treasury.draft().await;
        assert_eq!((of(&next).gross, of(&next).withholding), (usd("100.00"), usd("0.00")));
        treasury.world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_class_that_changes_after_the_approval_refuses_the_line() {
    on_each_engine("withholding class", async |database| {
        let store = database.open().await;
        let treasury = treasury(&store, database).await;
        let supplier = treasury.supplier("A");
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, supplier, "100.00").await;
        treasury.fund(AccountCode::GATEWAY_BALANCE, "paypal", "1000.00").await;
        counted(&treasury, usd("100.00")).await;
        for (after, tax) in [("\"exempt\"", "0.50"), ("null", "0.00")] {
            let plan = treasury.draft().await;
            assert_eq!(of(&plan).withholding, usd(tax));
            treasury.approved(&plan).await;
            treasury.terms(supplier, &format!(r#"{{"tax_class":{after}}}"#)).await;
            treasury.say(treasury.world.maker, plan.id, Word::Execute).await.unwrap();
            treasury.paying.carry_out(plan.id).await.unwrap();
            let state = serde_json::to_value(&treasury.payout(plan.id).await.state).unwrap();
            assert_eq!(state["code"], "withholding_changed", "{state}");
        }
        // Who is a company now is meant as before: nothing changed for the rule.
        let plan = treasury.draft().await;
        treasury.approved(&plan).await;
        treasury.terms(supplier, r#"{"tax_class":"company"}"#).await;
        treasury.say(treasury.world.maker, plan.id, Word::Execute).await.unwrap();
        treasury.paying.carry_out(plan.id).await.unwrap();
        assert_eq!(treasury.payout(plan.id).await.amount, usd("99.50"), "it stayed owed");
        treasury.works(plan.id).await;
        assert_eq!(withheld(&treasury).await, "-0.50");
        treasury.world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_period_that_is_over_before_the_payout_withholds_nothing_under_it() {
    on_each_engine("withholding period over", async |database| {
        let store = database.open().await;
        let treasury = treasury(&store, database).await;
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, treasury.supplier("A"), "100.00").await;
        treasury.fund(AccountCode::GATEWAY_BALANCE, "paypal", "1000.00").await;
        counted(&treasury, usd("100.00")).await;
        let plan = treasury.draft().await;
        let approved = of(&plan).taxes[0].clone();
        assert_eq!(approved.withheld, usd("0.50"));
        treasury.approved(&plan).await;
        // An approval lapses; a plan that is begun and not carried out, while no program runs, does not.
        treasury.say(treasury.world.maker, plan.id, Word::Execute).await.unwrap();
        database.tick(TimeDelta::days(60));
        treasury.paying.carry_out(plan.id).await.unwrap();
        let payout = treasury.payout(plan.id).await;
        let PayoutState::Failed { code, reason } = &payout.state else { panic!("{payout:?}") };
        assert_eq!(code, "withholding_changed");
        assert!(reason.starts_with(&approved.period.to_string()) && reason.ends_with("is over"), "{reason}");
        assert!(treasury.rail.taken().is_empty());
        assert_eq!(withheld(&treasury).await, "");
        // The next plan withholds it in the period of its day.
        let next = carried(&treasury).await;
        assert_eq!((of(&next).gross, of(&next).withholding), (usd("100.00"), usd("0.50")));
        assert_ne!(of(&next).taxes[0].period, approved.period);
        assert_eq!(withheld(&treasury).await, "-0.50");
        treasury.world.verified().await;
        store.close().await;
    })
    .await;
}

const WHOLE: &str = r#"{"splits":[{"supplier":"A","share":{"remainder":true}}],"fee_bearer":"suppliers",
    "platform_fee":{"percent":"10"}}"#;
const HALF: &str = r#"{"splits":[{"supplier":"A","share":{"percent":"50"}}],"fee_bearer":"platform"}"#;

async fn captured(treasury: &Treasury, order: &str, amount: &str, terms: &str) -> PaymentId {
    let capture = taken(&format!("CAP-{}-{order}", treasury.world.merchant.id), amount, "USD", "0.50");
    treasury.world.paid(order, usd(amount), terms, capture).await
}

/// A sale of A's, released the next day.
pub async fn sold(treasury: &Treasury, database: &TestDatabase, order: &str, amount: &str) -> PaymentId {
    let payment = captured(treasury, order, amount, WHOLE).await;
    database.tick(TimeDelta::days(1));
    treasury.world.releasing.release_due().await.unwrap();
    payment
}

pub async fn back(treasury: &Treasury, payment: PaymentId, amount: &str) {
    let input = serde_json::json!({ "amount": usd(amount) }).to_string();
    treasury.world.refund(payment, &input).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refunds_in_the_period_lower_it_and_later_ones_are_a_credit() {
    on_each_engine("withholding refunds", async |database| {
        let store = database.open().await;
        let treasury = treasury(&store, database).await;
        let (world, supplier) = (&treasury.world, treasury.supplier("A"));
        // Before its release a refund lowers what is counted, after it what was. The only supplier of a payment has all
        // of what the shopper paid as its sale, however much of it is its share.
        let early = captured(&treasury, "o-0", "50.00", HALF).await;
        back(&treasury, early, "20.00").await;
        let payment = sold(&treasury, database, "o-1", "100.00").await;
        back(&treasury, payment, "40.00").await;
        let plan = carried(&treasury).await;
        let tax = of(&plan).taxes[0].clone();
        assert_eq!((tax.sold, tax.refunded, tax.withheld), (usd("130.00"), usd("40.00"), usd("0.45")));
        assert_eq!(of(&plan).gross, of(&plan).net.checked_add(usd("0.45")).unwrap());
        treasury.works(plan.id).await;
        let fourth = tax.period;

        database.tick(TimeDelta::days(60));
        back(&treasury, payment, "60.00").await;
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, supplier, "20.00").await;
        let plan = carried(&treasury).await;
        let tax = of(&plan).taxes[0].clone();
        assert_eq!((tax.withheld, tax.credit, tax.base), (usd("0.00"), usd("0.30"), usd("-60.00")));
        assert_ne!(tax.period, fourth);
        treasury.works(plan.id).await;

        sold(&treasury, database, "o-2", "200.00").await;
        let plan = carried(&treasury).await;
        let tax = of(&plan).taxes[0].clone();
        assert_eq!((tax.due, tax.credit_before, tax.withheld), (usd("1.00"), usd("0.30"), usd("0.70")));
        treasury.works(plan.id).await;
        assert_eq!(withheld(&treasury).await, "-1.15");

        // The certificates sum to the account.
        let (merchant, all) = (world.merchant.id, CertificateFilter::default());
        let found = world.withholding.certificates(merchant, all, Seek::Start, 10).await.unwrap();
        let of = |at: usize| {
            ["base", "due", "withheld", "credit"]
                .map(|key| found[at][key]["amount"].as_str().unwrap().to_owned())
        };
        assert_eq!(found.len(), 2, "{found:#?}");
        assert_eq!(of(0), ["90.00", "0.45", "0.45", "0.00"]);
        assert_eq!(of(1), ["140.00", "0.70", "0.70", "0.00"]);
        assert_eq!((&found[0]["final"], &found[1]["final"]), (&true.into(), &false.into()));
        let listed =
            async |filter, seek| store.withholding_certificates(merchant, filter, seek, 10).await.unwrap();
        let ids: Vec<CertificateId> = listed(all, Seek::Start).await;
        assert_eq!(listed(all, Seek::After(ids[0].clone())).await, ids[1..]);
        assert_eq!(listed(all, Seek::Before(ids[1].clone())).await, ids[..1]);
        let filter =
            CertificateFilter { period: Some(fourth), authority: Some("BIR"), supplier: Some(supplier) };
        assert_eq!(listed(filter, Seek::Start).await, ids[..1]);
        world.verified().await;
        store.close().await;
    })
    .await;
}
