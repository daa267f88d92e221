//! A capture that the gateway corrects accrues another fee: the payout trues both up.

use straits::domain::orders::ReportKind;

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_corrected_captures_fee_is_trued_up_with_its_sweep() {
    on_each_engine("a_corrected_captures_fee", async |database| {
        let store = database.open().await;
        let world = world(&store, database, grabpay).await;
        let at = world.clock.now();
        let told = |amount: &str| Capture {
            capture_ref: "CAP-1".into(),
            amount: sgd(amount),
            fee: None,
            receivable: None,
            payer_country: None,
            at,
        };
        let payment = world.paid("1", sgd("100.00"), ALL_TO_A, told("10.00")).await;
        assert_eq!(world.state(payment).await, "in_review");
        world.far.say(payment, ReportKind::Captured(told("100.00")));
        world.hear(payment).await;
        assert_eq!(world.state(payment).await, "captured");
        assert_eq!(world.standing().await["2310[grabpay-sg] SGD"], "-1.80");
        let sent = record(&world, batch("GP-1", at, "100.00", "0", "1.80", "98.20")).await;
        assert_eq!((sent.accrued, sent.rounding, sent.drift), (sgd("1.80"), sgd("0"), sgd("0")));
        let standing = world.standing().await;
        for nothing in ["2310[grabpay-sg] SGD", "1100[grabpay-sg] SGD", "5010[grabpay-sg] SGD"] {
            assert_eq!(standing.get(nothing), None, "{standing:?}");
        }
        let kinds: Vec<_> = world.findings().await.iter().map(|finding| finding.kind).collect();
        assert_eq!(kinds, [FindingKind::AmountDiffers]);
        world.verified().await;
        store.close().await;
    })
    .await;
}
