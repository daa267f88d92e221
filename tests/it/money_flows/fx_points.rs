//! Which moment's rate binds a supplier: that of the capture, of the release, when the share becomes available, or of the draft
//! of a payout plan. The rate changes in between, so that the wrong moment shows.

use chrono::TimeDelta;
use straits::domain::disputes::{DisputeReport, DisputeState};
use straits::domain::merchants::{FeeOwner, FxPoint, GatewayAccount};
use straits::domain::payouts::{Excluded, PayoutPlan};
use straits::domain::withholding::{TaxRules, TaxTable};
use straits::flows::replay::{Replay, Replayed};
use straits::ids::PaymentId;
use straits::store::Store;

use super::far::Pays;
use super::fx::lots_are_the_position;
use super::world::{Setup, World, complaint, decided, money, taken};
use super::{FORTY, ONE, one};
use crate::engines::{TestDatabase, on_each_engine};
use crate::pay_out::world::{From, Treasury};

type Quotes = &'static [(&'static str, &'static str)];

const FIRST: Quotes = &[("USD", "1"), ("THB", "35.00")];
const SECOND: Quotes = &[("USD", "1"), ("THB", "34.00")];
const THIRD: Quotes = &[("USD", "1"), ("THB", "33.00")];

/// The ones behind the capture.
const LATER: [FxPoint; 2] = [FxPoint::Available, FxPoint::Payout];

/// Everything of two payments went back; the gateway kept its fees.
const BOTH_GONE: &[(&str, &str)] = &[("1110[paypal] USD", "-9.80"), ("5000[paypal] USD", "9.80")];

fn binding(point: FxPoint) -> fn(&mut GatewayAccount) {
    match point {
        FxPoint::Capture => |account| account.fx_point = FxPoint::Capture,
        FxPoint::Available => |account| account.fx_point = FxPoint::Available,
        FxPoint::Payout => |account| account.fx_point = FxPoint::Payout,
    }
}

/// A is paid in baht over a bank, B in dollars.
async fn on(store: &Store, database: &TestDatabase, point: FxPoint) -> Treasury {
    let account = binding(point);
    let suppliers = ["THB", "USD"];
    let setup = Setup { suppliers, unreturned_fee: Some(FeeOwner::Platform), account, ..Setup::default() };
    paying(World::on(store, &database.clock, setup).await).await
}

