use super::*;
use crate::clock::{Clock, from_micros};
use crate::domain::fx::RateKind;
use crate::ids::IdSource;
use crate::money::Currency;

fn terms(rate: &str, from: &'static str, to: &'static str, spread: i32, buffer: i32) -> QuoteTerms {
    let now = from_micros(1_793_400_000_000_000);
    let ids = IdSource::seeded(Clock::fixed(now), 3);
    let (from, to) = (Currency::known(from), Currency::known(to));
    let market = MarketRate {
        rate: Rate::parse(from, to, rate).unwrap(),
        kind: RateKind::Reference,
        path: vec![from, to],
        providers: vec!["ecb".into()],
        as_of: now,
        fetched_at: now,
        at: now,
        stale: false,
        evidence: vec!["sha256:00".into()],
        snapshot: ids.mint(),
    };
    let (spread, buffer) = (BasisPoints(spread), Buffer::flat(BasisPoints(buffer)));
    QuoteTerms {
        id: ids.mint(),
        merchant: ids.mint(),
        country: None,
        rounding: PriceRounding::Exact,
        endings: Endings::shipped(),
        market,
        spread,
        buffer,
        lock: Lock::ThirtyMinutes,
        now,
    }
}

fn money(text: &str, currency: &'static str) -> Money {
    Money::parse(text, Currency::known(currency)).unwrap()
}

#[test]
fn the_final_rate_is_reference_spread_and_buffer() {
    for (rate, spread, buffer, amount, final_rate, to) in [
        ("33.729860365198711", 0, 0, "19.90", "33.729860365198711", "671.22"),
        ("33.729860365198711", 100, 0, "19.90", "34.0671589688506981", "677.94"),
        ("33.729860365198711", 100, 15, "19.90", "34.1177537593984962", "678.94"),
        ("1.12415", 0, 0, "100.00", "1.12415", "112.42"),
    ] {
        let quote =
            Quote::promise(terms(rate, "USD", "THB", spread, buffer), &[money(amount, "USD")]).unwrap();
        assert_eq!((quote.final_rate.value().to_string().as_str(), quote.to), (final_rate, money(to, "THB")));
    }
}

#[test]
fn units_are_rounded_one_by_one() {
    let units = [money("0.33", "USD"), money("0.33", "USD"), money("0.33", "USD")];
    let quote = Quote::promise(terms("147.5", "USD", "JPY", 0, 0), &units).unwrap();
    // 48.675 each: 49 three times, not 146.025 rounded once.
    assert_eq!((quote.from, quote.to), (money("0.99", "USD"), money("147", "JPY")));
}

#[test]
fn it_is_honoured_until_its_last_moment_and_once() {
    let quote = Quote::promise(terms("2", "USD", "THB", 0, 0), &[money("1.00", "USD")]).unwrap();
    let ids = IdSource::seeded(Clock::fixed(quote.created_at), 9);
    let (mine, other): (PaymentId, PaymentId) = (ids.mint(), ids.mint());
    let (last, late) = (quote.expires_at, quote.expires_at + TimeDelta::microseconds(1));
    assert_eq!(last - quote.created_at, TimeDelta::minutes(30));
    assert_eq!((quote.state(last), quote.state(late)), (QuoteState::Open, QuoteState::Expired));
    assert_eq!(quote.honour(mine, last), Ok(money("2.00", "THB")));
    assert_eq!(quote.honour(mine, late), Err(QuoteError::Expired { id: quote.id, expired_at: last }));

    let used = Quote { used: Some(QuoteUse { payment: mine, at: last }), ..quote };
    assert_eq!(used.state(late), QuoteState::Used);
    assert_eq!(used.honour(mine, late), Ok(money("2.00", "THB")), "a payment made in time keeps its price");
    assert_eq!(used.honour(other, last), Err(QuoteError::Used { id: used.id, by: mine }));
}

#[test]
fn refuses_nothing_and_mixtures() {
    let promise = |units: &[Money]| Quote::promise(terms("0.00001", "USD", "THB", 0, 0), units);
    let fixed = Fixed { price: money("690.00", "THB"), entry: None };
    let fixed = Unit { fixed: Some(fixed), ..money("19.90", "USD").into() };
    let quote = Quote::promise(terms("33.7", "USD", "THB", 100, 15), &[fixed, money("1.00", "USD").into()]);
    assert_eq!(quote.unwrap().to, money("724.09", "THB"), "690.00 as it is, and 34.08755 converted");
    assert!(matches!(promise(&[]), Err(QuoteError::NotPositive(_))));
    assert!(matches!(promise(&[money("0.00", "USD")]), Err(QuoteError::NotPositive(_))));
    let nothing = QuoteError::UnitForNothing {
        place: 0,
        price: money("0.01", "USD"),
        to: money("0", "THB").currency(),
    };
    assert_eq!(promise(&[money("0.01", "USD")]), Err(nothing), "rounds to nothing");
    assert!(matches!(promise(&[money("1", "JPY")]), Err(QuoteError::Money(_))));
    let within = Quote::promise(terms("1", "USD", "USD", 10, 0), &[money("1.00", "USD")]);
    assert_eq!(within, Err(QuoteError::NothingConverted));
}

