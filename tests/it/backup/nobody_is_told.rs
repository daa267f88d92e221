//! Webhooks after a restore: nothing is told before the gateways were asked what happened since the backup.

use std::sync::Arc;
use std::time::Duration;

use straits::store::Change;
use straits::store::restored::{Phase, Restored};

use super::{KEY, places, restored};
use crate::webhooks::receiver::Receiver;
use crate::webhooks::world::{Setup, Told, World, program};

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_of_anything_before_the_gateways_were_asked() {
    for (from, to) in places().await.into_iter().zip(places().await) {
        println!("on {:?}", from.engine());
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("backup");
        let world = World::on(from.open().await, &from.clock, Setup::default());
        let receiver = Receiver::start().await;
        world.listens(&receiver.url, &[]).await;
        // One handed on and not sent, one not even handed on.
        world.happens("payment.captured").await;
        assert_eq!(world.webhooks.hand_on().await.unwrap(), 1);
        world.happens("payment.late").await;
        world.store.backup(&file, KEY, from.clock.wall()).await.unwrap();
        world.store.close().await;

        restored(&file, &to.options()).await.unwrap();
        let store = to.open().await;
        let webhooks = program(&store, &to.clock, &Arc::new(Told::default()), Setup::default());
        webhooks.run_due(Duration::from_secs(2)).await.unwrap();
        assert_eq!(receiver.types(), Vec::<String>::new(), "while every open call is asked about");

        let before = store.restored().await.unwrap().unwrap();
        assert_eq!(before.value.phase, Phase::Intents);
        let mut change = Change::new();
        change.set_restored(&Restored { phase: Phase::Payments, ..before.value.clone() }, &before).unwrap();
        store.commit(change).await.unwrap();
        webhooks.run_due(Duration::from_secs(20)).await.unwrap();
        let mut told = receiver.types();
        told.sort();
        assert_eq!(told, ["payment.captured", "payment.late"]);
        store.close().await;
        from.drop_database().await;
        to.drop_database().await;
    }
}