async fn paying(world: World) -> Treasury {
    let treasury = Treasury::on(world, "bank", From::Bank("scb"), "THB", 10).await;
    treasury.payee(treasury.supplier("A")).await;
    treasury.terms(treasury.supplier("A"), r#"{"town":"Bangkok"}"#).await;
    treasury
}

/// The books prove themselves, the book of deals agrees with them, and at least so many settlements are computed again byte
/// for byte.
async fn agrees(world: &World, least: u64) {
    lots_are_the_position(world).await;
    let mut replay = Replay::new(world.store.clone(), world.statements.clone());
    let (mut replayed, today) = (Replayed::default(), world.clock.now().date_naive());
    let days = (today - TimeDelta::days(9), today);
    replay.run(&world.merchant, days, None, &mut replayed).await.unwrap();
    assert!(replayed.settlements >= least && replayed.differing == 0, "{:?}", replayed.differences);
}

async fn next_day(database: &TestDatabase, treasury: &Treasury, quotes: Quotes) {
    database.tick(TimeDelta::days(1));
    treasury.world.quote(quotes).await;
}

/// What was due becomes available; a payout plan is drafted where that is the point.
async fn at_its_point(treasury: &Treasury, point: FxPoint) -> usize {
    let released = treasury.world.releasing.release_due().await.unwrap();
    if point == FxPoint::Payout {
        treasury.draft().await;
    }
    released
}

/// What an account shows, credits above zero.
async fn credit(treasury: &Treasury, account: &str) -> String {
    let standing = treasury.world.standing().await;
    let shown = standing.get(account).map(|amount| amount.strip_prefix('-').unwrap_or(amount).to_owned());
    shown.unwrap_or_else(|| "0".to_owned())
}

async fn lines(treasury: &Treasury, payment: PaymentId) -> String {
    treasury.world.store.settlement_of(payment).await.unwrap().unwrap().value.lines
}

fn net(plan: &PayoutPlan) -> Vec<String> {
    plan.document.lines.iter().map(|line| line.net.to_string()).collect()
}

fn left_out<'a>(treasury: &Treasury, plan: &'a PayoutPlan, letter: &str) -> Vec<&'a Excluded> {
    let own = |of: &&Excluded| of.supplier == treasury.supplier(letter);
    plan.document.excluded.iter().filter(own).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_point_binds_the_rate_of_its_own_moment() {
    on_each_engine("each_point_binds_the_rate_of_its_own_moment", async |database| {
        let store = database.open().await;
        // 85.10 at 35.00, 34.00 or 33.00, less half a percent.
        for (point, pending, released, paid, rule) in [
            (FxPoint::Capture, "2963.60", "2963.60", "2963.60", "conversion at capture"),
            (FxPoint::Available, "0", "2878.93", "2878.93", "conversion when available"),
            (FxPoint::Payout, "0", "0", "2794.25", "conversion at payout"),
        ] {
            let treasury = on(&store, database, point).await;
            let world = &treasury.world;
            world.quote(FIRST).await;
            let payment = one(world, "sold").await;
            assert_eq!(credit(&treasury, "2100[A] THB").await, pending, "{point:?}");
            // No share waits for a rate: the job leaves them, and so do a release and a plan that are too early.
            database.tick(TimeDelta::hours(1));
            world.quote(THIRD).await;
            assert_eq!(world.settlements.convert_waiting().await.unwrap(), 0, "{point:?}");
            assert_eq!(world.releasing.release_due().await.unwrap(), 0, "{point:?}");
            assert!(net(&treasury.draft().await).is_empty(), "{point:?}");
            assert_eq!(credit(&treasury, "2100[A] THB").await, pending, "{point:?}");
            agrees(world, 1).await;

            next_day(database, &treasury, SECOND).await;
            assert_eq!(world.releasing.release_due().await.unwrap(), 1, "{point:?}");
            assert_eq!(world.settlements.convert_waiting().await.unwrap(), 0, "{point:?}");
            assert_eq!(world.releasing.release_due().await.unwrap(), 0, "{point:?}");
            assert_eq!(credit(&treasury, "2110[A] THB").await, released, "{point:?}");
            assert_eq!(credit(&treasury, "2110[A] USD").await, "0", "{point:?}");
            let unconverted = if point == FxPoint::Payout { "85.10" } else { "0" };
            assert_eq!(credit(&treasury, "2100[A] USD").await, unconverted, "{point:?}");
            agrees(world, 1).await;

            next_day(database, &treasury, THIRD).await;
            let plan = treasury.draft().await;
            assert_eq!(net(&plan), [format!("THB {paid}")], "{point:?}");
            assert!(left_out(&treasury, &plan, "A").is_empty(), "{point:?}");
            assert_eq!(credit(&treasury, "2110[A] THB").await, paid, "{point:?}");
            assert_eq!(credit(&treasury, "2100[A] USD").await, "0", "{point:?}");
            assert!(lines(&treasury, payment).await.contains(rule), "{point:?}");
            // The same again converts nothing more.
            assert_eq!(net(&treasury.draft().await), [format!("THB {paid}")], "{point:?}");
            // Until a market deal the client account is short of the baht.
            let checks = world.client_money.report(world.merchant.id, None).await.unwrap();
            let baht = checks.iter().find(|check| check.held.currency().code() == "THB").unwrap();
            assert_eq!(baht.owed, money(paid, "THB"), "{point:?}");
            assert_eq!(baht.top_up().unwrap(), money(paid, "THB"), "{point:?}");
            agrees(world, 1).await;

            // What goes back now goes back at its own rate.
            world.refund(payment, "{}").await.unwrap();
            world.stands(&[("1110[paypal] USD", "-4.90"), ("5000[paypal] USD", "4.90")]).await;
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_went_back_before_its_point_is_not_converted() {
    on_each_engine("what_went_back_before_its_point_is_not_converted", async |database| {
        let store = database.open().await;
        for point in LATER {
            let treasury = on(&store, database, point).await;
            let world = &treasury.world;
            world.quote(FIRST).await;
            let (part, whole) = (one(world, "part").await, one(world, "whole").await);
            if point == FxPoint::Payout {
                // Behind the release, too.
                next_day(database, &treasury, FIRST).await;
                assert_eq!(world.releasing.release_due().await.unwrap(), 2);
            }
            world.refund(part, FORTY).await.unwrap();
            world.refund(whole, "{}").await.unwrap();
            assert_eq!(credit(&treasury, "2100[A] USD").await, "51.06", "{point:?}");
            next_day(database, &treasury, SECOND).await;
            at_its_point(&treasury, point).await;
            // 51.06 × 33.83 = 1727.3598.
            assert_eq!(credit(&treasury, "2110[A] THB").await, "1727.35", "{point:?}");
            assert_eq!(credit(&treasury, "2100[A] USD").await, "0", "{point:?}");
            agrees(world, 2).await;
            next_day(database, &treasury, THIRD).await;
            world.refund(part, "{}").await.unwrap();
            world.stands(BOTH_GONE).await;
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_failed_refund_gives_back_is_converted_by_itself() {
    on_each_engine("what_a_failed_refund_gives_back_is_converted_by_itself", async |database| {
        let store = database.open().await;
        for point in LATER {
            let treasury = on(&store, database, point).await;
            let world = &treasury.world;
            world.quote(FIRST).await;
            let (part, whole) = (one(world, "part").await, one(world, "whole").await);
            world.far.plan(&[Pays::Later, Pays::Later]);
            world.refund(part, FORTY).await.unwrap();
            world.refund(whole, "{}").await.unwrap();
            next_day(database, &treasury, SECOND).await;
            assert_eq!(at_its_point(&treasury, point).await, 2, "{point:?}");
            assert_eq!(credit(&treasury, "2110[A] THB").await, "1727.35", "{point:?}");
            world.far.give_up("REFUND_FAILED");
            world.sync(part).await;
            world.sync(whole).await;
            // 34.04 and 85.10.
            assert_eq!(credit(&treasury, "2100[A] USD").await, "119.14", "{point:?}");
            next_day(database, &treasury, THIRD).await;
            assert_eq!(at_its_point(&treasury, point).await, 2, "{point:?}");
            for gone in ["2100[A] USD", "2110[A] USD", "2100[A] THB"] {
                assert_eq!(credit(&treasury, gone).await, "0", "{point:?} {gone}");
            }
            // 34.04 × 32.835 = 1117.7034 and 85.10 × 32.835 = 2794.2585.
            assert_eq!(credit(&treasury, "2110[A] THB").await, "5639.30", "{point:?}");
            agrees(world, 2).await;
            // A share of two deals goes back in steps, all of both.
            world.refund(part, FORTY).await.unwrap();
            world.verified().await;
            world.refund(part, "{}").await.unwrap();
            world.refund(whole, "{}").await.unwrap();
            world.stands(BOTH_GONE).await;
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_rate_at_its_release_a_share_waits_unreleased() {
    on_each_engine("without_a_rate_at_its_release_a_share_waits_unreleased", async |database| {
        let store = database.open().await;
        let treasury = on(&store, database, FxPoint::Available).await;
        let world = &treasury.world;
        let payment = one(world, "waits").await;
        // B is paid in dollars, and waits for nobody.
        let capture = taken("CAP-b", "100.00", "USD", "4.90");
        world.paid("b", money("100.00", "USD"), &ONE.replace("\"A\"", "\"B\""), capture).await;
        database.tick(TimeDelta::days(3));
        for _ in 0..2 {
            world.releasing.release_due().await.unwrap();
            assert_eq!(world.settlements.convert_waiting().await.unwrap(), 0);
        }
        assert_eq!(credit(&treasury, "2110[B] USD").await, "85.10");
        assert_eq!(credit(&treasury, "2100[A] USD").await, "85.10", "not released unconverted");
        assert!(
            world.findings().await.is_empty(),
            "it waits since its release was due, not since the capture"
        );
        world.verified().await;
        database.tick(TimeDelta::days(1));
        assert_eq!(world.settlements.convert_waiting().await.unwrap(), 0);
        let findings = world.findings().await;
        let [finding] = findings.as_slice() else { panic!("{findings:?}") };
        assert!(finding.detail.contains("in USD wait to become THB"), "{}", finding.detail);
        // What goes back while it waits does so in dollars.
        world.refund(payment, FORTY).await.unwrap();
        world.quote(SECOND).await;
        assert_eq!(world.settlements.convert_waiting().await.unwrap(), 1);
        assert_eq!(credit(&treasury, "2100[A] THB").await, "1727.35");
        assert_eq!(world.releasing.release_due().await.unwrap(), 1);
        assert_eq!(credit(&treasury, "2110[A] THB").await, "1727.35");
        agrees(world, 2).await;
        world.refund(payment, "{}").await.unwrap();
        assert_eq!(credit(&treasury, "2110[A] THB").await, "0");
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_rate_at_its_payout_a_plan_says_so_and_a_later_one_pays() {
    on_each_engine("without_a_rate_at_its_payout_a_plan_says_so", async |database| {
        let store = database.open().await;
        let treasury = on(&store, database, FxPoint::Payout).await;
        let world = &treasury.world;
        for order in ["one", "two"] {
            one(world, order).await;
        }
        database.tick(TimeDelta::days(3));
        assert_eq!(world.releasing.release_due().await.unwrap(), 2);
        let plan = treasury.draft().await;
        assert!(net(&plan).is_empty());
        let [why] = *left_out(&treasury, &plan, "A") else { panic!("{:?}", plan.document.excluded) };
        assert_eq!((why.reason.as_str(), why.available), ("no_rate", money("170.20", "USD")));
        // Nobody but a plan looks for one.
        assert_eq!(world.settlements.convert_waiting().await.unwrap(), 0);
        assert_eq!(world.releasing.release_due().await.unwrap(), 0);
        assert_eq!(credit(&treasury, "2100[A] USD").await, "170.20");
        agrees(world, 2).await;

        // Whoever cannot be paid has no rate bound either.
        world.quote(SECOND).await;
        treasury.terms(treasury.supplier("A"), r#"{"holds":[{"code":"sanctions"}]}"#).await;
        let plan = treasury.draft().await;
        let [why] = *left_out(&treasury, &plan, "A") else { panic!("{:?}", plan.document.excluded) };
        assert_eq!((why.reason.as_str(), why.available), ("sanctions", money("170.20", "USD")));
        treasury.terms(treasury.supplier("A"), r#"{"holds":null}"#).await;
        let dollars = straits::flows::pay_out::PlanInput {
            currencies: Some(vec![money("1.00", "USD").currency()]),
            ..Default::default()
        };
        let (merchant, id) = (world.merchant.id, world.ids.mint());
        let change = straits::store::Change::new();
        let plan = treasury.paying.draft(merchant, world.maker, id, &dollars, change).await.unwrap();
        assert!(plan.document.excluded.is_empty(), "{:?}", plan.document.excluded);
        assert_eq!(credit(&treasury, "2100[A] USD").await, "170.20");

        let plan = treasury.draft().await;
        assert_eq!(net(&plan), ["THB 5757.86"]);
        agrees(world, 2).await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dispute_held_has_the_rate_of_the_moment_it_comes_free() {
    on_each_engine("what_a_dispute_held_has_the_rate_of_the_moment", async |database| {
        let store = database.open().await;
        for (point, waits) in
            [(FxPoint::Available, false), (FxPoint::Available, true), (FxPoint::Payout, true)]
        {
            let case = format!("{point:?} {waits}");
            let treasury = on(&store, database, point).await;
            let world = &treasury.world;
            let payment = one(world, "disputed").await;
            if waits {
                // Its moment has come, and there is no rate.
                database.tick(TimeDelta::days(1));
                at_its_point(&treasury, point).await;
            }
            let report = complaint(payment, "CAP-disputed", money("100.00", "USD"), world.clock.now());
            let held = DisputeReport { held: true, ..report };
            world.hear_dispute(held.clone()).await;
            next_day(database, &treasury, SECOND).await;
            assert_eq!(world.settlements.convert_waiting().await.unwrap(), 0, "{case}");
            assert_eq!(at_its_point(&treasury, point).await, 0, "{case}");
            assert_eq!(credit(&treasury, "2130[A,dispute] USD").await, "85.10", "{case}");
            world.hear_dispute(decided(&held, DisputeState::Won)).await;
            assert_eq!(credit(&treasury, "2100[A] USD").await, "85.10", "{case}");
            next_day(database, &treasury, THIRD).await;
            world.settlements.convert_waiting().await.unwrap();
            at_its_point(&treasury, point).await;
            assert_eq!(credit(&treasury, "2110[A] THB").await, "2794.25", "{case}");
            agrees(world, 1).await;
            world.refund(payment, "{}").await.unwrap();
            world.stands(&[("1110[paypal] USD", "-4.90"), ("5000[paypal] USD", "4.90")]).await;
        }
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tax_is_withheld_of_the_sale_at_the_rate_that_was_bound() {
    on_each_engine("tax_is_withheld_of_the_sale_at_the_rate_that_was_bound", async |database| {
        let store = database.open().await;
        for point in LATER {
            let account = binding(point);
            let withholding = TaxRules::appointed(TaxTable::shipped(), &["BIR".to_owned()]).unwrap();
            let suppliers = ["THB", "USD"];
            let setup = Setup { withholding, country: "PH", suppliers, account, ..Setup::default() };
            let treasury = paying(World::on(&store, &database.clock, setup).await).await;
            let payment = one(&treasury.world, "sold").await;
            next_day(database, &treasury, SECOND).await;
            at_its_point(&treasury, point).await;
            let plan = treasury.draft().await;
            let [line] = plan.document.lines.as_slice() else { panic!("{:?}", plan.document.excluded) };
            // 1 % of half of 100.00 × 34.00.
            assert_eq!(line.withholding, money("17.00", "THB"), "{point:?}");
            // What goes back lowers it at the same rate.
            treasury.world.refund(payment, FORTY).await.unwrap();
            let plan = treasury.draft().await;
            assert_eq!(plan.document.lines[0].withholding, money("10.20", "THB"), "{point:?}");
            treasury.world.verified().await;
        }
        store.close().await;
    })
    .await;
}
