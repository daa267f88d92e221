//! Two persons and one content.

use chrono::TimeDelta;
use sqlx::AssertSqlSafe;
use straits::domain::access::NotSecond;
use straits::domain::ledger::AccountCode;
use straits::domain::payouts::{PayoutPlan, PayoutRules, PayoutStatus, PlanError};
use straits::flows::pay_out::{PayOutError, PlanInput, Word};
use straits::store::Change;

use super::money;
use super::world::{From, Treasury, rules};
use crate::engines::on_each_engine;
use crate::money_flows::world::{Setup, World};

#[tokio::test(flavor = "multi_thread")]
async fn one_makes_another_approves_exactly_that() {
    on_each_engine("payout approval", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 10).await;
        let suppliers = treasury.crowd(2, "500.00").await;
        let (maker, checker) = (treasury.world.maker, treasury.world.checker);
        let plan = treasury.draft().await;
        assert_eq!(plan.document.lines.len(), 2);

        let approve = |hash: &str| Word::Approve { hash: hash.to_owned() };
        let refused = treasury.say(checker, plan.id, approve(&plan.hash)).await.unwrap_err();
        assert!(matches!(refused, PayOutError::Plan(PlanError::WrongState("draft"))), "{refused}");
        treasury.say(maker, plan.id, Word::Submit).await.unwrap();
        let refused = treasury.say(maker, plan.id, approve(&plan.hash)).await.unwrap_err();
        assert!(
            matches!(refused, PayOutError::Plan(PlanError::NotSecond(NotSecond::FourEyes(_)))),
            "{refused}"
        );
        let refused = treasury.say(checker, plan.id, approve("00")).await.unwrap_err();
        assert!(matches!(refused, PayOutError::Plan(PlanError::Changed(_))), "{refused}");
        let refused = treasury.say(maker, plan.id, Word::Execute).await.unwrap_err();
        assert!(matches!(refused, PayOutError::Plan(PlanError::WrongState("in_approval"))), "{refused}");

        // Limits, by currency: one plan's total.
        let merchant = treasury.world.merchant.id;
        for (limits, allowed) in [
            (vec![money("999.99", "USD")], false),
            (vec![money("5000.00", "SGD")], false),
            (vec![money("1000.00", "USD")], true),
        ] {
            treasury.paying.set_limit(merchant, checker, &limits, Change::new()).await.unwrap();
            let said = treasury.say(checker, plan.id, approve(&plan.hash)).await;
            assert_eq!(said.is_ok(), allowed, "{limits:?}: {said:?}");
        }
        assert_eq!(treasury.state(plan.id).await, "scheduled");

        // Any edit voids it; its editor is a maker, and the other may approve what is left.
        let word = Word::Drop { supplier: suppliers[0], currency: money("1.00", "USD").currency() };
        let edited = treasury.say(checker, plan.id, word).await.unwrap();
        assert_ne!(edited.hash, plan.hash);
        assert!(!plan.document.proof.of_draft && edited.document.proof.of_draft);
        let refused = treasury.say(maker, plan.id, Word::Execute).await.unwrap_err();
        assert!(matches!(refused, PayOutError::Plan(PlanError::WrongState("draft"))), "{refused}");
        treasury.say(maker, plan.id, Word::Submit).await.unwrap();
        for user in [maker, checker] {
            let refused = treasury.say(user, plan.id, approve(&edited.hash)).await.unwrap_err();
            assert!(
                matches!(refused, PayOutError::Plan(PlanError::NotSecond(NotSecond::FourEyes(_)))),
                "{refused}"
            );
        }
        let third = treasury.world.ids.mint();
        treasury.say(third, plan.id, approve(&edited.hash)).await.unwrap();
        treasury.say(maker, plan.id, Word::Execute).await.unwrap();
        treasury.paying.carry_out(plan.id).await.unwrap();
        treasury.works(plan.id).await;
        assert_eq!(treasury.state(plan.id).await, "completed");
        assert_eq!(treasury.payout(plan.id).await.supplier, suppliers[1]);
        treasury.once(plan.id).await;

        // An approval does not stand for ever.
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, suppliers[1], "10.00").await;
        let late = treasury.draft().await;
        treasury.say(maker, late.id, Word::Submit).await.unwrap();
        treasury.say(third, late.id, approve(&late.hash)).await.unwrap();
        database.tick(TimeDelta::days(8));
        let refused = treasury.say(maker, late.id, Word::Execute).await.unwrap_err();
        assert!(matches!(refused, PayOutError::Plan(PlanError::Lapsed(_))), "{refused}");

        // The table itself refuses a maker's own approval.
        let mut connection = database.connect().await;
        let sql = format!(
            "INSERT INTO payout_approval (plan_id, hash, maker, checker, merchant_id, at)
             VALUES ('{}', 'x', '{maker}', '{maker}', '{merchant}', 1)",
            plan.id
        );
        let refused = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await;
        assert!(refused.unwrap_err().to_string().to_lowercase().contains("check"));
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_held_unknown_or_changed_their_account_is_not_paid() {
    on_each_engine("payout gates", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 10).await;
        let suppliers = treasury.crowd(4, "100.00").await;
        let nobody = treasury.world.suppliers[0];
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, nobody, "5.00").await;
        treasury.terms(suppliers[0], r#"{"holds":[{"code":"compliance","note":"looked into"}]}"#).await;
        treasury.terms(suppliers[1], r#"{"minimum":[{"amount":"100.01","currency":"USD"}]}"#).await;
        let plan = treasury.draft().await;
        let mut reasons: Vec<&str> =
            plan.document.excluded.iter().map(|excluded| excluded.reason.as_str()).collect();
        reasons.sort_unstable();
        assert_eq!(reasons, ["below_minimum", "compliance", "no_account"]);
        assert_eq!(plan.document.lines.len(), 2);

        // Known suppliers only; a first payout is capped where the account was changed.
        let strict = treasury.under(PayoutRules {
            must_be_known: true,
            first_payout: vec![money("60.00", "USD")],
            ..rules()
        });
        treasury.terms(suppliers[2], r#"{"known":true}"#).await;
        let (merchant, maker) = (treasury.world.merchant.id, treasury.world.maker);
        let input = PlanInput::default();
        let id = treasury.world.ids.mint();
        let drafted = strict.draft(merchant, maker, id, &input, Change::new()).await.unwrap();
        let line = &drafted.document.lines[0];
        assert_eq!(
            (drafted.document.lines.len(), line.amount, line.capped),
            (1, money("100.00", "USD"), false)
        );
        assert!(drafted.document.excluded.iter().any(|excluded| excluded.reason == "not_known"));

        // A hold that is placed after the approval stops the payout all the same.
        treasury.approved(&plan).await;
        treasury.terms(suppliers[2], r#"{"holds":[{"code":"sanctions"}]}"#).await;
        treasury.say(maker, plan.id, Word::Execute).await.unwrap();
        treasury.paying.carry_out(plan.id).await.unwrap();
        treasury.works(plan.id).await;
        let told = treasury.payouts(plan.id).await;
        let of = |supplier| told.iter().find(|payout| payout.supplier == supplier).unwrap();
        assert!(format!("{:?}", of(suppliers[2]).state).contains("sanctions"));
        assert_eq!(of(suppliers[3]).state.as_str(), "paid");
        assert_eq!(treasury.state(plan.id).await, "partially_failed");
        treasury.once(plan.id).await;

        // A changed account cools; the one before is paid meanwhile.
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, suppliers[3], "10.00").await;
        treasury.terms(suppliers[2], r#"{"holds":[]}"#).await;
        let old = of(suppliers[3]).account;
        let new = treasury.payee(suppliers[3]).await.id;
        let to = async || {
            let plan = treasury.draft().await;
            let line = plan.document.lines.iter().find(|line| line.supplier == suppliers[3]);
            line.map(|line| line.account)
        };
        assert_eq!(to().await, Some(old));
        database.tick(TimeDelta::hours(72));
        assert_eq!(to().await, Some(new));
        store.close().await;
    })
    .await;
}

/// Two plans approved side by side do not pay a new account twice what it may get at first.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_plan_waits_for_the_limited_first_payout() {
    on_each_engine("a_second_plan_waits_for_the_limited_first_payout", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let mut treasury = Treasury::on(world, "paypal-usd", From::PayPal, "USD", 100).await;
        treasury.paying =
            treasury.under(PayoutRules { first_payout: vec![money("60.00", "USD")], ..rules() });
        let supplier = treasury.crowd(1, "200.00").await[0];
        treasury.payee(supplier).await;
        database.tick(TimeDelta::hours(72));
        let (first, second) = (treasury.draft().await, treasury.draft().await);
        for plan in [&first, &second] {
            treasury.approved(plan).await;
            treasury.say(treasury.world.maker, plan.id, Word::Execute).await.unwrap();
            treasury.paying.carry_out(plan.id).await.unwrap();
        }
        assert_eq!(treasury.payout(first.id).await.state.as_str(), "sent");
        let refused = format!("{:?}", treasury.payout(second.id).await.state);
        assert!(refused.contains("first_payout_under_way"), "{refused}");
        let waits = treasury.draft().await;
        assert_eq!(waits.document.lines.len(), 0);
        assert_eq!(waits.document.excluded[0].reason, "first_payout_under_way");
        treasury.works(first.id).await;
        // It has arrived: the rest follows whole.
        let rest = treasury.draft().await;
        assert_eq!(rest.document.lines[0].amount, money("140.00", "USD"));
        treasury.once(first.id).await;
        store.close().await;
    })
    .await;
}

