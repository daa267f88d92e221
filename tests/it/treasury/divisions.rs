//! One amount on one route: thresholds, limits, batches and who bears the fee decide into which items it is divided.

use straits::domain::treasury::PlanRequest;
use straits::money::Money;

use super::world::{Dice, checked, currency, funds, money, payable, request, routes};

/// Above 1,000 an item costs more than many small ones do.
pub const DEAR_ABOVE: &str =
    "name = \"bank\"\nfixed = \"0.50\"\nbands = [{ from = \"1000.00\", fixed = \"30.00\" }]";

pub fn alone(route: &str, owed: &str) -> PlanRequest {
    let mut request = request(routes(&[route]));
    request.payables.push(payable("a", owed));
    let code = owed.split_once(' ').unwrap().0;
    request.funds.push(funds("bank", &["bank"], &format!("{code} 9000000.00")));
    request
}

fn items(route: &str, owed: &str) -> (Vec<String>, String) {
    let line = checked(&alone(route, owed)).0.plan.lines.remove(0);
    (line.items.iter().map(|item| item.digits().to_string()).collect(), line.fee.digits().to_string())
}

#[test]
fn the_division_follows_the_thresholds() {
    let free_above = |more: &str| {
        format!(
            "name = \"bank\"\nfixed = \"5.00\"\nbands = [{{ from = \"1000.00\", fixed = \"0\" }}]\n{more}"
        )
    };
    let rising = "name = \"bank\"\npercent = \"1\"\nbands = [{ from = \"1000.00\", percent = \"2\" }]";
    let capped = "name = \"bank\"\npercent = \"2\"\nminimum = \"1.00\"\ncap = \"20.00\"\nmaximum_item = \"5000.00\"\nminimum_item = \"30.00\"";
    for (route, owed, amounts, fee) in [
        (DEAR_ABOVE, "USD 999.99", &["999.99"][..], "0.50"),
        (DEAR_ABOVE, "USD 2500.00", &["999.99", "999.99", "500.02"], "1.50"),
        // Twenty-nine fees less than one large one, thirty-one more.
        (DEAR_ABOVE, "USD 28999.71", &["999.99"; 29], "14.50"),
        (&free_above("maximum_item = \"1200.00\""), "USD 2300.00", &["1200.00", "1100.00"], "0.00"),
        (&free_above("maximum_item = \"1900.00\""), "USD 3000.00", &["1900.00", "1100.00"], "0.00"),
        // Neither full ones and a rest nor equal ones: one below the threshold, the others above it.
        (
            &free_above("maximum_item = \"1000.00\"\nminimum_item = \"600.00\""),
            "USD 2600.00",
            &["1000.00", "1000.00", "600.00"],
            "5.00",
        ),
        (rising, "USD 1500.00", &["999.99", "500.01"], "15.00"),
        // Where the rest is below the least item, another gives to it.
        (capped, "USD 10020.00", &["5000.00", "4970.00", "50.00"], "41.00"),
    ] {
        assert_eq!(
            items(route, owed),
            (amounts.iter().map(|one| (*one).to_owned()).collect(), fee.to_owned()),
            "{route} {owed}"
        );
    }
}

#[test]
fn more_items_where_their_batches_are_worth_it_and_money_is_short() {
    // Two suppliers of three cheap items each fill two calls of three; one item each would be one call.
    let batched = |fee: &str| format!("{DEAR_ABOVE}\nbatch_size = 3\nbatch_fee = \"{fee}\"");
    for (fee, count, cost) in [("1.00", 6, "5.00"), ("58.00", 2, "118.00"), ("60.00", 2, "120.00")] {
        let mut request = alone(&batched(fee), "USD 2500.00");
        request.payables.push(payable("b", "USD 2500.00"));
        let plan = checked(&request).0.plan;
        let items: usize = plan.lines.iter().map(|line| line.items.len()).sum();
        assert_eq!(
            (items, plan.totals.cost_home, plan.totals.gap.0),
            (count, money(&format!("USD {cost}")), 0),
            "{fee}"
        );
    }
    // Deductions on the way are no debit: three items are dearer in all and all that the account holds.
    let deducted =
        format!("{}\nlifting_fee = \"4.00\"\nbearer = \"SHAR\"", DEAR_ABOVE.replace("30.00", "8.00"));
    for (held, fee, cost) in [("2508.00", "8.00", "12.00"), ("2507.99", "1.50", "13.50")] {
        let mut request = alone(&deducted, "USD 2500.00");
        request.funds = vec![funds("bank", &["bank"], &format!("USD {held}"))];
        let plan = checked(&request).0.plan;
        assert_eq!(
            (plan.lines[0].fee, plan.totals.cost_home),
            (money(&format!("USD {fee}")), money(&format!("USD {cost}")))
        );
    }
}

