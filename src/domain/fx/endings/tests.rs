use super::*;

fn rule(step: &str, endings: &[&str]) -> Ending {
    let decimal = |text: &str| text.parse::<Decimal>().unwrap();
    let mut endings: Vec<Decimal> = endings.iter().map(|text| decimal(text)).collect();
    if endings.is_empty() {
        endings.push(Decimal::ZERO);
    }
    let (mode, min_price, max_shift_bps) = (EndingMode::Up, None, None);
    Ending { from: Decimal::ZERO, step: decimal(step), endings, mode, min_price, max_shift_bps }
}

#[test]
fn published_rule_sets() {
    // WooCommerce Payments: up to the step, then the charm (P01, P03, P05); Huawei: endings in tenths (P07).
    let tenths = ["0.00", "0.06", "0.09"];
    for (value, step, endings, expected) in [
        ("5.2499", "0", &[][..], "5.2499"),
        ("5.2499", "0.25", &[], "5.25"),
        ("5.2500", "0.25", &[], "5.25"),
        ("5.2501", "0.25", &[], "5.50"),
        ("4.9999", "1", &[], "5"),
        ("5", "1", &[], "5"),
        ("5.0001", "1", &[], "6"),
        ("7.08099", "0.50", &["-0.10"], "7.40"),
        ("7.08099", "0.50", &[], "7.50"),
        ("7.08099", "0", &[], "7.08099"),
        ("1.213", "0.10", &tenths, "1.26"),
        ("1.264", "0.10", &tenths, "1.29"),
        ("1.2967", "0.10", &tenths, "1.30"),
        ("5.02", "1", &[], "6"),
    ] {
        let value: Decimal = value.parse().unwrap();
        assert_eq!(rule(step, endings).up(value), expected.parse().ok(), "{value} on {step} {endings:?}");
    }
}

fn exactly(amount: &str, currency: &str) -> Unrounded {
    // A rate of the wanted size applied to one unit gives any exact amount.
    let one = Money::parse("1", Currency::known("KWD")).unwrap();
    let rate = crate::money::Rate::parse(one.currency(), Currency::find(currency).unwrap(), amount).unwrap();
    rate.convert(one).unwrap()
}

fn priced(amount: &str, currency: &str, rounding: PriceRounding) -> String {
    Endings::bundled().unwrap().price(exactly(amount, currency), rounding, None).unwrap().price.to_string()
}

#[test]
fn the_shipped_rules() {
    use PriceRounding::{Charm, Exact, Step};
    for (amount, currency, rounding, expected) in [
        ("713.4031", "THB", Exact, "THB 713.40"),
        ("713.4031", "THB", Step, "THB 714.00"),
        ("713.4031", "THB", Charm, "THB 719.00"),
        ("1200.5", "THB", Step, "THB 1210.00"),
        // 9 would move it by 30 %: the step is taken; the step of 1 would move it by 25 %: exact.
        ("13.2", "THB", Charm, "THB 13.20"),
        ("62.3", "THB", Charm, "THB 63.00"),
        ("181493.7", "IDR", Exact, "IDR 181494.00"),
        ("181493.7", "IDR", Step, "IDR 182000.00"),
        ("285123.4", "IDR", Charm, "IDR 289000.00"),
        ("19.234", "USD", Charm, "USD 19.24"),
        ("19.55", "USD", Charm, "USD 19.99"),
        ("26.01", "USD", Step, "USD 26.01"),
        ("99.01", "USD", Step, "USD 100.00"),
        ("586622.8", "VND", Charm, "VND 589000"),
        // What no rule takes is rounded up: half up would sell it below what it costs.
        ("1.23441", "KWD", Charm, "KWD 1.235"),
        ("1.23441", "KWD", Exact, "KWD 1.234"),
        ("24.991", "USD", Step, "USD 25.00"),
        // From 25 on the next dollar, where that is near enough.
        ("25.30", "USD", Step, "USD 26.00"),
    ] {
        assert_eq!(priced(amount, currency, rounding), expected, "{amount} {rounding:?}");
    }
}

