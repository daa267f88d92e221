//! A rail that pays another amount than it was asked for: the books have what left, the rest waits for two persons, and
//! nothing is sent again.

use chrono::TimeDelta;
use straits::domain::findings::{Action, Finding, FindingKind};
use straits::domain::payouts::{Payout, PayoutState, PayoutStatus};

use super::money;
use super::world::{From, Treasury};
use crate::engines::{TestDatabase, on_each_engine};
use crate::money_flows::world::{Setup, World};

async fn treasury(database: &TestDatabase) -> Treasury {
    let store = database.open().await;
    let world = World::on(&store, &database.clock, Setup::default()).await;
    Treasury::on(world, "paypal", From::PayPal, "USD", 10).await
}

impl Treasury {
    /// What the rail says it was asked for and what it debited, heard twice; the payout then.
    async fn paid_otherwise(&self, payout: &Payout, stated: &str, debited: (&str, &str)) -> Payout {
        let debited = money(debited.0, debited.1);
        self.rail.say(payout.id, PayoutStatus::Paid { debited }, None);
        self.rail.speak_of(payout.id, money(stated, "USD"));
        for _ in 0..2 {
            self.paying.ask(payout.batch).await.unwrap();
        }
        self.world.store.payout(payout.id).await.unwrap().unwrap().value
    }

    async fn differs(&self, payout: &Payout) -> Finding {
        let found = self.world.findings().await;
        let about = found.into_iter().filter(|finding| finding.fact == payout.id.to_string());
        let [finding] = about.collect::<Vec<_>>().try_into().unwrap();
        assert_eq!(finding.kind, FindingKind::PayoutDiffers);
        finding
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_rail_paid_otherwise_is_booked_as_it_left_and_waits_for_two_persons() {
    on_each_engine("paid otherwise", async |database| {
        for (stated, debited, aside, ends) in [
            ("99.00", ("99.00", "USD"), "-1.00", ("2110", "-1.00")),
            ("101.00", ("101.00", "USD"), "1.00", ("5030", "1.00")),
            // The rail converted: what it debited does not say how much the payee got, what it was asked for does.
            ("99.00", ("85.00", "EUR"), "-1.00", ("2110", "-1.00")),
        ] {
            let treasury = treasury(database).await;
            treasury.crowd(2, "100.00").await;
            treasury
                .fund_in("EUR", straits::domain::ledger::AccountCode::GATEWAY_BALANCE, "paypal", "500.00")
                .await;
            let plan = treasury.sent().await;
            let [one, two] = treasury.payouts(plan).await.try_into().unwrap();
            let before = treasury.world.standing().await;
            let paid = treasury.paid_otherwise(&one, stated, debited).await;
            let PayoutState::Paid { debited: left, reached, .. } = paid.state else { panic!("{paid:?}") };
            assert_eq!((left, reached), (money(debited.0, debited.1), Some(money(stated, "USD"))));
            let standing = treasury.world.standing().await;
            assert_eq!(standing["2900[paypal] USD"], aside);
            let cash = format!("1110[paypal] {}", debited.1);
            assert_ne!(standing[&cash], before[&cash], "{standing:?}");

            let finding = treasury.differs(&one).await;
            assert_eq!(finding.amount, Some(money("1.00", "USD")));
            let said = format!("USD 100.00 was instructed and the rail speaks of USD {stated}");
            assert!(finding.detail.starts_with(&said), "{}", finding.detail);
            assert!(finding.detail.ends_with(&format!("R-{}", one.id)), "{}", finding.detail);
            let refused =
                treasury.world.word(treasury.world.maker, &finding, Action::Dismiss).await.unwrap_err();
            assert!(refused.to_string().contains("USD 1.00"), "{refused}");

            // The other one is paid; nothing is sent again, whatever time passes.
            treasury.works(plan).await;
            database.tick(TimeDelta::days(2));
            treasury.paying.recover().await.unwrap();
            assert_eq!((treasury.state(plan).await, treasury.rail.calls()), ("completed", 1));
            assert_eq!(treasury.states(plan).await, [("paid", 2)].into(), "{two:?}");
            treasury.once(plan).await;

            treasury.world.resolve(&finding, Action::Adopt).await;
            let standing = treasury.world.standing().await;
            assert!(!standing.keys().any(|place| place.starts_with("2900")), "{standing:?}");
            let found: Vec<&String> = standing
                .iter()
                .filter(|(place, _)| place.starts_with(ends.0) && place.ends_with("USD"))
                .map(|(_, amount)| amount)
                .collect();
            assert_eq!(found, [ends.1], "{standing:?}");
            treasury.world.verified().await;
            treasury.world.store.close().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_amount_that_moved_nothing_is_told_and_gives_nothing_back() {
    on_each_engine("spoken of otherwise", async |database| {
        let treasury = treasury(database).await;
        treasury.crowd(1, "100.00").await;
        let plan = treasury.sent().await;
        let payout = treasury.payout(plan).await;
        let before = treasury.world.standing().await;
        let failed = PayoutStatus::Failed { code: "X".into(), reason: "no".into() };
        for status in [PayoutStatus::Pending, failed, PayoutStatus::Unknown { raw: "MAYBE".into() }] {
            treasury.rail.say(payout.id, status, None);
            treasury.rail.speak_of(payout.id, money("99.00", "USD"));
            treasury.paying.ask(payout.batch).await.unwrap();
            assert_eq!(treasury.states(plan).await, [("sent", 1)].into());
        }
        assert_eq!(treasury.world.standing().await, before);
        let told = treasury.differs(&payout).await;
        treasury.world.word(treasury.world.maker, &told, Action::Dismiss).await.unwrap();
        // It is paid after all: what was dismissed was not about this money.
        treasury.paid_otherwise(&payout, "99.00", ("99.00", "USD")).await;
        assert_eq!(treasury.states(plan).await, [("paid", 1)].into());
        let again = treasury.differs(&payout).await;
        assert_eq!(again.id, told.id);
        treasury.world.resolve(&again, Action::Adopt).await;
        treasury.once(plan).await;
        treasury.world.store.close().await;
    })
    .await;
}
