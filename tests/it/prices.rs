//! Prices, rates and quotes through the flow: one snapshot, honest fallbacks, promises that are kept once.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;
use straits::clock::Clock;
use straits::domain::access::Actor;
use straits::domain::fx::{
    Country, FxSettings, Lock, PriceRounding, QuoteState, QuoteUse, ResolvedBy, Shopper, Sku, SourceName,
    Unit,
};
use straits::flows::pay::{QuoteRefused, Quotes};
use straits::flows::price::{
    FallbackReason, Item, NewFixedPrice, PriceError, PriceSource, PricesQuestion, Pricing, QuoteAnswer,
    QuoteQuestion, RatesQuestion,
};
use straits::ids::{IdSource, MerchantId, PaymentId};
use straits::money::{Currency, Money, Rate};
use straits::rates::{RateBook, Volatilities};
use straits::store::price_book::FixedPriceFilter;
use straits::store::{Change, CommitError, Seek, Store};
use straits::vault::{Signer, Vault};

use crate::engines::on_each_engine;

/// A Friday evening after the ECB's publication of 2026-10-30.
const NOW: &str = "2026-10-30T17:00:00Z";

pub fn currency(code: &str) -> Currency {
    Currency::find(code).unwrap()
}

pub fn money(amount: &str, code: &str) -> Money {
    Money::parse(amount, currency(code)).unwrap()
}

pub fn pricing(store: Store, clock: &Clock, settings: FxSettings) -> Pricing {
    let ids = IdSource::random(clock.clone());
    let rates = Arc::new(RateBook::open(&settings, clock.clone(), ids.clone()).unwrap());
    let vault = Vault::new(&SecretString::from("07".repeat(32)), ids.clone()).unwrap();
    Pricing {
        rates,
        volatilities: Arc::new(Volatilities::new(settings.volatility)),
        pairs: Arc::default(),
        shelf: Arc::default(),
        signer: Signer::new(vault.signing_secrets()),
        settings: Arc::new(settings),
        allow_stale_reference: false,
        store,
        clock: clock.clone(),
        ids,
    }
}

pub fn bundled() -> FxSettings {
    FxSettings { sources: vec![SourceName::Bundled], ..FxSettings::default() }
}

/// The test database's clock, brought to `NOW`; the store's own clock goes with it.
pub fn stand_at(clock: &Clock, at: &str) {
    let at: DateTime<Utc> = at.parse().unwrap();
    if clock.now() < at {
        clock.advance_to(at).unwrap();
    }
}

fn question<'a>(amounts: &[(&str, &str)], shopper: Shopper<'a>) -> PricesQuestion<'a> {
    let item = |(index, (amount, code)): (usize, &(&str, &str))| Item {
        sku: Some(format!("sku-{index}").into()),
        price: money(amount, code),
    };
    PricesQuestion {
        items: amounts.iter().enumerate().map(item).collect(),
        shopper,
        ..PricesQuestion::default()
    }
}

fn from_country(code: &str) -> Shopper<'static> {
    Shopper { country: Country::find(code).ok(), ..Shopper::default() }
}

#[tokio::test]
async fn prices_are_shown_in_the_shoppers_currency_and_manner() {
    let database = crate::engines::TestDatabase::sqlite();
    let clock = Clock::fixed(NOW.parse().unwrap());
    let pricing = pricing(database.open().await, &clock, bundled());
    for (country, shown, text) in [
        ("TH", "671.22", "฿671.22"),
        ("VN", "525083", "525.083\u{a0}₫"),
        ("SG", "25.44", "$25.44"),
        ("ID", "361149.00", "Rp\u{a0}361.149"),
        ("DE", "17.81", "17,81\u{a0}€"),
        ("JP", "3129", "￥3,129"),
        ("IN", "1889.61", "₹1,889.61"),
        ("US", "19.90", "$19.90"),
    ] {
        let answer = pricing.localise(question(&[("19.90", "USD")], from_country(country))).unwrap();
        let item = &answer.items[0];
        assert_eq!(
            (item.price.amount().to_string().as_str(), item.text.to_string().as_str()),
            (shown, text),
            "{country}"
        );
        assert_eq!((answer.resolved_by, answer.fallback_reason), (ResolvedBy::Country, None));
        let applied = Rate::parse(currency("USD"), answer.currency, &answer.rate.unwrap().applied).unwrap();
        let exact = applied.convert(item.from).unwrap().value().normalize().to_string();
        assert_eq!(item.exact.as_str(), exact, "exact is the amount times the rate shown");
    }
}

