//! Cases in which a plan was once not what is then paid: prices that end, accounts without number, money that lies idle.

use straits::domain::treasury::{Calendars, Expected, Market, RouteTable, Tables, Way};
use straits::money::Money;

use super::world::{body, checked, currency, funds, money, payable, payee, request, routes, top_up};

fn dated(until: &str, from: &str) -> RouteTable {
    let mut table = routes(&["name = \"old\"\nfixed = \"1.00\"", "name = \"new\"\nfixed = \"9.00\""]);
    table.routes.iter_mut().for_each(|route| route.name = "bank".to_owned());
    table.routes[0].until = Some(until.parse().unwrap());
    table.routes[1].from = from.parse().unwrap();
    table
}

#[test]
fn behind_its_last_cut_off_a_price_is_none() {
    let mut request = request(dated("2026-12-02", "2026-12-03"));
    request.payables.push(payable("a", "USD 100.00"));
    request.funds.push(funds("bank", &["bank"], "USD 500.00"));
    for (now, day, fee) in [
        ("2026-12-02T15:59:00Z", "2026-12-02", "USD 1.00"),
        ("2026-12-02T17:00:00Z", "2026-12-03", "USD 9.00"),
        ("2026-12-03T09:00:00Z", "2026-12-03", "USD 9.00"),
    ] {
        request.now = now.parse().unwrap();
        let plan = checked(&request).0.plan;
        let line = &plan.lines[0];
        assert_eq!((line.instructed.to_string().as_str(), line.fee), (day, money(fee)), "{now}");
        assert_eq!(plan.accounts[0].by.to_rfc3339(), format!("{day}T16:00:00+00:00"));
        // What executes the plan reads the same day.
        let tables = Tables { routes: request.routes.clone(), holidays: Calendars::default() };
        let taken = tables.taken_on("bank", currency("USD"), request.now);
        assert_eq!(taken, Some(line.instructed), "{now}");
    }
    // Handed over before a weekend, it is taken behind it.
    request.routes = dated("2026-12-06", "2026-12-07");
    request.now = "2026-12-04T17:00:00Z".parse().unwrap();
    assert_eq!(checked(&request).0.plan.lines[0].fee, money("USD 9.00"));
}

#[test]
fn of_two_texts_of_a_route_the_one_that_takes_it_first_counts() {
    let mut request = request(dated("2026-12-02", "2026-12-03"));
    // The old text takes it until six, the new one's day ends at four: both would be in force on their days.
    request.routes.routes[0].cut_off = "18:00:00".parse().unwrap();
    request.routes.routes[0].fixed = Some("9.00".to_owned());
    request.routes.routes[1].fixed = Some("1.00".to_owned());
    request.now = "2026-12-02T17:00:00Z".parse().unwrap();
    request.payables.push(payable("a", "USD 100.00"));
    request.funds.push(funds("bank", &["bank"], "USD 500.00"));
    let line = checked(&request).0.plan.lines.remove(0);
    assert_eq!((line.instructed.to_string().as_str(), line.fee), ("2026-12-02", money("USD 9.00")));
}

#[test]
fn a_certificate_with_a_price_of_another_day_is_refused() {
    let mut request = request(dated("2026-12-02", "2026-12-03"));
    request.now = "2026-12-02T17:00:00Z".parse().unwrap();
    request.payables.push(payable("a", "USD 100.00"));
    request.funds.push(funds("bank", &["bank"], "USD 500.00"));
    let (planned, _) = checked(&request);
    let text = planned.certificate.json();
    assert!(plan_checker::check_figures(text).is_ok());
    for (from, to) in [
        // A price that has ended, one that has not begun, one kept out that is in force.
        ("\"from\":\"2026-12-03\"", "\"from\":\"2026-12-04\""),
        ("\"from\":\"2026-12-03\",\"until\":null", "\"from\":\"2026-12-03\",\"until\":\"2026-12-02\""),
        ("\"until\":\"2026-12-02\"", "\"until\":\"2026-12-03\""),
        ("\"until\":null", "\"until\":\"2026-12-2\""),
    ] {
        assert!(text.contains(from), "{from}: {text}");
        let refusal = plan_checker::check_figures(&text.replace(from, to)).expect_err(to).to_string();
        assert!(refusal.contains("instructed") || refusal.contains("day"), "{refusal}");
    }
}

#[test]
fn the_money_is_found_on_the_last_of_many_accounts() {
    for count in [60, 130] {
        let mut request = request(routes(&["name = \"bank\"\nfixed = \"1.00\""]));
        request.payables = vec![payable("a", "USD 50.00"), payable("b", "USD 40.00")];
        for account in 1..=count {
            let held = if account == count { "USD 100.00" } else { "USD 0.00" };
            request.funds.push(funds(&format!("a{account:03}"), &["bank"], held));
        }
        let (planned, verdict) = checked(&request);
        let accounts: Vec<&str> = planned.plan.lines.iter().map(|line| line.account.as_str()).collect();
        let last = format!("a{count:03}");
        assert_eq!((accounts, verdict.unpaid), (vec![last.as_str(); 2], 0));
        let supplier = &body(&planned)["parts"][0]["suppliers"][0];
        assert_eq!(supplier["alternatives"].as_array().unwrap().len(), count + 1, "none is left out");
    }
}