/// Whatever is above nothing has a price above nothing, and the rule says so.
#[test]
fn the_least_price_is_one_step_of_the_price_tag() {
    use PriceRounding::{Cash, Charm, Exact, Step};
    for (amount, currency, price, rule) in [
        ("0.0038", "USD", "USD 0.01", "exact USD: least 0.01"),
        ("0.0049999", "USD", "USD 0.01", "exact USD: least 0.01"),
        ("0.005", "USD", "USD 0.01", "exact USD: half up at 2 decimals"),
        ("0.1", "IDR", "IDR 1.00", "exact IDR: least 1"),
        ("0.3", "VND", "VND 1", "exact VND: least 1"),
        ("0.0001", "KWD", "KWD 0.001", "exact KWD: least 0.001"),
    ] {
        let ended = Endings::bundled().unwrap().price(exactly(amount, currency), Exact, None).unwrap();
        assert_eq!((ended.price.to_string().as_str(), &*ended.rule), (price, rule), "{amount}");
        for rounding in [Exact, Step, Charm, Cash] {
            let ended = Endings::bundled().unwrap().price(exactly(amount, currency), rounding, None).unwrap();
            assert!(ended.price.is_positive(), "{amount} {currency} {rounding:?}: {ended:?}");
        }
    }
    let step = "max_shift_bps = 1\n[USD]\nstep = [{ from = \"0\", step = \"0\" }]";
    let ended = Endings::read(step, "own.toml").unwrap().price(exactly("0.001", "USD"), Step, None).unwrap();
    assert_eq!((ended.price.to_string().as_str(), &*ended.rule), ("USD 0.01", "exact USD: least 0.01"));
    let nothing =
        crate::money::Rate::identity(Currency::known("USD")).convert(Money::zero(Currency::known("USD")));
    let ended = Endings::bundled().unwrap().price(nothing.unwrap(), Exact, None).unwrap();
    assert!(ended.price.is_zero(), "what costs nothing is given away");
}

proptest::proptest! {
    #[test]
    fn never_below_the_exact_price_and_never_moved_too_far(minor in 1_i64..2_000_000_000, which in 0_usize..22) {
        let endings = Endings::bundled().unwrap();
        let currencies: Vec<Currency> = endings.rules.currencies().collect();
        let currency = currencies[which % currencies.len()];
        let amount = Decimal::new(minor, 4);
        let one = Money::parse("1", Currency::known("KWD")).unwrap();
        let exact = crate::money::Rate::try_new(one.currency(), currency, amount).unwrap().convert(one).unwrap();
        for rounding in [PriceRounding::Step, PriceRounding::Charm] {
            let price = endings.price(exact, rounding, None).unwrap().price.amount();
            let unit = Decimal::new(1, currency.display_digits());
            proptest::prop_assert!(price >= amount, "{amount} {currency} became {price}");
            let limit = amount * Decimal::new(i64::from(endings.max_shift_bps), 4);
            proptest::prop_assert!(price - amount <= limit.max(unit), "{amount} {currency} became {price}");
        }
    }
}

#[test]
fn cash_is_the_nearest_coin() {
    for (amount, currency, expected) in [
        ("7.024", "CHF", "CHF 7.00"),
        ("7.025", "CHF", "CHF 7.05"),
        ("0.01", "CHF", "CHF 0.05"),
        ("199.50", "SEK", "SEK 200.00"),
        ("199.49", "SEK", "SEK 199.00"),
        ("1002.49", "HUF", "HUF 1000.00"),
        ("1002.50", "HUF", "HUF 1005.00"),
        ("9.24", "DKK", "DKK 9.00"),
        ("99.4", "CZK", "CZK 99.00"),
        ("12.345", "USD", "USD 12.35"),
        ("149.6", "JPY", "JPY 150"),
        // What tills take where the CLDR has every cent.
        ("12.33", "MYR", "MYR 12.35"),
        ("12.32", "MYR", "MYR 12.30"),
        ("12.33", "SGD", "SGD 12.35"),
        ("12.33", "AUD", "AUD 12.35"),
        ("12.33", "NZD", "NZD 12.30"),
        ("12.35", "NZD", "NZD 12.40"),
        ("12.34", "HKD", "HKD 12.30"),
        ("0.01", "SGD", "SGD 0.05"),
    ] {
        let ended = Endings::bundled().unwrap().price(exactly(amount, currency), PriceRounding::Cash, None);
        assert_eq!(ended.unwrap().price.to_string(), expected, "{amount} {currency}");
    }
    let ended = Endings::bundled().unwrap().price(exactly("7.03", "CHF"), PriceRounding::Cash, None).unwrap();
    assert_eq!(ended.rule, "cash CHF: nearest 0.05, half up");
    // A file without the table leaves the CLDR's.
    let plain = Endings::read("max_shift_bps = 1", "own.toml").unwrap();
    let ended = plain.price(exactly("12.33", "MYR"), PriceRounding::Cash, None).unwrap();
    assert_eq!(ended.price.to_string(), "MYR 12.33");
}

const MARKETS: &str = r#"
max_shift_bps = 300
[USD]
step = [{ from = "0", step = "1" }]
charm = [{ from = "0", step = "1", endings = ["0.99"] }]
[market.SG.USD]
charm = [
    { from = "0", step = "1", endings = ["0.50", "0.90"], mode = "nearest", max_shift_bps = 1000 },
    { from = "100", step = "10", endings = ["8", "9"], mode = "nearest" },
]
[market.KH.USD]
charm = [{ from = "0", step = "1", endings = ["0.99"], min_price = "1.50" }]
"#;