#[tokio::test]
async fn a_country_without_a_rate_is_shown_the_default_currency() {
    let database = crate::engines::TestDatabase::sqlite();
    let clock = Clock::fixed(NOW.parse().unwrap());
    let pricing = pricing(database.open().await, &clock, bundled());
    let answer = pricing.localise(question(&[("10.00", "SGD")], from_country("KE"))).unwrap();
    assert_eq!(answer.country.map(Country::code), Some("KE"));
    assert_eq!((answer.resolved_by, answer.currency.code()), (ResolvedBy::Country, "USD"));
    assert_eq!(answer.fallback_reason, Some(FallbackReason::NoRate));
    assert_eq!(answer.items[0].price, money("7.82", "USD"));

    let by_name = Shopper { currency: Currency::find("KES").ok(), ..Shopper::default() };
    let refused = pricing.localise(question(&[("10.00", "SGD")], by_name));
    assert!(matches!(refused, Err(PriceError::NoRate(missing)) if missing.code() == "KES"));
    let unknown = pricing.localise(question(&[("10.00", "KES")], from_country("SG")));
    assert!(matches!(unknown, Err(PriceError::NoRate(missing)) if missing.code() == "KES"));
}

#[tokio::test]
async fn one_item_without_a_rate_keeps_its_price_among_others() {
    let database = crate::engines::TestDatabase::sqlite();
    let clock = Clock::fixed(NOW.parse().unwrap());
    let pricing = pricing(database.open().await, &clock, bundled());
    for (amounts, lost) in
        [([("19.90", "USD"), ("10.50", "KES")], 1), ([("10.50", "KES"), ("19.90", "USD")], 0)]
    {
        let answer = pricing.localise(question(&amounts, from_country("TH"))).unwrap();
        assert_eq!((answer.currency.code(), answer.fallback_reason), ("THB", None));
        let (odd, other) = (&answer.items[lost], &answer.items[1 - lost]);
        assert_eq!((odd.price, odd.source), (money("10.50", "KES"), PriceSource::AsGiven));
        assert_eq!(
            (odd.fallback_reason, odd.text.to_string().contains("KES")),
            (Some(FallbackReason::NoRate), true)
        );
        assert_eq!((other.price, other.fallback_reason), (money("671.22", "THB"), None));
        assert_eq!(answer.rate.is_none(), lost == 0, "the first item's rate, where it has one");
    }
    // Neither the country's currency nor the first item's: the default is shown, and the item keeps its own.
    let answer =
        pricing.localise(question(&[("5.000", "LYD"), ("10.00", "SGD")], from_country("KE"))).unwrap();
    assert_eq!((answer.currency.code(), answer.fallback_reason), ("USD", Some(FallbackReason::NoRate)));
    assert_eq!((answer.items[0].price, answer.items[1].price), (money("5.000", "LYD"), money("7.82", "USD")));
}

#[tokio::test]
async fn no_price_costs_an_allocation_of_its_own() {
    let database = crate::engines::TestDatabase::sqlite();
    let clock = Clock::fixed(NOW.parse().unwrap());
    let pricing = pricing(database.open().await, &clock, bundled());
    let count = |items: usize| {
        let asked = PricesQuestion {
            items: vec![Item { sku: Some("mug".into()), price: money("19.90", "USD") }; items],
            shopper: from_country("TH"),
            ..PricesQuestion::default()
        };
        allocation_counter::measure(|| drop(pricing.localise(asked).unwrap())).count_total
    };
    count(1);
    assert_eq!(count(1_000), count(10));
    // Nor does what is lifted from nothing to the least price.
    let least = |items: usize| {
        let asked = PricesQuestion {
            items: vec![Item { sku: Some("sweet".into()), price: money("100", "VND") }; items],
            shopper: from_country("US"),
            ..PricesQuestion::default()
        };
        allocation_counter::measure(|| drop(pricing.localise(asked).unwrap())).count_total
    };
    least(1);
    assert_eq!(least(1_000), least(10));
}