#[test]
fn nothing_is_asked_for_while_money_lies_idle() {
    // Transfers cost nothing, so that only this says which account pays.
    let pot = |name: &str, held: &str| {
        let mut pot = funds(name, &["bank"], held);
        pot.top_ups.push(top_up("USD 1000000.00", "USD 0.00", 0));
        pot
    };
    for (owed, held, missing) in [
        (&["80.00", "80.00"][..], &["100.00", "100.00"][..], "0.00"),
        (&["60.00", "60.00", "40.00", "40.00"], &["102.00", "102.00"], "0.00"),
        (&["80.00", "80.00", "80.00"], &["100.00", "90.00"], "62.00"),
        (&["80.00", "30.00"], &["0.00", "31.00"], "81.00"),
        (&["5.00", "5.00", "5.00"], &["6.00", "6.00", "6.00"], "0.00"),
    ] {
        let mut request = request(routes(&["name = \"bank\"\nfixed = \"1.00\""]));
        for (place, owed) in owed.iter().enumerate() {
            request.payables.push(payable(&format!("s{place}"), &format!("USD {owed}")));
        }
        for (place, held) in held.iter().enumerate() {
            request.funds.push(pot(&format!("pot{place}"), &format!("USD {held}")));
        }
        let plan = checked(&request).0.plan;
        let asked = plan.accounts.iter().flat_map(|account| &account.top_ups).map(|top_up| top_up.amount);
        let asked = Money::sum(currency("USD"), asked).unwrap();
        assert_eq!(asked, money(&format!("USD {missing}")), "{owed:?} of {held:?}");
        assert_eq!(plan.totals.cost, plan.totals.bound);
        assert_eq!(checked(&request).0.plan, plan);
    }
}

#[test]
fn an_item_is_no_finer_than_its_rail_carries() {
    let twd = |more: &str| {
        let mut request = request(routes(&[&format!(
            "name = \"tw\"\nsource_currency = \"TWD\"\ntarget_currency = \"TWD\"\npercent = \"2\"\nstep = \"1\"\n{more}"
        )]));
        request.mids.rates.insert(currency("TWD"), "0.0312".parse().unwrap());
        request.funds.push(funds("tw", &["bank"], "TWD 90000.00"));
        request
    };
    let (inside, gross) = ("bearer = \"CRED\"", "bearer = \"CRED\"\nfee_of = \"gross\"");
    for (more, owed, items, fee) in [
        ("", "TWD 100.50", &["TWD 100.00"][..], "TWD 2.00"),
        ("", "TWD 100.00", &["TWD 100.00"], "TWD 2.00"),
        (inside, "TWD 10000.00", &["TWD 9803.00"], "TWD 196.06"),
        (inside, "TWD 10199.99", &["TWD 9999.00"], "TWD 199.98"),
        (gross, "TWD 100.50", &["TWD 98.00"], "TWD 2.01"),
        ("maximum_item = \"60\"", "TWD 100.50", &["TWD 60.00", "TWD 40.00"], "TWD 2.00"),
        ("maximum_item = \"60.50\"", "TWD 61.00", &["TWD 60.00", "TWD 1.00"], "TWD 1.22"),
    ] {
        let mut request = twd(more);
        request.payables.push(payable("a", owed));
        let (planned, _) = checked(&request);
        let line = &planned.plan.lines[0];
        let expected: Vec<Money> = items.iter().map(|item| money(item)).collect();
        assert_eq!((&line.items, line.fee), (&expected, money(fee)), "{more} {owed}");
        // What the rail cannot send is refused, whatever else holds.
        let text = planned.certificate.json();
        let finer = text.replace("\"step\":\"100\"", "\"step\":\"1000000\"");
        assert!(finer != text && plan_checker::check_figures(&finer).is_err());
    }
    let mut little = twd("");
    little.payables.push(payable("a", "TWD 0.99"));
    assert_eq!(checked(&little).0.plan.excluded[0].detail, "tw: item_limits");
    // Forints have two decimals in the books and none in payments, on every rail.
    let forint = "name = \"hu\"\nsource_currency = \"HUF\"\ntarget_currency = \"HUF\"\npercent = \"2\"\nbearer = \"CRED\"";
    let mut request = request(routes(&[forint]));
    request.mids.rates.insert(currency("HUF"), "0.0027".parse().unwrap());
    request.funds.push(funds("hu", &["bank"], "HUF 90000.00"));
    request.payables.push(payable("a", "HUF 10000.00"));
    assert_eq!(checked(&request).0.plan.lines[0].sent, money("HUF 9803.00"));
}