/// Beside what has a price a unit is not given away, however little the shop asks for it; a gift is one.
#[test]
fn no_unit_is_promised_for_nothing_but_what_is_free() {
    let dong = || terms("0.0000395", "VND", "USD", 0, 0);
    let (one, gift, dear) = (money("100", "VND"), money("0", "VND"), money("500000", "VND"));
    let refused = Quote::promise(dong(), &[dear, one, dear]).unwrap_err();
    let words = refused.to_string();
    assert!(matches!(refused, QuoteError::UnitForNothing { place: 1, price, .. } if price == one), "{words}");
    assert!(words.starts_with("unit 2 at ") && words.contains("comes to nothing in USD"), "{words}");
    assert_eq!(Quote::promise(dong(), &[dear, gift]).unwrap().to, money("19.75", "USD"));
    // The price book says what it costs; what cash is lifted to from nothing is a price to show, not to promise.
    let fixed = Fixed { price: money("0.01", "USD"), entry: None };
    let fixed = Unit { fixed: Some(fixed), ..one.into() };
    assert_eq!(Quote::promise(dong(), &[fixed]).unwrap().to, money("0.01", "USD"));
    let cash = QuoteTerms { rounding: PriceRounding::Cash, ..dong() };
    assert!(matches!(Quote::promise(cash, &[one]), Err(QuoteError::UnitForNothing { .. })));
}

#[test]
fn units_end_as_they_were_shown() {
    use PriceRounding::{Cash, Charm, Exact, Step};
    // 671.22, 67.12 and 0.33 baht; 29.73 francs; what is in the currency already stands, but for cash.
    for (rate, from, to, rounding, amounts, promised) in [
        ("33.729860365198711", "USD", "THB", Exact, &["19.90", "1.99"][..], &["671.22", "67.12"][..]),
        ("33.729860365198711", "USD", "THB", Step, &["19.90", "1.99"], &["672.00", "68.00"]),
        ("33.729860365198711", "USD", "THB", Charm, &["19.90", "1.99", "0.00"], &["679.00", "69.00", "0.00"]),
        // 9 baht would be too far from 33 satang: a charm that does not fit is a step, else exact and up.
        ("33.729860365198711", "USD", "THB", Charm, &["0.01", "19.90"], &["0.34", "679.00"]),
        ("1.494", "USD", "CHF", Cash, &["19.90", "0.01"], &["29.75", "0.05"]),
        ("1", "CHF", "CHF", Charm, &["19.93"], &["19.93"]),
        ("1", "CHF", "CHF", Cash, &["19.93"], &["19.95"]),
        // Price tags show no minor units of the rupiah; the shop's own price has what the shop gives it.
        ("1", "IDR", "IDR", Exact, &["1500.50"], &["1500.50"]),
    ] {
        let terms = QuoteTerms { rounding, ..terms(rate, from, to, 0, 0) };
        let units: Vec<Money> = amounts.iter().map(|amount| money(amount, from)).collect();
        let quote = Quote::promise(terms, &units).unwrap();
        let expected: Vec<Money> = promised.iter().map(|amount| money(amount, to)).collect();
        let own: Vec<Money> = quote.units.iter().filter_map(|unit| unit.promised).collect();
        assert_eq!(own, expected, "{rounding:?} {amounts:?} {from} {to}");
        assert_eq!(Money::sum(quote.to.currency(), own), Ok(quote.to));
        assert!(quote.adds_up());
        let edited =
            Quote { to: quote.to.checked_add(Money::from_minor(1, quote.to.currency())).unwrap(), ..quote };
        assert!(!edited.adds_up());
    }
}

#[test]
fn the_market_of_the_country_rules_and_the_operators_file_too() {
    let text =
        "max_shift_bps = 5000\n[THB]\ncharm = [{ from = \"0\", step = \"100\", endings = [\"88\"] }]\n";
    let endings = Arc::new(Endings::read(text, "mine.toml").unwrap());
    let own = QuoteTerms { rounding: PriceRounding::Charm, endings, ..terms("33.7", "USD", "THB", 0, 0) };
    let quote = Quote::promise(own, &[money("19.90", "USD")]).unwrap();
    assert_eq!(quote.to, money("688.00", "THB"));
}
