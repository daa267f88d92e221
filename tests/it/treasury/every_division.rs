//! Small amounts held against every division there is; a certificate that lists a dearer one is refused.

use serde_json::Value;

use straits::domain::treasury::{PlanRequest, Planned, plan};
use straits::money::Money;

use super::divisions::{DEAR_ABOVE, alone};
use super::world::{Dice, body, cases, checked, currency, funds, money, payable, request, routes, top_up};

/// A route of every shape, with amounts of some dozen steps.
fn small(dice: &mut Dice, only_fixed: bool) -> String {
    let unit = |minor: u64| format!("\"{}.{:02}\"", minor / 100, minor % 100);
    let mut body = format!("name = \"bank\"\nbearer = \"{}\"\n", dice.pick(&["DEBT", "SHAR"]));
    let mut add = |key: &str, value: String| body.push_str(&format!("{key} = {value}\n"));
    let percent =
        |dice: &mut Dice| dice.pick(&["\"1\"", "\"12.5\"", "\"7.03\"", "\"40\"", "\"0\""]).to_owned();
    add("fixed", unit(dice.roll(9)));
    if !only_fixed && dice.roll(2) == 0 {
        add("percent", percent(dice));
    }
    for (key, most) in [("minimum", 8), ("cap", 12), ("lifting_fee", 6)] {
        if dice.roll(3) == 0 {
            add(key, unit(1 + dice.roll(most)));
        }
    }
    let (mut from, mut bands) = (0, Vec::new());
    for _ in 0..dice.roll(4) {
        from += 2 + dice.roll(14);
        let percent = if only_fixed { "\"0\"".to_owned() } else { percent(dice) };
        bands.push(format!(
            "{{ from = {}, fixed = {}, percent = {percent} }}",
            unit(from),
            unit(dice.roll(9))
        ));
    }
    add("bands", format!("[{}]", bands.join(", ")));
    add("rounding", format!("\"{}\"", dice.pick(&["half_up", "up", "down", "half_even"])));
    if dice.roll(4) == 0 {
        add("step", unit(2 + dice.roll(2)));
    }
    if dice.roll(3) == 0 {
        add("batch_fee", unit(1 + dice.roll(20)));
        add("batch_size", (1 + dice.roll(4)).to_string());
    }
    let least = 1 + dice.roll(9);
    if dice.roll(2) == 0 {
        add("minimum_item", unit(least));
    }
    if dice.roll(2) == 0 {
        add("maximum_item", unit(least + 4 + dice.roll(30)));
    }
    body
}

fn whole(value: &Value) -> i128 {
    value.as_str().unwrap().parse().unwrap()
}

/// What an item costs before it is rounded, in 10^-8 minor units, by arithmetic of its own.
fn fee(tariff: &Value, amount: i128) -> i128 {
    let parts = 100_000_000;
    let price = |one: &Value| {
        let percent = one["percent"].as_str().unwrap();
        let (integer, fraction) = percent.split_once('.').unwrap_or((percent, ""));
        let hundredths: i128 = format!("{integer}{fraction:0<6}").parse().unwrap();
        whole(&one["fixed"]) * parts + amount * hundredths
    };
    let band = tariff["bands"].as_array().unwrap().iter().rev().find(|band| amount >= whole(&band["from"]));
    let mut fee = price(band.unwrap_or(tariff));
    if band.is_none() && !tariff["minimum"].is_null() {
        fee = fee.max(whole(&tariff["minimum"]) * parts);
    }
    if !tariff["cap"].is_null() {
        fee = fee.min(whole(&tariff["cap"]) * parts);
    }
    fee + whole(&tariff["lifting"]) * parts
}

