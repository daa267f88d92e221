//! Over which rail a payable goes. One function decides, [`route`]: the cheapest rail that reaches one of the payee's
//! accounts, each payable by itself.
//!
//! Prices are data with a date, a source and a trust level (`config/payout-rails.toml`): an estimate. What a rail really
//! charges is booked when it says so.

use std::sync::LazyLock;

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::domain::merchants::{PayoutAccountKind, RailAccount};
use crate::money::{Money, MoneyError, Percent, Rounding};

use super::document::{Line, Next};
use super::payable::{Excluded, Payable, Payee, PayoutRules};
use super::payout::FeeBearer;

/// What a rail can do and charges, by the table.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RailTerms {
    /// The rail.
    pub rail: String,
    /// Kinds of accounts it reaches.
    pub reaches: Vec<PayoutAccountKind>,
    /// Whether it is a bank's: it wants the town of the payee's address, and carries Latin letters only.
    #[serde(default)]
    pub needs_town: bool,
    /// Of each payout.
    #[serde(default)]
    pub percent: Percent,
    /// Besides, by currency.
    #[serde(default)]
    pub fixed: Vec<Money>,
    /// At most, by currency.
    #[serde(default)]
    pub cap: Vec<Money>,
    /// The least that one payout can be, by currency.
    #[serde(default)]
    pub least: Vec<Money>,
    /// Handed over later, it is of the next day.
    pub cut_off: NaiveTime,
    /// The zone of the cut-off.
    #[serde(with = "zone_name")]
    pub zone: Tz,
    /// Weekdays until the payee has it.
    pub days: u32,
    /// Where the figures come from.
    pub source: String,
    /// `contract`, `published`, `sample`, `unverified`.
    pub trust: String,
}

/// Every rail's terms, with a date.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RailTable {
    /// Which table: plans name it.
    pub version: String,
    /// The rails.
    #[serde(rename = "rail")]
    pub rails: Vec<RailTerms>,
}

/// The table is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the table of payout rails does not read: {0}")]
pub struct RailTableError(String);

impl RailTable {
    /// The table that is compiled in.
    pub fn shipped() -> &'static RailTable {
        static SHIPPED: LazyLock<RailTable> = LazyLock::new(|| {
            let text = include_str!("../../../config/payout-rails.toml");
            // A test reads it.
            RailTable::read(text).unwrap_or_else(|error| unreachable!("{error}"))
        });
        &SHIPPED
    }

    /// Reads a table.
    ///
    /// # Errors
    /// [`RailTableError`].
    pub fn read(text: &str) -> Result<RailTable, RailTableError> {
        toml::from_str(text).map_err(|error| RailTableError(error.to_string()))
    }

    /// A rail's terms.
    pub fn of(&self, rail: &str) -> Option<&RailTerms> {
        self.rails.iter().find(|terms| terms.rail == rail)
    }
}

impl RailTerms {
    /// The fee of one payout, by the table.
    ///
    /// # Errors
    /// [`MoneyError`] when it does not fit.
    pub fn fee(&self, amount: Money) -> Result<Money, MoneyError> {
        let of = |amounts: &[Money]| amounts.iter().copied().find(|of| of.currency() == amount.currency());
        let percent = amount.percent(self.percent)?.round(Rounding::HalfUp);
        let fee = percent.checked_add(of(&self.fixed).unwrap_or(Money::zero(amount.currency())))?;
        of(&self.cap).map_or(Ok(fee), |cap| fee.min(cap))
    }

    /// What the payee gets of `net` and the fee inside it: the largest amount that `net` holds with its fee.
    ///
    /// # Errors
    /// [`MoneyError`] when it does not fit.
    pub fn inside(&self, net: Money) -> Result<(Money, Money), MoneyError> {
        let holds = |minor: i64| -> Result<bool, MoneyError> {
            let amount = Money::from_minor(minor, net.currency());
            Ok(amount.checked_add(self.fee(amount)?)?.minor() <= net.minor())
        };
        let (mut low, mut high) = (0, net.minor());
        while low < high {
            let middle = low + (high - low + 1) / 2;
            if holds(middle)? { low = middle } else { high = middle - 1 }
        }
        let amount = Money::from_minor(low, net.currency());
        // What is left over by rounding is the payee's fee as well: the whole leaves its balance.
        Ok((amount, net.checked_sub(amount)?))
    }

    /// The day on which the rail takes what is handed over at `now`: behind the cut-off it is the next weekday.
    pub fn taken_on(&self, now: DateTime<Utc>) -> chrono::NaiveDate {
        self.weekday_after(now, 0)
    }