#[tokio::test]
async fn what_costs_anything_is_shown_for_something() {
    let database = crate::engines::TestDatabase::sqlite();
    let clock = Clock::fixed(NOW.parse().unwrap());
    let pricing = pricing(database.open().await, &clock, bundled());
    let asked = question(&[("100", "VND"), ("0", "VND"), ("100000", "VND")], from_country("US"));
    let answer = pricing.localise(asked).unwrap();
    let told: Vec<_> = answer.items.iter().map(|item| (item.price, item.rule.as_deref())).collect();
    let expected = [
        (money("0.01", "USD"), None),
        (money("0.00", "USD"), Some("exact USD: half up at 2 decimals")),
        (money("3.79", "USD"), Some("exact USD: half up at 2 decimals")),
    ];
    assert_eq!((told.as_slice(), answer.rule.as_deref()), (&expected[..], Some("exact USD: least 0.01")));
    assert!(answer.items[0].exact.as_str().starts_with("0.0037"), "what it came to is told");
}

#[tokio::test]
async fn cash_rounds_what_is_in_the_shown_currency_already() {
    let database = crate::engines::TestDatabase::sqlite();
    let clock = Clock::fixed(NOW.parse().unwrap());
    let pricing = pricing(database.open().await, &clock, bundled());
    for (rounding, shown, ruled) in [
        (PriceRounding::Cash, "19.95", true),
        (PriceRounding::Exact, "19.93", false),
        (PriceRounding::Charm, "19.93", false),
    ] {
        let mut asked = question(&[("19.93", "CHF")], from_country("CH"));
        asked.rounding = Some(rounding);
        let answer = pricing.localise(asked).unwrap();
        let item = &answer.items[0];
        assert_eq!((item.price, item.rule.is_some()), (money(shown, "CHF"), ruled), "{rounding:?}");
        assert_eq!((item.exact.as_str(), item.source), ("19.93", PriceSource::AsGiven));
    }
}

#[tokio::test]
async fn a_rule_is_told_once_and_beside_each_price_that_has_another() {
    let database = crate::engines::TestDatabase::sqlite();
    let clock = Clock::fixed(NOW.parse().unwrap());
    let pricing = pricing(database.open().await, &clock, bundled());
    let mut asked = question(
        &[
            ("25.44", "SGD"),
            ("19.90", "USD"),
            ("0.02", "USD"),
            ("20.10", "USD"),
            ("0.03", "USD"),
            ("50.00", "EUR"),
        ],
        from_country("SG"),
    );
    asked.rounding = Some(PriceRounding::Charm);
    let answer = pricing.localise(asked).unwrap();
    let told = answer.rule.as_deref().unwrap();
    assert!(told.starts_with("charm SGD"), "{told}");
    let own = |place: usize| answer.items[place].rule.as_deref();
    // The first is not converted; no ending is near enough to cents; the euros' is the same.
    assert_eq!((own(0), own(1), own(3), own(5)), (None, None, None, None));
    assert!(own(2).is_some_and(|rule| rule.starts_with("exact SGD")), "{:?}", own(2));
    assert_eq!(own(2), own(4));
}

#[tokio::test]
async fn a_thousand_items_rest_on_one_snapshot_and_no_more_are_taken() {
    let database = crate::engines::TestDatabase::sqlite();
    let clock = Clock::fixed(NOW.parse().unwrap());
    let settings = FxSettings { spread_bps: 150, ..bundled() };
    let pricing = pricing(database.open().await, &clock, settings);
    let amounts = vec![("19.90", "USD"); 999];
    let mut asked = question(&amounts, from_country("TH"));
    asked.items.push(Item { sku: None, price: money("10.00", "EUR") });
    asked.rounding = Some(PriceRounding::Charm);
    let answer = pricing.localise(asked.clone()).unwrap();
    assert_eq!((answer.items.len(), answer.rate.as_ref().unwrap().spread_bps), (1000, 150));
    assert!(
        answer.items[..999].iter().all(|item| item.price == money("689.00", "THB") && item.rate.is_none())
    );
    let euro = &answer.items[999];
    assert_eq!(euro.rate.as_ref().map(|rate| (rate.base.code(), rate.mid.as_str())), Some(("EUR", "37.683")));

    asked.items.push(Item { sku: None, price: money("1.00", "USD") });
    assert!(matches!(pricing.localise(asked), Err(PriceError::TooManyItems { given: 1001 })));
    assert!(matches!(pricing.localise(question(&[], Shopper::default())), Err(PriceError::NoItems)));
}