/// The least that an amount costs in so many items, by every first item and the rest: `[items][amount]`.
fn all(tariff: &Value, amount: usize, limits: (usize, usize)) -> Vec<Vec<Option<i128>>> {
    let step = usize::try_from(whole(&tariff["step"])).unwrap();
    let fees: Vec<i128> = (0..=amount).map(|size| fee(tariff, size as i128)).collect();
    let mut least = vec![vec![None; amount + 1]];
    least[0][0] = Some(0);
    for items in 1..=amount {
        let row = (0..=amount).map(|sum| {
            let sizes = (limits.0.max(1)..=limits.1.min(sum)).filter(|size| size % step == 0);
            sizes.filter_map(|size| Some(least[items - 1][sum - size]? + fees[size])).min()
        });
        let row: Vec<Option<i128>> = row.collect();
        least.push(row);
    }
    least
}

fn limits(tariff: &Value) -> (usize, usize) {
    let most =
        if tariff["maximum_item"].is_null() { usize::MAX } else { whole(&tariff["maximum_item"]) as usize };
    (whole(&tariff["minimum_item"]) as usize, most)
}

/// What is listed of the one supplier: items, what they cost before rounding, and rounded.
fn listed(body: &Value) -> Vec<(usize, i128, i128)> {
    let tariff = &body["routes"][0];
    let all = body["parts"][0]["suppliers"][0]["alternatives"].as_array().unwrap().iter();
    let paid = all.filter(|one| !one["route"].is_null() && one["ruled_out"].is_null());
    let each = paid.map(|one| {
        let items = one["items"].as_array().unwrap().iter();
        let items: Vec<(i128, i128)> =
            items.map(|item| (i128::from(item[0].as_u64().unwrap()), whole(&item[1]))).collect();
        let count: i128 = items.iter().map(|(count, _)| count).sum();
        let cost = items.iter().map(|(count, amount)| count * fee(tariff, *amount)).sum();
        (count as usize, cost, whole(&one["fee"]) + count * whole(&tariff["lifting"]))
    });
    each.collect()
}

fn planned(route: &str, minor: i64) -> Planned {
    let mut request = alone(route, "USD 1.00");
    request.payables[0].gross = Money::from_minor(minor, currency("USD"));
    checked(&request).0
}

#[test]
fn no_division_of_all_there_are_is_cheaper() {
    let (mut dice, mut more, mut several, mut none) = (Dice(11), 0, 0, 0);
    for case in 0..cases(3_000) {
        let (route, minor) = (small(&mut dice, case % 2 == 0), 1 + dice.roll(70) as usize);
        let planned = planned(&route, minor as i64);
        let Some(_) = planned.plan.lines.first() else {
            none += 1;
            let tariff = certificate_tariff(&route);
            let step = whole(&tariff["step"]) as usize;
            let all = all(&tariff, minor - minor % step, limits(&tariff));
            assert!(
                minor < step || all.iter().skip(1).all(|row| row.last().unwrap().is_none()),
                "{case}: {route}"
            );
            continue;
        };
        let body = body(&planned);
        let tariff = &body["routes"][0];
        let amount = minor - minor % whole(&tariff["step"]) as usize;
        let least = all(tariff, amount, limits(tariff));
        let least: Vec<Option<i128>> = least.iter().map(|row| *row.last().unwrap()).collect();
        let (cheapest, listed) = (least.iter().flatten().min().unwrap(), listed(&body));
        let best = listed.iter().map(|(_, cost, _)| cost).min().unwrap();
        assert_eq!(best, cheapest, "{case}: {minor} by {route}: {listed:?}");
        let paid = listed.iter().map(|(_, _, paid)| paid).min().unwrap();
        let items = listed.iter().find(|(_, cost, _)| cost == best).unwrap().0 as i128;
        assert!(paid * 100_000_000 <= cheapest + items * 100_000_000, "{case}: rounded {paid}");
        let lifting = whole(&tariff["lifting"]) * 100_000_000;
        let deducted = if tariff["bearer"] == "SHAR" { lifting } else { 0 };
        if whole(&tariff["batch_fee"]) > 0 || deducted > 0 {
            let fewest = least.iter().position(Option::is_some).unwrap();
            for (count, own) in least.iter().enumerate().skip(fewest).take(32) {
                let Some(own) = own else { continue };
                let beside = listed.iter().filter(|(items, ..)| *items <= count);
                let mut beside = beside.map(|(items, cost, _)| cost + deducted * (count - items) as i128);
                assert!(
                    beside.any(|beside| beside <= *own),
                    "{case}: {count} items of {minor} by {route}: {listed:?}"
                );
            }
            several += u64::from(listed.len() > 1);
        }
        let fewest = least.iter().flatten().next().unwrap();
        more += u64::from(cheapest < fewest);
    }
    assert!(more > cases(200) && several > cases(100) && none > cases(50), "{more} {several} {none}");
}

