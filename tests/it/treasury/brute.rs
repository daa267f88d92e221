//! Every combination tried, by arithmetic of its own over the certificate's alternatives (whose prices the checker has
//! recomputed): the plan is never dearer, and its bound is its cost.

use serde_json::Value;

use super::world::{body, cases, checked, is_batch_of, random};

fn whole(value: &Value) -> i128 {
    value.as_str().unwrap().parse().unwrap()
}

/// The cheapest way to have `used` of a resource, by trying every set of top-ups and every order within it.
fn resource_cost(body: &Value, resource: &Value, used: i128) -> Option<i128> {
    if resource["kind"] == "heads" || resource["kind"] == "unpaid" {
        return Some(0);
    }
    if resource["kind"] == "batches" {
        let route = &body["routes"][resource["route"].as_u64().unwrap() as usize];
        let size = route["batch_size"].as_i64().map_or(i128::from(u32::MAX), i128::from);
        let batches = (used + size - 1) / size;
        return Some(batches * worth(body, &route["source"], whole(&route["batch_fee"])));
    }
    let short = (used - whole(&resource["available"])).max(0);
    let top_ups = resource["top_ups"].as_array().unwrap();
    let mut best: Option<i128> = None;
    for set in 0..1_usize << top_ups.len() {
        let mut chosen: Vec<&Value> =
            top_ups.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1).map(|(_, one)| one).collect();
        chosen.sort_by_key(|one| one["spread_bps"].as_u64());
        let (mut left, mut cost) = (short, 0);
        for one in chosen {
            let amount = left.min(whole(&one["limit"]));
            let (top, bottom) = weight(body, &resource["currency"]);
            let bps = i128::from(one["spread_bps"].as_u64().unwrap());
            let each = (top * bps + bottom * 10_000 - 1) / (bottom * 10_000);
            cost += worth(body, &resource["currency"], whole(&one["fixed"])) + each * amount;
            left -= amount;
        }
        if left == 0 {
            best = Some(best.map_or(cost, |best| best.min(cost)));
        }
    }
    best
}

fn weight(body: &Value, currency: &Value) -> (i128, i128) {
    let code = currency.as_str().unwrap();
    let mid = body["mids"][code].as_str().unwrap();
    let (integer, fraction) = mid.split_once('.').unwrap_or((mid, ""));
    let number: i128 = format!("{integer}{fraction}").parse().unwrap();
    let exponent = |code: &str| u32::try_from(body["exponents"][code].as_u64().unwrap()).unwrap();
    let (up, down) = (exponent(body["home"].as_str().unwrap()) + 9, exponent(code) + fraction.len() as u32);
    (number * 10_i128.pow(up.saturating_sub(down)), 10_i128.pow(down.saturating_sub(up)))
}

fn worth(body: &Value, currency: &Value, minor: i128) -> i128 {
    let (top, bottom) = weight(body, currency);
    (minor * top + bottom / 2) / bottom
}

/// The least total of one part, and how many combinations were tried.
pub fn least(body: &Value, part: &Value) -> (i128, u64) {
    let resources = part["resources"].as_array().unwrap();
    let suppliers = part["suppliers"].as_array().unwrap();
    let open = |supplier: &Value| -> Vec<Value> {
        let all = supplier["alternatives"].as_array().unwrap().iter();
        all.filter(|one| one["ruled_out"].is_null()).cloned().collect()
    };
    let choices: Vec<Vec<Value>> = suppliers.iter().map(open).collect();
    let mut at = vec![0; choices.len()];
    let (mut best, mut tried) = (None::<i128>, 0);
    loop {
        tried += 1;
        let mut cost = Some(0_i128);
        let mut used = vec![0_i128; resources.len()];
        for (at_supplier, (choices, at)) in choices.iter().zip(&at).enumerate() {
            let one = &choices[*at];
            cost = cost.map(|cost| cost + whole(&one["cost"]));
            if one["waits"].is_null() {
                if let Some(account) = one["account"].as_u64() {
                    used[account as usize] += whole(&one["debit"]);
                }
                for (place, resource) in resources.iter().enumerate() {
                    if is_batch_of(resource, &suppliers[at_supplier], one) {
                        let items = one["items"].as_array().unwrap().iter();
                        used[place] += items.map(|item| i128::from(item[0].as_u64().unwrap())).sum::<i128>();
                    }
                }
            }
        }
        for (resource, used) in resources.iter().zip(&used) {
            cost = cost.and_then(|cost| Some(cost + resource_cost(body, resource, *used)?));
        }
        if let Some(cost) = cost {
            best = Some(best.map_or(cost, |best| best.min(cost)));
        }
        let Some(next) = (0..at.len()).find(|place| at[*place] + 1 < choices[*place].len()) else { break };
        at[next] += 1;
        at[..next].fill(0);
    }
    (best.expect("leaving everybody unpaid is always possible"), tried)
}

#[test]
fn never_dearer_than_the_cheapest_of_all_combinations() {
    let (mut compared, mut coupled) = (0, 0);
    for seed in 0..cases(4_000) {
        let request = random(seed, 5, 4);
        let (planned, _) = checked(&request);
        let body = body(&planned);
        for part in body["parts"].as_array().unwrap() {
            let combinations: usize = part["suppliers"]
                .as_array()
                .unwrap()
                .iter()
                .map(|supplier| {
                    supplier["alternatives"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .filter(|one| one["ruled_out"].is_null())
                        .count()
                })
                .product();
            if combinations > 60_000 {
                continue;
            }
            let (least, _) = least(&body, part);
            assert_eq!(whole(&part["cost"]), least, "seed {seed}: {part}");
            assert_eq!(whole(&part["bound"]), least, "seed {seed}: the proof is not closed");
            compared += 1;
            coupled += u64::from(part["suppliers"].as_array().unwrap().len() > 1);
        }
    }
    assert!(compared > cases(2_000) && coupled > cases(1_000), "{compared} {coupled}");
}

#[test]
fn the_plan_costs_no_more_than_the_naive_one() {
    let mut compared = 0;
    for seed in 3_000..4_000 {
        let (planned, _) = checked(&random(seed, 8, 5));
        let totals = &planned.plan.totals;
        if let Some(naive) = totals.naive {
            assert!(totals.cost <= naive, "seed {seed}: {} > {naive}", totals.cost);
            compared += 1;
        }
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn the_plan_costs_no_more_than_any_single_route() {
    let mut compared = 0;
    for seed in 4_000..4_600 {
        let request = random(seed, 6, 5);
        let (whole, _) = checked(&request);
        for route in &request.routes.routes {
            let mut single = request.clone();
            single.routes.routes.retain(|other| other.name == route.name);
            let (alone, _) = checked(&single);
            let pays_as_many = alone.plan.lines.len() == whole.plan.lines.len()
                && alone.plan.excluded.len() == whole.plan.excluded.len();
            // Waiting counts what comes later at the cheapest route of the table; one table is compared with one.
            if pays_as_many && request.max_wait_days == 0 {
                assert!(whole.plan.totals.cost <= alone.plan.totals.cost, "seed {seed}, {}", route.name);
                compared += 1;
            }
        }
    }
    assert!(compared > 100, "{compared}");
}

#[test]
fn the_same_request_gives_the_same_plan_hash_and_certificate() {
    for seed in 0..50 {
        let request = random(seed, 12, 5);
        let (one, two) = (checked(&request).0, checked(&request).0);
        assert_eq!(one, two);
        let text = serde_json::to_string(&request).unwrap();
        let read = serde_json::from_str(&text).unwrap();
        assert_eq!(request, read);
        assert_eq!(checked(&read).0, one);
    }
}
