//! Sweeps as a gateway's own report tells them: under ids of its own, and with a fee in the sweep's row.

use straits::domain::reconciliation::{BillKind, BillLine, LineFacts, LineHash, LineStatus};
use straits::store::reconciliations::RunItem;

use super::*;

/// A row of today's report.
fn row(world: &World, reference: &str, kind: BillKind, gross: &str, fee: &str) -> BillLine {
    let facts = LineFacts {
        gateway_ref: reference.into(),
        related_ref: None,
        our_ref: None,
        payer_country: None,
        kind,
        status: LineStatus::Settled,
        gross: sgd(gross),
        fee: sgd(fee),
        tax: sgd("0"),
        at: world.clock.now(),
        account: "GRAB".into(),
        hash: LineHash([u8::try_from(reference.len()).unwrap(); 32]),
    };
    BillLine::try_new(facts).unwrap()
}

/// Kinds and grades of what today's report is found to differ by.
async fn reconciled(world: &World) -> Vec<(String, String)> {
    let open = world.pay.accounts().all()[0].clone();
    let run = world.reconciling.day(open, world.clock.now().date_naive()).await.unwrap();
    assert_eq!((run.state.as_str(), &run.detail), ("done", &None));
    let items: Vec<RunItem> = world.store.reconciliation_items(run.id, 0, 100).await.unwrap();
    items.into_iter().map(|item| (item.kind, item.grade)).collect()
}

fn said(kinds: &[(&str, &str)]) -> Vec<(String, String)> {
    kinds.iter().map(|(kind, grade)| ((*kind).to_owned(), (*grade).to_owned())).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweep_of_a_report_with_ids_of_its_own_bears_what_was_accrued() {
    on_each_engine("a_sweep_of_a_report_with_ids_of_its_own", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        world.far.rename_captures();
        let payment = captured(&world, "first", "10.00", ALL_TO_A).await;
        assert_eq!(world.standing().await["2310[grabpay-sg] SGD"], "-0.18");
        let mut line = row(&world, "TX-1", BillKind::Payment, "10.00", "0.18").into_facts();
        line.our_ref = Some(payment.to_string());
        world.far.bill(BillLine::try_new(line).unwrap());
        world.far.bill(row(&world, "SWEEP-1", BillKind::Sweep, "-9.82", "0"));
        let found = reconciled(&world).await;
        assert_eq!(found, said(&[("other_reference", "flagged"), ("gateway_settlement", "automatic")]));
        assert!(world.findings().await.is_empty(), "{:?}", world.findings().await);
        let standing = world.standing().await;
        assert_eq!(standing.get("2310[grabpay-sg] SGD"), None, "{standing:?}");
        assert_eq!(standing.get("5010[grabpay-sg] SGD"), None, "{standing:?}");
        assert_eq!(standing["1140[grabpay-sg] SGD"], "9.82");
        let settled = store.gateway_settlement_by_reference(world.merchant.id, "grabpay-sg", "SWEEP-1").await;
        let settled = settled.unwrap().unwrap().value;
        let items = store.gateway_settlement_items(settled.id, 10).await.unwrap();
        assert_eq!((items[0].reference.as_str(), items[0].payment), ("CAP-first", Some(payment)));
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sweeps_row_that_repeats_its_takings_fee_sends_its_net() {
    on_each_engine("a_sweeps_row_that_repeats_its_takings_fee", async |database| {
        let store = database.open().await;
        for (gross, fee, sent, own) in
            [("-40.80", "-0.73", "40.07", false), ("-40.07", "0.25", "40.07", true)]
        {
            let world = world(&store, database, grabpay).await;
            captured(&world, "one", "40.80", ALL_TO_A).await;
            world.far.bill(row(&world, "CAP-one", BillKind::Payment, "40.80", "0.73"));
            world.far.bill(row(&world, "SWEEP-1", BillKind::Sweep, gross, fee));
            let settled = ("gateway_settlement", "automatic");
            let found = reconciled(&world).await;
            let kinds = if own { vec![("fee_apart", "flagged"), settled] } else { vec![settled] };
            assert_eq!(found, said(&kinds), "{gross}");
            let standing = world.standing().await;
            assert_eq!(standing["1140[grabpay-sg] SGD"], sent);
            assert_eq!(standing.get("2310[grabpay-sg] SGD"), None, "{standing:?}");
            assert_eq!(world.findings().await.len(), usize::from(own));
            // Told once more, it is the same.
            assert_eq!(reconciled(&world).await, [], "{gross}");
            assert_eq!(world.standing().await, standing);
            world.verified().await;
        }
        store.close().await;
    })
    .await;
}
