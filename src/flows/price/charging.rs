//! Who can charge a shown price, and what is charged where nobody can.

use std::borrow::Borrow;

use serde::Serialize;
use utoipa::ToSchema;

use super::PricesAnswer;
use crate::flows::pay::{Accounts, OpenAccount};
use crate::gateways::Unchargeable;
use crate::ids::MerchantId;
use crate::money::Money;

/// What would be charged instead of a shown price.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct ChargedInstead {
    /// The nearest amount a gateway takes in the shown currency; else the shop's own price.
    #[schema(example = json!({"amount": "19.90", "currency": "USD"}))]
    pub price: Money,
    /// Who can charge it.
    #[schema(example = json!(["paypal"]))]
    pub chargeable_at: Vec<String>,
}

impl PricesAnswer<'_> {
    /// Says of every price which of the merchant's accounts can charge it: once for the currency, and beside an item
    /// where its amount makes a difference.
    pub fn charged_at(&mut self, accounts: &Accounts, merchant: MerchantId) {
        let accounts = accounts.look();
        let own = accounts.iter().filter(|open| open.account.merchant == merchant).map(AsRef::as_ref);
        let accounts: &[&OpenAccount] = &own.collect::<Vec<_>>();
        let shown = self.currency;
        let takes = |open: &&OpenAccount| {
            open.gateway.step(shown).is_some() || open.gateway.currencies().contains(&shown)
        };
        let taking: Vec<&OpenAccount> = accounts.iter().copied().filter(takes).collect();
        self.chargeable_at = names(taking.iter().copied());
        // Steps are powers of ten: what is a multiple of the largest is one of all.
        let steps: Option<Vec<i64>> = taking.iter().map(|open| open.gateway.step(shown)).collect();
        let step = steps.and_then(|steps| steps.into_iter().max());
        for item in &mut self.items {
            // Most amounts are charged by whoever takes the currency.
            let fits = match step {
                Some(step) => {
                    let whole = step == 1 || item.price.minor() % step == 0;
                    whole && item.price.is_positive() && item.price.currency() == shown
                }
                None => {
                    !taking.is_empty()
                        && taking.iter().all(|open| open.gateway.check_amount(item.price).is_ok())
                }
            };
            if fits {
                continue;
            }
            let able = able(accounts, item.price);
            if able.is_empty() {
                item.charged_instead = instead(accounts, item.price, item.from).map(Box::new);
            }
            item.chargeable_at = (able != self.chargeable_at).then(|| able.into());
        }
    }
}

/// The gateways by name, in order, each once.
fn names<'a>(accounts: impl Iterator<Item = &'a OpenAccount>) -> Vec<String> {
    let mut names: Vec<String> = accounts.map(|open| open.account.gateway.clone()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// The gateways that can charge exactly this amount.
pub fn able<A: Borrow<OpenAccount>>(accounts: &[A], amount: Money) -> Vec<String> {
    names(accounts.iter().map(Borrow::borrow).filter(|open| open.gateway.check_amount(amount).is_ok()))
}

fn instead(accounts: &[&OpenAccount], shown: Money, own: Money) -> Option<ChargedInstead> {
    let nearest = accounts.iter().find_map(|open| match open.gateway.check_amount(shown) {
        Err(Unchargeable::Precision { nearest, .. }) => Some(nearest),
        _ => None,
    });
    let candidates = nearest.into_iter().chain([own]);
    candidates
        .map(|price| ChargedInstead { price, chargeable_at: able(accounts, price) })
        .find(|instead| !instead.chargeable_at.is_empty())
}
