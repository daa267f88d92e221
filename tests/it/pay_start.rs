//! What is refused before anything is stored, what a payment frees when it ends, and who may call it off.

use chrono::TimeDelta;
use straits::domain::orders::ReportKind;
use straits::flows::pay::{PayError, Price, Start};
use straits::gateways::Unchargeable;
use straits::money::{Currency, Money};
use straits::store::{Change, PaymentFilter};

use crate::engines::on_each_engine;
use crate::pay_world::{Call, Fault, World, usd};

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_is_refused_with_nothing_stored() {
    on_each_engine("refusals", async |database| {
        let world = World::on(database).await;
        let money = |minor, code| Money::from_minor(minor, Currency::find(code).unwrap());
        let order = || world.order("order-1");
        let cases: Vec<(Start, &str)> = vec![
            (Start { price: Price::Amount(money(1_050, "JPY")), ..order() }, "gateway_precision"),
            (Start { price: Price::Amount(money(100, "VND")), ..order() }, "currency_not_supported"),
            (Start { price: Price::Amount(usd(0)), ..order() }, "amount_not_positive"),
            (Start { gateway: "nopay".into(), ..order() }, "gateway_unknown"),
            (Start { order_ref: String::new(), ..order() }, "order_ref_invalid"),
            (Start { return_url: Some("https://evil.example/".into()), ..order() }, "return_url_not_allowed"),
            (Start { terms: serde_json::json!({ "splits": "all" }), ..order() }, "splits_invalid"),
            (Start { price: Price::Quote(world.ids.mint()), ..order() }, "quote_not_found"),
        ];
        for (start, code) in cases {
            let error = world.start(start).await.unwrap_err();
            assert_eq!(error.code(), code, "{error}");
            if let PayError::Unchargeable { why: Unchargeable::Precision { nearest, .. }, .. } = &error {
                assert_eq!(*nearest, money(1_000, "JPY"));
            }
        }
        let (payments, _) = world.pay.list(world.merchant.id, &PaymentFilter::default()).await.unwrap();
        assert!(payments.is_empty());
        assert_eq!(world.far.calls(Call::Create), 0);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_has_one_living_payment_and_is_free_again_when_that_ends() {
    on_each_engine("order_ref", async |database| {
        let world = World::on(database).await;
        let tries = (0..8).map(|_| world.start(world.order("order-1")));
        let answers = futures_util::future::join_all(tries).await;
        let living: Vec<_> = answers.iter().filter_map(|answer| answer.as_ref().ok()).collect();
        assert_eq!(living.len(), 1);
        let first = living[0].id;
        for answer in answers.iter().filter_map(|answer| answer.as_ref().err()) {
            assert_eq!(*answer, PayError::OrderRefTaken { payment: first });
        }
        world.far.say(first, ReportKind::Failed { code: "declined".into() });
        world.pay.recover().await.unwrap();
        let second = world.start(world.order("order-1")).await.unwrap();
        assert_eq!(second.state, "requires_action");
        assert!(second.next_action.is_some());
        let filter = PaymentFilter { order_ref: Some("order-1".into()), limit: 1, ..Default::default() };
        let (page, more) = world.pay.list(world.merchant.id, &filter).await.unwrap();
        assert_eq!((page[0].id, page.len(), more), (second.id, 1, true));
        let filter = PaymentFilter { starting_after: Some(second.id), ..filter };
        let (page, more) = world.pay.list(world.merchant.id, &filter).await.unwrap();
        assert_eq!((page[0].id, more), (first, false));
        let filter = PaymentFilter { state: Some("failed".into()), limit: 10, ..Default::default() };
        assert_eq!(world.pay.list(world.merchant.id, &filter).await.unwrap().0[0].id, first);
        assert_eq!(world.pay.get(world.ids.mint(), first).await, Err(PayError::UnknownPayment));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quote_is_used_once_and_open_again_after_a_payment_without_money() {
    on_each_engine("quote", async |database| {
        let world = World::on(database).await;
        let quoted = |order: &str| Start { price: Price::Quote(world.quote.id), ..world.order(order) };
        let first = world.start(quoted("order-1")).await.unwrap();
        assert_eq!(first.amount, usd(5_000));
        let used = PayError::QuoteUsed { by: first.id };
        assert_eq!(world.start(quoted("order-2")).await, Err(used));
        world.pay.cancel(world.merchant.id, first.id, Change::new()).await.unwrap();
        let second = world.start(quoted("order-2")).await.unwrap();
        world.clock.advance(TimeDelta::minutes(40));
        assert_eq!(world.start(quoted("order-3")).await.unwrap_err().code(), "quote_expired");
        world.far.approve(second.id);
        world.hear(second.id, 1).await.unwrap();
        assert_eq!(
            world.state(second.id).await,
            "captured",
            "a payment made in time is captured at the quote"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_or_unsent_creation_fails_the_payment_and_frees_the_order() {
    on_each_engine("create refused", async |database| {
        let world = World::on(database).await;
        for (fault, code) in [
            (Fault::Refused("PAYEE_RESTRICTED"), "PAYEE_RESTRICTED"),
            (Fault::NotSent, "gateway_unreachable"),
            (Fault::Throttled, "gateway_throttled"),
        ] {
            if fault == Fault::Throttled {
                world.far.fail(Call::Create, fault.clone());
            }
            world.far.fail(Call::Create, fault);
            let failed = world.start(world.order("order-1")).await.unwrap();
            assert_eq!((failed.state, failed.failure.unwrap().code.as_str()), ("failed", code));
            assert_eq!(world.events(failed.id).await, ["payment.failed"]);
        }
        // Told once to slow down, a shopper's payment is opened a moment later.
        world.far.fail(Call::Create, Fault::Throttled);
        assert_eq!(world.start(world.order("order-1")).await.unwrap().state, "requires_action");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_and_completing_at_once_have_one_winner() {
    on_each_engine("cancel race", async |database| {
        let world = World::on(database).await;
        for round in 0..12 {
            let id = world.approved(&format!("order-{round}")).await;
            let merchant = world.merchant.id;
            let (cancelled, heard) =
                tokio::join!(world.pay.cancel(merchant, id, Change::new()), world.hear(id, 1));
            assert_eq!(heard, Ok(200));
            match cancelled {
                Ok(view) => {
                    assert_eq!(view.state, "cancelled");
                    assert_eq!((world.state(id).await, world.far.takes(id)), ("cancelled", 0));
                }
                Err(error) => {
                    let code = error.code();
                    assert!(["payment_being_completed", "payment_not_cancellable"].contains(&code), "{code}");
                    world.is_captured_once(id).await;
                }
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payment_whose_completion_is_unknown_cannot_be_called_off() {
    on_each_engine("cancel unknown", async |database| {
        let world = World::on(database).await;
        let id = world.approved("order-1").await;
        world.far.fail(Call::Complete, Fault::LostAfter);
        world.hear(id, 1).await.unwrap();
        let merchant = world.merchant.id;
        assert_eq!(world.pay.cancel(merchant, id, Change::new()).await, Err(PayError::BeingCompleted));
        world.pay.recover().await.unwrap();
        world.is_captured_once(id).await;
        assert_eq!(
            world.pay.cancel(merchant, id, Change::new()).await,
            Err(PayError::NotCancellable { state: "captured" })
        );
    })
    .await;
}
