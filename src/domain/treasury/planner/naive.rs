//! What it would cost without a plan: each payable by its default route, or the first that can pay it; each item run in
//! a batch of its own; each shortage bought by itself.

use super::super::request::PlanRequest;
use super::alternatives::Alternative;
use super::parts::{Candidate, Part, refills};
use super::search::Solution;

/// The cost; none where this way somebody is not paid.
pub fn naive(request: &PlanRequest, solved: &[(Part, Solution)]) -> Option<i128> {
    let mut candidates: Vec<&Candidate> = solved.iter().flat_map(|(part, _)| &part.candidates).collect();
    candidates.sort_by_key(|candidate| candidate.payable);
    let mut left: Vec<i64> = request.funds.iter().map(|funds| funds.available.minor().max(0)).collect();
    let refills: Vec<_> =
        (0..request.funds.len()).map(|account| refills(request, account).ok()).collect::<Option<_>>()?;
    let mut limits: Vec<Vec<i64>> =
        refills.iter().map(|refills| refills.iter().map(|refill| refill.limit).collect()).collect();
    let mut total = 0_i128;
    for candidate in candidates {
        let wanted = request.payables[candidate.payable].default_route.as_deref();
        let mut open: Vec<&Alternative> =
            candidate.open().filter(|one| one.route.is_some() && one.waits_until.is_none()).collect();
        let is_default = |one: &Alternative| {
            one.route.is_some_and(|route| Some(request.routes.routes[route].name.as_str()) == wanted)
        };
        open.sort_by_key(|one| !is_default(one));
        let paid = open.into_iter().find_map(|one| {
            let account = one.account?;
            let mut short = (one.debit - left[account]).max(0);
            let mut cost = one.cost;
            let mut taken = limits[account].clone();
            for (refill, limit) in refills[account].iter().zip(&mut taken) {
                let amount = short.min(*limit);
                if amount > 0 {
                    cost += refill.fixed + refill.per_unit * i128::from(amount);
                    (short, *limit) = (short - amount, *limit - amount);
                }
            }
            let fee = request.mids.value(request.routes.routes[one.route?].fee_of_batch()).ok()?;
            let size = request.routes.routes[one.route?].batch_size.unwrap_or(u32::MAX);
            cost += fee.0 * i128::from(one.count().div_ceil(size));
            (short == 0).then_some((account, one.debit, cost, taken))
        });
        let (account, debit, cost, taken) = paid?;
        left[account] = (left[account] - debit).max(0);
        limits[account] = taken;
        total += cost;
    }
    Some(total)
}