#[tokio::test]
async fn rates_are_listed_with_what_is_missing() {
    let database = crate::engines::TestDatabase::sqlite();
    let clock = Clock::fixed(NOW.parse().unwrap());
    let pricing = pricing(database.open().await, &clock, bundled());
    let ask = |quotes: &[&str], date: Option<&str>| RatesQuestion {
        base: currency("EUR"),
        quotes: quotes.iter().map(|code| currency(code)).collect(),
        date: date.map(|date| date.parse().unwrap()),
    };
    let answer = pricing.list_rates(&ask(&["USD", "LYD", "THB"], None)).unwrap();
    let mids: Vec<&str> = answer.rates.iter().map(|rate| rate.mid.as_str()).collect();
    assert_eq!((mids, answer.missing), (vec!["1.1172", "37.683"], vec![currency("LYD")]));
    assert_eq!((answer.rates[0].age_s, answer.rates[0].stale), (13_500, false));

    let all = pricing.list_rates(&ask(&[], None)).unwrap();
    assert_eq!((all.rates.len(), all.missing.len()), (77, 0));
    let easter = pricing.list_rates(&ask(&["USD"], Some("2026-04-06"))).unwrap();
    assert_eq!(easter.as_of, Some("2026-04-02T12:15:00Z".parse().unwrap()));
    let tomorrow = pricing.list_rates(&ask(&["USD"], Some("2026-10-31")));
    assert!(matches!(tomorrow, Err(PriceError::FutureDate(_))));
}

pub fn promise(merchant: MerchantId, units: &[(&str, &str)], to: &str) -> QuoteQuestion {
    QuoteQuestion {
        merchant,
        units: units.iter().map(|(amount, code)| money(amount, code).into()).collect(),
        country: None,
        to: currency(to),
        lock: Some(Lock::ThirtyMinutes),
        rounding: None,
        accounts: vec![],
        gateway: None,
    }
}

