//! Journals by hand, and periods that are closed: by two users, within limits, for good.

use chrono::{NaiveDate, TimeDelta};
use straits::domain::access::{Hand, NotSecond};
use straits::domain::disputes::MovementKind;
use straits::domain::findings::{Action, Finding, FindingKind, FindingState};
use straits::domain::ledger::ageing::settle_oldest;
use straits::domain::ledger::{AccountCode, JournalEvent};
use straits::domain::orders::{Intent, IntentKind, Outcome};
use straits::domain::periods::PeriodClose;
use straits::flows::close_period::{CloseError, ClosePeriod};
use straits::flows::journals::JournalFlowError;
use straits::ids::UserId;
use straits::store::bank_statements::BankStatement;
use straits::store::{AsOf, Change, CommitError, Seek, VerifyOptions};

use super::one;
use super::world::{Setup, World, complaint, money, moved, taken};
use crate::engines::on_each_engine;

/// Own money in the bank, so that floors let journals through.
const FUND: &str = r#"{"template":"lines","lines":[
    {"account":1000,"owner":"usd","direction":"debit","amount":{"amount":"500.00","currency":"USD"}},
    {"account":4010,"direction":"credit","amount":{"amount":"500.00","currency":"USD"}}]}"#;
const TOP_UP: &str = r#"{"template":"top_up","bank":"usd","amount":{"amount":"90.00","currency":"USD"}}"#;

fn today(world: &World) -> NaiveDate {
    world.clock.now().date_naive()
}