/// The tariff as a certificate has it: of a plan that pays anything at all.
fn certificate_tariff(route: &str) -> Value {
    let mut request = alone(route, "USD 1.00");
    request.payables[0].gross = money("USD 0.00");
    let text = plan(&request).unwrap();
    body(&text)["routes"][0].clone()
}

/// A certificate of a route with narrower limits than it then states: refused exactly where a division within the wider
/// ones is cheaper.
#[test]
fn a_dearer_division_is_refused() {
    let (mut dice, mut refused, mut held) = (Dice(23), 0, 0);
    for case in 0..cases(3_000) {
        let route = small(&mut dice, case % 3 == 0);
        let lines = route.lines().filter(|line| {
            !line.starts_with("batch_") && !line.starts_with("lifting") && !line.contains("m_item")
        });
        let (least, minor) = (1 + dice.roll(20), 1 + dice.roll(60));
        let narrow =
            lines.chain([&*format!("minimum_item = \"0.{least:02}\"")]).collect::<Vec<_>>().join("\n");
        let planned = planned(&narrow, minor as i64);
        if planned.plan.lines.is_empty() {
            continue;
        }
        let text = planned.certificate.json();
        let wide = text.replace(&format!("\"minimum_item\":\"{least}\""), "\"minimum_item\":\"1\"");
        let body = body(&planned);
        let tariff = &body["routes"][0];
        let amount = minor as usize - minor as usize % whole(&tariff["step"]) as usize;
        let cheapest =
            all(tariff, amount, (1, usize::MAX)).iter().filter_map(|row| *row.last().unwrap()).min();
        let best = listed(&body).iter().map(|(_, cost, _)| *cost).min();
        let verdict = plan_checker::check_figures(&wide);
        if best > cheapest {
            let refusal = verdict.expect_err(&narrow).to_string();
            assert!(refusal.contains("cheaper division"), "{case}: {refusal}");
            refused += 1;
        } else {
            assert!(verdict.is_ok(), "{case}: {verdict:?} {narrow}");
            held += 1;
        }
    }
    assert!(refused > cases(100) && held > cases(1_000), "{refused} {held}");
}

#[test]
fn a_missing_number_of_items_is_refused_where_it_could_matter() {
    let batched = format!("{DEAR_ABOVE}\nbatch_size = 3\nbatch_fee = \"9.00\"\nminimum_item = \"700.00\"");
    let request = alone(&batched, "USD 2500.00");
    let planned = checked(&request).0;
    assert_eq!(listed(&body(&planned)).iter().map(|one| one.0).collect::<Vec<_>>(), [1, 3]);
    let single = alone(&batched.replace("700.00", "2500.00"), "USD 2500.00");
    let text = checked(&single)
        .0
        .certificate
        .json()
        .replace("\"minimum_item\":\"250000\"", "\"minimum_item\":\"70000\"");
    let refusal = plan_checker::check_figures(&text).unwrap_err().to_string();
    assert!(refusal.contains("cheaper division into 3 items"), "{refusal}");
}

