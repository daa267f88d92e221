//! A gateway whose answers list no refunds, after a restore: what went back since the backup is told by its bills alone.

use chrono::TimeDelta;
use sqlx::Connection;
use straits::domain::findings::{Action, FindingKind};
use straits::domain::reconciliation::{BillKind, BillLine};
use straits::flows::findings::ResolveError;
use straits::flows::refund::RefundFlowError;

use super::bills::{day, line, movement, noon, run, told};
use super::world::{Setup, World, money, taken};
use super::{FORTY, ONE, one};
use crate::engines::on_each_engine;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_goes_back_before_the_bills_of_the_gap_were_read() {
    on_each_engine("nothing_goes_back_before_the_bills_of_the_gap", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        world.far.list_no_refunds();
        let back = one(&world, "back").await;
        let whole = one(&world, "whole").await;
        let wrong = taken("CAP-wrong", "10.00", "USD", "0.94");
        world.paid("wrong", money("100.00", "USD"), ONE, wrong).await;
        let wrong = world.finding(FindingKind::AmountDiffers).await;
        // Forty went back of the first one, behind the backup: the books and the shop's key know nothing of it.
        for order in ["back", "whole"] {
            world.far.bill(line(order, |_| {}));
        }
        let mut forty = movement("R-LOST", BillKind::Refund, "-40.00").into_facts();
        forty.related_ref = Some("CAP-back".to_owned());
        world.far.bill(BillLine::try_new(forty).unwrap());
        let (taken_at, restored_at) = (noon() - TimeDelta::hours(1), noon() + TimeDelta::hours(1));
        let mut connection = database.connect().await;
        sqlx::query("INSERT INTO setting (key, value, version) VALUES ('restored', $1, 1)")
            .bind(format!(
                r#"{{"phase":"done","taken_at":"{}","restored_at":"{}","head":"0:00"}}"#,
                taken_at.to_rfc3339(),
                restored_at.to_rfc3339()
            ))
            .execute(&mut connection)
            .await
            .unwrap();
        connection.close().await.unwrap();

        // The bill of a day that is not over tells nothing of its evening.
        for read in [false, true] {
            if read {
                run(&world, day()).await;
            }
            for payment in [back, whole] {
                if read && payment == back {
                    assert_eq!(world.refund(back, FORTY).await.unwrap_err().code(), "refund_elsewhere");
                    continue;
                }
                let refused = world.refund(payment, FORTY).await.unwrap_err();
                let gap = matches!(&refused, RefundFlowError::BillsFirst { first, last, .. } if (*first, *last) == (day(), day()));
                assert!(gap, "{refused}");
            }
        }
        world.word(world.maker, &wrong, Action::SendBack).await.unwrap();
        let refused = world.word(world.checker, &wrong, Action::SendBack).await.unwrap_err();
        assert!(matches!(refused, ResolveError::Refund(RefundFlowError::BillsFirst { .. })), "{refused}");
        assert_eq!(world.far.calls(), 0);

        database.tick(TimeDelta::days(2));
        let (_, items) = run(&world, day()).await;
        assert_eq!(told(&items), [], "it was told before");
        assert_eq!(world.refund(back, FORTY).await.unwrap_err().code(), "refund_elsewhere");
        world.resolve(&world.finding(FindingKind::RefundElsewhere).await, Action::Adopt).await;
        assert_eq!(world.refund(back, "{}").await.unwrap().amount, money("60.00", "USD"));
        assert_eq!(world.refund(whole, FORTY).await.unwrap().state.as_str(), "succeeded");
        world.word(world.checker, &wrong, Action::SendBack).await.unwrap();
        let mut paid = world.far.paid_back();
        paid.sort_unstable();
        assert_eq!(paid, [1_000, 4_000, 6_000]);
        world.verified().await;
        store.close().await;
    })
    .await;
}