#[test]
fn a_market_has_rules_of_its_own() {
    let endings = Endings::read(MARKETS, "markets.toml").unwrap();
    for (market, amount, expected, rule) in [
        (None, "19.55", "USD 19.99", "charm USD: 0.99 + n × 1, up"),
        (Some("TH"), "19.55", "USD 19.99", "charm USD: 0.99 + n × 1, up"),
        (Some("SG"), "19.55", "USD 19.50", "charm SG USD: 0.50 or 0.90 + n × 1, nearest"),
        // The tie between 19.50 and 19.90 goes up.
        (Some("SG"), "19.70", "USD 19.90", "charm SG USD: 0.50 or 0.90 + n × 1, nearest"),
        (Some("SG"), "0.48", "USD 0.50", "charm SG USD: 0.50 or 0.90 + n × 1, nearest"),
        (Some("SG"), "103.2", "USD 103.20", "exact USD: up at 2 decimals"),
        (Some("SG"), "107.1", "USD 108.00", "charm SG USD: 8 or 9 + n × 10, nearest"),
        // Lifted to the least price, however far that is.
        (Some("KH"), "0.20", "USD 1.99", "charm KH USD: 0.99 + n × 1, up"),
        (Some("KH"), "2.95", "USD 2.99", "charm KH USD: 0.99 + n × 1, up"),
    ] {
        let market = market.map(|code| Country::find(code).unwrap());
        let ended = endings.price(exactly(amount, "USD"), PriceRounding::Charm, market).unwrap();
        assert_eq!((ended.price.to_string().as_str(), &*ended.rule), (expected, rule), "{market:?} {amount}");
    }
}

#[test]
fn refusals_name_file_key_and_why() {
    for (text, key) in [
        ("max_shift_bps = 1\n[JPY]\nstep = [{ from = \"0\", step = \"0.5\" }]", "JPY.step[0].step"),
        ("max_shift_bps = 1\n[USD]\nstep = [{ from = \"0\", step = \"-1\" }]", "USD.step[0].step"),
        ("max_shift_bps = 1\n[USD]\nstep = [{ from = \"0\", step = 1.0 }]", "USD.step[0]"),
        ("max_shift_bps = 1\n[USD]\nstep = [{ from = \"0\", step = \"1\", mode = \"down\" }]", "USD.step[0]"),
        (
            "max_shift_bps = 1\n[USD]\nstep = [{ from = \"0\", step = \"1\" }, { from = \"0\", step = \"1\" }]",
            "USD.step[1].from",
        ),
        (
            "max_shift_bps = 1\n[USD]\ncharm = [{ from = \"0\", step = \"1\", endings = [\"x\"] }]",
            "USD.charm[0].endings",
        ),
        ("max_shift_bps = 1\n[XXX]\nstep = []", "XXX"),
        ("max_shift_bps = 1\n[market.XX.USD]\nstep = []", "market.XX"),
        ("max_shift_bps = 1\n[market.SG.USX]\nstep = []", "market.SG.USX"),
        ("max_shift_bps = 1\n[USD]\nsteps = []", "USD.steps"),
        ("max_shift_bps = 70000", "max_shift_bps"),
        ("max_shift_bps = 1\n[cash]\nMYR = 0.05", "cash.MYR"),
        ("max_shift_bps = 1\n[cash]\nMYR = \"0\"", "cash.MYR"),
        ("max_shift_bps = 1\n[cash]\nJPY = \"0.5\"", "cash.JPY"),
        ("max_shift_bps = 1\n[cash]\nXXX = \"1\"", "cash.XXX"),
        ("[USD]\nstep = []", "max_shift_bps"),
        ("[USD", ""),
        ("max_shift_bps = 1\n[USD]\nstep = []", "USD.step"),
        ("max_shift_bps = 1\n[USD]\nstep = [{ from = \"5\", step = \"1\" }]", "USD.step"),
        ("max_shift_bps = 1\n[USD]\ncharm = [{ from = \"0\", step = \"1\" }]", "USD.charm[0].endings"),
        (
            "max_shift_bps = 1\n[USD]\nstep = [{ from = \"0\", step = \"0\", endings = [\"9\"] }]",
            "USD.step[0].step",
        ),
    ] {
        let refused = Endings::read(text, "own.toml").unwrap_err();
        assert_eq!((refused.file.as_str(), refused.key.as_str()), ("own.toml", key), "{text}: {refused}");
        assert!(!refused.why.is_empty());
    }
}
