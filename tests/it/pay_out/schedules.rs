//! Drafts that are made by themselves: one for each date whatever happens, never approved by whoever saved the schedule.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use straits::app::RunPayoutSchedule;
use straits::domain::access::NotSecond;
use straits::domain::ledger::AccountCode;
use straits::domain::merchants::{Funding, RailAccount};
use straits::domain::orders::Holder;
use straits::domain::payouts::{PayoutPlan, PlanError};
use straits::domain::treasury::{Calendars, PayoutSchedule, ScheduleTerms, Tables};
use straits::flows::pay_out::{PayOutError, PayingOut, PlanInput, ScheduleInput, SchedulePatch, Word};
use straits::ids::PayoutScheduleId;
use straits::jobs::Jobs;
use straits::store::{Change, CommitError, Seek};

use super::world::{From, Treasury};
use crate::engines::{TestDatabase, on_each_engine};
use crate::money_flows::world::{Setup, World};

async fn treasury(database: &TestDatabase, each: &[&str]) -> Treasury {
    let store = database.open().await;
    let world = World::on(&store, &database.clock, Setup::default()).await;
    let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 10).await;
    for amount in each {
        treasury.crowd(1, amount).await;
    }
    treasury
}

/// Another program on the same database.
fn program(treasury: &Treasury, paying: PayingOut) -> Jobs {
    let world = &treasury.world;
    let holder = Holder { boot: world.ids.mint(), alone: false };
    let duty = Arc::new(RunPayoutSchedule(paying));
    Jobs::new(world.store.clone(), world.clock.clone(), world.ids.clone(), holder, vec![duty])
}

async fn save(treasury: &Treasury, misfire: &str, more: &str) -> Result<PayoutSchedule, PayOutError> {
    let text = format!(
        r#"{{"name":"daily","cron":"0 9 * * *","zone":"Asia/Singapore","misfire":"{misfire}"{more}}}"#
    );
    let input: ScheduleInput = serde_json::from_str(&text).unwrap();
    let (merchant, maker) = (treasury.world.merchant.id, treasury.world.maker);
    treasury.paying.schedule(merchant, maker, treasury.world.ids.mint(), &input, Change::new()).await
}

async fn patch(treasury: &Treasury, id: PayoutScheduleId, patch: &str) -> PayoutSchedule {
    let patch: SchedulePatch = serde_json::from_str(patch).unwrap();
    let (merchant, checker) = (treasury.world.merchant.id, treasury.world.checker);
    treasury.paying.reschedule(merchant, checker, id, &patch, Change::new()).await.unwrap()
}

async fn next(treasury: &Treasury, id: PayoutScheduleId) -> DateTime<Utc> {
    treasury.world.store.payout_schedule(id).await.unwrap().unwrap().value.next().unwrap().at
}

/// What came of its dates, the oldest first: `drafted`, `made_up`, …
async fn runs(treasury: &Treasury, id: PayoutScheduleId) -> Vec<&'static str> {
    let mut runs = treasury.world.store.payout_schedule_runs(id, 100).await.unwrap();
    runs.reverse();
    runs.iter().map(|run| run.outcome.as_str()).collect()
}

async fn plans(treasury: &Treasury) -> Vec<PayoutPlan> {
    treasury.world.store.payout_plans(treasury.world.merchant.id, None, Seek::Start, 100).await.unwrap()
}

