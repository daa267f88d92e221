//! Tables at leaves: they are met, are refused where anything about them is wrong, and never prove what is not so.

use std::sync::LazyLock;

use serde_json::{Value, json};
use straits::domain::treasury::{PlanRequest, Planned, plan};

use super::brute::least;
use super::world::{Dice, body, checked, funds, payable, request, routes};

/// Three rails, each out of an account of its own that holds so many hundredths of what is owed. What a payment saves on a
/// rail grows with it as what it takes does, so that prices hardly tell which of them fill an account best: whole ones do.
fn fits(suppliers: usize, seed: u64, hundredths: [u64; 3]) -> PlanRequest {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) + 11);
    let mut request = request(routes(&[
        "name = \"local\"\nfixed = \"0.50\"\nmaximum_item = \"5000.00\"",
        "name = \"wallet\"\nrail = \"wallet\"\npercent = \"1\"\ncap = \"20.00\"",
        "name = \"wire\"\nrail = \"wire\"\nfixed = \"9.00\"\npercent = \"0.1\"",
    ]));
    let usd = |minor: u64| format!("USD {}.{:02}", minor / 100, minor % 100);
    let mut owed = 0;
    for supplier in 0..suppliers {
        let minor = 5_000 + dice.roll(90_000) * (1 + dice.roll(3));
        owed += minor;
        request.payables.push(payable(&format!("s{supplier:03}"), &usd(minor)));
    }
    for (rail, hundredths) in ["bank", "wallet", "wire"].into_iter().zip(hundredths) {
        request.funds.push(funds(rail, &[rail], &usd(owed * hundredths / 100)));
    }
    request
}

const TIGHT: [u64; 3] = [40, 35, 60];

/// One that the planner proves by a table, at a leaf of its only part; made once, since a table takes a debug build seconds.
fn tabled() -> &'static (Planned, usize) {
    static TABLED: LazyLock<(Planned, usize)> = LazyLock::new(|| {
        let (planned, verdict) = checked(&fits(25, 3, TIGHT));
        assert_eq!(verdict.cost, verdict.bound);
        let nodes = body(&planned)["parts"][0]["nodes"].take();
        let mut nodes = nodes.as_array().unwrap().iter();
        let node = nodes.position(|node| node["table"].is_object()).expect("a table is met");
        (planned, node)
    });
    &TABLED
}

/// The certificate with one node changed.
fn with(planned: &Planned, node: usize, change: impl Fn(&mut Value)) -> String {
    let mut whole: Value = serde_json::from_str(planned.certificate.json()).unwrap();
    change(&mut whole["body"]["parts"][0]["nodes"][node]);
    whole.to_string()
}

fn whole(value: &Value) -> i128 {
    value.as_str().unwrap().parse().unwrap()
}

/// Why its figures do not hold.
fn refusal(text: &str) -> String {
    plan_checker::check_figures(text).expect_err(text).to_string()
}

#[test]
fn a_table_that_is_not_as_it_must_be_is_refused() {
    let (planned, node) = tabled();
    let body = body(planned);
    let resources = body["parts"][0]["resources"].as_array().unwrap();
    let own = body["parts"][0]["nodes"][*node]["table"].clone();
    let heads = resources.iter().position(|one| one["kind"] == "heads").unwrap();
    let account = own["account"].clone();
    for (key, value, why) in [
        ("account", json!(heads), "money in one way"),
        ("account", json!(resources.len()), "not over resources of the leaf"),
        ("counts", json!([[heads, 2], [heads, 3]]), "each once"),
        ("counts", json!([[account, 4]]), "money in one way"),
        ("counts", json!([[resources.len(), 4]]), "not over resources of the leaf"),
        ("counts", json!([[heads, 0]]), "counts in numbers"),
        ("counts", json!([[heads, 1]]), "counts in numbers"),
        ("counts", json!([[heads, u64::MAX]]), "too large"),
        ("classes", json!(0), "classes of something"),
        ("classes", json!((1 << 23) + 1), "too large"),
        ("width", json!("0"), "classes of something"),
        ("width", json!("-1"), "classes of something"),
        ("width", json!((1_i128 << 52).to_string()), "classes of something"),
    ] {
        let refusal = refusal(&with(planned, *node, |leaf| leaf["table"][key] = value.clone()));
        assert!(refusal.contains(why), "{key} {value}: {refusal}");
    }
    // In a few classes what comes round the end looks like a plan that is cheaper.
    for classes in [1, 64] {
        let refusal = refusal(&with(planned, *node, |leaf| leaf["table"]["classes"] = json!(classes)));
        assert!(refusal.contains("proves less than it claims"), "{classes}: {refusal}");
    }
}

#[test]
fn a_table_does_not_bear_a_larger_claim_and_none_is_there_without_a_claim() {
    let (planned, node) = tabled();
    let nodes = &body(planned)["parts"][0]["nodes"];
    let (claim, cost) = (whole(&nodes[*node]["at_least"]), planned.plan.totals.cost.0);
    // What was left out before costs more than the plan, which is still among what the leaf speaks of.
    let dearer = |one: &Value| one["kind"] == "narrow" && whole(&one["at_least"]) > cost;
    let before = &nodes.as_array().unwrap()[..*node];
    assert!(!before.is_empty() && before.iter().all(dearer) && claim <= cost, "{before:?}");
    for (at_least, why) in [(cost + 1, "proves less than it claims"), (claim + (1 << 52), "more is claimed")]
    {
        let raised = with(planned, *node, |leaf| leaf["at_least"] = at_least.to_string().into());
        assert!(refusal(&raised).contains(why), "{at_least}");
    }
    let none = |leaf: &mut Value| drop(leaf.as_object_mut().unwrap().remove("at_least"));
    assert!(refusal(&with(planned, *node, none)).contains("a table for no claim"));
}

