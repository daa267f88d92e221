//! A backup, then a day's work, then the disaster: what was done since is asked for, and nothing is done twice.

use straits::domain::findings::FindingKind;
use straits::flows::catch_up::CatchUpError;
use straits::flows::pay::{PayError, Sending};
use straits::flows::refund::{RefundFlowError, RefundInput};
use straits::ids::{PaymentId, RefundId};
use straits::store::Change;
use straits::store::restored::Phase;

use super::{KEY, places, restored};
use crate::crash::far::usd;
use crate::crash::house::House;
use crate::engines::TestDatabase;

/// What was open when the backup was taken.
struct Open {
    /// Agreed to; its money is taken after the backup.
    taken_since: PaymentId,
    /// Agreed to; nothing has happened since.
    still_agreed: PaymentId,
    /// Captured; part of it goes back after the backup.
    refunded_since: PaymentId,
    /// Captured; a refund of it is on its way, and arrives after the backup.
    refunding: PaymentId,
    refund: RefundId,
}

async fn before(house: &House) -> Open {
    let refunding = house.captured().await;
    let refund = house.ids.mint();
    house.ground.far.truth().unreachable = 1;
    house.refund(refunding, refund).await;
    Open {
        taken_since: house.approved().await,
        still_agreed: house.approved().await,
        refunded_since: house.captured().await,
        refunding,
        refund,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_before_every_open_call_was_asked_about() {
    for (from, to) in places().await.into_iter().zip(places().await) {
        println!("on {:?}", from.engine());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("backup");
        let house = House::found(&from).await;
        let open = before(&house).await;
        house.store.backup(&file, KEY, house.clock.wall()).await.unwrap();

        // The day's work that the backup knows nothing of.
        house.come_back(open.taken_since).await;
        house.refund(open.refunded_since, house.ids.mint()).await;
        to.clock.advance(chrono::TimeDelta::minutes(1));
        from.clock.advance(chrono::TimeDelta::minutes(1));
        house.refunding.recover().await.unwrap();
        let far = house.ground.far.clone();
        assert_eq!(far.givings(&open.refund.to_string()), 1);
        house.store.close().await;
        let moved = far.truth().moved.clone();

        restored(&file, &to.options()).await.unwrap();
        let house = House::again(&to, &house.ground).await;
        let catching_up = house.catching_up();
        assert_eq!(catching_up.begin().await.unwrap(), Some(Phase::Intents));

        // One gateway's silence keeps everything where it is, whoever goes round.
        far.truth().asked.clear();
        far.truth().silent = true;
        let error = catching_up.go_on().await.unwrap_err();
        assert!(matches!(error, CatchUpError::Unanswered(3)), "{error}");
        house.recover().await;
        assert_eq!(house.pay.sending(), Sending::Held);
        assert!(far.truth().asked.iter().all(|asked| asked.starts_with("query")));

        far.truth().silent = false;
        held(&house, &open, &to).await;
        far.truth().asked.clear();

        // What happened since is booked, and only then what is still to be done is done.
        catching_up.go_on().await.unwrap();
        let asked = far.truth().asked.clone();
        assert!(asked.first().is_some_and(|asked| asked.starts_with("query")), "{asked:?}");
        let taken = format!("take {}", open.still_agreed);
        assert!(far.truth().moved[..] == moved || far.truth().moved[..] == [&moved[..], &[taken]].concat());
        assert_eq!(house.pay.sending(), Sending::Free);
        assert_eq!(house.store.restored().await.unwrap().unwrap().value.phase, Phase::Done);
        assert_eq!(house.state(open.taken_since).await, "captured");
        let refund = house.store.refund(house.ground.merchant.id, open.refund).await.unwrap().unwrap();
        assert_eq!(refund.value.state.as_str(), "succeeded");
        let findings = house.store.findings_of(house.ground.merchant.id, open.refunded_since).await.unwrap();
        let kinds: Vec<FindingKind> = findings.iter().map(|finding| finding.value.kind).collect();
        let merchant = house.ground.merchant.id;
        assert_eq!(kinds, [FindingKind::RefundElsewhere], "what was paid back since is found");
        assert_eq!(house.booked(open.refunded_since, "suspense_booked").await, 1);
        // Whoever asks for that refund again, its key and its row gone with the day, is not paid twice.
        let again = input(4_000);
        let again =
            house.refunding.request(merchant, open.refunded_since, house.ids.mint(), &again, Change::new());
        let again = again.await.unwrap_err();
        assert_eq!(again.code(), "refund_elsewhere", "{again}");

        house.recover().await;
        assert_eq!((house.state(open.still_agreed).await, far.takings(open.still_agreed)), ("captured", 1));
        assert_eq!((far.takings(open.taken_since), far.givings(&open.refund.to_string())), (1, 1));
        assert!(far.truth().repeats.is_empty(), "{:?}", far.truth().repeats);
        assert_eq!(house.booked(open.refunding, "refund_confirmed").await, 1);
        house.start(house.ids.mint(), "life goes on").await.unwrap();
        house.verified().await;
        house.store.close().await;
        from.drop_database().await;
        to.drop_database().await;
    }
}

fn input(minor: i64) -> RefundInput {
    serde_json::from_value(serde_json::json!({"amount": usd(minor)})).unwrap()
}

/// While the gateways are not asked, nothing leaves: no opening, no completion, no refund, whoever wants it.
async fn held(house: &House, open: &Open, database: &TestDatabase) {
    let far = &house.ground.far;
    far.truth().asked.clear();
    let started = house.start(house.ids.mint(), "too early").await;
    assert_eq!(started, Err(PayError::Held));
    assert_eq!(house.store.living_payment_of(house.ground.merchant.id, "too early").await.unwrap(), None);
    let merchant = house.ground.merchant.id;
    let input = input(4_000);
    let asked =
        house.refunding.request(merchant, open.refunded_since, house.ids.mint(), &input, Change::new()).await;
    assert!(matches!(asked, Err(RefundFlowError::Held)), "{asked:?}");
    // A shopper who comes back, a notice, a question: the answer is kept, the money is not taken.
    house.come_back(open.still_agreed).await;
    house.hear(open.still_agreed).await;
    house.pay.sync(merchant, open.still_agreed).await.unwrap();
    assert_eq!(house.state(open.still_agreed).await, "authorized");
    database.tick(chrono::TimeDelta::minutes(1));
    house.recover().await;
    let sent: Vec<&str> =
        far.truth().asked.iter().filter(|asked| !asked.starts_with("query")).copied().collect();
    assert!(sent.is_empty(), "{sent:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_start_goes_on_from_where_it_was() {
    let (from, to) = (TestDatabase::sqlite(), TestDatabase::sqlite());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    let house = House::found(&from).await;
    let open = before(&house).await;
    house.store.backup(&file, KEY, house.clock.wall()).await.unwrap();
    house.store.close().await;
    restored(&file, &to.options()).await.unwrap();
    let house = House::again(&to, &house.ground).await;
    house.ground.far.truth().silent = true;
    house.catching_up().begin().await.unwrap();
    house.catching_up().go_on().await.unwrap_err();
    house.store.close().await;
    let house = House::again(&to, &house.ground).await;
    assert_eq!(house.catching_up().begin().await.unwrap(), Some(Phase::Intents));
    assert_eq!(house.start(house.ids.mint(), "still too early").await, Err(PayError::Held));
    house.ground.far.truth().silent = false;
    house.catching_up().go_on().await.unwrap();
    house.recover().await;
    assert_eq!(house.state(open.still_agreed).await, "captured");
    house.store.close().await;
    let house = House::again(&to, &house.ground).await;
    assert_eq!(house.catching_up().begin().await.unwrap(), Some(Phase::Done));
    house.start(house.ids.mint(), "life goes on").await.unwrap();
    house.store.close().await;
}

/// No round answers for everything: who was answered for is not asked again, and so it comes to an end.
#[tokio::test(flavor = "multi_thread")]
async fn a_gateway_that_loses_every_fourth_answer_keeps_nobody_for_ever() {
    let (from, to) = (TestDatabase::sqlite(), TestDatabase::sqlite());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup");
    let house = House::found(&from).await;
    let mut open = vec![];
    for _ in 0..10 {
        house.captured().await;
        open.push(house.approved().await);
    }
    house.store.backup(&file, KEY, house.clock.wall()).await.unwrap();
    house.store.close().await;
    restored(&file, &to.options()).await.unwrap();
    let house = House::again(&to, &house.ground).await;
    house.ground.far.truth().deaf = Some(4);
    let catching_up = house.catching_up();
    catching_up.begin().await.unwrap();
    let mut rounds = 1;
    while let Err(error) = catching_up.go_on().await {
        assert!(matches!(error, CatchUpError::Unanswered(_)), "{error}");
        assert!(rounds < 12, "{error}");
        rounds += 1;
    }
    assert!(rounds > 2);
    assert_eq!(house.store.restored().await.unwrap().unwrap().value.phase, Phase::Done);
    let asked = house.ground.far.truth().asked.iter().filter(|asked| **asked == "query").count();
    assert!(asked < 60, "{asked} questions about 20 payments");
    house.ground.far.truth().deaf = None;
    house.recover().await;
    for payment in open {
        assert_eq!(house.state(payment).await, "captured");
    }
    house.store.close().await;
}