    /// When it is expected there, handed over at `now`: never promised.
    pub fn expected(&self, now: DateTime<Utc>) -> chrono::NaiveDate {
        self.weekday_after(now, self.days)
    }

    fn weekday_after(&self, now: DateTime<Utc>, days: u32) -> chrono::NaiveDate {
        let local = now.with_timezone(&self.zone);
        let mut day = local.date_naive();
        let mut left = days + u32::from(local.time() > self.cut_off);
        let weekend = |day: chrono::NaiveDate| {
            matches!(chrono::Datelike::weekday(&day), chrono::Weekday::Sat | chrono::Weekday::Sun)
        };
        while left > 0 {
            day += TimeDelta::days(1);
            left -= u32::from(!weekend(day));
        }
        day
    }
}

/// A rail that the merchant has an account at, and that this installation can speak to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The account.
    pub account: RailAccount,
    /// The rail's terms.
    pub terms: RailTerms,
}

/// The payables as lines of a plan, in the order of their suppliers and currencies; what no rail takes is excluded. The
/// same input gives the same lines.
pub fn route(
    payables: Vec<Payable>,
    offers: &[Offer],
    rules: &PayoutRules,
    now: DateTime<Utc>,
) -> (Vec<Line>, Vec<Excluded>) {
    let (mut lines, mut excluded) = (Vec::new(), Vec::new());
    for payable in payables {
        let mut ways = Vec::new();
        for payee in &payable.payees {
            for offer in offers.iter().filter(|offer| reaches(offer, payee, &payable)) {
                // What does not fit is no way.
                ways.extend(line(&payable, payee, offer, rules, now).ok().flatten());
            }
        }
        ways.sort_by_key(order);
        let mut ways = ways.into_iter();
        match ways.next() {
            Some(mut best) => {
                best.next = ways.next().and_then(|next| {
                    let difference = next.fee.checked_sub(best.fee).ok()?;
                    Some(Next { rail_account: next.rail_account, fee: next.fee, difference })
                });
                lines.push(best);
            }
            None => {
                let foreign = payable.payees.iter().any(|payee| !payee.in_bank_letters);
                let why = match foreign {
                    true => {
                        "banks carry Latin letters only: add an account with its holder's name as the bank \
                             writes it, and the town in Latin letters"
                            .to_owned()
                    }
                    false => format!("no rail reaches an account of it with {}", payable.net),
                };
                excluded.push(payable.excluded("no_route", why));
            }
        }
    }
    (lines, excluded)
}

/// The cheapest, then the soonest, then whichever account came first.
fn order(line: &Line) -> (i64, chrono::NaiveDate, String) {
    (line.fee.minor(), line.expected, line.rail_account.to_string())
}

fn reaches(offer: &Offer, payee: &Payee, payable: &Payable) -> bool {
    offer.account.currency == payable.net.currency()
        && offer.terms.reaches.contains(&payee.account.kind)
        && (!offer.terms.needs_town || (payable.terms.town.is_some() && payee.in_bank_letters))
        && payable.terms.rail.is_none_or(|only| only == offer.account.id)
}

fn line(
    payable: &Payable,
    payee: &Payee,
    offer: &Offer,
    rules: &PayoutRules,
    now: DateTime<Utc>,
) -> Result<Option<Line>, MoneyError> {
    let net = payable.limit(payee, rules);
    let bearer = payable.terms.bearer.unwrap_or(FeeBearer::Platform);
    let (amount, borne, fee) = match bearer {
        FeeBearer::Platform | FeeBearer::Shared => (net, Money::zero(net.currency()), offer.terms.fee(net)?),
        FeeBearer::Supplier => {
            let (amount, borne) = offer.terms.inside(net)?;
            (amount, borne, borne)
        }
    };
    let least = offer.terms.least.iter().find(|least| least.currency() == amount.currency());
    if !amount.is_positive() || least.is_some_and(|least| amount.minor() < least.minor()) {
        return Ok(None);
    }
    let gross = net.checked_add(payable.debt)?.checked_add(payable.withholding)?;
    Ok(Some(Line {
        supplier: payable.supplier,
        name: payable.name.clone(),
        account: payee.account.id,
        account_hint: payee.account.hint.clone(),
        rail_account: offer.account.id,
        rail: offer.account.rail.clone(),
        gross,
        withholding: payable.withholding,
        debt: payable.debt,
        net,
        amount,
        borne,
        fee,
        bearer,
        capped: net != payable.net,
        purpose: payable.terms.purpose.clone(),
        expected: offer.terms.expected(now),
        next: None,
    }))
}

