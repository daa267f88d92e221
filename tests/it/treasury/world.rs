//! Requests for tests: small ones written out, and random ones from a seed.

use std::collections::BTreeMap;

use serde_json::Value;
use straits::domain::treasury::{
    Calendars, Effort, Expected, Funds, Holder, Mids, Payable, Payee, PlanRequest, Planned, RouteTable,
    TopUp, Way, plan,
};
use straits::money::{Currency, Money};

pub fn currency(code: &str) -> Currency {
    Currency::find(code).unwrap()
}

pub fn money(text: &str) -> Money {
    let (code, amount) = text.split_once(' ').unwrap();
    Money::parse(amount, currency(code)).unwrap()
}

/// Routes as TOML bodies; what every route needs is filled in.
pub fn routes(bodies: &[&str]) -> RouteTable {
    let mut text = String::from("version = \"test\"\n");
    for body in bodies {
        text.push_str("[[route]]\nfrom = \"2026-01-01\"\nsource = \"test\"\ntrust = \"sample\"\n");
        for (key, value) in [
            ("rail", "\"bank\""),
            ("source_currency", "\"USD\""),
            ("target_currency", "\"USD\""),
            ("cut_off", "\"16:00:00\""),
            ("zone", "\"UTC\""),
            ("days", "0"),
            ("bearer", "\"DEBT\""),
        ] {
            if !body.lines().any(|line| line.starts_with(&format!("{key} "))) {
                text.push_str(&format!("{key} = {value}\n"));
            }
        }
        text.push_str(body);
        text.push('\n');
    }
    RouteTable::read("test.toml", &text).unwrap()
}

pub fn mids() -> Mids {
    let rates =
        [("THB", "0.0285"), ("SGD", "0.741"), ("VND", "0.0000394"), ("EUR", "1.0875"), ("JPY", "0.00641")];
    Mids {
        home: currency("USD"),
        as_of: "2026-12-02T00:00:00Z".parse().unwrap(),
        rates: rates.iter().map(|(code, rate)| (currency(code), rate.parse().unwrap())).collect(),
    }
}

/// A Wednesday morning without holidays.
pub fn request(routes: RouteTable) -> PlanRequest {
    PlanRequest {
        now: "2026-12-02T08:00:00Z".parse().unwrap(),
        mids: mids(),
        routes,
        calendars: Calendars::default(),
        payables: Vec::new(),
        funds: Vec::new(),
        positions: Vec::new(),
        max_wait_days: 0,
        conversions: true,
        effort: Effort::default(),
    }
}

pub fn payable(supplier: &str, gross: &str) -> Payable {
    Payable {
        supplier: supplier.to_owned(),
        gross: money(gross),
        withholding: None,
        debt: None,
        conversion: None,
        payees: vec![payee("SG")],
        bearer: None,
        only: None,
        purpose: None,
        due: None,
        blocked: None,
        default_route: None,
        expected: Vec::new(),
    }
}

/// An account that every rail reaches.
pub fn payee(country: &str) -> Payee {
    let (account, country) = (String::new(), country.to_owned());
    Payee { account, country, market: None, kind: None, town: true, bank_letters: true }
}

pub fn funds(account: &str, rails: &[&str], available: &str) -> Funds {
    Funds {
        account: account.to_owned(),
        rails: rails.iter().map(|rail| (*rail).to_owned()).collect(),
        available: money(available),
        holder: Holder::Client,
        top_ups: Vec::new(),
    }
}

pub fn top_up(limit: &str, fixed: &str, spread_bps: u32) -> TopUp {
    TopUp {
        from: "treasury".to_owned(),
        sells: currency("USD"),
        limit: money(limit),
        fixed: Some(money(fixed)),
        spread_bps,
    }
}

/// Makes the plan and has the certificate checked.
pub fn checked(request: &PlanRequest) -> (Planned, plan_checker::Verdict) {
    let planned = plan(request).unwrap();
    let verdict = plan_checker::check(planned.certificate.json())
        .unwrap_or_else(|refusal| panic!("{refusal}\n{}", planned.certificate.json()));
    assert_eq!(verdict.plan, planned.hash);
    assert_eq!(verdict.cost, planned.plan.totals.cost.0);
    assert_eq!(verdict.bound, planned.plan.totals.bound.0);
    (planned, verdict)
}

pub fn body(planned: &Planned) -> Value {
    let mut whole: Value = serde_json::from_str(planned.certificate.json()).unwrap();
    whole["body"].take()
}

/// Whether an alternative of a supplier goes out in these batches.
pub fn is_batch_of(resource: &Value, supplier: &Value, one: &Value) -> bool {
    resource["kind"] == "batches"
        && resource["route"] == one["route"]
        && resource["account"] == one["account"]
        && resource["through"] == supplier["through"]
}

/// How many of so many cases: a third where the program is not optimised and takes ten times as long, and all of them in
/// `cargo test --release treasury`.
pub const fn cases(all: u64) -> u64 {
    if cfg!(debug_assertions) { all / 3 } else { all }
}

/// A small generator of our own: the same cases on every machine.
#[derive(Debug, Clone)]
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, below: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below.max(1)
    }

    pub fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len() as u64) as usize]
    }
}