/// What lifted the limit of a changed account comes back: a plan that was drafted before does not pay the account in full.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_whose_first_payout_came_back_is_limited_again() {
    on_each_engine("an_account_whose_first_payout_came_back", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let mut treasury = Treasury::on(world, "paypal-usd", From::PayPal, "USD", 100).await;
        treasury.paying =
            treasury.under(PayoutRules { first_payout: vec![money("60.00", "USD")], ..rules() });
        let supplier = treasury.crowd(1, "200.00").await[0];
        treasury.payee(supplier).await;
        database.tick(TimeDelta::hours(72));
        let first = treasury.sent().await;
        treasury.works(first).await;
        let paid = |plan: &PayoutPlan| (plan.document.lines[0].amount, plan.document.lines[0].capped);
        let rest = treasury.draft().await;
        assert_eq!(paid(&rest), (money("140.00", "USD"), false));
        treasury.approved(&rest).await;

        database.tick(TimeDelta::hours(1));
        let payout = treasury.payout(first).await;
        let (debited, reason) = (payout.amount, "no such account".to_owned());
        treasury.rail.say(payout.id, PayoutStatus::Returned { debited, arrived: debited, reason }, None);
        treasury.paying.ask(payout.batch).await.unwrap();
        assert_eq!(treasury.payout(first).await.state.as_str(), "returned");
        treasury.say(treasury.world.maker, rest.id, Word::Execute).await.unwrap();
        treasury.paying.carry_out(rest.id).await.unwrap();
        let refused = format!("{:?}", treasury.payout(rest.id).await.state);
        assert!(refused.contains("first_payout_returned"), "{refused}");

        // A plan that knows of it pays the limit.
        database.tick(TimeDelta::hours(1));
        let again = treasury.draft().await;
        assert_eq!(paid(&again), (money("60.00", "USD"), true));
        treasury.approved(&again).await;
        treasury.say(treasury.world.maker, again.id, Word::Execute).await.unwrap();
        treasury.paying.carry_out(again.id).await.unwrap();
        assert_eq!(treasury.payout(again.id).await.state.as_str(), "sent");
        treasury.world.verified().await;
        store.close().await;
    })
    .await;
}

