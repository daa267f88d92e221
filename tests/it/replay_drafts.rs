//! `straits replay --with`: what a draft would have made of past payments before it is in force.

use std::path::Path;

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::engines::on_each_engine;
use crate::program::run;

/// The shipped tariff of GrabPay in Singapore at 2.5 percent, from a day on that lies ahead.
fn draft() -> String {
    let shipped = include_str!("../../config/fees/grabpay-sg.toml");
    let dated = shipped.replace("currency = \"SGD\" }", "currency = \"SGD\", from = \"2099-01-01\" }");
    let draft = dated.replacen("percent = \"1.8\"", "percent = \"2.5\"", 1);
    assert!(draft.contains("2.5") && draft.contains("2099-01-01"));
    draft
}

fn replayed(folder: &Path, url: &str, more: &[&str]) -> (bool, String) {
    let data = folder.display().to_string();
    let file = format!("fees={}", folder.join("draft.toml").display());
    let days = ["--from", "2026-01-01", "--to", "2090-12-31"];
    let all = [&["--data-dir", &data, "--database-url", url, "replay", "--with", &file], &days[..], more];
    let ran = run(folder, &[], &all.concat());
    assert_eq!(String::from_utf8_lossy(&ran.stderr), "");
    (ran.status.success(), String::from_utf8_lossy(&ran.stdout).into_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_is_tried_as_of_the_day_on_which_it_begins() {
    on_each_engine("replay drafts", async |database| {
        if database.portable {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let app = TestApp::on(folder.path(), &[("database.url", database.url.as_str())]).await;
        for gateway in ["grabpay", "paypal"] {
            let payment = app.pay(gateway, gateway).await;
            let page = format!("/v1/sandbox/payments/{}", payment["id"].as_str().unwrap());
            let paid = app.post("storefront", &page, &json!({"shopper": "approve"})).await;
            assert!(paid.status < 300, "{}", paid.text);
        }
        app.stop().await;
        std::fs::write(folder.path().join("draft.toml"), draft()).unwrap();

        let (good, text) = replayed(folder.path(), &database.url, &["--json"]);
        let told: Value = serde_json::from_str(&text).unwrap();
        let with = &told["with"];
        assert!(good && told["differing"] == 0, "{text}");
        assert_eq!(
            (&with["as_of"], &with["compared"], &with["matched"]),
            (&json!("2099-01-01"), &json!(2), &json!(1))
        );
        let parties = with["parties"].as_array().unwrap();
        let gateway = parties.iter().find(|party| party["who"] == "gateway").unwrap();
        // 2.50 in place of 1.80, and the tax on it: 0.23 in place of 0.16. PayPal's stays as it is.
        assert_eq!(gateway["difference"], json!({"amount": "0.77", "currency": "SGD"}), "{text}");

        // On a day before, none of its rules is one; that is said.
        let (good, text) = replayed(folder.path(), &database.url, &["--as-of", "2098-12-31"]);
        assert!(good && text.contains("tried as of 2098-12-31"), "{text}");
        assert!(text.contains("no rule of the draft matched 2 of 2"), "{text}");
        let (good, text) = replayed(folder.path(), &database.url, &[]);
        assert!(good && text.contains("tried as of 2099-01-01"), "{text}");
        assert!(text.contains("no rule of the draft matched 1 of 2"), "{text}");
    })
    .await;
}