/// Every division of every supplier on every route from every account, in whole fees: the plan costs as little.
#[test]
fn coupled_by_batches_and_accounts_no_division_is_cheaper() {
    let (mut dice, mut compared, mut more) = (Dice(5), 0, 0);
    while compared < cases(100) {
        let bodies: Vec<String> = (0..2)
            .map(|place| small(&mut dice, true).replace("name = \"bank\"", &format!("name = \"r{place}\"")))
            .collect();
        let mut request = request(routes(&bodies.iter().map(String::as_str).collect::<Vec<_>>()));
        let mut owed = 0;
        for supplier in 0..2 + dice.roll(2) {
            let minor = 10 + dice.roll(25) as i64;
            owed += minor;
            let mut one = payable(&format!("s{supplier}"), "USD 1.00");
            one.gross = Money::from_minor(minor, currency("USD"));
            request.payables.push(one);
        }
        for name in ["one", "two"] {
            let mut account = funds(name, &["bank"], "USD 0.00");
            account.available = Money::from_minor(owed / 2 + dice.roll(30) as i64, currency("USD"));
            if dice.roll(2) == 0 {
                account.top_ups.push(top_up("USD 9.00", "USD 0.03", 0));
            }
            request.funds.push(account);
        }
        let (planned, verdict) = checked(&request);
        let body = body(&planned);
        if verdict.suppliers < request.payables.len() || verdict.unpaid > 0 {
            continue;
        }
        let Some(least) = cheapest(&body, &request) else { continue };
        assert_eq!(verdict.cost, least * 10, "{bodies:?} {:?}", request.payables);
        assert_eq!(verdict.bound, verdict.cost);
        let several = planned.plan.lines.iter().filter(|line| line.items.len() > 1).count();
        (compared, more) = (compared + 1, more + u64::from(several > 0));
    }
    assert!(more > cases(20), "{more}");
}

/// Route, account, items, cost, debit.
type Tried = (usize, usize, usize, i128, i128);

/// The least cost in 10^-8 minor units; none where there are too many combinations.
fn cheapest(body: &Value, request: &PlanRequest) -> Option<i128> {
    let parts = 100_000_000;
    let routes = body["routes"].as_array().unwrap();
    let ways = request.payables.iter().map(|payable| {
        let mut own = Vec::new();
        for (place, tariff) in routes.iter().enumerate() {
            let minor = payable.gross.minor() as usize;
            let amount = minor - minor % whole(&tariff["step"]) as usize;
            let ours = if tariff["bearer"] == "DEBT" { whole(&tariff["lifting"]) } else { 0 };
            for (items, row) in all(tariff, amount, limits(tariff)).iter().enumerate().skip(1) {
                let Some(cost) = row.last().unwrap() else { continue };
                let fees = cost / parts - (whole(&tariff["lifting"]) - ours) * items as i128;
                own.extend([0, 1].map(|account| (place, account, items, *cost, amount as i128 + fees)));
            }
        }
        own
    });
    let ways: Vec<Vec<Tried>> = ways.collect();
    if ways.iter().map(Vec::len).product::<usize>() > 8_000 {
        return None;
    }
    let mut best = i128::MAX;
    let mut at = vec![0; ways.len()];
    loop {
        let chosen: Vec<_> = ways.iter().zip(&at).map(|(own, at)| own[*at]).collect();
        let mut cost: i128 = chosen.iter().map(|one| one.3).sum();
        for (account, funds) in request.funds.iter().enumerate() {
            let debit: i128 = chosen.iter().filter(|one| one.1 == account).map(|one| one.4).sum();
            let short = debit - i128::from(funds.available.minor());
            cost = match funds.top_ups.first() {
                _ if short <= 0 => cost,
                Some(_) if short <= 900 => cost + 3 * parts,
                _ => i128::MAX / 2,
            };
            for (place, tariff) in
                routes.iter().enumerate().filter(|(_, tariff)| whole(&tariff["batch_fee"]) > 0)
            {
                let own = chosen.iter().filter(|one| (one.0, one.1) == (place, account));
                let items: i128 = own.map(|one| one.2 as i128).sum();
                let size = i128::from(tariff["batch_size"].as_i64().unwrap());
                cost = cost.saturating_add((items + size - 1) / size * whole(&tariff["batch_fee"]) * parts);
            }
        }
        best = best.min(cost);
        let Some(next) = (0..at.len()).find(|place| at[*place] + 1 < ways[*place].len()) else {
            return Some(best);
        };
        at[next] += 1;
        at[..next].fill(0);
    }
}
