//! A served plan against its certificate: one digit changed anywhere, the digest computed anew or not, is refused.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::TimeDelta;
use serde_json::Value;
use straits::domain::ledger::AccountCode;
use straits::domain::payouts::PlanDocument;

use super::certificate::{certificate, choice, treasury};
use super::world::From;
use crate::engines::on_each_engine;

/// With one digit changed, and the digest what it then comes to.
fn forged(text: &str, place: usize) -> String {
    let mut bytes = text.to_owned().into_bytes();
    bytes[place] = b'0' + (bytes[place] - b'0' + 1) % 10;
    let changed = String::from_utf8(bytes).unwrap();
    let body = changed.split_once("\"body\":").unwrap().1;
    let body = &body[..body.len() - 1];
    let hash: String =
        digest(&SHA256, body.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{{\"digest\":\"{hash}\",\"body\":{body}}}")
}

fn digits(text: &str) -> Vec<usize> {
    text.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()).map(|(place, _)| place).collect()
}

/// Every figure and name of a plan that its certificate speaks of, one digit off.
fn edits(plan: &Value) -> Vec<(String, Value)> {
    let mut places: Vec<String> =
        ["certificate", "plan", "routes", "cost/amount", "bound/amount", "gap/amount"]
            .iter()
            .map(|key| format!("/proof/{key}"))
            .collect();
    for line in 0..plan["lines"].as_array().unwrap().len() {
        let keys = ["supplier", "rail_account", "net/amount", "amount/amount", "fee/amount", "borne/amount"];
        let more = ["lifting/amount", "gross/amount"];
        places.extend(keys.iter().chain(&more).map(|key| format!("/lines/{line}/{key}")));
    }
    for key in ["held", "needed", "missing"] {
        places.push(format!("/funding/0/{key}/amount"));
    }
    places.push("/totals/0/fee/amount".to_owned());
    let off = |place: String| {
        let mut edited = plan.clone();
        let text = edited.pointer(&place).unwrap().as_str().unwrap().to_owned();
        let last = *digits(&text).last()?;
        let mut bytes = text.into_bytes();
        bytes[last] = b'0' + (bytes[last] - b'0' + 1) % 10;
        *edited.pointer_mut(&place).unwrap() = String::from_utf8(bytes).unwrap().into();
        Some((place, edited))
    };
    places.into_iter().filter_map(off).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_of_this_plan_and_no_other() {
    on_each_engine("plan check", async |database| {
        let treasury = treasury(database, From::PayPal).await;
        choice(&treasury, 9).await;
        treasury.fund(AccountCode::GATEWAY_BALANCE, "paypal", "1000000.00").await;
        database.tick(TimeDelta::hours(72));
        let plan = treasury.draft().await;
        let merchant = treasury.world.merchant.id;
        let shown = treasury.paying.show(merchant, plan.id).await.unwrap();
        let (text, served) = (certificate(&treasury, &plan).await, shown.to_string());
        let verdict = plan_checker::check_plan(&text, &served).unwrap();
        assert_eq!((verdict.suppliers, verdict.plan.as_str()), (9, shown["proof"]["plan"].as_str().unwrap()));
        // Layout does not count.
        assert!(plan_checker::check_plan(&text.replace("\":", "\" : "), &format!("{shown:#}")).is_ok());

        // By itself a certificate can be made up as long as it agrees with itself: nobody could tell its balances.
        let available = text.find("\"available\":\"").unwrap() + 13;
        assert!(plan_checker::check(&forged(&text, available)).is_ok());
        for place in digits(&text).into_iter().filter(|place| *place > 80) {
            let other = forged(&text, place);
            let refusal = plan_checker::check_plan(&other, &served).unwrap_err().to_string();
            assert!(refusal.starts_with("proof.certificate"), "{refusal}");
        }
        // Nor does another plan's, or the same for another plan.
        for (place, edited) in edits(&shown) {
            assert!(plan_checker::check_plan(&text, &edited.to_string()).is_err(), "{place}");
        }
        let mut fewer = shown.clone();
        fewer["lines"].as_array_mut().unwrap().pop();
        assert!(plan_checker::check_plan(&text, &fewer.to_string()).is_err());

        // A plan of which something was taken out by hand is still that certificate's, less that.
        let (supplier, currency) = (plan.document.lines[0].supplier, plan.document.lines[0].net.currency());
        let word = straits::flows::pay_out::Word::Drop { supplier, currency };
        treasury.say(treasury.world.maker, plan.id, word).await.unwrap();
        let dropped = treasury.paying.show(merchant, plan.id).await.unwrap();
        plan_checker::check_plan(&text, &dropped.to_string()).unwrap();

        // The program says the same.
        assert_eq!(PlanDocument::hash_of(&text), plan.document.proof.certificate);
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in
            [("cert.json", &text), ("plan.json", &served), ("other.json", &edits(&shown)[3].1.to_string())]
        {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        for (plan, code, words) in
            [("plan.json", 0, "it is the proof of plan.json"), ("other.json", 1, "refused: proof")]
        {
            let arguments = ["plan", "check", "cert.json", "--plan", plan];
            let output = crate::program::run(folder.path(), &[], &arguments);
            let told = String::from_utf8(output.stdout).unwrap();
            assert_eq!(output.status.code(), Some(code), "{told}");
            assert!(told.contains(words), "{told}");
        }
        treasury.world.store.close().await;
    })
    .await;
}
