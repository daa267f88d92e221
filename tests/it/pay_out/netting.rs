//! The merchant's own positions stand netted in the plan that is approved; what accounts lack may have a price, and what it
//! is bought with needs a rate.

use serde_json::{Value, json};
use straits::domain::ledger::AccountCode;
use straits::flows::pay_out::{PayOutError, Word};

use super::certificate::{certificate, treasury};
use super::world::{From, Treasury};
use crate::engines::on_each_engine;

/// A plan of one payout, as it is served.
async fn served(treasury: &Treasury) -> Value {
    let plan = treasury.draft().await;
    treasury.paying.show(treasury.world.merchant.id, plan.id).await.unwrap()
}

/// Amounts of a row: held, owed, netted, to buy, surplus, clients'.
fn row(plan: &Value, currency: &str) -> Option<[String; 6]> {
    let rows = plan["netting"].as_array().unwrap();
    let found = rows.iter().find(|row| row["currency"] == currency)?;
    let keys = ["held", "owed", "netted", "to_buy", "surplus", "client_held"];
    Some(keys.map(|key| found[key]["amount"].as_str().unwrap().to_owned()))
}

#[tokio::test(flavor = "multi_thread")]
async fn own_positions_are_netted_and_others_money_never_is() {
    on_each_engine("payout netting", async |database| {
        let treasury = treasury(database, From::PayPal).await;
        treasury.crowd(1, "500.00").await;
        let before = served(&treasury).await;
        assert_eq!(before["netting"], json!([]), "all of it is others' money");

        let (position, bank) = (AccountCode::FX_POSITION, AccountCode::BANK_OPERATING);
        for (currency, code, owner, amount) in [
            // Sold to suppliers and not yet bought; of it the merchant has some.
            ("CNY", position, "", "-605.91"),
            ("CNY", bank, "icbc", "200.00"),
            ("CNY", AccountCode::BANK_CLIENT, "icbc-client", "900.00"),
            // Bought from suppliers: it lies among what is others'.
            ("USD", position, "", "85.10"),
            // Whose authorities keep positions apart.
            ("IDR", position, "", "-500000.00"),
            ("IDR", bank, "bca", "700000.00"),
        ] {
            treasury.fund_in(currency, code, owner, amount).await;
        }
        let after = served(&treasury).await;
        let texts = |texts: [&str; 6]| Some(texts.map(str::to_owned));
        assert_eq!(row(&after, "CNY"), texts(["200.00", "605.91", "200.00", "405.91", "0.00", "900.00"]));
        assert_eq!(
            row(&after, "USD"),
            texts(["85.10", "0.00", "0.00", "0.00", "85.10", "999914.90"]),
            "{after:#}"
        );
        let apart = ["700000.00", "500000.00", "0.00", "500000.00", "700000.00", "0.00"];
        assert_eq!(row(&after, "IDR"), texts(apart));
        let nettable = |currency: &str| {
            let rows = after["netting"].as_array().unwrap();
            rows.iter().find(|row| row["currency"] == currency).unwrap()["nettable"] == true
        };
        assert!(nettable("CNY") && nettable("USD") && !nettable("IDR"));
        assert_eq!(after["netting"][0]["entity"], json!(treasury.world.merchant.id));

        // It is part of what is approved, and of what the certificate is of.
        assert_ne!(before["hash"], after["hash"]);
        assert_ne!(before["proof"]["plan"], after["proof"]["plan"]);
        let plan = treasury.draft().await;
        let shown = treasury.paying.show(treasury.world.merchant.id, plan.id).await.unwrap();
        plan_checker::check_plan(&certificate(&treasury, &plan).await, &shown.to_string()).unwrap();
        treasury.world.store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sold_for_a_top_up_needs_a_rate() {
    on_each_engine("payout top-up rates", async |database| {
        let treasury = treasury(database, From::PayPal).await;
        let supplier = treasury.crowd(1, "500.00").await[0];
        treasury.fund(AccountCode::GATEWAY_BALANCE, "paypal", "-1000000.00").await;
        treasury.world.quote(&[("USD", "1"), ("CNY", "7.12")]).await;
        let way = |sells: &str| {
            let limit = json!({"amount": "900.00", "currency": "USD"});
            json!({"top_ups": [
                {"rail_account": treasury.account.id, "from": "own", "sells": "USD", "limit": limit, "spread_bps": 90},
                {"rail_account": treasury.account.id, "from": "icbc", "sells": sells, "limit": limit, "spread_bps": 50},
            ]})
        };
        let refused = treasury.asked(&way("USN").to_string()).await.unwrap_err();
        let place = match &refused {
            PayOutError::RefusedAt { place, .. } => place.as_str(),
            _ => "",
        };
        assert_eq!(place, "top_ups[1].sells", "{refused:?}");
        assert!(refused.to_string().contains("USN"), "{refused}");

        let plan = treasury.asked(&way("CNY").to_string()).await.unwrap();
        let need = plan.document.funding().unwrap().remove(0);
        // 510.00 at 7.12 and half a percent: 3,631.20 and 18.156, rounded up.
        assert_eq!(need.top_ups.len(), 1);
        assert_eq!(need.top_ups[0].sells, super::money("3649.36", "CNY"));
        assert_eq!((need.missing, need.top_ups[0].amount), (super::money("510.00", "USD"), need.missing));
        // What is taken out by hand is not bought for; the list stays that of the draft, and the proof says so.
        let word = Word::Drop { supplier, currency: need.missing.currency() };
        let dropped = treasury.say(treasury.world.maker, plan.id, word).await.unwrap();
        assert!(dropped.document.proof.of_draft && dropped.document.funding().unwrap().is_empty());
        // It was read back from the database.
        let shown = treasury.paying.show(treasury.world.merchant.id, plan.id).await.unwrap();
        assert_eq!(shown["hash"], json!(dropped.hash));
        plan_checker::check_plan(&certificate(&treasury, &dropped).await, &shown.to_string()).unwrap();
        treasury.world.store.close().await;
    })
    .await;
}
