//! Paying out, over a real store on both engines and a rail that fails as it is told: two persons and one content, each
//! batch sent once whatever happens in between, the books as the worked examples have them.

mod approval;
mod calls;
pub mod bank;
mod bank_lines;
mod bound;
mod by_hand;
mod certificate;
mod faults;
mod netting;
pub mod far;
mod items;
mod late;
mod notification;
mod otherwise;
mod plan_check;
mod remittances;
mod schedules;
mod set_off;
mod standing;
mod stories;
mod withholding;
mod withholding_refunds;
pub mod world;

use straits::money::{Currency, Money};

pub fn money(amount: &str, currency: &str) -> Money {
    Money::parse(amount, Currency::find(currency).unwrap()).unwrap()
}