#[test]
fn with_the_fee_inside_most_arrives() {
    let inside = |route: &str| format!("{route}\nbearer = \"CRED\"");
    let capped = "name = \"bank\"\npercent = \"2\"\ncap = \"20.00\"\nmaximum_item = \"20000.00\"";
    for (route, owed, amounts, fee) in [
        // One item would leave 2470.00.
        (inside(DEAR_ABOVE), "USD 2500.00", &["999.99", "999.99", "498.52"][..], "1.50"),
        // The fee is not part of the item: one item of the limit.
        (inside(capped), "USD 20020.00", &["20000.00"], "20.00"),
        (inside(capped), "USD 39000.00", &["20000.00", "18960.00"], "40.00"),
        (inside(capped), "USD 20530.00", &["20000.00", "500.00"], "30.00"),
        // Three items would arrive as 192.00, two are full; what is left is less than another's fee.
        (
            inside("name = \"bank\"\nmaximum_item = \"100.00\"\nfixed = \"10.00\""),
            "USD 222.00",
            &["100.00", "100.00"],
            "20.00",
        ),
        (
            inside("name = \"bank\"\nmaximum_item = \"100.00\"\nfixed = \"10.00\""),
            "USD 115.00",
            &["100.00"],
            "10.00",
        ),
        (
            inside("name = \"bank\"\nmaximum_item = \"100.00\"\nfixed = \"10.00\""),
            "USD 212.00",
            &["100.00", "92.00"],
            "20.00",
        ),
        (inside(&format!("{DEAR_ABOVE}\nlifting_fee = \"20.00\"")), "USD 2500.00", &["2470.00"], "30.00"),
    ] {
        let expected = (amounts.iter().map(|one| (*one).to_owned()).collect(), fee.to_owned());
        assert_eq!(items(&route, owed), expected, "{route} {owed}");
    }
}

#[test]
fn what_could_still_be_sent_is_not_left_over() {
    // 100.00 and 92.00 with 20.00 are all of 212.00; of 222.00 they leave what the second could carry.
    let route = "name = \"bank\"\nmaximum_item = \"100.00\"\nfixed = \"10.00\"\nbearer = \"CRED\"";
    let text = checked(&alone(route, "USD 212.00")).0.certificate.json().to_owned();
    let text = text.replace("\"net\":\"21200\"", "\"net\":\"22200\"");
    let refusal = plan_checker::check_figures(&text).unwrap_err().to_string();
    assert!(refusal.contains("21200 with fees, of 22200 owed"), "{refusal}");
    // Nor does a full item excuse that no second one is sent.
    let text = checked(&alone(route, "USD 110.00")).0.certificate.json().to_owned();
    let text = text.replace("\"net\":\"11000\"", "\"net\":\"22000\"");
    let refusal = plan_checker::check_figures(&text).unwrap_err().to_string();
    assert!(refusal.contains("11000 with fees, of 22000 owed"), "{refusal}");
}

#[test]
fn with_the_fee_inside_every_tariff_leaves_little_over() {
    let (mut dice, mut several) = (Dice(31), 0);
    for case in 0..600 {
        let unit = |minor: u64| format!("\"{}.{:02}\"", minor / 100, minor % 100);
        let most = 500 + dice.roll(20_000);
        let mut route = format!("name = \"bank\"\nbearer = \"CRED\"\nmaximum_item = {}\n", unit(most));
        route += &format!(
            "fixed = {}\npercent = \"{}\"\n",
            unit(dice.roll(300)),
            dice.pick(&["0", "0.3", "2", "12.5"])
        );
        for (key, one_in) in [("minimum", 3), ("cap", 3), ("minimum_item", 4)] {
            if dice.roll(one_in) == 0 {
                route += &format!("{key} = {}\n", unit(1 + dice.roll(400)));
            }
        }
        route += &format!("rounding = \"{}\"\n", dice.pick(&["half_up", "up", "down", "half_even"]));
        let mut request = alone(&route, "USD 1.00");
        request.payables[0].gross = Money::from_minor(1 + dice.roll(60_000) as i64, currency("USD"));
        let planned = checked(&request).0.plan;
        let Some(line) = planned.lines.first() else { continue };
        assert!(line.debit.minor() <= line.net.minor(), "{case}: {route}");
        several += usize::from(line.items.len() > 1);
    }
    assert!(several > 100, "{several}");
}