/// A small certificate that one leaf proves, and what the cheapest of all plans costs.
struct OneLeaf {
    whole: Value,
    least: i128,
}

impl OneLeaf {
    fn of(request: &PlanRequest) -> Option<OneLeaf> {
        let planned = checked(request).0;
        let body = body(&planned);
        let part = &body["parts"][0];
        let whole = serde_json::from_str(planned.certificate.json()).unwrap();
        (part["nodes"].as_array()?.len() == 1).then(|| OneLeaf { whole, least: least(&body, part).0 })
    }

    fn part(&mut self) -> &mut Value {
        &mut self.whole["body"]["parts"][0]
    }

    /// The same at so many quarters of its prices, and what they prove.
    fn at_quarters(&self, quarters: i128) -> (OneLeaf, i128) {
        let mut own = OneLeaf { whole: self.whole.clone(), least: self.least };
        let leaf = &mut own.part()["nodes"][0];
        for price in leaf["prices"].as_array_mut().unwrap() {
            *price = (whole(price) * quarters / 4).to_string().into();
        }
        (leaf["bound"], leaf["at_least"]) = ("-1".into(), Value::Null);
        // The checker says what it comes to.
        let refusal = refusal(&own.whole.to_string());
        let (_, bound) = refusal.rsplit_once("comes to ").unwrap_or_else(|| panic!("{refusal}"));
        own.part()["nodes"][0]["bound"] = bound.into();
        (own, bound.parse().unwrap())
    }

    /// Whether a table proves a claim; what the certificate makes of it beside that is not looked at.
    fn proves(&mut self, at_least: i128, table: &Value) -> bool {
        let leaf = &mut self.part()["nodes"][0];
        (leaf["at_least"], leaf["table"]) = (at_least.to_string().into(), table.clone());
        match plan_checker::check_figures(&self.whole.to_string()) {
            Ok(_) => true,
            Err(refusal) => refusal.to_string().contains("bound: stated"),
        }
    }

    /// A table over one of its accounts and up to two counts: a fine one, or one in which most of what is far apart falls
    /// together.
    fn table(&mut self, dice: &mut Dice) -> Value {
        let resources = self.part()["resources"].as_array().unwrap().clone();
        let of = |account: bool| {
            let all = resources.iter().enumerate();
            all.filter(|(_, one)| (one["kind"] == "account") == account && one["kind"] != "batches")
                .map(|(place, _)| place)
                .collect::<Vec<usize>>()
        };
        let (accounts, counts) = (of(true), of(false));
        let account = accounts[dice.roll(accounts.len() as u64) as usize];
        let first = dice.roll(counts.len() as u64) as usize;
        let counts = counts[first..].iter().take(dice.roll(3) as usize);
        let counts: Vec<Value> = counts.map(|one| json!([one, 1 + dice.roll(8)])).collect();
        let (widths, classes) = (["1", "97", "500", "4001"], [1, 3, 64, 2_048]);
        let classes = classes[dice.roll(4) as usize] + dice.roll(4);
        json!({"account": account, "counts": counts, "width": dice.pick(&widths), "classes": classes})
    }
}

/// Whatever a table looks like, it does not prove that the cheapest plan costs more than it does.
#[test]
fn no_table_proves_what_is_not_so() {
    let mut dice = Dice(5);
    let (mut refused, mut proven) = (0, 0);
    // In the second kind somebody is left unpaid.
    let kinds = [[40, 45, 90], [40, 30, 20]];
    for request in (0..20).map(|seed| fits(5, seed, kinds[seed as usize % 2])) {
        let Some(one) = OneLeaf::of(&request) else { continue };
        for quarters in [4, 2, 1] {
            let (mut own, at_prices) = one.at_quarters(quarters);
            for _ in 0..20 {
                let table = own.table(&mut dice);
                assert!(!own.proves(own.least + 1, &table), "{table}\n{}", own.whole);
                refused += 1;
                let some = at_prices + (own.least - at_prices) / 8;
                proven += u32::from(some > at_prices && own.proves(some, &table));
            }
        }
    }
    assert!(refused > 300 && proven > 30, "{refused} {proven}");
}

/// With hardly any effort the search comes to branch on single suppliers, of whom what the best plan leaves out is left out
/// too: a branch without a choice would be no proof.
#[test]
fn nobody_is_left_without_a_choice() {
    for (suppliers, seed) in [(25, 3), (25, 34), (28, 2)] {
        let mut request = fits(suppliers, seed, TIGHT);
        request.effort.nodes = 1;
        let (_, verdict) = checked(&request);
        assert_eq!(verdict.suppliers, suppliers);
    }
}

#[test]
fn what_a_table_proves_is_the_same_again() {
    assert_eq!(plan(&fits(25, 3, TIGHT)).unwrap(), tabled().0);
}

/// Which of two plans that cost the same is made may depend on the order, and lines stand in it; what they cost does not.
#[test]
fn in_another_order_it_costs_the_same() {
    for seed in 0..12 {
        let mut request = fits(12, seed, TIGHT);
        let (_, one) = checked(&request);
        request.payables.reverse();
        request.funds.rotate_left(1);
        let (_, other) = checked(&request);
        assert_eq!((one.cost, one.bound, one.unpaid), (other.cost, other.bound, other.unpaid), "seed {seed}");
    }
}
