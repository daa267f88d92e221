//! Worked examples and cases with a known answer.

use straits::domain::treasury::{Expected, Holder, Position, Way, net};

use super::world::{checked, funds, money, payable, request, routes, top_up};

const FREE_ABOVE: &str = "name = \"free\"\nfixed = \"5.00\"\nbands = [{ from = \"1000.00\", fixed = \"0\" }]";

#[test]
fn f13_a_threshold_is_seen() {
    for (owed, fee) in [("USD 999.99", "USD 5.00"), ("USD 1000.00", "USD 0.00")] {
        let mut request = request(routes(&[FREE_ABOVE, "name = \"swift\"\nfixed = \"25.00\""]));
        request.payables.push(payable("a", owed));
        request.funds.push(funds("bank", &["bank"], "USD 5000.00"));
        let (planned, _) = checked(&request);
        assert_eq!((planned.plan.lines[0].fee, planned.plan.lines[0].route.as_str()), (money(fee), "free"));
        let next = planned.plan.lines[0].next.as_ref().unwrap();
        assert_eq!(
            (next.route.as_str(), next.difference),
            ("swift", money("USD 25.00").checked_sub(money(fee)).unwrap())
        );
    }
}

#[test]
fn f13_waiting_for_the_threshold_only_where_it_is_allowed_and_within_the_term() {
    let mut request = request(routes(&[FREE_ABOVE]));
    let mut one = payable("a", "USD 600.00");
    one.expected = vec![Expected { on: "2026-12-09".parse().unwrap(), amount: money("USD 500.00") }];
    one.due = Some("2026-12-15".parse().unwrap());
    request.payables.push(one);
    request.funds.push(funds("bank", &["bank"], "USD 5000.00"));
    // Off by default.
    assert_eq!(checked(&request).0.plan.lines.len(), 1);
    request.max_wait_days = 10;
    let waits = checked(&request).0.plan;
    assert_eq!((waits.lines.len(), waits.excluded[0].reason.as_str()), (0, "waits"));
    assert!(waits.excluded[0].detail.contains("2026-12-09"));
    // Not beyond the term, and not without one.
    request.payables[0].due = Some("2026-12-08".parse().unwrap());
    assert_eq!(checked(&request).0.plan.lines.len(), 1);
    request.payables[0].due = None;
    assert_eq!(checked(&request).0.plan.lines.len(), 1);
    // Not longer than allowed.
    request.payables[0].due = Some("2026-12-15".parse().unwrap());
    request.max_wait_days = 6;
    assert_eq!(checked(&request).0.plan.lines.len(), 1);
}

#[test]
fn f15_and_j19_fees_inside_the_balance() {
    let gross = "name = \"gross\"\npercent = \"2\"\nrounding = \"up\"\nbearer = \"CRED\"\nfee_of = \"gross\"";
    let sent = "name = \"sent\"\npercent = \"2\"\nbearer = \"CRED\"";
    let capped = "name = \"capped\"\npercent = \"2\"\ncap = \"20.00\"";
    for (route, owed, paid, fee) in [
        (gross, "USD 30.00", "USD 29.40", "USD 0.60"),
        (gross, "USD 3000.00", "USD 2940.00", "USD 60.00"),
        (sent, "USD 500.00", "USD 490.20", "USD 9.80"),
        (capped, "USD 500.00", "USD 500.00", "USD 10.00"),
        (capped, "USD 5000.00", "USD 5000.00", "USD 20.00"),
    ] {
        let mut request = request(routes(&[route]));
        request.payables.push(payable("a", owed));
        request.funds.push(funds("bank", &["bank"], "USD 9000.00"));
        let line = checked(&request).0.plan.lines.remove(0);
        assert_eq!((line.sent, line.fee), (money(paid), money(fee)), "{route}");
    }
}