/// Zones by their names of the tz database.
mod zone_name {
    use super::{Deserialize, Tz};

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
        let name = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        name.parse().map_err(serde::de::Error::custom)
    }
}

/// What a plan was made by: it is no proof of the least cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    /// Which function chose.
    pub method: String,
    /// Which table of rails.
    pub rails: String,
}

#[cfg(test)]
mod tests {
    use super::super::payable::tests::{now, rules, standing, usd};
    use super::*;
    use crate::clock::Clock;
    use crate::domain::merchants::Funding;
    use crate::ids::IdSource;
    use proptest::prelude::*;

    fn paypal() -> RailTerms {
        RailTable::shipped().of("paypal_payouts").unwrap().clone()
    }

    fn offer(name: &str, seed: u64, terms: RailTerms) -> Offer {
        let ids = IdSource::seeded(Clock::fixed(now()), seed);
        let account = RailAccount {
            id: ids.mint(),
            merchant: ids.mint(),
            name: name.into(),
            rail: terms.rail.clone(),
            currency: usd(1).currency(),
            funding: Funding::GatewayAccount("paypal".into()),
            created_at: now(),
        };
        Offer { account, terms }
    }

    #[test]
    fn the_fee_is_the_tables_and_inside_it_is_the_largest_that_fits() {
        let terms = paypal();
        for (amount, fee) in [(50_000, 1_000), (100_000, 2_000), (9_999_900, 2_000), (24, 0)] {
            assert_eq!(terms.fee(usd(amount)).unwrap(), usd(fee), "{amount}");
        }
        // J19.
        assert_eq!(terms.inside(usd(50_000)).unwrap(), (usd(49_020), usd(980)));
        assert_eq!(terms.inside(usd(1)).unwrap(), (usd(1), usd(0)));
    }

    proptest! {
        #[test]
        fn nothing_larger_fits_inside(net in 1..10_000_000_i64) {
            let terms = paypal();
            let (amount, borne) = terms.inside(usd(net)).unwrap();
            prop_assert_eq!(amount.minor() + borne.minor(), net);
            prop_assert!(terms.fee(amount).unwrap().minor() <= borne.minor());
            let more = usd(amount.minor() + 1);
            prop_assert!(more.minor() + terms.fee(more).unwrap().minor() > net);
        }
    }

    #[test]
    fn the_cheapest_rail_is_taken_and_the_next_one_named() {
        let cheap = RailTerms { percent: Percent::default(), fixed: vec![usd(50)], ..paypal() };
        let offers = [offer("dear", 1, paypal()), offer("cheap", 2, cheap)];
        let payable = standing(50_000, 0).payable(&rules(), now()).unwrap();
        let (lines, excluded) = route(vec![payable.clone()], &offers, &rules(), now());
        assert!(excluded.is_empty());
        assert_eq!((lines[0].rail_account, lines[0].fee), (offers[1].account.id, usd(50)));
        let next = lines[0].next.as_ref().unwrap();
        assert_eq!((next.rail_account, next.difference), (offers[0].account.id, usd(950)));
        // The supplier's own rail, and none at all.
        let mut own = payable.clone();
        own.terms.rail = Some(offers[0].account.id);
        assert_eq!(route(vec![own], &offers, &rules(), now()).0[0].rail_account, offers[0].account.id);
        assert_eq!(route(vec![payable], &[], &rules(), now()).1[0].reason, "no_route");
    }

    #[test]
    fn the_first_payout_to_an_account_is_capped_and_the_rest_stays() {
        let mut standing = standing(150_000, 0);
        standing.accounts[0].was_paid = false;
        let payable = standing.payable(&rules(), now()).unwrap();
        let (lines, _) = route(vec![payable], &[offer("paypal", 1, paypal())], &rules(), now());
        assert_eq!((lines[0].gross, lines[0].amount, lines[0].capped), (usd(100_000), usd(100_000), true));
    }

    #[test]
    fn what_comes_after_the_cut_off_is_of_the_next_weekday() {
        let terms = RailTerms { zone: chrono_tz::Asia::Singapore, days: 1, ..paypal() };
        let terms = RailTerms { cut_off: NaiveTime::from_hms_opt(16, 0, 0).unwrap(), ..terms };
        let day = |text: &str| {
            let at = chrono::DateTime::parse_from_rfc3339(text).unwrap();
            terms.expected(at.with_timezone(&Utc)).to_string()
        };
        // A Friday in Singapore, before and after four.
        assert_eq!(day("2026-11-27T07:59:00Z"), "2026-11-30");
        assert_eq!(day("2026-11-27T08:01:00Z"), "2026-12-01");
    }
}
