//! Whatever lots and deals come in whatever order: nothing is lost, nothing closed twice, cents included.

use proptest::prelude::*;

use super::*;
use crate::clock::from_micros;
use crate::domain::ledger::JournalEvent;
use crate::ids::{Id, TransactionId};
use crate::money::{Currency, Money};

fn money(minor: i64, code: &str) -> Money {
    Money::from_minor(minor, Currency::find(code).unwrap())
}

/// Above zero: bought.
fn lot(number: i64, base: i64, quote: i64) -> Lot {
    Lot {
        transaction: TransactionId::from_bits(number.unsigned_abs().into()),
        number,
        event: JournalEvent::ConvertedInternal,
        source: format!("fact {number}"),
        subject: None,
        pair: "USDCNY".parse().unwrap(),
        base: money(base, "USD"),
        quote: money(quote, "CNY"),
        at: from_micros(number),
    }
}

fn realized(closed: &Closed) -> Vec<i64> {
    closed.closings.iter().map(|closing| closing.realized().unwrap().minor()).collect()
}

const OLDEST: Covers = Covers::Oldest { own: false };

#[test]
fn the_oldest_goes_first_and_the_last_part_takes_the_rest() {
    // Three lots of 10.00 at 71.00, 71.50 and 72.00; 25.00 are sold for 178.50 (7.14 each).
    let open = vec![lot(1, 1000, -7100), lot(2, 1000, -7150), lot(3, 1000, -7200)];
    let closed = close(open, lot(9, -2500, 17850), &OLDEST).unwrap();
    assert_eq!(realized(&closed), [40, -10, -30]);
    assert_eq!(closed.results().unwrap(), [("USDCNY".parse().unwrap(), money(40, "CNY"), money(40, "CNY"))]);
    assert_eq!(closed.left, [Lot { base: money(500, "USD"), quote: money(-3600, "CNY"), ..lot(3, 0, 0) }]);
    assert!(closed.own.base.is_zero() && closed.own.quote.is_zero());
    // A third of a cent each: 10.00 in three parts of a lot that cost 1.00.
    let thirds = vec![lot(1, 3, -100)];
    let mut left = thirds;
    let mut cost = 0;
    for _ in 0..3 {
        let closed = close(left, lot(9, -1, 40), &OLDEST).unwrap();
        cost += closed.closings[0].lot_quote.minor();
        left = closed.left;
    }
    assert_eq!((cost, left.len()), (-100, 0));
}

#[test]
fn a_mirror_meets_what_it_mirrors_and_that_is_no_result() {
    let open = vec![lot(1, 8510, -60591), lot(2, -8510, 60591), lot(3, 5000, -35600)];
    let closed = close(open, lot(9, -5000, 35500), &OLDEST).unwrap();
    assert_eq!(realized(&closed), [0, -100]);
    assert_eq!(closed.closings[0].by, Some((TransactionId::from_bits(2), 2)));
    assert!(closed.left.is_empty());
}

#[test]
fn what_does_not_fit_is_refused_with_what_would() {
    let open = || vec![lot(1, 1000, -7100), lot(2, 500, -3550)];
    let wrong = close(open(), lot(9, 1000, -7100), &OLDEST).unwrap_err();
    assert!(wrong.to_string().contains("USDCNY stands at USD 15.00"), "{wrong}");
    let large = close(open(), lot(9, -2000, 14200), &OLDEST).unwrap_err();
    assert!(matches!(large, CoverError::TooLarge { open, .. } if open == money(1500, "USD")), "{large}");
    let own = close(open(), lot(9, -2000, 14200), &Covers::Oldest { own: true }).unwrap();
    assert_eq!((own.own.base, own.own.quote), (money(-500, "USD"), money(3550, "CNY")));

    let named = |lots: &[i64]| {
        Covers::Named(lots.iter().map(|bits| TransactionId::from_bits(bits.unsigned_abs().into())).collect())
    };
    let second = close(open(), lot(9, -500, 3600), &named(&[2])).unwrap();
    assert_eq!((realized(&second), second.left), (vec![50], vec![lot(1, 1000, -7100)]));
    let deal = || lot(9, -500, 3600);
    assert!(matches!(close(open(), deal(), &named(&[1])), Err(CoverError::DoesNotSum { .. })));
    assert!(matches!(close(open(), deal(), &named(&[3])), Err(CoverError::NotOpen(_))));
    assert!(matches!(close(open(), deal(), &named(&[2, 2])), Err(CoverError::Twice(_))));
    assert!(matches!(close(open(), lot(9, 500, -3600), &named(&[2])), Err(CoverError::NotOpen(_))));
}

