//! Ways to add to paying accounts, as a plan is asked with them: each is of a rail account that the plan may pay over, in
//! that account's currency, at a price.

use crate::domain::payouts::{Offer, TopUps};
use crate::domain::treasury::{Mids, NamedTopUp, TopUp};

use super::PayOutError;

/// Ways to add to one account.
const MOST_OF_A_POT: usize = 4;
/// Ways that one plan names.
const MOST: usize = 200;

/// By the account behind them.
///
/// # Errors
/// [`PayOutError::RefusedAt`], with the place.
pub(super) fn by_pot(inputs: &[NamedTopUp], offers: &[Offer]) -> Result<TopUps, PayOutError> {
    if inputs.len() > MOST {
        return Err(refused("top_ups".to_owned(), "name at most 200 ways to add to accounts"));
    }
    let mut pots = TopUps::new();
    for (index, input) in inputs.iter().enumerate() {
        let place = |key: &str| format!("top_ups[{index}].{key}");
        let offer = offers.iter().find(|offer| offer.account.id == input.rail_account);
        let offer = offer.ok_or_else(|| {
            refused(place("rail_account"), &format!("nothing can be paid over {}", input.rail_account))
        })?;
        let currency = offer.account.currency;
        let from = input.from.trim();
        if from.is_empty() || from.chars().count() > 100 {
            return Err(refused(place("from"), "say in 1 to 100 characters which account or bank it is"));
        }
        for (key, amount) in [("limit", Some(input.limit)), ("fixed", input.fixed)] {
            let Some(amount) = amount else { continue };
            if amount.currency() != currency {
                let why = format!("it is in {}, the rail account pays {currency}", amount.currency());
                return Err(refused(place(key), &why));
            }
            if amount.is_negative() {
                return Err(refused(place(key), "it is zero or above"));
            }
        }
        if input.spread_bps >= 10_000 {
            return Err(refused(place("spread_bps"), "it is below 10000: all of it"));
        }
        let pot = pots.entry(offer.pot.clone()).or_default();
        if pot.len() == MOST_OF_A_POT {
            let why = format!("{} has four ways to add to it already, at most four are compared", offer.pot);
            return Err(refused(place("rail_account"), &why));
        }
        let (sells, limit, fixed) = (input.sells, input.limit, input.fixed);
        pot.push(TopUp { from: from.to_owned(), sells, limit, fixed, spread_bps: input.spread_bps });
    }
    Ok(pots)
}

/// Refuses what cannot be estimated at a plan's rates.
///
/// # Errors
/// [`PayOutError::RefusedAt`], with the place.
pub(super) fn rated(inputs: &[NamedTopUp], mids: &Mids) -> Result<(), PayOutError> {
    for (index, input) in inputs.iter().enumerate() {
        let sells = input.sells;
        if sells != input.limit.currency() && mids.weight(sells).is_err() {
            let why = format!("no rate of {sells} is known, so that nobody can say how much of it is sold");
            return Err(refused(format!("top_ups[{index}].sells"), &why));
        }
    }
    Ok(())
}

