//! Some hundred suppliers by eight routes, one currency: proven to the last minor unit. Five hundred are for the bench: a
//! debug build takes too long over them.

use straits::domain::treasury::PlanRequest;

use super::world::{Dice, body, checked, funds, payable, request, routes, top_up};

/// Every kind of price there is, accounts that hold two thirds of what is owed, and transfers for the rest, as a merchant's
/// plan has them.
pub fn crowd(suppliers: usize, seed: u64) -> PlanRequest {
    let mut dice = Dice(seed);
    let mut request = request(routes(&[
        "name = \"local\"\nfixed = \"0.80\"\nbatch_fee = \"15.00\"\nbatch_size = 200",
        "name = \"wallet\"\nrail = \"wallet\"\npercent = \"2\"\ncap = \"20.00\"\nbatch_size = 15000",
        "name = \"instant\"\nfixed = \"0.20\"\npercent = \"0.1\"",
        "name = \"file\"\nrail = \"hand\"\nfixed = \"5.00\"\nbands = [{ from = \"1000.00\", fixed = \"0\" }]\nbatch_fee = \"40.00\"",
        "name = \"wire\"\nrail = \"wire\"\nfixed = \"25.00\"",
        "name = \"second\"\nfixed = \"1.10\"\nmaximum_item = \"900.00\"",
        "name = \"third\"\nrail = \"wallet\"\nfixed = \"1.40\"\npercent = \"0.05\"",
        "name = \"fourth\"\nrail = \"wire\"\nfixed = \"9.00\"\nlifting_fee = \"3.00\"",
    ]));
    let mut owed = 0;
    for supplier in 0..suppliers {
        let minor = 2_000 + dice.roll(100_000) * (1 + dice.roll(3));
        owed += minor;
        request
            .payables
            .push(payable(&format!("s{supplier:03}"), &format!("USD {}.{:02}", minor / 100, minor % 100)));
    }
    for (rail, share) in [("bank", 30), ("wallet", 20), ("wire", 10), ("hand", 8)] {
        let mut account = funds(rail, &[rail], &format!("USD {}.00", owed / 100 * share / 100));
        if rail == "bank" {
            account.top_ups.push(top_up(&format!("USD {}.00", owed / 400), "USD 12.00", 0));
            account.top_ups.push(top_up("USD 10000000.00", "USD 90.00", 0));
        }
        request.funds.push(account);
    }
    request
}

#[test]
fn hundreds_of_suppliers_by_eight_routes_leave_no_gap() {
    let mut nodes = 0;
    for (suppliers, seed) in [(120, 1), (120, 2), (300, 3)] {
        let start = std::time::Instant::now();
        let (planned, verdict) = checked(&crowd(suppliers, seed));
        println!("{suppliers} suppliers: {:?}, gap {}", start.elapsed(), planned.plan.totals.gap);
        assert_eq!(
            (verdict.suppliers, verdict.unpaid, verdict.cost),
            (suppliers, 0, verdict.bound),
            "{seed}"
        );
        assert_eq!(planned.plan.totals.gap.0, 0);
        let body = body(&planned);
        nodes += body["parts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["nodes"].as_array().unwrap().len())
            .sum::<usize>();
    }
    assert!(nodes > 10, "{nodes}: the proofs branch");
}

/// Small batches on every route: how many of each go out decides, together with who goes in which. Where a node is branched on
/// what tells least, the proof of these two ends some dollars below the cost.
#[test]
fn small_batches_on_every_route_leave_no_gap() {
    for (suppliers, seed) in [(42, 155), (68, 159)] {
        let mut request = crowd(suppliers, seed);
        for route in &mut request.routes.routes {
            (route.batch_size, route.batch_fee) = (Some(20), Some("15.00".to_owned()));
        }
        let (planned, verdict) = checked(&request);
        assert_eq!((verdict.unpaid, verdict.cost), (0, verdict.bound), "{suppliers}");
        let nodes = body(&planned)["parts"][0]["nodes"].as_array().unwrap().len();
        assert!((10..200).contains(&nodes), "{nodes}: few, and it branches");
    }
}

/// Too little money: who is left out is counted, so that what is stated as gap is of fees and not of a payment.
#[test]
fn where_money_is_short_the_bound_counts_who_must_be_left_out() {
    for seed in 1..3 {
        let mut request = crowd(10, seed);
        for funds in &mut request.funds {
            funds.top_ups.truncate(1);
        }
        let (planned, verdict) = checked(&request);
        assert!(verdict.unpaid > 0, "{seed}");
        let totals = &planned.plan.totals;
        assert!(totals.gap <= totals.cost, "{seed}: {} of {}", totals.gap, totals.cost);
    }
}