#[test]
fn an_amount_without_a_cost_is_a_result_by_itself() {
    let currency = Currency::find("VND").unwrap();
    let dust = Lot {
        pair: Pair::alone(currency),
        base: Money::from_minor(100, currency),
        quote: Money::zero(currency),
        ..lot(1, 0, 0)
    };
    let closed = close(vec![dust, lot(2, 100, -710)], lot(9, -100, 710), &OLDEST).unwrap();
    assert_eq!(realized(&closed), [0, 100]);
    assert!(closed.left.is_empty());
}

/// More lots stand against each other than one deal can write: deals are recorded all the same, and nothing is lost.
#[test]
fn however_many_lots_stand_against_each_other_a_deal_closes_its_own() {
    let bought = (1..=6_000).map(|number| lot(number, 100, -710));
    let sold = (6_001..=11_500).map(|number| lot(number, -100, 712));
    let mut open: Vec<Lot> = bought.chain(sold).collect();
    let mut cash: i64 = open.iter().map(|lot| lot.quote.minor()).sum();
    let (mut result, mut counts) = (0, vec![]);
    for number in 20_001..=20_005 {
        cash += 71_500;
        let closed = close(open, lot(number, -10_000, 71_500), &OLDEST).unwrap();
        assert!(closed.own.base.is_zero() && closed.left.is_sorted_by_key(|lot| lot.number));
        result += realized(&closed).iter().sum::<i64>();
        counts.push(closed.closings.len());
        open = closed.left;
    }
    assert_eq!((open, result), (vec![], cash));
    assert_eq!(counts, [4_100, 1_600, 100, 100, 100]);
}

proptest! {
    /// Realized and open cost are the cash that moved; open base is what was bought less what was sold.
    #[test]
    fn nothing_is_lost(steps in prop::collection::vec((any::<bool>(), -100_000_i64..100_000, 1_i64..200_000), 1..40)) {
        let mut open: Vec<Lot> = vec![];
        let (mut base, mut cash, mut result) = (0_i64, 0_i64, 0_i64);
        for (number, (is_deal, amount, price)) in (1_i64..).zip(steps) {
            if amount == 0 {
                continue;
            }
            let quote = -amount.signum() * price;
            base += amount;
            cash += quote;
            if !is_deal {
                open.push(lot(number, amount, quote));
                continue;
            }
            let closed = close(open, lot(number, amount, quote), &Covers::Oldest { own: true }).unwrap();
            result += realized(&closed).iter().sum::<i64>();
            let (gain, loss) = closed.results().unwrap().first().map_or((0, 0), |(_, gain, loss)| (gain.minor(), loss.minor()));
            prop_assert_eq!(gain - loss, realized(&closed).iter().sum::<i64>());
            open = closed.left;
            if !closed.own.base.is_zero() {
                open.push(closed.own);
            }
            // All on one side: what stood against each other met.
            prop_assert!(open.windows(2).all(|pair| pair[0].base.is_negative() == pair[1].base.is_negative()));
        }
        prop_assert_eq!(open.iter().map(|lot| lot.base.minor()).sum::<i64>(), base);
        prop_assert_eq!(open.iter().map(|lot| lot.quote.minor()).sum::<i64>() + result, cash);
    }
}