#[test]
fn l07_an_item_over_the_limit_is_split_or_takes_another_rail() {
    let paypal = "name = \"paypal\"\nrail = \"paypal\"\npercent = \"2\"\ncap = \"20.00\"\nmaximum_item = \"20000.00\"\nbatch_size = 15000";
    let swift = "name = \"swift\"\nfixed = \"25.00\"";
    let mut request = request(routes(&[paypal, swift]));
    request.payables.push(payable("a", "USD 20000.01"));
    request.funds.push(funds("paypal", &["paypal"], "USD 50000.00"));
    let split = checked(&request).0.plan.lines.remove(0);
    assert_eq!(split.items, [money("USD 20000.00"), money("USD 0.01")]);
    assert_eq!(split.fee, money("USD 20.00"));
    request.funds.push(funds("bank", &["bank"], "USD 50000.00"));
    assert_eq!(checked(&request).0.plan.lines[0].route, "paypal");
    request.payables[0].gross = money("USD 39000.00");
    let other = checked(&request).0.plan.lines.remove(0);
    assert_eq!((other.route.as_str(), other.fee), ("swift", money("USD 25.00")));
    request.payables[0].gross = money("USD 20000.00");
    assert_eq!(checked(&request).0.plan.lines[0].items.len(), 1);
}

#[test]
fn l07_fifteen_thousand_and_one_items_are_two_batches() {
    let paypal = "name = \"paypal\"\nrail = \"paypal\"\nfixed = \"0.25\"\nbatch_size = 15000";
    let mut request = request(routes(&[paypal]));
    for supplier in 0..15_001 {
        request.payables.push(payable(&format!("s{supplier:05}"), "USD 10.00"));
    }
    request.funds.push(funds("paypal", &["paypal"], "USD 200000.00"));
    let (planned, verdict) = checked(&request);
    let batches: Vec<u32> = planned.plan.batches.iter().map(|batch| batch.items).collect();
    assert_eq!(batches, [15_000, 1]);
    assert_eq!((verdict.cost, verdict.bound), (25 * 15_001 * 1_000_000_000, 25 * 15_001 * 1_000_000_000));
}

#[test]
fn a_batch_pays_its_fee_on_every_account_and_rail_account() {
    let bank = "name = \"bank\"\nfixed = \"0.25\"\nbatch_fee = \"15.00\"";
    let only = |account: &str, through: Option<&str>| {
        let (account, through) = (account.to_owned(), through.map(str::to_owned));
        Some(Way { account, rail: "bank".to_owned(), through })
    };
    for (one, two, batches, cost) in [
        (None, None, 1, "USD 15.50"),
        (only("dbs", None), only("dbs", None), 1, "USD 15.50"),
        (only("dbs", None), only("ocbc", None), 2, "USD 30.50"),
        // Two rail accounts on one account are two calls.
        (only("dbs", None), only("dbs", Some("ra_2")), 2, "USD 30.50"),
        (only("dbs", Some("ra_2")), only("dbs", Some("ra_2")), 1, "USD 15.50"),
        // Whoever may choose joins the batch that goes out anyway.
        (None, only("ocbc", None), 1, "USD 15.50"),
    ] {
        let mut request = request(routes(&[bank]));
        for (supplier, own) in [("a", one), ("b", two)] {
            let mut payable = payable(supplier, "USD 100.00");
            payable.only = own;
            request.payables.push(payable);
        }
        request.funds =
            ["dbs", "ocbc"].map(|account| funds(account, &["bank"], "USD 1000.00")).into_iter().collect();
        let totals = checked(&request).0.plan;
        assert_eq!((totals.batches.len(), totals.totals.cost_home), (batches, money(cost)));
        assert_eq!(totals.totals.gap.0, 0);
    }
}

#[test]
fn what_is_held_is_used_before_anything_is_bought() {
    // THB 1.2 m to pay, 0.9 m held: 0.3 m are bought, and the deal is named with its moment.
    let mut request = request(routes(&[
        "name = \"local\"\nsource_currency = \"THB\"\ntarget_currency = \"THB\"\nfixed = \"10.00\"",
    ]));
    for supplier in ["a", "b", "c", "d"] {
        request.payables.push(payable(supplier, "THB 300000.00"));
    }
    let mut account = funds("scb", &["bank"], "THB 900040.00");
    account.top_ups.push(top_up("THB 2000000.00", "THB 500.00", 30));
    request.funds.push(account);
    let (planned, _) = checked(&request);
    let bought = &planned.plan.accounts[0].top_ups[0];
    assert_eq!(bought.amount, money("THB 300000.00"));
    // At mid and 30 points: 300,000 × 0.0285 × 1.003.
    assert_eq!(bought.sells, money("USD 8575.65"));
    assert_eq!(bought.by.to_rfc3339(), "2026-12-02T16:00:00+00:00");
    assert_eq!(planned.plan.lines.len(), 4);
    // 4 × 10 + 500 + 0.3 % of 300,000, in dollars at mid; naive would buy the fourth payment just the same.
    assert_eq!(planned.plan.totals.cost_home, money("USD 41.04"));
}