#[tokio::test]
async fn a_quote_is_kept_with_all_its_parts_and_used_once() {
    on_each_engine("a_quote_is_kept", async |database| {
        stand_at(&database.clock, NOW);
        let clock = &database.clock;
        let store = database.open().await;
        let mut pricing = pricing(store.clone(), clock, FxSettings { spread_bps: 100, ..bundled() });
        pricing.allow_stale_reference = true;
        let ids = &pricing.ids;
        let (merchant, stranger): (MerchantId, MerchantId) = (ids.mint(), ids.mint());
        let (first, second): (PaymentId, PaymentId) = (ids.mint(), ids.mint());

        let asked = promise(merchant, &[("19.90", "USD"), ("5.00", "USD")], "THB");
        let answer = pricing.promise(&asked, Change::new()).await.unwrap();
        assert_eq!((answer.from, answer.state), (money("24.90", "USD"), QuoteState::Open));
        assert_eq!((answer.rate.spread_bps, answer.rate.buffer_bps), (100, 13));
        assert_eq!(answer.rate.final_rate, "34.1110077873254565");
        assert_eq!(answer.to, money("849.37", "THB"));

        let read = pricing.quote(merchant, answer.id).await.unwrap().unwrap();
        assert_eq!(QuoteAnswer::of(&read, vec![], clock.now()), answer);
        assert_eq!(
            (read.market.providers.as_slice(), read.market.evidence.len()),
            (&["ecb".to_owned()][..], 1)
        );
        assert!(pricing.quote(stranger, answer.id).await.unwrap().is_none());
        assert!(matches!(
            store.take(stranger, answer.id, first, clock.now()).await,
            Err(QuoteRefused::Unknown)
        ));

        // Two payments decide on the same reading: one of the two changes is left out.
        let (amount, one) = store.take(merchant, answer.id, first, clock.now()).await.unwrap();
        let (_, other) = store.take(merchant, answer.id, second, clock.now()).await.unwrap();
        assert_eq!(amount, answer.to);
        store.commit(one).await.unwrap();
        let lost = store.commit(other).await.unwrap_err();
        assert!(matches!(lost, CommitError::LostUpdate { table: "quote", .. }), "{lost}");
        let refused = store.take(merchant, answer.id, second, clock.now()).await;
        assert!(matches!(refused, Err(QuoteRefused::Used { by }) if by == first));

        // The payment ends uncaptured: only its own quote opens again.
        assert!(store.give_back(answer.id, second, clock.now()).await.unwrap().is_empty());
        store.commit(store.give_back(answer.id, first, clock.now()).await.unwrap()).await.unwrap();
        let (_, change) = store.take(merchant, answer.id, second, clock.now()).await.unwrap();
        store.commit(change).await.unwrap();

        // Made in time, it keeps its price after expiry; given back then, it stays closed.
        database.tick(TimeDelta::minutes(31));
        let (kept, nothing) = store.take(merchant, answer.id, second, clock.now()).await.unwrap();
        assert_eq!((kept, nothing.is_empty()), (answer.to, true));
        assert!(store.give_back(answer.id, second, clock.now()).await.unwrap().is_empty());
        let read = pricing.quote(merchant, answer.id).await.unwrap().unwrap();
        assert_eq!(read.used.map(|used: QuoteUse| used.payment), Some(second));
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn an_expired_quote_is_refused_and_can_be_asked_anew() {
    on_each_engine("an_expired_quote", async |database| {
        stand_at(&database.clock, NOW);
        let store = database.open().await;
        let mut pricing = pricing(store.clone(), &database.clock, bundled());
        pricing.allow_stale_reference = true;
        let (merchant, payment): (MerchantId, PaymentId) = (pricing.ids.mint(), pricing.ids.mint());
        let asked = promise(merchant, &[("19.90", "USD")], "THB");
        let answer = pricing.promise(&asked, Change::new()).await.unwrap();
        database.tick(TimeDelta::minutes(30) + TimeDelta::microseconds(1));
        let refused = store.take(merchant, answer.id, payment, database.clock.now()).await;
        assert!(matches!(refused, Err(QuoteRefused::Expired { at }) if at == answer.expires_at));
        let old = pricing.quote(merchant, answer.id).await.unwrap().unwrap();
        assert_eq!(old.state(database.clock.now()), QuoteState::Expired);
        let fresh = pricing.promise(&Pricing::again(&old, vec![]), Change::new()).await.unwrap();
        assert_eq!((fresh.from, fresh.state), (answer.from, QuoteState::Open));
        assert_ne!(fresh.id, answer.id);
        store.close().await;
    })
    .await;
}

#[tokio::test]
async fn stale_rates_are_not_promised_unless_that_is_allowed_and_said() {
    let database = crate::engines::TestDatabase::sqlite();
    let clock = Clock::fixed("2026-11-23T12:00:00Z".parse().unwrap());
    let mut pricing = pricing(database.open().await, &clock, bundled());
    let merchant = pricing.ids.mint();
    let asked = promise(merchant, &[("19.90", "USD")], "THB");
    assert!(matches!(pricing.promise(&asked, Change::new()).await, Err(PriceError::RatesStale)));
    pricing.allow_stale_reference = true;
    let answer = pricing.promise(&asked, Change::new()).await.unwrap();
    assert_eq!((answer.stale, answer.indicative), (true, true));

    // What the price book fixes needs no rate.
    pricing.allow_stale_reference = false;
    let ids = &pricing.ids;
    let actor = Actor { merchant, user: ids.mint(), key: ids.mint(), request: ids.mint() };
    let sku: Sku = "mug".parse().unwrap();
    let entry = NewFixedPrice {
        sku: sku.clone(),
        country: None,
        price: money("690.00", "THB"),
        valid_from: None,
        valid_until: None,
    };
    let drafted = pricing.draft_prices(merchant, vec![entry]).unwrap();
    pricing.fix_prices(&actor, &drafted, Change::new()).await.unwrap();
    let mug = Unit { sku: Some(sku), ..asked.units[0].clone() };
    let fixed = QuoteQuestion { units: vec![mug.clone()], ..asked.clone() };
    let answer = pricing.promise(&fixed, Change::new()).await.unwrap();
    assert_eq!((answer.to, answer.stale, answer.indicative), (money("690.00", "THB"), true, false));
    let mixed = QuoteQuestion { units: vec![mug, asked.units[0].clone()], ..asked };
    assert!(matches!(pricing.promise(&mixed, Change::new()).await, Err(PriceError::RatesStale)));

    // Shown prices only say so.
    let shown = pricing.localise(question(&[("19.90", "USD")], from_country("TH"))).unwrap();
    assert!(shown.rate.unwrap().stale);
}

#[tokio::test]
async fn a_price_book_is_written_asked_once_and_withdrawn_on_each_engine() {
    on_each_engine("a_price_book", async |database| {
        stand_at(&database.clock, NOW);
        let store = database.open().await;
        let mut pricing = pricing(store.clone(), &database.clock, bundled());
        pricing.allow_stale_reference = true;
        let ids = &pricing.ids;
        let actor = Actor { merchant: ids.mint(), user: ids.mint(), key: ids.mint(), request: ids.mint() };
        let entry = |sku: &str, amount: &str, code: &str, country: Option<&str>| NewFixedPrice {
            sku: sku.parse().unwrap(),
            country: country.map(|code| Country::find(code).unwrap()),
            price: money(amount, code),
            valid_from: None,
            valid_until: None,
        };
        let mut new: Vec<NewFixedPrice> =
            (0..300).map(|place| entry(&format!("sku-{place}"), "1.00", "SGD", None)).collect();
        new.push(entry("sku-0", "690.00", "THB", None));
        new.push(entry("sku-0", "650.00", "THB", Some("TH")));
        new.push(NewFixedPrice {
            valid_until: Some(database.clock.now() + TimeDelta::hours(1)),
            ..entry("sku-1", "5.00", "THB", None)
        });
        let drafted = pricing.draft_prices(actor.merchant, new).unwrap();
        pricing.fix_prices(&actor, &drafted, Change::new()).await.unwrap();

        let names: Vec<String> = (0..1000).map(|place| format!("sku-{place}")).collect();
        let book = pricing.book_of(actor.merchant, names.iter().map(String::as_str)).await.unwrap();
        let stranger = pricing.book_of(ids.mint(), names.iter().map(String::as_str)).await.unwrap();
        let mut asked = question(&vec![("19.90", "USD"); 1000], from_country("TH"));
        asked.book = book;
        let answer = pricing.localise(asked.clone()).unwrap();
        let amounts: Vec<Money> = answer.items[..3].iter().map(|item| item.price).collect();
        assert_eq!(amounts, [money("650.00", "THB"), money("5.00", "THB"), money("671.22", "THB")]);
        assert_eq!(answer.fixed_until, Some(database.clock.now() + TimeDelta::hours(1)));
        asked.book = stranger;
        assert_eq!(pricing.localise(asked).unwrap().items[0].price, money("671.22", "THB"));

        // A quote keeps its articles: what is asked anew after expiry has the book's prices too.
        let mut wanted = promise(actor.merchant, &[("19.90", "USD")], "THB");
        wanted.units[0].sku = Some("sku-0".parse().unwrap());
        wanted.country = Country::find("TH").ok();
        let made = pricing.promise(&wanted, Change::new()).await.unwrap();
        assert_eq!(made.to, money("650.00", "THB"));
        let read = pricing.quote(actor.merchant, made.id).await.unwrap().unwrap();
        assert_eq!((read.to, read.country), (made.to, wanted.country));
        assert_eq!(
            read.units[0].fixed.map(|fixed| (fixed.price, fixed.entry)),
            Some((made.to, Some(drafted[301].id)))
        );
        let again = pricing.promise(&Pricing::again(&read, vec![]), Change::new()).await.unwrap();
        assert_eq!(again.to, made.to);

        let filter =
            FixedPriceFilter { currency: Some(currency("THB")), limit: 10, ..FixedPriceFilter::default() };
        let thai = store.fixed_prices(actor.merchant, &filter).await.unwrap();
        assert_eq!(thai.len(), 3);
        let before = FixedPriceFilter { seek: Seek::Before(thai[2].id), ..filter };
        let rows = store.fixed_prices(actor.merchant, &before).await.unwrap();
        assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), [thai[1].id, thai[0].id]);
        let own = store.fixed_prices_from(actor.merchant, drafted[0].id, 1_000).await.unwrap();
        assert_eq!(own, drafted);

        assert!(
            pricing
                .withdraw_price(&Actor { merchant: ids.mint(), ..actor }, thai[1].id)
                .await
                .unwrap()
                .is_none()
        );
        pricing.withdraw_price(&actor, thai[1].id).await.unwrap().unwrap();
        let book = pricing.book_of(actor.merchant, ["sku-0"].into_iter()).await.unwrap();
        let found = book.price(
            &"sku-0".parse().unwrap(),
            currency("THB"),
            Country::find("TH").ok(),
            database.clock.now(),
        );
        assert_eq!(found.map(|entry| entry.price), Some(money("690.00", "THB")));
        store.close().await;
    })
    .await;
}
