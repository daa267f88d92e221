//! After a restore every gate stays shut until every open call was asked about: payments, refunds, what is said in
//! disputes, and what merchants are told.

use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection;
use straits::domain::disputes::AnswerKind;
use straits::flows::catch_up::{CatchUpError, CatchingUp};
use straits::flows::dispute::DisputeFlowError;
use straits::flows::pay::Sending;
use straits::flows::refund::RefundFlowError;
use straits::flows::webhooks::NewEndpoint;
use straits::store::Change;
use straits::store::restored::Phase;

use crate::engines::on_each_engine;
use crate::money_flows::far::Pays;
use crate::money_flows::world::{Setup, World, complaint, money, taken};
use crate::webhooks::receiver::Receiver;
use crate::webhooks::world::{Setup as Telling, Told, program};

const TERMS: &str =
    r#"{"splits":[{"supplier":"A","share":{"remainder":true}}],"platform_fee":{"percent":"10"}}"#;
const FORTY: &str = r#"{"amount":{"amount":"40.00","currency":"USD"}}"#;

#[tokio::test(flavor = "multi_thread")]
async fn no_gate_opens_before_every_open_call_was_asked_about() {
    on_each_engine("no_gate_opens", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let receiver = Receiver::start().await;
        let webhooks = program(&store, &database.clock, &Arc::new(Told::default()), Telling::default());
        let new = NewEndpoint {
            id: world.ids.mint(),
            url: receiver.url.clone(),
            description: String::new(),
            events: vec![],
        };
        webhooks.create(world.merchant.id, new, Change::new()).await.unwrap();
        // What the backup remembers as open: a payment, a refund whose answer was lost, a complaint; and what is not told yet.
        let usd = |amount: &str| money(amount, "USD");
        let captured = taken("CAP-disputed", "100.00", "USD", "4.90");
        let disputed = world.paid("disputed", usd("100.00"), TERMS, captured).await;
        let captured = taken("CAP-refunded", "100.00", "USD", "4.90");
        let refunded = world.paid("refunded", usd("100.00"), TERMS, captured).await;
        world.far.plan(&[Pays::LostAfter]);
        world.refund(refunded, FORTY).await.unwrap();
        let agreed = world.start("agreed", usd("100.00"), TERMS).await;
        world.far.approve(agreed, taken("CAP-agreed", "100.00", "USD", "4.90"));
        world.hear_dispute(complaint(disputed, "CAP-disputed", usd("100.00"), world.clock.now())).await;
        let dispute = world.dispute(disputed).await;

        // The books are those of a backup.
        let mut connection = database.connect().await;
        sqlx::raw_sql(
            r#"INSERT INTO setting (key, value, version) VALUES ('restored', '{"phase":"intents",
                 "taken_at":"2026-11-18T00:00:00Z","restored_at":"2026-11-18T00:00:00Z","head":"0:00"}', 1)"#,
        )
        .execute(&mut connection)
        .await
        .unwrap();
        connection.close().await.unwrap();
        let catching_up =
            CatchingUp { store: store.clone(), pay: world.pay.clone(), refunding: world.refunding.clone() };
        assert_eq!(catching_up.begin().await.unwrap(), Some(Phase::Intents));
        let say = async || {
            let kind = AnswerKind::Accept { note: String::new() };
            let answer = world.ids.mint();
            world.disputing.say(world.merchant.id, dispute.id, answer, kind, Change::new()).await
        };
        let shut = async || {
            assert_eq!(world.pay.sending(), Sending::Held);
            assert!(matches!(say().await, Err(DisputeFlowError::Held)));
            assert!(matches!(world.refund(disputed, FORTY).await, Err(RefundFlowError::Held)));
            webhooks.run_due(Duration::from_secs(1)).await.unwrap();
            assert_eq!(receiver.types(), Vec::<String>::new());
        };
        world.far.asked();
        shut().await;
        assert_eq!(world.far.asked(), [""; 0], "not even a question is asked for whoever knocks");

        // The gateway is silent: whoever goes round, nothing opens.
        world.far.be_silent(true);
        database.tick(chrono::TimeDelta::minutes(10));
        for _ in 0..2 {
            let error = catching_up.go_on().await.unwrap_err();
            assert!(matches!(error, CatchUpError::Unanswered(left) if left >= 2), "{error}");
            world.pay.recover().await.unwrap();
            world.refunding.recover().await.unwrap();
            world.disputing.recover().await.unwrap();
            shut().await;
        }
        let asked = world.far.asked();
        assert!(asked.iter().all(|asked| asked.starts_with("query")), "{asked:?}");
        for question in ["query_payment", "query_refund"] {
            assert!(asked.contains(&question), "{asked:?}");
        }
        assert_eq!(
            (world.far.said(), store.restored().await.unwrap().unwrap().value.phase),
            (0, Phase::Intents)
        );

        // It answers: first everything is asked about, then the gates open.
        world.far.be_silent(false);
        catching_up.go_on().await.unwrap();
        let asked = world.far.asked();
        let first = asked.iter().position(|asked| !asked.starts_with("query")).unwrap_or(asked.len());
        for question in ["query_payment", "query_refund"] {
            assert!(asked[..first].contains(&question), "{asked:?}");
        }
        assert_eq!(world.pay.sending(), Sending::Free);
        assert_eq!(world.state(refunded).await, "partially_refunded", "the lost answer was heard of");
        assert_eq!(world.far.paid_back(), [4_000], "once");
        say().await.unwrap();
        assert_eq!(world.far.said(), 1);
        webhooks.run_due(Duration::from_secs(20)).await.unwrap();
        assert!(receiver.types().contains(&"payment.captured".to_owned()), "{:?}", receiver.types());
        world.verified().await;
        store.close().await;
    })
    .await;
}