/// A random request: scarce accounts, top-ups, batch fees, limits, bands, all three bearers, terms, waiting.
pub fn random(seed: u64, suppliers: u64, most_routes: u64) -> PlanRequest {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 1);
    let mut bodies = Vec::new();
    for index in 0..=dice.roll(most_routes) {
        let target = dice.pick(&["USD", "THB"]);
        let source = if dice.roll(2) == 0 { target } else { dice.pick(&["USD", "THB", "SGD"]) };
        let unit = |minor: u64| format!("{}.{:02}", minor / 100, minor % 100);
        let mut body = format!(
            "name = \"r{index}\"\nrail = \"{}\"\nsource_currency = \"{source}\"\ntarget_currency = \"{target}\"\ndays = {}\n",
            dice.pick(&["bank", "wire"]),
            dice.roll(3)
        );
        let mut add = |key: &str, value: String| body.push_str(&format!("{key} = {value}\n"));
        let quoted = |text: String| format!("\"{text}\"");
        if dice.roll(3) > 0 {
            add("fixed", quoted(unit(dice.roll(900))));
        }
        if dice.roll(3) == 0 {
            add("percent", quoted(dice.pick(&["0.5", "1", "2", "0.375"]).to_owned()));
            if dice.roll(2) == 0 {
                add("cap", quoted(unit(300 + dice.roll(900))));
            }
        }
        if dice.roll(4) == 0 {
            add("bands", format!("[{{ from = \"{}\", fixed = \"0\" }}]", unit(30_000 + dice.roll(50_000))));
        }
        if dice.roll(4) == 0 {
            add("lifting_fee", quoted(unit(dice.roll(700))));
        }
        if dice.roll(3) == 0 {
            add("maximum_item", quoted(unit(20_000 + dice.roll(60_000))));
        }
        if dice.roll(3) == 0 {
            add("batch_fee", quoted(unit(100 + dice.roll(2_500))));
            add("batch_size", (1 + dice.roll(4)).to_string());
        }
        if source == target {
            add("bearer", quoted(dice.pick(&["DEBT", "CRED", "SHAR"]).to_owned()));
        } else {
            add("spread_bps", dice.roll(300).to_string());
            add("bearer", quoted(dice.pick(&["DEBT", "SHAR"]).to_owned()));
        }
        add("rounding", quoted(dice.pick(&["half_up", "up", "down", "half_even"]).to_owned()));
        bodies.push(body);
    }
    // Some rails carry less of a currency than its books have.
    let mut steps = Dice(seed + 99);
    for body in &mut bodies {
        if steps.roll(5) == 0 {
            body.push_str(&format!("step = \"{}\"\n", steps.pick(&["0.05", "1", "10"])));
        }
    }
    let bodies: Vec<&str> = bodies.iter().map(String::as_str).collect();
    let mut request = request(routes(&bodies));
    request.max_wait_days = if dice.roll(4) == 0 { 20 } else { 0 };
    for supplier in 0..=dice.roll(suppliers) {
        let code = dice.pick(&["USD", "THB"]);
        let minor = 100 + dice.roll(if code == "USD" { 120_000 } else { 900_000 });
        let mut one = payable(&format!("sup{supplier}"), "USD 0.00");
        one.gross = Money::from_minor(i64::try_from(minor).unwrap(), currency(code));
        if dice.roll(5) == 0 {
            one.debt = Some(Money::from_minor(i64::try_from(minor / 3).unwrap(), currency(code)));
        }
        if dice.roll(3) == 0 {
            one.due = Some("2026-12-20".parse().unwrap());
            let amount = Money::from_minor(50_000, currency(code));
            one.expected = vec![Expected { on: "2026-12-10".parse().unwrap(), amount }];
        }
        request.payables.push(one);
    }
    let mut names = BTreeMap::new();
    for index in 0..=dice.roll(4) {
        let code = dice.pick(&["USD", "THB", "SGD"]);
        let minor = dice.roll(if code == "THB" { 1_500_000 } else { 200_000 });
        let mut account =
            funds(&format!("a{index}"), &["bank", "wire"][..=dice.roll(2) as usize], "USD 0.00");
        account.available = Money::from_minor(i64::try_from(minor).unwrap(), currency(code));
        for _ in 0..dice.roll(3) {
            account.top_ups.push(TopUp {
                from: "treasury".to_owned(),
                sells: currency("USD"),
                limit: Money::from_minor(i64::try_from(dice.roll(400_000)).unwrap(), currency(code)),
                fixed: Some(Money::from_minor(i64::try_from(dice.roll(2_000)).unwrap(), currency(code))),
                spread_bps: u32::try_from(dice.roll(200)).unwrap(),
            });
        }
        names.insert(account.account.clone(), ());
        request.funds.push(account);
    }
    // Some are paid over one account only, of them some over a rail account of their own there.
    let mut terms = Dice(seed + 77);
    for payable in &mut request.payables {
        if terms.roll(8) == 0 {
            let own = &request.funds[usize::try_from(terms.roll(request.funds.len() as u64)).unwrap()];
            let through = (terms.roll(2) == 0).then(|| "second".to_owned());
            let (account, rail) = (own.account.clone(), own.rails[own.rails.len() - 1].clone());
            payable.only = Some(Way { account, rail, through });
        }
    }
    request
}