async fn told(treasury: &Treasury, kind: &str) -> usize {
    let (events, _) =
        treasury.world.store.events(treasury.world.merchant.id, None, None, 1_000).await.unwrap();
    events.iter().filter(|event| event.kind == kind).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_programs_at_one_schedule_make_one_draft_for_each_date() {
    on_each_engine("payout schedule race", async |database| {
        let treasury = treasury(database, &["500.00"]).await;
        let schedule = save(&treasury, "once", "").await.unwrap();
        let mut programs = vec![];
        for _ in 0..2 {
            programs.push(program(&treasury, treasury.beside(false)));
        }
        for _ in 0..6 {
            let due = next(&treasury, schedule.id).await;
            treasury.world.clock.advance_to(due).unwrap();
            let (one, other) = tokio::join!(programs[0].run_due(due), programs[1].run_due(due));
            assert_eq!(one.unwrap() + other.unwrap(), 1, "{due}");
        }
        // The lease of the one ends while it thinks: both have decided, one is written, whole.
        let due = next(&treasury, schedule.id).await;
        treasury.world.clock.advance_to(due).unwrap();
        let payload = format!("{} {}", schedule.id, due.timestamp_micros());
        let (one, other) = (treasury.paying.clone(), treasury.beside(false));
        let changes =
            [one.run_schedule(&payload).await.unwrap(), other.run_schedule(&payload).await.unwrap()];
        let [first, second] = changes.map(|change| treasury.world.store.commit(change));
        let (first, second) = tokio::join!(first, second);
        let lost = |outcome: &Result<_, CommitError>| matches!(outcome, Err(CommitError::LostUpdate { .. }));
        assert!(first.is_ok() != second.is_ok() && (lost(&first) || lost(&second)), "{first:?} {second:?}");
        // The job is still there; what it finds is that nothing is left.
        while programs[0].run_due(due).await.unwrap() > 0 {}

        assert_eq!(runs(&treasury, schedule.id).await, ["drafted"; 7]);
        assert_eq!((plans(&treasury).await.len(), told(&treasury, "payout_plan.drafted").await), (7, 7));
        assert!(next(&treasury, schedule.id).await > due);
        treasury.world.store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_died_in_between_is_taken_up_and_its_late_word_counts_for_nothing() {
    on_each_engine("payout schedule restart", async |database| {
        let treasury = treasury(database, &["500.00"]).await;
        let schedule = save(&treasury, "skip", "").await.unwrap();
        let due = next(&treasury, schedule.id).await;
        treasury.world.clock.advance_to(due).unwrap();
        let payload = format!("{} {}", schedule.id, due.timestamp_micros());
        // Decided, not written: the program dies. The next one finds the date still due and a minute old.
        let unwritten = treasury.paying.run_schedule(&payload).await.unwrap();
        treasury.world.clock.advance(TimeDelta::minutes(1));
        let after = program(&treasury, treasury.beside(false));
        assert_eq!(after.run_due(treasury.world.clock.now()).await.unwrap(), 1);
        let late = treasury.world.store.commit(unwritten).await;
        assert!(matches!(late, Err(CommitError::LostUpdate { .. })), "{late:?}");
        assert_eq!((runs(&treasury, schedule.id).await, plans(&treasury).await.len()), (vec!["drafted"], 1));
        // Done before, asked again: nothing.
        assert!(treasury.paying.run_schedule(&payload).await.unwrap().is_empty());
        treasury.world.store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn dates_missed_in_an_outage_are_made_up_for_as_the_schedule_says() {
    on_each_engine("payout schedule misfire", async |database| {
        for (misfire, outcomes, drafts, missed) in [
            ("once", ["made_up", "made_up", "made_up", "drafted"], 1, 3),
            ("skip", ["missed"; 4], 0, 4),
            ("each", ["drafted"; 4], 4, 0),
        ] {
            let treasury = treasury(database, &["500.00"]).await;
            let schedule = save(&treasury, misfire, "").await.unwrap();
            let first = next(&treasury, schedule.id).await;
            treasury.world.clock.advance_to(first + TimeDelta::hours(3 * 24 + 5)).unwrap();
            let jobs = program(&treasury, treasury.beside(true));
            while jobs.run_due(treasury.world.clock.now()).await.unwrap() > 0 {}
            assert_eq!(runs(&treasury, schedule.id).await, outcomes, "{misfire}");
            assert_eq!(plans(&treasury).await.len(), drafts, "{misfire}");
            assert_eq!(told(&treasury, "payout_schedule.missed").await, missed, "{misfire}");
            // From here on it is punctual whatever it was.
            jobs.advance(first + TimeDelta::days(5)).await.unwrap();
            assert_eq!(runs(&treasury, schedule.id).await[4..], ["drafted"; 2], "{misfire}");
            assert_eq!(next(&treasury, schedule.id).await, first + TimeDelta::days(6), "{misfire}");
            treasury
                .paying
                .end_schedule(treasury.world.merchant.id, treasury.world.maker, schedule.id, Change::new())
                .await
                .unwrap();
            treasury.world.store.close().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_of_a_schedule_waits_for_another_user_and_keeps_small_sums_back() {
    on_each_engine("payout schedule approval", async |database| {
        let treasury = treasury(database, &["500.00", "49.99"]).await;
        let minimum = r#","minimum":[{"amount":"50.00","currency":"USD"}]"#;
        let schedule = save(&treasury, "once", minimum).await.unwrap();
        let jobs = program(&treasury, treasury.beside(true));
        jobs.advance(next(&treasury, schedule.id).await).await.unwrap();
        let plan = plans(&treasury).await.remove(0);
        let (maker, checker) = (treasury.world.maker, treasury.world.checker);
        assert_eq!((plan.state.as_str(), plan.makers.clone()), ("draft", vec![maker]));
        assert_eq!((plan.document.lines.len(), plan.document.excluded.len()), (1, 1));
        let waits = &plan.document.excluded[0];
        assert_eq!(waits.reason, "below_minimum");
        assert!(waits.detail.contains("49.99") && waits.detail.contains("50.00"), "{}", waits.detail);

        treasury.say(maker, plan.id, Word::Submit).await.unwrap();
        let word = Word::Approve { hash: plan.hash.clone() };
        let refused = treasury.say(maker, plan.id, word.clone()).await.unwrap_err();
        assert!(
            matches!(refused, PayOutError::Plan(PlanError::NotSecond(NotSecond::FourEyes(_)))),
            "{refused}"
        );
        treasury.say(checker, plan.id, word).await.unwrap();

        // Whoever changes a schedule is a maker of what it makes from then on.
        patch(&treasury, schedule.id, r#"{"minimum":[]}"#).await;
        jobs.advance(next(&treasury, schedule.id).await).await.unwrap();
        let plan = plans(&treasury).await.remove(1);
        assert_eq!((plan.makers.clone(), plan.document.lines.len()), (vec![maker, checker], 2));
        treasury.say(maker, plan.id, Word::Submit).await.unwrap();
        let word = Word::Approve { hash: plan.hash.clone() };
        let refused = treasury.say(checker, plan.id, word).await.unwrap_err();
        assert!(
            matches!(refused, PayOutError::Plan(PlanError::NotSecond(NotSecond::FourEyes(_)))),
            "{refused}"
        );
        treasury.world.store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paused_changed_and_ended_schedules_keep_to_what_they_say_now() {
    on_each_engine("payout schedule life", async |database| {
        let treasury = treasury(database, &["500.00"]).await;
        let schedule = save(&treasury, "each", "").await.unwrap();
        let first = next(&treasury, schedule.id).await;
        let jobs = program(&treasury, treasury.beside(true));
        patch(&treasury, schedule.id, r#"{"paused":true}"#).await;
        jobs.advance(first + TimeDelta::hours(49)).await.unwrap();
        assert_eq!(plans(&treasury).await.len(), 0, "it was paused");
        patch(&treasury, schedule.id, r#"{"paused":false}"#).await;
        assert_eq!(next(&treasury, schedule.id).await, first + TimeDelta::days(3), "nothing is made up for");
        // Another hour on a day that had its plan: one a day stays one a day.
        jobs.advance(first + TimeDelta::days(3)).await.unwrap();
        patch(&treasury, schedule.id, r#"{"cron":"0 12 * * *"}"#).await;
        assert_eq!(next(&treasury, schedule.id).await, first + TimeDelta::hours(4 * 24 + 3));
        let merchant = treasury.world.merchant.id;
        let shown = treasury.paying.show_schedule(merchant, schedule.id).await.unwrap();
        let outcomes: Vec<_> = shown["dates"].as_array().unwrap().iter().map(|row| &row["outcome"]).collect();
        assert_eq!(
            (outcomes[0].as_str(), outcomes[1].as_str()),
            (Some("skipped"), Some("planned")),
            "{shown:#}"
        );
        jobs.advance(first + TimeDelta::hours(3 * 24 + 4)).await.unwrap();
        assert_eq!((runs(&treasury, schedule.id).await, plans(&treasury).await.len()), (vec!["drafted"], 1));
        assert_eq!(next(&treasury, schedule.id).await, first + TimeDelta::hours(4 * 24 + 3));

        let (merchant, maker) = (treasury.world.merchant.id, treasury.world.maker);
        treasury.paying.end_schedule(merchant, maker, schedule.id, Change::new()).await.unwrap();
        jobs.advance(first + TimeDelta::days(9)).await.unwrap();
        assert_eq!(plans(&treasury).await.len(), 1);
        let shown = treasury.paying.show_schedule(merchant, schedule.id).await.unwrap();
        assert_eq!((shown["state"].as_str(), shown["dates"].as_array().unwrap().len()), (Some("deleted"), 0));
        let stranger = treasury.world.ids.mint();
        let hidden = treasury.paying.show_schedule(stranger, schedule.id).await.unwrap_err();
        assert!(matches!(hidden, PayOutError::Unknown(_)), "{hidden}");
        treasury.world.store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_planned_is_told_and_does_not_stop_the_next_date() {
    on_each_engine("payout schedule failed", async |database| {
        let treasury = treasury(database, &["500.00"]).await;
        // Nothing speaks for this account.
        let account = RailAccount {
            id: treasury.world.ids.mint(),
            name: "sheet".into(),
            rail: "csv".into(),
            funding: Funding::BankAccount(treasury.world.ids.mint()),
            ..treasury.account.clone()
        };
        let mut change = Change::new();
        change.insert_rail_account(&account);
        treasury.world.store.commit(change).await.unwrap();
        let only = format!(r#","rail_account":"{}""#, account.id);
        let schedule = save(&treasury, "once", &only).await.unwrap();
        let jobs = program(&treasury, treasury.beside(true));
        let first = next(&treasury, schedule.id).await;
        jobs.advance(first).await.unwrap();
        assert_eq!(runs(&treasury, schedule.id).await, ["failed"]);
        assert_eq!(told(&treasury, "payout_schedule.failed").await, 1);
        let back = format!(r#"{{"rail_account":"{}"}}"#, treasury.account.id);
        patch(&treasury, schedule.id, &back).await;
        jobs.advance(first + TimeDelta::days(1)).await.unwrap();
        assert_eq!(runs(&treasury, schedule.id).await, ["failed", "drafted"]);

        for (more, place) in [
            (
                format!(r#","rail_account":"{}""#, treasury.world.ids.mint::<straits::ids::RailAccountId>()),
                "rail_account",
            ),
            (r#","suppliers":[]"#.to_owned(), "suppliers"),
            (
                format!(r#","suppliers":["{}"]"#, treasury.world.ids.mint::<straits::ids::SupplierId>()),
                "suppliers",
            ),
            (r#","currencies":[]"#.to_owned(), "currencies"),
            (r#","holidays":{"rule":"skip"}"#.to_owned(), "holidays.currencies"),
        ] {
            let refused = save(&treasury, "once", &more).await.unwrap_err();
            assert!(
                matches!(&refused, PayOutError::Refused { param, .. } if *param == place),
                "{more}: {refused}"
            );
        }
        treasury.world.store.close().await;
    })
    .await;
}

/// No plan that pays nobody: the date says why, and so do those that it makes up for.
#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_due_there_is_no_plan() {
    on_each_engine("payout schedule idle", async |database| {
        let treasury = treasury(database, &[]).await;
        let schedule = save(&treasury, "once", "").await.unwrap();
        let jobs = program(&treasury, treasury.beside(true));
        let first = next(&treasury, schedule.id).await;
        jobs.advance(first).await.unwrap();
        // Two are missed, and what makes up for them finds somebody who has no account.
        let nobody = treasury.world.suppliers[0];
        treasury.fund(AccountCode::SUPPLIER_AVAILABLE, nobody, "5.00").await;
        treasury.world.clock.advance_to(first + TimeDelta::hours(2 * 24 + 5)).unwrap();
        while jobs.run_due(treasury.world.clock.now()).await.unwrap() > 0 {}
        assert_eq!(runs(&treasury, schedule.id).await, ["nothing_due"; 3]);
        assert_eq!((plans(&treasury).await.len(), told(&treasury, "payout_schedule.missed").await), (0, 0));
        let merchant = treasury.world.merchant.id;
        let shown = treasury.paying.show_schedule(merchant, schedule.id).await.unwrap();
        assert!(shown["runs"][0]["why"].as_str().unwrap().contains("no_account 1"), "{shown:#}");
        assert!(shown["runs"][2]["why"].as_str().unwrap().starts_with("nobody"), "{shown:#}");
        assert_eq!(shown["runs"][0]["plan"], serde_json::Value::Null);
        treasury.crowd(1, "500.00").await;
        jobs.advance(first + TimeDelta::days(3)).await.unwrap();
        let plan = plans(&treasury).await.remove(0);
        assert_eq!(plan.schedule, Some(schedule.id));
        treasury.world.store.close().await;
    })
    .await;
}

/// Whatever stands in the way of one date, its schedule is not dead: the date failed, which is told, and the next one comes.
#[tokio::test(flavor = "multi_thread")]
async fn a_date_that_always_fails_is_passed_over_in_sight() {
    on_each_engine("payout schedule stuck", async |database| {
        let treasury = treasury(database, &["500.00"]).await;
        let supplier = plans_first_supplier(&treasury).await;
        treasury.terms(supplier, r#"{"known":true}"#).await;
        let terms = async |set: &str| {
            let mut connection = database.connect().await;
            let sql = format!("UPDATE payout_terms SET terms = {set}");
            sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        };
        terms("'x' || terms").await;
        let schedule = save(&treasury, "once", "").await.unwrap();
        let jobs = program(&treasury, treasury.beside(true));
        let first = next(&treasury, schedule.id).await;
        jobs.advance(first + TimeDelta::hours(20)).await.unwrap();
        assert_eq!(runs(&treasury, schedule.id).await, ["failed"]);
        assert_eq!(told(&treasury, "payout_schedule.failed").await, 1);
        assert_eq!(next(&treasury, schedule.id).await, first + TimeDelta::days(1));
        terms("SUBSTR(terms, 2)").await;
        jobs.advance(first + TimeDelta::days(1)).await.unwrap();
        assert_eq!(runs(&treasury, schedule.id).await, ["failed", "drafted"]);
        treasury.world.store.close().await;
    })
    .await;
}

/// The supplier with something to be paid.
async fn plans_first_supplier(treasury: &Treasury) -> straits::ids::SupplierId {
    treasury.draft().await.document.lines[0].supplier
}

/// What limits a schedule can be taken away again; what is left out stays.
#[tokio::test(flavor = "multi_thread")]
async fn null_takes_a_limit_away_and_what_is_left_out_stays() {
    on_each_engine("payout schedule limits", async |database| {
        let treasury = treasury(database, &["500.00"]).await;
        let supplier = plans_first_supplier(&treasury).await;
        let limits = format!(
            r#","suppliers":["{supplier}"],"currencies":["USD"],"rail_account":"{}""#,
            treasury.account.id
        );
        let saved = save(&treasury, "once", &limits).await.unwrap();
        let kept = patch(&treasury, saved.id, r#"{"name":"renamed"}"#).await;
        assert_eq!((kept.terms.name.as_str(), &kept.makers), ("renamed", &saved.makers));
        assert_eq!(kept.state, saved.state, "another name is no other content");
        assert_eq!(kept.terms.suppliers, Some(vec![supplier]));
        let all = r#"{"suppliers":null,"currencies":null,"rail_account":null}"#;
        let freed = patch(&treasury, saved.id, all).await;
        let ScheduleTerms { suppliers, currencies, rail_account, name, .. } = freed.terms;
        assert_eq!((suppliers, currencies, rail_account, name), (None, None, None, "renamed".to_owned()));
        assert_eq!(freed.makers.len(), 2, "whoever takes a limit away is a maker");

        treasury.terms(supplier, r#"{"purpose":"SUPP","town":"Bangkok","debt_cap":"10"}"#).await;
        treasury.terms(supplier, r#"{"purpose":null,"debt_cap":null}"#).await;
        let terms = treasury.paying.terms(treasury.world.merchant.id, supplier).await.unwrap();
        assert_eq!((terms.purpose, terms.debt_cap, terms.town.as_deref()), (None, None, Some("Bangkok")));
        treasury.world.store.close().await;
    })
    .await;
}

/// What the document of the API bounds is bounded, for plans and schedules alike.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_asked_for_keeps_to_its_bounds() {
    on_each_engine("payout input bounds", async |database| {
        let treasury = treasury(database, &["500.00"]).await;
        let supplier = plans_first_supplier(&treasury).await;
        let many = format!("[{}]", vec![format!(r#""{supplier}""#); 1_001].join(","));
        let money = |amount: &str| format!(r#"{{"amount":"{amount}","currency":"USD"}}"#);
        for (field, value) in [
            ("suppliers", "[]".to_owned()),
            ("suppliers", format!(r#"["{supplier}","{supplier}"]"#)),
            ("suppliers", many),
            ("currencies", "[]".to_owned()),
            ("currencies", r#"["USD","USD"]"#.to_owned()),
            ("minimum", format!("[{},{}]", money("1.00"), money("2.00"))),
            ("minimum", format!("[{}]", vec![money("1.00"); 51].join(","))),
        ] {
            let refused = save(&treasury, "once", &format!(r#","{field}":{value}"#)).await.unwrap_err();
            let place = |error: &PayOutError| match error {
                PayOutError::Refused { param, .. } => *param,
                _ => "",
            };
            assert_eq!(place(&refused), field, "{refused}");
            let input: PlanInput = serde_json::from_str(&format!(r#"{{"{field}":{value}}}"#)).unwrap();
            let (merchant, maker) = (treasury.world.merchant.id, treasury.world.maker);
            let id = treasury.world.ids.mint();
            let refused =
                treasury.paying.draft(merchant, maker, id, &input, Change::new()).await.unwrap_err();
            assert_eq!(place(&refused), field, "{refused}");
        }
        treasury.world.store.close().await;
    })
    .await;
}

/// Tables whose own holidays in dollars are this day.
fn closed_on(day: NaiveDate) -> Tables {
    let (from, until) = (day - TimeDelta::days(60), day + TimeDelta::days(300));
    let own = format!(
        "version = \"own\"\n[[calendar]]\ncurrency = \"USD\"\nfrom = \"{from}\"\nuntil = \"{until}\"\nholidays = [\"{day}\"]\n\
         source = \"our bank\"\ntrust = \"contract\"\n"
    );
    Tables { holidays: Calendars::read("own.toml", &own).unwrap(), ..Tables::shipped() }
}

/// The list of holidays changes while nothing runs: at the next start a schedule has the date that is shown for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_goes_by_the_holidays_that_are_listed_now() {
    on_each_engine("payout schedule redated", async |database| {
        let treasury = treasury(database, &["500.00"]).await;
        let usd = r#","holidays":{"rule":"skip","currencies":["USD"]}"#;
        let schedule = save(&treasury, "once", usd).await.unwrap();
        let first = schedule.next().unwrap();
        let other = treasury.by(closed_on(first.date));
        // Saved under the same list, it stays.
        assert_eq!(treasury.paying.redate_schedules().await.unwrap(), 0);
        let (one, two) = tokio::join!(other.redate_schedules(), other.redate_schedules());
        assert_eq!(one.unwrap() + two.unwrap(), 1);
        let later = next(&treasury, schedule.id).await;
        assert!(later > first.at);
        let shown = other.show_schedule(treasury.world.merchant.id, schedule.id).await.unwrap();
        let mut rows = shown["dates"].as_array().unwrap().iter();
        let planned = rows.find(|row| row["outcome"] == "planned").unwrap();
        assert_eq!(shown["next"], planned["at"], "{shown:#}");
        // The day is a good one again, and has one plan, whichever jobs come.
        assert_eq!(treasury.paying.redate_schedules().await.unwrap(), 1);
        assert_eq!(next(&treasury, schedule.id).await, first.at);
        let program = program(&treasury, treasury.beside(true));
        treasury.world.clock.advance_to(first.at).unwrap();
        // What has come is its job's.
        assert_eq!(other.redate_schedules().await.unwrap(), 0);
        while program.run_due(first.at).await.unwrap() > 0 {}
        assert_eq!((runs(&treasury, schedule.id).await, plans(&treasury).await.len()), (vec!["drafted"], 1));
        let then = next(&treasury, schedule.id).await;
        treasury.world.clock.advance_to(then).unwrap();
        while program.run_due(then).await.unwrap() > 0 {}
        assert_eq!(runs(&treasury, schedule.id).await, ["drafted", "drafted"]);
        treasury.world.store.close().await;
    })
    .await;
}

/// A rail account of its ways to add is gone: a schedule can be paused and renamed, and no other such way is saved.
#[tokio::test(flavor = "multi_thread")]
async fn a_schedule_whose_way_to_add_is_gone_can_be_paused() {
    on_each_engine("payout schedule way gone", async |database| {
        let treasury = treasury(database, &["500.00"]).await;
        // Nothing speaks for this account any more.
        let account = RailAccount {
            id: treasury.world.ids.mint(),
            name: "sheet".into(),
            rail: "sheets".into(),
            ..treasury.account.clone()
        };
        let mut change = Change::new();
        change.insert_rail_account(&account);
        treasury.world.store.commit(change).await.unwrap();
        let way = |rail: &RailAccount| {
            let limit = r#"{"amount":"9.00","currency":"USD"}"#;
            format!(r#"[{{"rail_account":"{}","from":"HSBC","sells":"USD","limit":{limit}}}]"#, rail.id)
        };
        let more = format!(r#","top_ups":{}"#, way(&treasury.account));
        let saved = save(&treasury, "once", &more).await.unwrap();
        let gone = serde_json::from_str(&way(&account)).unwrap();
        let terms = ScheduleTerms { top_ups: gone, ..saved.terms.clone() };
        let before = treasury.world.store.payout_schedule(saved.id).await.unwrap().unwrap();
        let mut change = Change::new();
        change.update_payout_schedule(&PayoutSchedule { terms, ..before.value }, before.version);
        treasury.world.store.commit(change).await.unwrap();

        let paused = patch(&treasury, saved.id, r#"{"paused":true,"name":"on leave"}"#).await;
        assert_eq!((paused.state.as_str(), paused.terms.name.as_str()), ("paused", "on leave"));
        assert_eq!(paused.terms.top_ups[0].rail_account, account.id);
        let again: SchedulePatch =
            serde_json::from_str(&format!(r#"{{"top_ups":{}}}"#, way(&account))).unwrap();
        let (merchant, maker) = (treasury.world.merchant.id, treasury.world.maker);
        let refused = treasury.paying.reschedule(merchant, maker, saved.id, &again, Change::new()).await;
        let Err(PayOutError::RefusedAt { place, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(place, "top_ups[0].rail_account");
        assert!(patch(&treasury, saved.id, r#"{"top_ups":null}"#).await.terms.top_ups.is_empty());
        treasury.world.store.close().await;
    })
    .await;
}

/// A day that only the operator's own file closes: shown, left out, and no plan is drafted on it.
#[tokio::test(flavor = "multi_thread")]
async fn the_operators_own_holidays_count() {
    on_each_engine("payout schedule holidays", async |database| {
        let treasury = treasury(database, &["500.00"]).await;
        let merchant = treasury.world.merchant.id;
        let text = r#"{"name":"daily","cron":"0 9 * * *","zone":"Asia/Singapore","holidays":{"rule":"skip","currencies":["USD"]}}"#;
        let input: ScheduleInput = serde_json::from_str(text).unwrap();
        let rows = async |paying: &PayingOut| {
            let shown = paying.preview_schedule(merchant, &input).await.unwrap();
            shown["dates"].as_array().unwrap().clone()
        };
        let first = rows(&treasury.paying).await.into_iter().find(|row| row["outcome"] == "planned").unwrap();
        let day: NaiveDate = first["date"].as_str().unwrap().parse().unwrap();
        let paying = treasury.by(closed_on(day));
        let skipped = rows(&paying).await.into_iter().find(|row| row["wanted"] == first["wanted"]).unwrap();
        assert_eq!(skipped["outcome"], "skipped", "{skipped}");
        assert!(skipped["why"].as_str().unwrap().contains("holiday in USD"), "{skipped}");

        // Saved under it, and saved before the operator named the day: at nine nobody is paid.
        let (maker, ids) = (treasury.world.maker, &treasury.world.ids);
        let saved = paying.schedule(merchant, maker, ids.mint(), &input, Change::new()).await.unwrap();
        assert!(saved.next().unwrap().date > day);
        let before = treasury.paying.schedule(merchant, maker, ids.mint(), &input, Change::new()).await.unwrap();
        let due = before.next().unwrap();
        assert_eq!(due.date, day);
        treasury.world.clock.advance_to(due.at).unwrap();
        let shown = paying.show_schedule(merchant, saved.id).await.unwrap();
        assert!(shown["dates"].as_array().unwrap().iter().all(|row| row["date"] != first["date"]), "{shown}");
        let program = program(&treasury, paying);
        while program.run_due(due.at).await.unwrap() > 0 {}
        assert_eq!(plans(&treasury).await.len(), 0);
        assert_eq!((runs(&treasury, before.id).await, runs(&treasury, saved.id).await), (vec!["nothing_due"], vec![]));
        let then = next(&treasury, before.id).await;
        assert_eq!(then, saved.next().unwrap().at);
        treasury.world.clock.advance_to(then).unwrap();
        while program.run_due(then).await.unwrap() > 0 {}
        assert_eq!(runs(&treasury, before.id).await, ["nothing_due", "drafted"]);
        treasury.world.store.close().await;
    })
    .await;
}
