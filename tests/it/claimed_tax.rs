//! Payments of withheld tax and lines of the bank that could be several of them: what names one is it, and of two that claim
//! one thing at once one is told no. Over the program's own doors, on SQLite and PostgreSQL.

use serde_json::{Value, json};

use crate::engines::on_each_engine;
use crate::remitted_lines::{Shop, done, pair};
use crate::returned_tax::{Bank, owed, said, strings, verified};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_words_at_once_one_is_kept() {
    on_each_engine("returned tax at once", async |database| {
        if database.portable {
            return;
        }
        let shop = Shop::open(&database.url).await;
        let bank = Bank::of(&shop);
        let one = shop.withheld("V1").await;
        shop.booked(&one).await;
        let two = shop.withheld("V2").await;
        shop.booked(&two).await;
        let day = shop.day(&two).await;
        let lines =
            [("D", 50, "B1", "V1"), ("D", 50, "B2", "V2"), ("C", 50, "C1", "back"), ("C", 50, "C2", "back")];
        let lines = bank.prints(day, &lines).await;
        // One credit is one payment.
        let (first, second) =
            tokio::join!(said(&shop, &one, &lines[2], "one"), said(&shop, &two, &lines[2], "two"));
        let mut statuses = [first.status, second.status];
        statuses.sort_unstable();
        assert!(statuses[0] == 200 && [409, 422].contains(&statuses[1]), "{} {}", first.text, second.text);
        assert_eq!(owed(&shop).await, strings("50.00", "50.00"));
        // The other comes back while the tax of the one is paid anew.
        let other = if first.status == 200 { &two } else { &one };
        let anew = shop.proposed("V3", "anew").await;
        let path = format!("/v1/withholding-remittances/{anew}/approve");
        let nothing = json!({});
        let (back, paid) = tokio::join!(
            said(&shop, other, &lines[3], "other"),
            shop.app.post_once("checker", &path, "anew-1", &nothing)
        );
        for answer in [&back, &paid] {
            assert!([200, 409].contains(&answer.status), "{}", answer.text);
        }
        if back.status == 409 {
            done(said(&shop, other, &lines[3], "other-2").await);
        }
        if paid.status == 409 {
            done(shop.app.post_once("checker", &path, "anew-2", &nothing).await);
        }
        assert_eq!(owed(&shop).await, strings("50.00", "50.00"));
        assert_eq!(shop.stands().await, pair("950.00", "0.00"));
        verified(&shop).await;
        shop.app.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_debit_that_names_a_payment_is_it_though_another_was_taken_for_it() {
    on_each_engine("claimed tax", async |database| {
        if database.portable {
            return;
        }
        let shop = Shop::open(&database.url).await;
        let bank = Bank::of(&shop);
        let one = shop.withheld("U1").await;
        shop.booked(&one).await;
        let two = shop.withheld("U2").await;
        shop.booked(&two).await;
        let day = shop.day(&two).await;
        let unnamed = bank.prints(day, &[("D", 50, "B1", "tax")]).await;
        assert_eq!(shop.remittance(&one).await["bank_line"], unnamed[0]["id"], "the oldest");
        let named = bank.prints(day, &[("D", 50, "B2", "tax U1")]).await;
        assert_eq!(named[0]["state"], "remitted", "{named:?}");
        assert_eq!(shop.remittance(&one).await["bank_line"], named[0]["id"]);
        assert_eq!(shop.remittance(&two).await["bank_line"], unnamed[0]["id"]);
        assert_eq!((shop.stands().await, shop.open_findings().await.len()), (pair("900.00", "0.00"), 0));

        // Where the earlier line can be nothing else, the later one waits, until it can.
        let three = shop.withheld("U3").await;
        shop.booked(&three).await;
        let day = shop.day(&three).await;
        let unnamed = bank.prints(day, &[("D", 50, "B3", "tax")]).await;
        let named = bank.prints(day, &[("D", 50, "B4", "tax U3"), ("D", 50, "B5", "U1 once more")]).await;
        assert_eq!((&named[0]["state"], &named[1]["state"]), (&json!("suspense"), &json!("suspense")));
        assert_eq!(shop.remittance(&three).await["bank_line"], unnamed[0]["id"]);
        let four = shop.withheld("U4").await;
        assert_eq!(shop.booked(&four).await["bank_line"], Value::Null);
        bank.prints(day, &[("C", 1, "C1", "interest")]).await;
        assert_eq!(shop.remittance(&three).await["bank_line"], named[0]["id"]);
        assert_eq!(shop.remittance(&four).await["bank_line"], unnamed[0]["id"]);
        assert_eq!(bank.states(&named).await[1].0, "suspense", "U1 has the debit that names it");
        assert_eq!(shop.stands().await, pair("751.00", "-49.00"));
        // What is moved comes back as what it is by now.
        bank.prints(day, &[("RD", 50, "B3", "returned")]).await;
        assert_eq!(shop.remittance(&four).await["state"], "returned");
        assert_eq!(owed(&shop).await, strings("50.00", "150.00"));
        verified(&shop).await;
        shop.app.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credit_that_names_a_deal_too_is_the_deal() {
    on_each_engine("returned tax or a deal", async |database| {
        if database.portable {
            return;
        }
        let shop = Shop::open(&database.url).await;
        let bank = Bank::of(&shop);
        let tax = shop.withheld("W1").await;
        shop.booked(&tax).await;
        let day = shop.day(&tax).await;
        bank.prints(day, &[("D", 50, "B1", "BIR W1")]).await;
        let (here, paypal) = (json!([{"bank_account": shop.bank}]), json!([{"gateway_account": "paypal"}]));
        let (php, usd) =
            (json!({"amount": "50.00", "currency": "PHP"}), json!({"amount": "0.85", "currency": "USD"}));
        for (once, sold, bought, from, into) in
            [("FX-8", &php, &usd, &here, &paypal), ("FX-9", &usd, &php, &paypal, &here)]
        {
            let deal = json!({
                "sold": sold, "bought": bought, "value_date": day, "bank_ref": once, "own_position": true,
                "paid_from": from, "paid_into": into,
            });
            done(shop.app.post_once("finance", "/v1/fx/deals", once, &deal).await);
        }
        let lines = bank.prints(day, &[("C", 50, "C1", "FX-9 for W1"), ("C", 50, "C2", "for W1")]).await;
        assert_eq!(
            (&lines[0]["state"], &lines[1]["state"]),
            (&json!("converted"), &json!("reversing")),
            "{lines:?}"
        );
        assert_eq!(shop.remittance(&tax).await["returned_line"], lines[1]["id"]);
        verified(&shop).await;
        shop.app.stop().await;
    })
    .await;
}
