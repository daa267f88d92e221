//! Where the payer is at home decides which fee rules apply: in a real settlement as in a preview, to the cent.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use straits::domain::fees::FeeBook;
use straits::domain::fx::Country;
use straits::domain::orders::{Capture, ReportKind};
use straits::ids::PaymentId;

use super::ONE;
use super::world::{Setup, World, money, taken};
use crate::app::TestApp;
use crate::engines::on_each_engine;

/// The contract, once as an operator writes it and once as a preview is asked.
const RULES: &str = r#"
name = "paypal"

[[rule]]
name = "domestic"
kind = "gateway"
percent = "3.9"
fixed = "0.50"
when = { gateway = "paypal", currency = "USD", market = "SG", payer_country = "SG" }
source = "a contract"
trust = "sample"

[[rule]]
name = "anywhere"
kind = "gateway"
percent = "4.4"
fixed = "0.50"
when = { gateway = "paypal", currency = "USD" }
source = "a contract"
trust = "sample"

[[rule]]
name = "payer in Malaysia"
kind = "cross_border"
percent = "1.13"
when = { gateway = "paypal", payer_country = "MY" }
source = "a contract"
trust = "sample"
"#;

fn asked() -> Value {
    json!([
        {"name": "domestic", "kind": "gateway", "percent": "3.9", "fixed": "0.50",
         "when": {"gateway": "paypal", "currency": "USD", "market": "SG", "payer_country": "SG"}},
        {"name": "anywhere", "kind": "gateway", "percent": "4.4", "fixed": "0.50",
         "when": {"gateway": "paypal", "currency": "USD"}},
        {"name": "payer in Malaysia", "kind": "cross_border", "percent": "1.13",
         "when": {"gateway": "paypal", "payer_country": "MY"}},
    ])
}

fn from(country: Option<&str>, capture_ref: &str) -> Capture {
    let payer_country = country.map(|code| Country::find(code).unwrap());
    // The gateway names no fee: the rules say what it will be.
    Capture { fee: None, payer_country, ..taken(capture_ref, "99.99", "USD", "0.00") }
}

/// Each kind's amounts, in the order of the lines.
fn amounts(lines: &Value) -> BTreeMap<String, Vec<String>> {
    let mut kinds: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in lines.as_array().unwrap() {
        let amount = format!("{} {}", line["amount"]["amount"], line["rule"]);
        kinds.entry(line["kind"].to_string()).or_default().push(amount);
    }
    kinds
}

async fn lines(world: &World, payment: PaymentId) -> Value {
    let record = world.store.settlement_of(payment).await.unwrap().unwrap().value;
    serde_json::from_str(&record.lines).unwrap()
}

#[actix_web::test]
async fn a_rule_for_payers_abroad_meets_those_and_no_others() {
    let app = TestApp::start().await;
    on_each_engine("a_rule_for_payers_abroad_meets_those_and_no_others", async |database| {
        let store = database.open().await;
        let fees = FeeBook::read(&[("paypal.toml", RULES)]).unwrap();
        let world = World::on(&store, &database.clock, Setup { fees, ..Setup::default() }).await;
        let mut seen = Vec::new();
        for country in [Some("SG"), Some("MY"), Some("JP"), None] {
            let order = country.unwrap_or("nowhere");
            let amount = money("99.99", "USD");
            let payment = world.paid(order, amount, ONE, from(country, &format!("CAP-{order}"))).await;
            let real = lines(&world, payment).await;
            let preview = json!({
                "amount": {"amount": "99.99", "currency": "USD"}, "gateway": "paypal", "market": "SG",
                "payer_country": country, "fee_bearer": "suppliers", "platform_fee": {"percent": "10"},
                "splits": [{"supplier": app.supplier("TH"), "share": {"remainder": true}}], "fees": asked(),
                "rates": [{"base": "USD", "quote": "THB", "rate": "33"}],
            });
            let preview = app.post("finance", "/v1/settlements/preview", &preview).await;
            assert_eq!(preview.status, 200, "{}", preview.text);
            let mut preview = amounts(&preview.json()["lines"]);
            // The preview's supplier settles in another currency.
            preview.remove("\"conversion\"");
            assert_eq!(amounts(&real), preview, "{order}");
            seen.push(preview["\"gateway_fee\""].concat());
        }
        assert!(seen[0].contains("4.40") && seen[0].contains("domestic"), "{seen:?}");
        assert!(
            seen[1].contains("4.90") && seen[1].contains("1.13") && seen[1].contains("Malaysia"),
            "{seen:?}"
        );
        assert!(seen[2] == seen[3] && !seen[2].contains("Malaysia"), "{seen:?}");
        world.verified().await;
        store.close().await;
    })
    .await;
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_learnt_later_changes_no_settlement() {
    on_each_engine("what_is_learnt_later_changes_no_settlement", async |database| {
        let store = database.open().await;
        let fees = FeeBook::read(&[("paypal.toml", RULES)]).unwrap();
        let world = World::on(&store, &database.clock, Setup { fees, ..Setup::default() }).await;
        let payment = world.paid("abroad", money("99.99", "USD"), ONE, from(Some("MY"), "CAP")).await;
        let (before, standing) = (lines(&world, payment).await, world.standing().await);
        for country in [Some("SG"), None] {
            world.far.say(payment, ReportKind::Captured(from(country, "CAP")));
            world.hear(payment).await;
            world.sync(payment).await;
        }
        assert_eq!((lines(&world, payment).await, world.standing().await), (before, standing));
        assert_eq!(world.payment(payment).await.payer_country.map(Country::code), Some("MY"));
        // Money that stood aside is divided by what was known when it came.
        let capture = Capture { amount: money("10.00", "USD"), ..from(Some("MY"), "CAP-2") };
        let less = world.paid("less", money("99.99", "USD"), ONE, capture).await;
        world.far.say(less, ReportKind::Captured(from(Some("SG"), "CAP-2")));
        world.hear(less).await;
        assert_eq!(world.state(less).await, "captured");
        assert_eq!(amounts(&lines(&world, less).await), amounts(&lines(&world, payment).await));
        world.verified().await;
        store.close().await;
    })
    .await;
}