/// A fee by bracket, a thousandth of each bracket's top, leaves bounds no grip: all combinations of them are alike.
const BRACKETS: &str = "name = \"bank\"\nmaximum_item = \"10000.00\"\nfixed = \"1.00\"\nbands = [{ from = \"1000.01\", fixed = \"2.00\" }, { from = \"2000.01\", fixed = \"3.00\" }, { from = \"3000.01\", fixed = \"5.00\" }, { from = \"5000.01\", fixed = \"10.00\" }]";

#[test]
fn brackets_of_a_large_amount_are_divided_without_trying_all_combinations() {
    for (owed, count, fee) in [("USD 200123.45", 21, "201.00"), ("USD 2000123.45", 201, "2001.00")] {
        let (amounts, charged) = items(BRACKETS, owed);
        assert_eq!((amounts.len(), &*charged), (count, fee), "{owed}");
        // Odd figures, deductions and batches: not all there are can be tried, and nothing is refused for that.
        let odd = BRACKETS.replace("1.00", "1.07").replace("2.00", "2.03").replace("5.00", "5.11");
        for more in [
            "percent = \"0.07\"",
            "lifting_fee = \"0.13\"\nbearer = \"SHAR\"",
            "batch_fee = \"3.00\"\nbatch_size = 7",
        ] {
            let (amounts, _) = items(&format!("{more}\n{odd}"), owed);
            assert!(amounts.len() >= count, "{more} {owed}");
        }
    }
}

#[test]
fn a_certificate_of_what_could_not_all_be_tried_is_accepted() {
    let mut dice = Dice(47);
    for case in 0..120 {
        let unit = |minor: u64| format!("\"{}.{:02}\"", minor / 100, minor % 100);
        let (mut from, mut fixed, mut bands) = (0, 90 + dice.roll(20), Vec::new());
        for _ in 0..3 + dice.roll(4) {
            from += 100_000 * (1 + dice.roll(3)) + 1;
            fixed += 80 + dice.roll(150);
            bands.push(format!(
                "{{ from = {}, fixed = {}, percent = \"{}\" }}",
                unit(from),
                unit(fixed),
                dice.pick(&["0", "0", "0.01"])
            ));
        }
        let mut route = format!(
            "name = \"bank\"\nfixed = {}\nmaximum_item = {}\nbands = [{}]\n",
            unit(90),
            unit(from + 300_000),
            bands.join(", ")
        );
        route += dice.pick(&[
            "",
            "batch_fee = \"2.00\"\nbatch_size = 9\n",
            "lifting_fee = \"0.11\"\nbearer = \"SHAR\"\n",
            "minimum_item = \"700.00\"\n",
        ]);
        let mut request = alone(&route, "USD 1.00");
        request.payables[0].gross =
            Money::from_minor(10_000_000 + dice.roll(60_000_000) as i64, currency("USD"));
        assert_eq!(checked(&request).0.plan.lines.len(), 1, "{case}: {route}");
    }
}

/// 347.05 baht are sold 9.99 dollars at mid and a percent, 347.06 are 10.00.
#[test]
fn where_something_is_converted_the_threshold_is_of_what_is_sold() {
    let route = "name = \"bank\"\ntarget_currency = \"THB\"\nspread_bps = 100\nbearer = \"SHAR\"\nfixed = \"0.50\"\nbands = [{ from = \"10.00\", fixed = \"3.00\" }]";
    let mut request = alone(route, "THB 1000.00");
    request.funds = vec![funds("bank", &["bank"], "USD 100.00")];
    let line = checked(&request).0.plan.lines.remove(0);
    let items = ["THB 347.05", "THB 347.05", "THB 305.90"].map(money);
    assert_eq!((&line.items[..], line.fee), (&items[..], money("USD 1.50")));
}