#[test]
fn an_offshore_route_does_not_reach_an_onshore_account() {
    let cny = "source_currency = \"CNY\"\ntarget_currency = \"CNY\"";
    let inside = format!("name = \"cny\"\nmarket = \"onshore\"\nfixed = \"9.00\"\n{cny}");
    let outside = format!("name = \"cnh\"\nmarket = \"offshore\"\nfixed = \"1.00\"\n{cny}");
    let mut request = request(routes(&[&inside, &outside]));
    request.mids.rates.insert(currency("CNY"), "0.14".parse().unwrap());
    request.funds.push(funds("cn", &["bank"], "CNY 9000.00"));
    request.payables.push(payable("a", "CNY 100.00"));
    let mut taken = |country: &str, market: Option<Market>, onshore: &[&str]| {
        let countries = onshore.iter().map(|code| (*code).to_owned()).collect();
        request.routes.onshore = [(currency("CNY"), countries)].into();
        request.payables[0].payees = vec![payee(country)];
        request.payables[0].payees[0].market = market;
        checked(&request).0.plan.lines.remove(0).route
    };
    assert_eq!(taken("CN", None, &["CN"]), "cny");
    assert_eq!(taken("HK", None, &["CN"]), "cnh");
    assert_eq!(taken("HK", None, &["CN", "HK"]), "cny");
    assert_eq!(taken("CN", Some(Market::Offshore), &["CN"]), "cnh");
    let shipped = RouteTable::shipped();
    assert_eq!(shipped.market(currency("CNY"), "CN"), Some(Market::Onshore));
    assert_eq!(shipped.market(currency("CNY"), "SG"), Some(Market::Offshore));
    assert_eq!(shipped.market(currency("USD"), "SG"), None);
}

#[test]
fn nobody_waits_for_a_route_that_no_account_pays_over() {
    let now = "name = \"now\"\nfixed = \"5.00\"";
    let never = "name = \"never\"\nrail = \"wire\"\nfixed = \"0.10\"";
    let mut request = request(routes(&[now, never]));
    request.max_wait_days = 20;
    let mut one = payable("a", "USD 600.00");
    one.only = Some(Way { account: "bank".to_owned(), rail: "bank".to_owned(), through: None });
    one.due = Some("2026-12-20".parse().unwrap());
    one.expected = vec![Expected { on: "2026-12-09".parse().unwrap(), amount: money("USD 500.00") }];
    request.payables.push(one);
    // No account is on that rail; then one is, and the supplier's terms forbid it.
    for rails in [&["bank"][..], &["bank", "wire"]] {
        request.funds = vec![funds("bank", rails, "USD 5000.00")];
        let alternatives = body(&checked(&request).0)["parts"][0]["suppliers"][0]["alternatives"].clone();
        let waiting = alternatives.as_array().unwrap().iter().filter(|one| !one["waits"].is_null());
        // By the only route it can take it may wait: one fee in place of two.
        assert!(waiting.clone().all(|one| one["route"] == 0) && waiting.count() == 1, "{alternatives}");
    }
    request.payables[0].only = None;
    let waits = checked(&request).0.plan.excluded.remove(0);
    assert_eq!((waits.reason.as_str(), waits.detail.contains("never")), ("waits", true), "{waits:?}");
}

/// The last of two days is too late for a route that takes one: the day before is waited for, and what comes on the last
/// one comes by itself.
#[test]
fn the_last_day_from_which_a_route_arrives_in_time_is_waited_for() {
    let free =
        "name = \"file\"\nfixed = \"5.00\"\nbands = [{ from = \"1000.00\", fixed = \"0.00\" }]\ndays = 1";
    let mut request = request(routes(&[free]));
    request.max_wait_days = 10;
    let mut one = payable("a", "USD 600.00");
    one.due = Some("2026-12-15".parse().unwrap());
    let on = |day: &str, amount| Expected { on: day.parse().unwrap(), amount: money(amount) };
    one.expected = vec![on("2026-12-09", "USD 500.00"), on("2026-12-15", "USD 1.00")];
    request.payables.push(one);
    request.funds = vec![funds("bank", &["bank"], "USD 5000.00")];
    let waits = checked(&request).0.plan.excluded.remove(0);
    assert_eq!((waits.reason.as_str(), waits.detail.contains("2026-12-09")), ("waits", true), "{waits:?}");
    // Where none arrives in time, nobody waits.
    request.payables[0].expected.remove(0);
    assert_eq!(checked(&request).0.plan.lines.len(), 1);
}

#[test]
fn a_currency_that_a_route_does_not_deliver_takes_another_one() {
    let never = "name = \"never\"\nfixed = \"0.10\"\ndeliverable = false";
    let mut request = request(routes(&[never, "name = \"always\"\nfixed = \"5.00\""]));
    request.payables.push(payable("a", "USD 600.00"));
    request.funds = vec![funds("bank", &["bank"], "USD 5000.00")];
    let (planned, _) = checked(&request);
    assert_eq!(planned.plan.lines[0].route, "always");
    let alternatives = body(&planned)["parts"][0]["suppliers"][0]["alternatives"].to_string();
    assert!(alternatives.contains("not_deliverable"), "{alternatives}");
    // With no other way nobody is paid.
    request.routes.routes.truncate(1);
    assert_eq!(checked(&request).0.plan.excluded[0].reason, "no_route");
}
