//! One list of cases for every registered gateway that takes payments; payouts have files of their own.
//!
//! A gateway brings a small scripted far side (`conformance/<name>.rs`, written from its fact sheet, independent of
//! `src/sandbox`) that also checks every request it gets: line, headers, signature, body. A case may be left out only
//! with a reason, which is printed in the matrix.

mod bank_channel;
mod bench;
mod bills;
mod calls;
mod grabpay;
mod grabpay_bill;
mod grabpay_only;
mod line;
mod notices;
pub mod openapi;
mod paypal;
mod paypal_bill;
mod paypal_only;
mod paypal_payouts;
mod refunds;
mod signer;
mod xendit_payouts;

use std::collections::BTreeSet;

use bench::{Bench, Case};
use straits::gateways::registry::GATEWAYS;

type Open = fn() -> Bench;

const HOUSES: &[(&str, Open)] = &[
    ("paypal", paypal::by_signature),
    ("paypal by postback", paypal::by_postback),
    ("grabpay", grabpay::open),
];

fn cases() -> Vec<Case> {
    [calls::CASES, refunds::CASES, notices::CASES, bills::CASES].concat()
}

#[test]
fn the_list_is_long_its_names_are_unique_and_every_gateway_is_in_it() {
    let names: BTreeSet<&str> = cases().iter().map(|(name, _)| *name).collect();
    assert_eq!(names.len(), cases().len());
    assert!(names.len() >= 30, "{}", names.len());
    let houses: BTreeSet<&str> = HOUSES.iter().filter_map(|(name, _)| name.split(' ').next()).collect();
    let paid_at = GATEWAYS.iter().filter(|gateway| gateway.takes_payments);
    let gateways: BTreeSet<&str> = paid_at.map(|gateway| gateway.name).collect();
    assert_eq!(houses, gateways);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_gateway_stands_every_case() {
    let mut failed = Vec::new();
    for (house, open) in HOUSES {
        for (name, run) in cases() {
            if let Some(reason) = open().left_out(name) {
                println!("{house:20} {name:55} left out: {reason}");
                continue;
            }
            let stood = tokio::spawn(async move {
                let bench = open();
                run(bench.clone()).await;
                bench.nothing_was_wrong_with_the_requests();
            });
            let stood = stood.await.is_ok();
            println!("{house:20} {name:55} {}", if stood { "stands" } else { "FAILS" });
            if !stood {
                failed.push(format!("{house}: {name}"));
            }
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}
