//! Which drafts bind the rate of the payout (`fx_point = payout`): those that could pay it, and no other.

use chrono::TimeDelta;
use straits::domain::access::Actor;
use straits::domain::merchants::{Funding, FxPoint, PayoutAccountKind, RailAccount};
use straits::domain::payouts::PayoutPlan;
use straits::flows::onboard::NewPayoutAccount;
use straits::flows::pay_out::PayOutError;
use straits::ids::SupplierId;
use straits::store::Change;

use super::money;
use super::world::{From, Treasury};
use crate::engines::{TestDatabase, on_each_engine};
use crate::money_flows::world::{Setup, World, taken};

const QUOTES: &[(&str, &str)] = &[("USD", "1"), ("THB", "34.00")];

/// A gets all but the platform's tenth and bears the fee.
const TERMS: &str = r#"{"splits":[{"supplier":"A","share":{"remainder":true}}],
    "fee_bearer":"suppliers","platform_fee":{"percent":"10"}}"#;

/// A is paid in baht over a bank, and has USD 85.10 that wait for that; there is a rail in dollars beside.
async fn waiting(database: &TestDatabase) -> (Treasury, RailAccount) {
    let store = database.open().await;
    let setup = Setup {
        suppliers: ["THB", "USD"],
        account: |account| account.fx_point = FxPoint::Payout,
        ..Setup::default()
    };
    let world = World::on(&store, &database.clock, setup).await;
    let treasury = Treasury::on(world, "bank", From::Bank("scb"), "THB", 10).await;
    let dollars = RailAccount {
        id: treasury.world.ids.mint(),
        name: "dollars".into(),
        rail: "csv".into(),
        currency: money("1.00", "USD").currency(),
        funding: Funding::GatewayAccount("paypal".into()),
        ..treasury.account.clone()
    };
    let mut change = Change::new();
    change.insert_rail_account(&dollars);
    store.commit(change).await.unwrap();
    treasury.terms(treasury.supplier("A"), r#"{"town":"Bangkok"}"#).await;
    treasury.world.quote(QUOTES).await;
    let capture = taken("CAP-sold", "100.00", "USD", "4.90");
    treasury.world.paid("sold", money("100.00", "USD"), TERMS, capture).await;
    later(database, &treasury, TimeDelta::days(1)).await;
    assert_eq!(treasury.world.releasing.release_due().await.unwrap(), 1);
    (treasury, dollars)
}

async fn later(database: &TestDatabase, treasury: &Treasury, by: TimeDelta) {
    database.tick(by);
    treasury.world.quote(QUOTES).await;
}

/// Its share is pending in dollars as it was.
async fn is_unbound(treasury: &Treasury, case: &str) {
    let standing = treasury.world.standing().await;
    assert_eq!(standing.get("2100[A] USD").map(String::as_str), Some("-85.10"), "{case}: {standing:?}");
}

/// Why A is left out of a plan that pays nobody.
fn left_out(plan: &PayoutPlan) -> &str {
    assert!(plan.document.lines.is_empty(), "{:?}", plan.document.lines);
    let [why] = plan.document.excluded.as_slice() else { panic!("{:?}", plan.document.excluded) };
    assert_eq!(why.available, money("85.10", "USD"));
    &why.reason
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_binds_no_rate_of_whom_it_cannot_pay() {
    on_each_engine("a_plan_binds_no_rate_of_whom_it_cannot_pay", async |database| {
        let (treasury, dollars) = waiting(database).await;
        let supplier = treasury.supplier("A");
        // Its first account is in dollars, the one in baht is new.
        let actor = Actor::service(treasury.world.merchant.id, treasury.world.ids.mint());
        let first = NewPayoutAccount {
            kind: PayoutAccountKind::Paypal,
            country: "TH".into(),
            currency: dollars.currency,
            holder: "Payee".into(),
            number: "payee@example.com".to_owned().into(),
            bank_code: None,
        };
        treasury.onboarding.add_payout_account(&actor, supplier, first).await.unwrap();
        treasury.payee(supplier).await;
        assert_eq!(left_out(&treasury.draft().await), "account_cooling");
        is_unbound(&treasury, "cooling").await;

        later(database, &treasury, TimeDelta::hours(72)).await;
        let over = format!(r#"{{"rail_account":"{}"}}"#, dollars.id);
        assert_eq!(left_out(&treasury.asked(&over).await.unwrap()), "no_route");
        is_unbound(&treasury, "over a rail in dollars").await;

        let stranger: SupplierId = treasury.world.ids.mint();
        let refused = treasury.asked(&format!(r#"{{"suppliers":["{supplier}","{stranger}"]}}"#)).await;
        assert!(matches!(refused, Err(PayOutError::Refused { param: "suppliers", .. })), "{refused:?}");
        is_unbound(&treasury, "a stranger").await;

        let sells = format!(
            r#"{{"top_ups":[{{"rail_account":"{}","from":"HSBC","sells":"SGD",
                "limit":{{"amount":"1000.00","currency":"THB"}}}}]}}"#,
            treasury.account.id
        );
        let refused = treasury.asked(&sells).await;
        assert!(
            matches!(&refused, Err(PayOutError::RefusedAt { place, .. }) if place == "top_ups[0].sells"),
            "{refused:?}"
        );
        is_unbound(&treasury, "what is sold has no rate").await;

        // 85.10 at 34.00, less half a percent.
        let plan = treasury.draft().await;
        assert_eq!(plan.document.lines[0].net, money("2878.93", "THB"), "{:?}", plan.document.excluded);
        assert!(!treasury.world.standing().await.contains_key("2100[A] USD"));
        treasury.world.verified().await;
        treasury.world.store.close().await;
    })
    .await;
}
