//! Payables and rail accounts in the planner's words.

use std::collections::BTreeMap;

use crate::domain::treasury::{self, Bearer, Funds, Holder, Payee, TopUp, Way};
use crate::money::{Currency, Money, MoneyError};

use super::offer::Offer;
use super::payable::{Payable, PayoutRules};
use super::payout::FeeBearer;
use super::top_up::TopUps;

/// What the planner is asked for one payable.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    /// The payable.
    pub payable: &'a Payable,
    /// The same for the planner.
    pub request: treasury::Payable,
}

impl<'a> Asked<'a> {
    /// `net` of a payable, to those of its accounts that may get as much.
    ///
    /// # Errors
    /// [`MoneyError`] when a sum does not fit.
    pub fn of(
        payable: &'a Payable,
        net: Money,
        offers: &[Offer],
        rules: &PayoutRules,
    ) -> Result<Asked<'a>, MoneyError> {
        let may = payable.payees.iter().filter(|payee| payable.limit(payee, rules) == net);
        let payees = may.map(|payee| Payee {
            account: payee.account.id.to_string(),
            country: payee.account.country.clone(),
            market: None,
            kind: Some(payee.account.kind),
            town: payable.terms.town.is_some(),
            bank_letters: payee.in_bank_letters,
        });
        let own = payable.terms.rail.map(|own| {
            let Some(offer) = offers.iter().find(|offer| offer.account.id == own) else {
                // A rail account that cannot be paid over now is no account of the planner's.
                return Way { account: own.to_string(), rail: String::new(), through: None };
            };
            let (account, rail) = (offer.pot.clone(), offer.account.rail.clone());
            // Whoever names none goes over the oldest of them.
            let oldest = offer_of(offers, &account, &rail).is_some_and(|oldest| oldest.account.id == own);
            Way { account, rail, through: (!oldest).then(|| own.to_string()) }
        });
        // Of whom a part is paid, or whose debts or taxes come off, nobody knows yet what a later plan would pay.
        let known = net == payable.net && payable.debt.is_zero() && payable.withholding.is_zero();
        let request = treasury::Payable {
            supplier: payable.supplier.to_string(),
            gross: net.checked_add(payable.debt)?.checked_add(payable.withholding)?,
            withholding: Some(payable.withholding),
            debt: Some(payable.debt),
            conversion: None,
            payees: payees.collect(),
            bearer: payable.terms.bearer.map(bearer),
            only: own,
            purpose: payable.terms.purpose.clone(),
            due: payable.due,
            blocked: None,
            default_route: None,
            expected: if known { payable.expected.clone() } else { Vec::new() },
        };
        Ok(Asked { payable, request })
    }

    /// What names it in a plan.
    pub fn place(&self) -> (&str, Currency) {
        (self.request.supplier.as_str(), self.request.gross.currency())
    }
}

/// The money behind the offers, each pot once. A pot that holds too little is topped up in the ways that are named for it;
/// where none is, by a transfer, which costs nothing here: nobody has told its price.
pub fn funds(offers: &[Offer], named: &TopUps) -> Vec<Funds> {
    let mut pots: BTreeMap<&str, Funds> = BTreeMap::new();
    for offer in offers {
        let currency = offer.held.currency();
        let transfer = TopUp {
            from: "transfer".to_owned(),
            sells: currency,
            limit: Money::from_minor(Money::INPUT_LIMIT, currency),
            fixed: None,
            spread_bps: 0,
        };
        let pot = pots.entry(&offer.pot).or_insert_with(|| Funds {
            account: offer.pot.clone(),
            rails: Vec::new(),
            available: offer.held,
            holder: Holder::Client,
            top_ups: named.get(&offer.pot).cloned().unwrap_or_else(|| vec![transfer]),
        });
        if !pot.rails.contains(&offer.account.rail) {
            pot.rails.push(offer.account.rail.clone());
        }
    }
    pots.into_values().collect()
}

/// The rail account that is meant by a pot and a rail where none is named: the oldest.
pub fn offer_of<'a>(offers: &'a [Offer], pot: &str, rail: &str) -> Option<&'a Offer> {
    offers.iter().find(|offer| offer.pot == pot && offer.account.rail == rail)
}

fn bearer(bearer: FeeBearer) -> Bearer {
    match bearer {
        FeeBearer::Platform => Bearer::Debtor,
        FeeBearer::Supplier => Bearer::Creditor,
        FeeBearer::Shared => Bearer::Shared,
    }
}
