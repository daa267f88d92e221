//! A served plan against its certificate: one digit changed anywhere, the digest computed anew or not, is refused.

use aws_lc_rs::digest::{SHA256, digest};
use chrono::TimeDelta;
use serde_json::Value;
use straits::domain::ledger::AccountCode;
use straits::domain::payouts::PlanDocument;
use straits::domain::treasury::{Calendars, Tables};
use straits::flows::pay_out::{PlanInput, Word};
use straits::store::Change;

use super::certificate::{certificate, choice, treasury};
use super::world::{From, Treasury};
use crate::engines::on_each_engine;
use crate::money_flows::world::{Setup, World};

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
    places.push("/funding/0/by".to_owned());
    places.push("/totals/0/fee/amount".to_owned());
    // What no certificate speaks of: the hash does.
    for key in ["/hash", "/lines/0/account_hint", "/lines/0/expected", "/pots/0/by"] {
        places.push(key.to_owned());
    }
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
        for (place, word) in
            [("/lines/0/name", "another"), ("/lines/0/town", "Hanoi"), ("/lines/0/trust", "contract")]
        {
            let mut edited = shown.clone();
            assert_ne!(edited.pointer(place), Some(&word.into()));
            *edited.pointer_mut(place).unwrap() = word.into();
            let refusal = plan_checker::check_plan(&text, &edited.to_string()).unwrap_err().to_string();
            assert!(refusal.starts_with("hash: ") && refusal.ends_with("not what was approved"), "{refusal}");
        }
        let mut strange = shown.clone();
        strange["lines"][0]["more"] = 1.into();
        assert!(plan_checker::check_plan(&text, &strange.to_string()).is_err());
        let mut fewer = shown.clone();
        fewer["lines"].as_array_mut().unwrap().pop();
        assert!(plan_checker::check_plan(&text, &fewer.to_string()).is_err());

        // A plan of which something was taken out by hand is still that certificate's, less that.
        let (supplier, currency) = (plan.document.lines[0].supplier, plan.document.lines[0].net.currency());
        let word = Word::Drop { supplier, currency };
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

/// What calls cost by themselves has to lie on the account too, and is told apart; a call that was taken out costs nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_calls_cost_by_themselves_is_funded_and_checked() {
    on_each_engine("batch fees", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "bank", From::Bank("scb"), "THB", 2).await;
        for nth in 0..3 {
            let supplier = treasury.join(&format!("S{nth}")).await;
            treasury.terms(supplier, r#"{"town":"Bangkok"}"#).await;
            treasury.fund(AccountCode::SUPPLIER_AVAILABLE, supplier, "1000.00").await;
        }
        treasury.fund(AccountCode::BANK_CLIENT, "scb", "3100.00").await;
        let thb = |amount: &str| super::money(amount, "THB");
        let plan = treasury.draft().await;
        let need = |plan: &straits::domain::payouts::PayoutPlan| plan.document.funding().unwrap().remove(0);
        // Two calls at 100.00, three payouts at 12.00.
        let told = need(&plan);
        assert_eq!((told.batch_fees, told.needed), (thb("200.00"), thb("3236.00")));
        assert_eq!(told.missing, thb("136.00"));
        let proof = &plan.document.proof;
        assert_eq!((proof.cost, proof.gap), (thb("236.00"), proof.cost.checked_sub(proof.bound).unwrap()));
        let text = certificate(&treasury, &plan).await;
        let merchant = treasury.world.merchant.id;
        let shown = treasury.paying.show(merchant, plan.id).await.unwrap();
        plan_checker::check_plan(&text, &shown.to_string()).unwrap();
        let mut without = shown.clone();
        without["funding"][0]["batch_fees"]["amount"] = "100.00".into();
        let refusal = plan_checker::check_plan(&text, &without.to_string()).unwrap_err().to_string();
        assert!(refusal.contains("batch_fees"), "{refusal}");

        let alone = plan.document.lines.iter().max_by_key(|line| line.batch).unwrap();
        let word = Word::Drop { supplier: alone.supplier, currency: alone.net.currency() };
        let dropped = treasury.say(treasury.world.maker, plan.id, word).await.unwrap();
        assert_eq!((need(&dropped).batch_fees, need(&dropped).needed), (thb("100.00"), thb("2124.00")));
        let shown = treasury.paying.show(merchant, plan.id).await.unwrap();
        plan_checker::check_plan(&text, &shown.to_string()).unwrap();
        store.close().await;
    })
    .await;
}

/// Beyond the lists of holidays a day is good by weekday only: the line says so, and the checker knows the word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_date_beyond_the_lists_of_holidays_is_said() {
    on_each_engine("beyond the holidays", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup::default()).await;
        let treasury = Treasury::on(world, "paypal", From::PayPal, "USD", 100).await;
        treasury.crowd(1, "100.00").await;
        let file = "version = \"short\"\n[[calendar]]\ncurrency = \"USD\"\nfrom = \"2020-01-01\"\n\
                    until = \"2020-12-31\"\nholidays = []\nsource = \"s\"\ntrust = \"sample\"\n";
        let short = Calendars::read("short.toml", file).unwrap();
        let shipped = Tables::shipped();
        let today = database.clock.now().date_naive();
        let file = file.replace("2020-12-31", "2099-12-31").replace("2020-01-01", "2000-01-01");
        let long = Calendars::read("long.toml", &file).unwrap();
        for (holidays, covered) in [(short, false), (long, true)] {
            let paying = treasury.by(Tables { holidays, ..shipped.clone() });
            let (world, input) = (&treasury.world, PlanInput::default());
            let id = world.ids.mint();
            let drafted = paying.draft(world.merchant.id, world.maker, id, &input, Change::new());
            let plan = drafted.await.unwrap();
            let line = &plan.document.lines[0];
            assert_eq!(line.calendar_covers, covered, "{today}");
            let shown = paying.show(world.merchant.id, id).await.unwrap();
            assert_eq!(shown["lines"][0].get("calendar_covers").is_some(), !covered, "{shown:#}");
            let text = certificate(&treasury, &plan).await;
            plan_checker::check_plan(&text, &shown.to_string()).unwrap();
        }
        store.close().await;
    })
    .await;
}
