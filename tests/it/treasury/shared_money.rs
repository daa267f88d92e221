//! Currencies that are paid out of the same scarce accounts.

use straits::domain::treasury::PlanRequest;

use super::world::checked;

/// Dollars and euros of 26 suppliers: at a price of what they share a plan was 2 % dearer, and its gap 3 % of it. An independent
/// solver's optimum is 403.400176 dollars.
#[test]
fn currencies_that_share_money_are_planned_as_one() {
    let request: PlanRequest = serde_json::from_str(include_str!("shared_money.json")).unwrap();
    let (_, verdict) = checked(&request);
    assert_eq!((verdict.suppliers, verdict.unpaid), (26, 0));
    assert_eq!((verdict.cost, verdict.bound), (40_340_017_600_000, 40_340_017_600_000));
}