#[test]
fn short_funds_leave_out_the_fewest_and_say_so() {
    let mut request = request(routes(&["name = \"bank\"\nfixed = \"1.00\""]));
    for (supplier, owed) in [("a", "USD 900.00"), ("b", "USD 400.00"), ("c", "USD 500.00")] {
        request.payables.push(payable(supplier, owed));
    }
    request.funds.push(funds("bank", &["bank"], "USD 1000.00"));
    let (planned, verdict) = checked(&request);
    let paid: Vec<&str> = planned.plan.lines.iter().map(|line| line.supplier.as_str()).collect();
    assert_eq!((paid, verdict.unpaid), (vec!["b", "c"], 1));
    assert_eq!(
        (planned.plan.excluded[0].supplier.as_str(), planned.plan.excluded[0].reason.as_str()),
        ("a", "no_funds")
    );
}

#[test]
fn who_is_not_paid_is_named_with_the_reason() {
    let china = "name = \"cn\"\nsource_currency = \"USD\"\ntarget_currency = \"EUR\"\npurpose_required = true\ncountries = [\"CN\"]";
    let mut request = request(routes(&["name = \"bank\"", china]));
    let mut blocked = payable("blocked", "USD 5.00");
    blocked.blocked = Some("kyb".to_owned());
    let mut nothing = payable("nothing", "USD 5.00");
    nothing.debt = Some(money("USD 4.00"));
    nothing.withholding = Some(money("USD 1.00"));
    request.payables = vec![blocked, nothing, payable("abroad", "EUR 5.00"), payable("paid", "USD 5.00")];
    request.funds.push(funds("bank", &["bank"], "USD 10.00"));
    let plan = checked(&request).0.plan;
    let named: Vec<(&str, &str, &str)> = plan
        .excluded
        .iter()
        .map(|one| (one.supplier.as_str(), one.reason.as_str(), one.detail.as_str()))
        .collect();
    assert_eq!(
        named,
        [
            ("abroad", "no_route", "cn: other_country"),
            ("blocked", "blocked", "kyb"),
            ("nothing", "nothing_left", "withholding and debt take all of it"),
        ]
    );
    assert_eq!(plan.lines.len(), 1);
}

#[test]
fn terms_rule_out_slow_routes_unless_all_are_slow() {
    let (fast, slow) = ("name = \"fast\"\nfixed = \"9.00\"", "name = \"slow\"\nfixed = \"1.00\"\ndays = 3");
    let mut one = request(routes(&[fast, slow]));
    one.payables.push(payable("a", "USD 100.00"));
    one.funds.push(funds("bank", &["bank"], "USD 500.00"));
    assert_eq!(checked(&one).0.plan.lines[0].route, "slow");
    one.payables[0].due = Some("2026-12-04".parse().unwrap());
    assert_eq!(checked(&one).0.plan.lines[0].route, "fast");
    one.payables[0].due = Some("2026-12-01".parse().unwrap());
    let line = checked(&one).0.plan.lines.remove(0);
    assert_eq!((line.route.as_str(), line.late), ("slow", true));
}

#[test]
fn only_own_positions_of_one_entity_meet() {
    let line = |entity: &str, holder, held: &str, owed: &str| Position {
        entity: entity.to_owned(),
        holder,
        held: money(held),
        owed: money(owed),
    };
    let table = net(
        &[
            line("sg", Holder::Own, "THB 900000.00", "THB 1200000.00"),
            line("sg", Holder::Client, "THB 5000000.00", "THB 0.00"),
            line("hk", Holder::Own, "THB 300000.00", "THB 0.00"),
            line("sg", Holder::Own, "IDR 500.00", "IDR 800.00"),
        ],
        &straits::domain::treasury::RouteTable::shipped().not_netted,
    )
    .unwrap();
    let rows: Vec<String> = table
        .iter()
        .map(|row| {
            format!("{} {} {} {} {}", row.entity, row.netted, row.to_buy, row.surplus, row.client_held)
        })
        .collect();
    assert_eq!(
        rows,
        [
            "hk THB 0.00 THB 0.00 THB 300000.00 THB 0.00",
            "sg IDR 0.00 IDR 800.00 IDR 500.00 IDR 0.00",
            "sg THB 900000.00 THB 300000.00 THB 0.00 THB 5000000.00",
        ]
    );
}