async fn close(world: &World, user: UserId, until: NaiveDate) -> Result<PeriodClose, CloseError> {
    world.close_period.close(world.merchant.id, Hand::own(user), world.ids.mint(), until, Change::new()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_journal_takes_two_users_and_is_undone_once() {
    on_each_engine("a_journal_takes_two_users_and_is_undone_once", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let empty = world.draft(TOP_UP, None).await.unwrap();
        let below = world.decide(world.checker, &empty, true).await;
        assert!(matches!(below, Err(JournalFlowError::Commit(CommitError::BelowFloor { .. }))), "{below:?}");
        assert!(world.transactions().await.is_empty(), "floors hold for hands too");
        world.booked(FUND).await;
        let alone = world.decide(world.maker, &empty, true).await;
        assert!(matches!(alone, Err(JournalFlowError::NotSecond(NotSecond::FourEyes(user))) if user == world.maker));
        let other = World::on(&store, &database.clock, Setup::default()).await;
        assert!(matches!(other.decide(other.checker, &empty, true).await, Err(JournalFlowError::Unknown)));
        let top_up = world.decide(world.checker, &empty, true).await.unwrap();
        let again = world.decide(world.checker, &empty, true).await;
        assert!(matches!(again, Err(JournalFlowError::Decided("booked"))));
        let posted = world.transactions().await;
        assert_eq!((posted.len(), posted[1].event, posted[1].source.as_str()), (2, JournalEvent::Manual, top_up.id.to_string().as_str()));

        let undo = format!(r#"{{"template":"reversal","journal":"{}"}}"#, top_up.id);
        let undone = world.booked(&undo).await;
        assert_eq!(undone.reverses, Some(top_up.id));
        world.stands(&[("1000[usd] USD", "500.00"), ("4010 USD", "-500.00")]).await;
        assert!(matches!(world.draft(&undo, None).await, Err(JournalFlowError::NotReversible(_))));

        // Taken back by its drafter, and never booked.
        let draft = world.draft(TOP_UP, None).await.unwrap();
        assert_eq!(world.decide(world.maker, &draft, false).await.unwrap().state.as_str(), "rejected");
        assert!(matches!(world.decide(world.checker, &draft, true).await, Err(JournalFlowError::Decided("rejected"))));
        for (lines, param) in [
            (r#"{"account":2020,"owner":"paypal","direction":"credit","amount":{"amount":"1.00","currency":"USD"}}"#, "template.lines[1]"),
            (r#"{"account":1140,"owner":"paypal","direction":"credit","amount":{"amount":"1.00","currency":"USD"}}"#, "template.lines[1]"),
            (r#"{"account":2010,"owner":"paypal","direction":"credit","amount":{"amount":"1.00","currency":"USD"}}"#, "template.lines[1]"),
            (r#"{"account":2900,"owner":"paypal","direction":"credit","amount":{"amount":"1.00","currency":"USD"}}"#, "template.lines[1]"),
            (r#"{"account":1010,"owner":"","direction":"credit","amount":{"amount":"1.00","currency":"USD"}}"#, "template.lines[1]"),
            (r#"{"account":1010,"owner":"usd","direction":"credit","amount":{"amount":"1.01","currency":"USD"}}"#, "template.lines"),
            (r#"{"account":1200,"owner":"sup_00000000000000000000000001","direction":"credit","amount":{"amount":"1.00","currency":"USD"}}"#, "template.lines[1]"),
        ] {
            let first = r#"{"account":1000,"owner":"usd","direction":"debit","amount":{"amount":"1.00","currency":"USD"}}"#;
            let refused = world.draft(&format!(r#"{{"template":"lines","lines":[{first},{lines}]}}"#), None).await;
            assert!(matches!(&refused, Err(JournalFlowError::Refused(error)) if error.param == param), "{lines}: {refused:?}");
        }
        let ahead = (today(&world) + TimeDelta::days(1)).to_string();
        assert!(matches!(world.draft(TOP_UP, Some(&ahead)).await, Err(JournalFlowError::Refused(_))));
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_period_is_closed_within_limits_and_stays_as_it_was() {
    on_each_engine("a_period_is_closed_within_limits_and_stays_as_it_was", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        world.booked(FUND).await;
        let payment = one(&world, "closed").await;
        let less = world
            .paid("less", money("100.00", "USD"), super::ONE, taken("CAP-less", "10.00", "USD", "0.94"))
            .await;
        let day = today(&world);
        assert!(
            matches!(close(&world, world.maker, day).await, Err(CloseError::Date(_))),
            "the day is not over"
        );
        database.clock.advance(TimeDelta::days(1));

        // 10.00 is unexplained: refused, and said.
        let refused = close(&world, world.maker, day).await;
        let Err(CloseError::Unexplained(checks)) = refused else { panic!("{refused:?}") };
        let faults: Vec<&str> = checks
            .iter()
            .filter(|check| check.blocks && !check.ok)
            .map(|check| check.name.as_str())
            .collect();
        assert_eq!(faults, ["unexplained", "findings"]);
        assert_eq!(checks[0].amount, Some(money("10.00", "USD")));
        let suspense = store.open_items(world.merchant.id, AccountCode::SUSPENSE).await.unwrap();
        assert_eq!((suspense.len(), suspense[0].subject.as_str()), (1, less.to_string().as_str()));
        assert_eq!(suspense[0].days(database.clock.now()), 1);
        let finding = world.finding(FindingKind::AmountDiffers).await;
        world.resolve(&finding, Action::SendBack).await;

        // What a gateway's own balance differed by, and the day before: the newest word counts, until it is explained.
        for (fact, amount) in [("1", "3.00"), ("2", "-5.00")] {
            let mut change = Change::new();
            change.open_finding(&Finding {
                id: world.ids.mint(),
                merchant: world.merchant.id,
                kind: FindingKind::BalanceDiffers,
                gateway_account: world.account.name.clone(),
                payment: None,
                fact: fact.into(),
                amount: Some(money(amount, "USD")),
                detail: String::new(),
                state: FindingState::Open,
                opened_at: database.clock.now(),
            });
            store.commit(change).await.unwrap();
            database.tick(TimeDelta::minutes(1));
        }
        let refused = close(&world, world.maker, day).await;
        let Err(CloseError::Unexplained(checks)) = refused else { panic!("{refused:?}") };
        let faults: Vec<_> = checks.iter().filter(|check| check.blocks && !check.ok).collect();
        assert_eq!((faults.len(), faults[0].name.as_str()), (1, "gateway_balance"), "{faults:?}");
        assert_eq!(faults[0].amount, Some(money("5.00", "USD")));
        for _ in 0..2 {
            let finding = world.finding(FindingKind::BalanceDiffers).await;
            world.word(world.maker, &finding, Action::Dismiss).await.unwrap();
        }

        let proposed = close(&world, world.maker, day).await.unwrap();
        assert_eq!(proposed.state.as_str(), "proposed");
        assert!(matches!(
            close(&world, world.maker, day).await,
            Err(CloseError::NotSecond(NotSecond::FourEyes(_)))
        ));
        let closed = close(&world, world.checker, day).await.unwrap();
        assert_eq!(closed.state.as_str(), "closed");
        assert!(matches!(close(&world, world.checker, day).await, Err(CloseError::Closed(_))));
        let issued = store.issued_statements(world.merchant.id, None, Seek::Start, 10).await.unwrap();
        assert_eq!(issued.len(), 2, "{issued:?}");
        // The second supplier had nothing, and is told so.
        let nothing = money("0.00", "USD");
        assert_eq!((issued[1].opening, issued[1].closing, issued[1].entries), (nothing, nothing, 0));
        assert_eq!((issued[0].number, issued[0].closing, issued[0].to), (1, money("85.10", "USD"), day));
        let read = async || store.issued_statement(world.merchant.id, issued[0].id).await.unwrap().unwrap().1;
        let bytes = read().await;
        world.verified().await;

        // Late news: booked today under its own date, and nothing that was issued changes.
        let report = complaint(
            payment,
            "CAP-closed",
            money("100.00", "USD"),
            database.clock.now() - TimeDelta::days(1),
        );
        world.hear_dispute(moved(&report, MovementKind::Taken, money("100.00", "USD"))).await;
        let late = world.transactions().await.pop().unwrap();
        assert_eq!(late.event, JournalEvent::ChargedBack);
        assert!(late.effective_at < closed.ends_before && late.recorded_at >= closed.ends_before);
        assert_eq!(read().await, bytes);
        let merchant = world.merchant.id;
        let end = closed.ends_before - TimeDelta::microseconds(1);
        let lines = |trial: &straits::domain::ledger::TrialBalance| {
            let found = trial.lines.iter().find(|line| line.code == AccountCode::GATEWAY_BALANCE);
            found.map(|line| line.debit_minus_credit.amount().to_string())
        };
        let booked = store.trial_balance(merchant, AsOf::Recorded(end)).await.unwrap();
        let value = store.trial_balance(merchant, AsOf::Effective(end)).await.unwrap();
        assert_eq!(lines(&booked).as_deref(), Some("104.16"), "as the books stood");
        assert_eq!(lines(&value).as_deref(), Some("4.16"), "as the world was, seen from today");

        // By hand nothing is dated into it.
        let into = world.draft(TOP_UP, Some(&day.to_string())).await;
        assert!(
            matches!(into, Err(JournalFlowError::PeriodClosed { until, .. }) if until == day),
            "{into:?}"
        );
        world.booked(TOP_UP).await;
        let debts = store.open_items(merchant, AccountCode::SUPPLIER_RECEIVABLE).await.unwrap();
        assert_eq!(settle_oldest(debts).unwrap()[0].subject, payment.to_string());
        world.verified().await;

        // The next period begins where this one ended.
        database.clock.advance(TimeDelta::days(1));
        let next = day + TimeDelta::days(1);
        // Nothing is closed over a bank's statement of which lines are missing.
        let (now, currency) = (database.clock.now(), "USD".parse().unwrap());
        let broken_off = BankStatement {
            id: world.ids.mint(),
            merchant,
            bank_account: world.ids.mint(),
            file_hash: "00".into(),
            place: 0,
            format: "camt053".into(),
            reference: "S1".into(),
            currency,
            opening: None,
            closing: None,
            from_on: None,
            to_on: None,
            line_count: 3,
            pending_count: 0,
            recorded_at: now,
            read_at: None,
        };
        let mut change = Change::new();
        change.insert_bank_statement(&broken_off);
        store.commit(change).await.unwrap();
        let refused = close(&world, world.checker, next).await;
        let Err(CloseError::Unexplained(checks)) = refused else { panic!("{refused:?}") };
        let bad: Vec<_> = checks.iter().filter(|check| !check.ok && check.blocks).collect();
        assert_eq!(bad.len(), 1, "{checks:?}");
        assert!(
            bad[0].name == "bank_statements" && bad[0].detail.contains(&broken_off.id.to_string()),
            "{bad:?}"
        );
        let mut change = Change::new();
        change.bank_statement_is_read(broken_off.id, now);
        store.commit(change).await.unwrap();
        close(&world, world.checker, next).await.unwrap();
        close(&world, world.maker, next).await.unwrap();
        let issued = store.issued_statements(merchant, None, Seek::Start, 10).await.unwrap();
        assert_eq!(
            issued.iter().map(|one| (one.number, one.from)).collect::<Vec<_>>(),
            [(1, day), (2, day), (3, next), (4, next)]
        );
        assert_eq!((issued[2].opening, issued[2].closing), (money("85.10", "USD"), money("-4.90", "USD")));
        world.verified().await;

        // Whoever changes what was issued, or books behind the clock, is named.
        let mut connection = database.connect().await;
        for (change, back, check) in [
            (
                "UPDATE issued_statement SET closing = closing + 1 WHERE number = 1",
                "UPDATE issued_statement SET closing = closing - 1 WHERE number = 1",
                "issued_statements",
            ),
            (
                "UPDATE issued_statement SET sha256 = 'x' || sha256 WHERE number = 2",
                "UPDATE issued_statement SET sha256 = substr(sha256, 2) WHERE number = 2",
                "issued_statements",
            ),
            (
                "UPDATE period_close SET last_number = last_number - 1 WHERE state = 'closed'",
                "UPDATE period_close SET last_number = last_number + 1 WHERE state = 'closed'",
                "closed_periods",
            ),
        ] {
            sqlx::raw_sql(change).execute(&mut connection).await.unwrap();
            let seen = store.verify(&VerifyOptions::default()).await.unwrap();
            let faults: Vec<&str> =
                seen.checks.iter().filter(|check| !check.ok).map(|check| check.name).collect();
            assert_eq!(faults, [check], "{change}");
            sqlx::raw_sql(back).execute(&mut connection).await.unwrap();
        }
        drop(connection);
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_rests_on_no_balance_that_was_compared_before_the_period_was_over() {
    on_each_engine("a_close_rests_on_no_balance_of_before", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        one(&world, "kept").await;
        let day = today(&world);
        let aged = |checks: &[straits::domain::periods::CloseCheck]| {
            let of = checks.iter().filter(|check| check.name == "gateway_balance_age");
            of.map(|check| (check.ok, check.blocks, check.detail.clone())).collect::<Vec<_>>()
        };
        // A gateway that tells no balance is not asked for one.
        database.tick(TimeDelta::days(1));
        assert_eq!(aged(&world.close_period.look(world.merchant.id, day).await.unwrap()), []);

        // The duty of the day before: all is well then, and says nothing of what came after it.
        world.far.tell_balances(Ok(vec![money("95.10", "USD")]));
        assert_eq!(world.reconciling.balances().await.unwrap(), 0);
        let day = today(&world);
        database.tick(TimeDelta::days(1));
        world.far.tell_balances(Err(()));
        let refused = close(&world, world.maker, day).await;
        let Err(CloseError::Unexplained(checks)) = refused else { panic!("{refused:?}") };
        let [(false, true, detail)] = &aged(&checks)[..] else { panic!("{checks:?}") };
        assert!(
            detail.contains("the balance of paypal was compared at") && detail.contains("24 h 0 min ago"),
            "{detail}"
        );
        assert!(detail.contains("before the period was over") && detail.contains("in vain"), "{detail}");
        // It answers again: it is asked anew, and what it says now counts.
        world.far.tell_balances(Ok(vec![money("90.10", "USD")]));
        let refused = close(&world, world.maker, day).await;
        let Err(CloseError::Unexplained(checks)) = refused else { panic!("{refused:?}") };
        let faults: Vec<&str> = checks
            .iter()
            .filter(|check| check.blocks && !check.ok)
            .map(|check| check.name.as_str())
            .collect();
        assert_eq!(faults, ["gateway_balance"], "{checks:?}");
        let finding = world.finding(FindingKind::BalanceDiffers).await;
        assert_eq!(finding.amount, Some(money("-5.00", "USD")));
        world.word(world.maker, &finding, Action::Dismiss).await.unwrap();
        database.tick(TimeDelta::minutes(90));
        let proposed = close(&world, world.maker, day).await.unwrap();
        let [(true, true, detail)] = &aged(&proposed.checks)[..] else { panic!("{:?}", proposed.checks) };
        assert!(detail.ends_with("1 h 30 min ago"), "{detail}");
        let closed = close(&world, world.checker, day).await.unwrap();
        assert_eq!((closed.state.as_str(), aged(&closed.checks).len()), ("closed", 1));
        // Never compared at all is too old as well.
        database.tick(TimeDelta::days(1));
        let strange = World::on(&store, &database.clock, Setup::default()).await;
        one(&strange, "never").await;
        let day = today(&strange);
        database.tick(TimeDelta::days(1));
        strange.far.tell_balances(Err(()));
        let checks = strange.close_period.look(strange.merchant.id, day).await.unwrap();
        let [(false, true, detail)] = &aged(&checks)[..] else { panic!("{checks:?}") };
        assert!(detail.contains("was compared at no time"), "{detail}");
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_is_never_quiet_is_held_against_what_is_under_way() {
    on_each_engine("an_account_that_is_never_quiet", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let payment = one(&world, "busy").await;
        // A call of which nobody knows what came: it may have moved the payment's 100.00, or nothing.
        let mut change = Change::new();
        change.insert_intent(&Intent {
            id: world.ids.mint(),
            merchant: world.merchant.id,
            payment,
            kind: IntentKind::Refund(world.ids.mint()),
            request_ref: "lost".into(),
            lease: None,
            outcome: Outcome::Unknown,
            detail: None,
            attempts: 1,
            created_at: database.clock.now(),
        });
        store.commit(change).await.unwrap();
        for (told, ok, why) in [
            ("-4.90", true, "money under way all the while"),
            ("95.10", true, "money under way all the while"),
            // Twice the amount: it may have been under way in each look.
            ("295.11", false, "in vain"),
        ] {
            world.far.tell_balances(Ok(vec![money(told, "USD")]));
            database.tick(TimeDelta::days(1));
            let yesterday = today(&world) - TimeDelta::days(1);
            let checks = world.close_period.look(world.merchant.id, yesterday).await.unwrap();
            let [age] =
                &checks.iter().filter(|check| check.name == "gateway_balance_age").collect::<Vec<_>>()[..]
            else {
                panic!("{checks:?}")
            };
            assert_eq!((age.ok, age.detail.contains(why)), (ok, true), "{told}: {}", age.detail);
        }
        assert_eq!(world.findings().await.len(), 0, "nothing that may be under way is told as a difference");
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_proposal_that_a_later_close_overtook_waits_for_nobody() {
    on_each_engine("a_proposal_that_a_later_close_overtook", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        world.booked(FUND).await;
        let (first, second) = (today(&world), today(&world) + TimeDelta::days(1));
        database.tick(TimeDelta::days(2));
        let overtaken = close(&world, world.maker, first).await.unwrap();
        assert_eq!(ClosePeriod::view(&overtaken, None)["needs_second_user"], true);
        close(&world, world.maker, second).await.unwrap();
        let closed = close(&world, world.checker, second).await.unwrap();
        let late = close(&world, world.checker, first).await;
        assert!(matches!(late, Err(CloseError::Closed(until)) if until == second), "{late:?}");
        let said = ClosePeriod::view(&overtaken, Some(closed.until));
        assert_eq!(said["state"], "superseded", "{said}");
        assert_eq!(said["needs_second_user"], false, "{said}");
        assert_eq!(ClosePeriod::view(&closed, Some(closed.until))["state"], "closed");
        // One of a day that is still open waits on.
        assert_eq!(ClosePeriod::view(&overtaken, first.pred_opt())["state"], "proposed");
        store.close().await;
    })
    .await;
}