/// Nor do plans that are carried out in the same moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_plans_at_once_one_makes_the_limited_first_payout() {
    on_each_engine("of_plans_at_once_one_makes_the_first", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let mut treasury = Treasury::on(world, "paypal-usd", From::PayPal, "USD", 100).await;
        treasury.paying =
            treasury.under(PayoutRules { first_payout: vec![money("60.00", "USD")], ..rules() });
        let supplier = treasury.crowd(1, "1000.00").await[0];
        treasury.payee(supplier).await;
        database.tick(TimeDelta::hours(72));
        let mut plans = vec![];
        for _ in 0..6 {
            plans.push(treasury.draft().await);
        }
        for plan in &plans {
            treasury.approved(plan).await;
            treasury.say(treasury.world.maker, plan.id, Word::Execute).await.unwrap();
        }
        let carried = plans.iter().map(|plan| {
            let (paying, id) = (treasury.paying.clone(), plan.id);
            tokio::spawn(async move { paying.carry_out(id).await })
        });
        for carried in carried.collect::<Vec<_>>() {
            carried.await.unwrap().unwrap();
        }
        let mut sent = 0;
        for plan in &plans {
            let state = treasury.payout(plan.id).await.state;
            let refused = format!("{state:?}").contains("first_payout_under_way");
            assert!(refused || state.as_str() == "sent", "{state:?}");
            sent += usize::from(!refused);
        }
        assert_eq!(sent, 1);
        treasury.world.verified().await;
        store.close().await;
    })
    .await;
}

/// One payee whose name no bank carries does not take the others' file with it: it is left out before anybody approves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_banks_do_not_carry_is_left_out_of_the_plan() {
    on_each_engine("a_name_that_banks_do_not_carry", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "dbs-usd", From::Bank("dbs"), "USD", 100).await;
        let mut suppliers = vec![];
        for (holder, town) in [
            ("Payee", "Bangkok"),
            (r#""Good" Goods; “Best” #1 = 100%"#, "Bangkok"),
            ("บริษัท จำกัด", "Bangkok"),
            ("Payee", "กรุงเทพ"),
        ] {
            let supplier = treasury.join_as("S", holder).await;
            treasury.fund(AccountCode::SUPPLIER_AVAILABLE, supplier, "50.00").await;
            treasury.terms(supplier, &format!(r#"{{"town":"{town}"}}"#)).await;
            suppliers.push(supplier);
        }
        let plan = treasury.draft().await.document;
        assert_eq!(plan.lines.iter().map(|line| line.supplier).collect::<Vec<_>>(), suppliers[..2]);
        for (excluded, supplier) in plan.excluded.iter().zip(&suppliers[2..]) {
            assert_eq!((excluded.supplier, excluded.reason.as_str()), (*supplier, "no_route"));
            assert!(excluded.detail.contains("Latin letters"), "{}", excluded.detail);
        }
        assert_eq!(plan.excluded.len(), 2);
        store.close().await;
    })
    .await;
}
