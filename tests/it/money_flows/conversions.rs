//! Suppliers' own currencies: a share waits for a rate, and refunds do not wait for it.

use straits::domain::merchants::FeeOwner;

use super::far::Pays;
use super::world::{Setup, World, money, taken};
use super::{FORTY, one};
use crate::engines::on_each_engine;

const DOLLARS_TO_YUAN: &[(&str, &str)] = &[("USD", "1"), ("CNY", "7.12")];

/// A settles in CNY; the platform bears fees that the gateway keeps.
fn in_yuan() -> Setup {
    Setup { suppliers: ["CNY", "USD"], unreturned_fee: Some(FeeOwner::Platform), ..Setup::default() }
}

/// Everything went back; the gateway kept its fee.
const GONE: &[(&str, &str)] = &[("1110[paypal] USD", "-4.90"), ("5000[paypal] USD", "4.90")];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_refunded_while_it_waited_is_not_converted() {
    on_each_engine("what_was_refunded_while_it_waited_is_not_converted", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, in_yuan()).await;
        // Another payment's share waits in the same bucket: no floor hides a mistake.
        let other = one(&world, "other").await;
        let payment = one(&world, "waits").await;
        world.refund(payment, FORTY).await.unwrap();
        assert_eq!(world.standing().await.get("2100[A] USD").map(String::as_str), Some("-136.16"));
        world.quote(DOLLARS_TO_YUAN).await;
        assert_eq!(world.settlements.convert_waiting().await.unwrap(), 2);
        assert_eq!(world.settlements.convert_waiting().await.unwrap(), 0);
        let standing = world.standing().await;
        // 85.10 → 602.88 and 51.06 → 361.72 (361.729464), at mid 605.91 and 363.55.
        assert_eq!(standing.get("2100[A] USD"), None);
        assert_eq!(standing.get("2100[A] CNY").map(String::as_str), Some("-964.60"));
        assert_eq!(standing.get("3000 CNY").map(String::as_str), Some("969.46"));
        assert_eq!(standing.get("4020[USDCNY] CNY").map(String::as_str), Some("-4.86"));
        world.verified().await;
        world.refund(payment, "{}").await.unwrap();
        world.refund(other, "{}").await.unwrap();
        world.stands(&[("1110[paypal] USD", "-9.80"), ("5000[paypal] USD", "9.80")]).await;
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fee_that_the_supplier_bears_on_a_refund_is_not_converted_either() {
    on_each_engine("a_fee_that_the_supplier_bears_on_a_refund_is_not_converted_either", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, Setup { unreturned_fee: None, ..in_yuan() }).await;
        let payment = one(&world, "bears").await;
        world.refund(payment, FORTY).await.unwrap();
        // 34.04 of the share and 1.96 of the fee.
        assert_eq!(world.standing().await.get("2100[A] USD").map(String::as_str), Some("-49.10"));
        world.quote(DOLLARS_TO_YUAN).await;
        assert_eq!(world.settlements.convert_waiting().await.unwrap(), 1);
        let standing = world.standing().await;
        assert_eq!(standing.get("2100[A] USD"), None);
        // 49.10 × 7.0844 = 347.84404.
        assert_eq!(standing.get("2100[A] CNY").map(String::as_str), Some("-347.84"));
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_share_that_went_back_whole_waits_no_longer() {
    on_each_engine("a_share_that_went_back_whole_waits_no_longer", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, in_yuan()).await;
        let payment = one(&world, "gone").await;
        world.refund(payment, "{}").await.unwrap();
        world.quote(DOLLARS_TO_YUAN).await;
        assert_eq!(world.settlements.convert_waiting().await.unwrap(), 1);
        assert_eq!(world.settlements.convert_waiting().await.unwrap(), 0);
        world.stands(GONE).await;
        world.verified().await;
        store.close().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refund_that_fails_after_the_conversion_leaves_its_part_unconverted() {
    on_each_engine(
        "a_refund_that_fails_after_the_conversion_leaves_its_part_unconverted",
        async |database| {
            let store = database.open().await;
            let world = World::on(&store, &database.clock, in_yuan()).await;
            let payment = one(&world, "fails").await;
            world.far.plan(&[Pays::Later]);
            world.refund(payment, FORTY).await.unwrap();
            world.quote(DOLLARS_TO_YUAN).await;
            world.settlements.convert_waiting().await.unwrap();
            world.far.give_up("REFUND_FAILED");
            world.sync(payment).await;
            let standing = world.standing().await;
            assert_eq!(standing.get("2100[A] USD").map(String::as_str), Some("-34.04"));
            assert_eq!(standing.get("2100[A] CNY").map(String::as_str), Some("-361.72"));
            // Both go back, each in its own currency, in whatever steps.
            world.refund(payment, FORTY).await.unwrap();
            world.verified().await;
            world.refund(payment, "{}").await.unwrap();
            world.stands(GONE).await;
            world.verified().await;
            store.close().await;
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_converted_share_goes_back_at_its_own_rate_or_at_the_suppliers_risk() {
    on_each_engine(
        "a_converted_share_goes_back_at_its_own_rate_or_at_the_suppliers_risk",
        async |database| {
            let store = database.open().await;
            let world = World::on(&store, &database.clock, in_yuan()).await;
            world.quote(DOLLARS_TO_YUAN).await;
            let payment = one(&world, "own-rate").await;
            database.tick(chrono::TimeDelta::hours(1));
            world.quote(&[("USD", "1"), ("CNY", "7.00")]).await;
            world.refund(payment, "{}").await.unwrap();
            world.stands(GONE).await;

            database.tick(chrono::TimeDelta::hours(1));
            world.quote(DOLLARS_TO_YUAN).await;
            let payment = one(&world, "todays-rate").await;
            database.tick(chrono::TimeDelta::hours(1));
            world.quote(&[("USD", "1"), ("CNY", "7.00")]).await;
            world.refund(payment, r#"{"fx_difference":"supplier"}"#).await.unwrap();
            let standing = world.standing().await;
            // 602.88 less 85.10 × 7.00.
            assert_eq!(standing.get("2100[A] CNY").map(String::as_str), Some("-7.18"));
            assert_eq!(standing.get("2100[A] USD"), None);
            world.verified().await;
            store.close().await;
        },
    )
    .await;
}

/// Each refund goes by its own rule, whatever an earlier one went by.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_supplier_bore_of_one_refund_is_not_given_back_by_the_next() {
    on_each_engine("what_a_supplier_bore_of_one_refund", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, in_yuan()).await;
        world.quote(DOLLARS_TO_YUAN).await;
        let payment = one(&world, "both").await;
        database.tick(chrono::TimeDelta::hours(1));
        world.quote(&[("USD", "1"), ("CNY", "7.30")]).await;
        let half = r#""amount":{"amount":"50.00","currency":"USD"}"#;
        world.refund(payment, &format!("{{{half},\"fx_difference\":\"supplier\"}}")).await.unwrap();
        let borne = world.standing().await;
        world.refund(payment, &format!("{{{half}}}")).await.unwrap();
        let after = world.standing().await;
        // Half of 602.88 at its own rate, and not what is left of it once 310.62 (42.55 at 7.30) is off: a debt.
        assert_eq!(borne.get("2100[A] CNY").map(String::as_str), Some("-292.26"));
        let owes = ["2100[A] CNY", "1200[A] CNY"].map(|place| after.get(place).map(String::as_str));
        assert_eq!(owes, [None, Some("9.18")]);
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// As captures and quotes do not convert at one, unless that is allowed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_supplier_is_not_charged_at_a_stale_rate() {
    on_each_engine("a_supplier_is_not_charged_at_a_stale_rate", async |database| {
        let store = database.open().await;
        let world = World::on(&store, &database.clock, in_yuan()).await;
        world.quote(DOLLARS_TO_YUAN).await;
        let payment = one(&world, "stale").await;
        database.tick(chrono::TimeDelta::days(30));
        let supplier = r#"{"amount":{"amount":"40.00","currency":"USD"},"fx_difference":"supplier"}"#;
        let refused = world.refund(payment, supplier).await.unwrap_err();
        assert_eq!((refused.code(), refused.param()), ("refund_invalid", Some("fx_difference")), "{refused}");
        world.refund(payment, FORTY).await.unwrap();
        world.quote(&[("USD", "1"), ("CNY", "7.00")]).await;
        world.refund(payment, supplier).await.unwrap();
        world.verified().await;
        store.close().await;
    })
    .await;
}

/// B's in yuan; A's, in dinars of which the bank says nothing, are in `ONE`.
const TO_B: &str = r#"{"splits":[{"supplier":"B","share":{"remainder":true}}],
    "fee_bearer":"suppliers","platform_fee":{"percent":"10"}}"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_without_a_rate_holds_up_no_other_and_finance_is_told() {
    on_each_engine("a_pair_without_a_rate_holds_up_no_other_and_finance_is_told", async |database| {
        let store = database.open().await;
        let setup = Setup { suppliers: ["KWD", "CNY"], ..Setup::default() };
        let world = World::on(&store, &database.clock, setup).await;
        // More than are read at once.
        for order in 0..101 {
            one(&world, &order.to_string()).await;
        }
        let capture = taken("CAP-B", "100.00", "USD", "4.90");
        world.paid("b", money("100.00", "USD"), TO_B, capture).await;
        world.quote(DOLLARS_TO_YUAN).await;
        assert_eq!(world.settlements.convert_waiting().await.unwrap(), 1);
        assert_eq!(world.standing().await.get("2100[B] USD"), None);
        assert!(world.findings().await.is_empty(), "not within a day");
        database.tick(chrono::TimeDelta::days(1));
        for _ in 0..2 {
            assert_eq!(world.settlements.convert_waiting().await.unwrap(), 0);
        }
        let findings = world.findings().await;
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert!(findings[0].detail.contains("in USD wait to become KWD"), "{}", findings[0].detail);

        // The rate comes, every share is converted; missing again later it is told again, once, whether or not anybody has
        // closed the first finding.
        world.quote(&[("USD", "1"), ("CNY", "7.12"), ("KWD", "0.31")]).await;
        assert_eq!(world.settlements.convert_waiting().await.unwrap(), 101);
        database.tick(chrono::TimeDelta::days(30));
        world.quote(DOLLARS_TO_YUAN).await;
        for order in ["again", "and again"] {
            one(&world, order).await;
        }
        assert_eq!(world.standing().await.get("2100[A] USD").map(String::as_str), Some("-170.20"));
        assert_eq!(world.settlements.convert_waiting().await.unwrap(), 0);
        assert_eq!(world.findings().await.len(), 1, "not within a day");
        for _ in 0..2 {
            database.tick(chrono::TimeDelta::days(1));
            assert_eq!(world.settlements.convert_waiting().await.unwrap(), 0);
        }
        let told = world.findings().await;
        assert_eq!((told.len(), &told[0]), (2, &findings[0]), "{told:?}");
        assert_ne!(told[0].fact, told[1].fact);
        world.verified().await;
        store.close().await;
    })
    .await;
}