fn refused(place: String, why: &str) -> PayOutError {
    PayOutError::RefusedAt { place, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::domain::merchants::{Funding, RailAccount};
    use crate::ids::{IdSource, RailAccountId};
    use crate::money::{Currency, Money};

    fn offers(ids: &IdSource) -> Vec<Offer> {
        let offer = |name: &str, pot: &str| {
            let account = RailAccount {
                id: ids.mint(),
                merchant: ids.mint(),
                name: name.into(),
                rail: "csv".into(),
                currency: Currency::known("USD"),
                funding: Funding::GatewayAccount(name.into()),
                created_at: from_micros(0),
            };
            Offer { account, pot: pot.into(), held: Money::zero(Currency::known("USD")), limit: 1 }
        };
        vec![offer("file", "1010[dbs] USD"), offer("wire", "1010[dbs] USD"), offer("pp", "1110[pp] USD")]
    }

    fn input(rail_account: RailAccountId) -> NamedTopUp {
        let usd = |minor| Money::from_minor(minor, Currency::known("USD"));
        let (sells, limit, fixed) = (Currency::known("SGD"), usd(5_000), Some(usd(100)));
        NamedTopUp { rail_account, from: " HSBC ".into(), sells, limit, fixed, spread_bps: 25 }
    }

    #[test]
    fn ways_of_all_rails_over_one_account_are_that_accounts() {
        let ids = IdSource::seeded(Clock::fixed(from_micros(0)), 1);
        let offers = offers(&ids);
        let asked = [0, 1, 2, 0].map(|own| input(offers[own].account.id));
        let pots = by_pot(&asked, &offers).unwrap();
        let counts: Vec<(&str, usize)> = pots.iter().map(|(pot, ways)| (pot.as_str(), ways.len())).collect();
        assert_eq!(counts, [("1010[dbs] USD", 3), ("1110[pp] USD", 1)]);
        assert_eq!(pots["1010[dbs] USD"][0].from, "HSBC");
        assert!(by_pot(&[], &offers).unwrap().is_empty());
    }

    #[test]
    fn what_does_not_fit_is_refused_in_its_place() {
        let ids = IdSource::seeded(Clock::fixed(from_micros(0)), 1);
        let offers = offers(&ids);
        let place = |edit: &dyn Fn(&mut Vec<NamedTopUp>)| {
            let mut asked = vec![input(offers[0].account.id); 2];
            edit(&mut asked);
            match by_pot(&asked, &offers) {
                Err(PayOutError::RefusedAt { place, .. }) => place,
                other => panic!("{other:?}"),
            }
        };
        let sgd = |minor| Money::from_minor(minor, Currency::known("SGD"));
        let usd = |minor| Money::from_minor(minor, Currency::known("USD"));
        let stranger = ids.mint();
        assert_eq!(place(&|asked| asked[1].rail_account = stranger), "top_ups[1].rail_account");
        assert_eq!(place(&|asked| asked[1].from = "  ".into()), "top_ups[1].from");
        assert_eq!(place(&|asked| asked[0].from = "é".repeat(101)), "top_ups[0].from");
        assert_eq!(place(&|asked| asked[0].limit = sgd(1)), "top_ups[0].limit");
        assert_eq!(place(&|asked| asked[0].limit = usd(-1)), "top_ups[0].limit");
        assert_eq!(place(&|asked| asked[1].fixed = Some(sgd(1))), "top_ups[1].fixed");
        assert_eq!(place(&|asked| asked[1].fixed = Some(usd(-1))), "top_ups[1].fixed");
        assert_eq!(place(&|asked| asked[1].spread_bps = 10_000), "top_ups[1].spread_bps");
        // The fifth of one account, over whichever of its rails.
        let fifth = |asked: &mut Vec<NamedTopUp>| {
            asked.extend(vec![input(offers[1].account.id); 2]);
            asked.push(input(offers[2].account.id));
            asked.push(input(offers[0].account.id));
        };
        assert_eq!(place(&fifth), "top_ups[5].rail_account");
        assert_eq!(place(&|asked| *asked = vec![input(offers[0].account.id); 201]), "top_ups");
    }

    #[test]
    fn what_is_sold_needs_a_rate_and_a_transfer_needs_none() {
        let ids = IdSource::seeded(Clock::fixed(from_micros(0)), 1);
        let (mut sold, mut moved) = (input(ids.mint()), input(ids.mint()));
        moved.sells = Currency::known("USD");
        sold.sells = Currency::known("SGD");
        let mut mids =
            Mids { home: Currency::known("THB"), as_of: from_micros(0), rates: Default::default() };
        let unrated = rated(&[moved.clone(), sold.clone()], &mids).unwrap_err();
        assert!(
            matches!(&unrated, PayOutError::RefusedAt { place, .. } if place == "top_ups[1].sells"),
            "{unrated:?}"
        );
        mids.rates.insert(sold.sells, "26.1".parse().unwrap());
        assert!(rated(&[moved, sold], &mids).is_ok());
    }
}
