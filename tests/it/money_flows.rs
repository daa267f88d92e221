//! What happens to money once it was captured, driven for real: settlements, refunds, findings, deliveries, conversions
//! and statements over a real store on both engines, with a far side that fails as it is told.

mod at_once;
mod changed_at_gateway;
mod closing;
mod bill_fees;
mod bills;
mod bills_of_payouts;
mod bills_again;
mod bills_corrected;
mod bills_in_files;
mod conversions;
mod deliveries;
mod documents;
mod dispute_refunds;
mod dispute_suppliers;
mod disputes;
mod expected;
mod facts;
pub mod far;
mod fee_drift;
mod elsewhere;
mod findings;
mod ghosts;
pub mod fx;
mod fx_points;
mod ledger_export;
mod only_bills_tell;
mod out_of_order;
mod payers;
mod pooled;
mod refunds;
mod replays;
mod statements;
mod strangers;
pub mod world;

use straits::ids::PaymentId;

use world::{World, money, taken};

/// Supplier A gets all but the platform's tenth and bears the fee.
const ONE: &str = r#"{"splits":[{"supplier":"A","share":{"remainder":true}}],
    "fee_bearer":"suppliers","platform_fee":{"percent":"10"}}"#;

/// Two suppliers' items, commission with tax; the platform bears the fee.
const TWO: &str = r#"{"items":[{"ref":"a","amount":{"amount":"150.00","currency":"SGD"},"supplier":"A"},
    {"ref":"b","amount":{"amount":"100.00","currency":"SGD"},"supplier":"B"}],
    "platform_fee":{"percent":"12","tax":"9"}}"#;

const FORTY: &str = r#"{"amount":{"amount":"40.00","currency":"USD"}}"#;

/// USD 100.00 under [`ONE`]: fee 4.90, commission 10.00, A 85.10.
async fn one(world: &World, order: &str) -> PaymentId {
    let capture = taken(&format!("CAP-{order}"), "100.00", "USD", "4.90");
    world.paid(order, money("100.00", "USD"), ONE, capture).await
}

/// SGD 250.00 under [`TWO`]: fee 9.75, A 130.38, B 86.92, commission 30.00, tax 2.70.
async fn two(world: &World, order: &str) -> PaymentId {
    let capture = taken(&format!("CAP-{order}"), "250.00", "SGD", "9.75");
    world.paid(order, money("250.00", "SGD"), TWO, capture).await
}
