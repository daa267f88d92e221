//! The postings of a payout's steps.

use crate::domain::ledger::journal::{
    Fact, PaidPayout, ReturnedPayout, payout_claimed, payout_confirmed, payout_failed, payout_instructed,
    payout_returned, payout_unclaimed,
};
use crate::domain::ledger::{Account, LedgerError, LedgerTransaction};

use super::payout::{Payout, PayoutState};
use super::report::ReturnFault;

/// What is posted when `payout`, as it stands, moves to `next`. `fact.source` is the payout's id; `into` is where it came
/// back, where that is not the account it had left.
///
/// # Errors
/// [`LedgerError`].
pub fn postings(
    fact: &Fact<'_>,
    payout: &Payout,
    next: &PayoutState,
    fault: ReturnFault,
    into: Option<&Account>,
) -> Result<Option<LedgerTransaction>, LedgerError> {
    use PayoutState as S;
    let (booking, amount) = (&payout.booking, payout.amount);
    match (&payout.state, next) {
        (_, S::Held) => payout_instructed(fact, booking, amount, payout.borne),
        (_, S::Sent | S::Unknown) => Ok(None),
        (S::Unclaimed { debited, .. }, S::Paid { reached, .. }) => {
            payout_claimed(fact, booking, &PaidPayout { amount, reached: *reached, debited: *debited })
        }
        (_, S::Paid { debited, reached, .. }) => {
            payout_confirmed(fact, booking, &PaidPayout { amount, reached: *reached, debited: *debited })
        }
        (_, S::Unclaimed { debited, .. }) => payout_unclaimed(fact, booking, amount, *debited),
        (_, S::Failed { .. }) => payout_failed(fact, booking, amount, payout.borne),
        (before, S::Returned { arrived, .. }) => {
            let unclaimed = match before {
                S::Unclaimed { debited, .. } => Some((amount, *debited)),
                _ => None,
            };
            // Unclaimed money was never converted: the supplier has its own amount back. Money that had been paid out and
            // comes back in another currency is the supplier's in that currency.
            let same = arrived.currency() == amount.currency();
            let credited = match fault {
                ReturnFault::Supplier if same || unclaimed.is_none() => *arrived,
                ReturnFault::Platform if !same && unclaimed.is_none() => *arrived,
                _ => amount,
            };
            let into = into.unwrap_or(&booking.cash);
            payout_returned(fact, booking, &ReturnedPayout { arrived: *arrived, into, credited, unclaimed })
        }
    }
}

/// What is posted when a payout that was never sent is given up: as if it had failed.
///
/// # Errors
/// [`LedgerError`].
pub fn undone(fact: &Fact<'_>, payout: &Payout) -> Result<Option<LedgerTransaction>, LedgerError> {
    payout_failed(fact, &payout.booking, payout.amount, payout.borne)
}

#[cfg(test)]
mod tests {
    use super::super::payout::tests::{payout, usd};
    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::ids::IdSource;

    fn shown(payout: &Payout, next: &PayoutState, fault: ReturnFault) -> Vec<String> {
        let ids = IdSource::seeded(Clock::fixed(from_micros(0)), 1);
        let fact =
            Fact { ids: &ids, merchant: payout.merchant, source: "po", subject: "po", at: from_micros(0) };
        let posted = postings(&fact, payout, next, fault, None).unwrap();
        let supplier = payout.supplier.to_string();
        posted.map_or(vec![], |posted| {
            posted
                .postings()
                .iter()
                .map(|posting| {
                    let owner = posting.account.owner.as_str().replace(&supplier, "A");
                    format!("{}[{owner}] {}", posting.account.code, posting.signed_minor())
                })
                .collect()
        })
    }

    #[test]
    fn every_return_balances_whatever_its_currency_and_whoever_erred() {
        let at = from_micros(5);
        let cny =
            |minor| crate::money::Money::from_minor(minor, crate::money::Currency::find("CNY").unwrap());
        for debited in [usd(50_000), cny(350_000)] {
            for before in
                [PayoutState::Paid { debited, reached: None, at }, PayoutState::Unclaimed { debited, at }]
            {
                for arrived in [debited, usd(48_750), cny(340_000)] {
                    let kept = matches!(before, PayoutState::Unclaimed { .. });
                    if kept && arrived.currency() != debited.currency() {
                        continue;
                    }
                    let next = PayoutState::Returned { arrived, at, reason: String::new() };
                    for fault in [ReturnFault::Supplier, ReturnFault::Platform] {
                        assert!(!shown(&payout(before.clone()), &next, fault).is_empty());
                    }
                }
            }
        }
    }

    #[test]
    fn the_scenarios_of_the_chart() {
        let at = from_micros(5);
        let debited = usd(50_000);
        let held = payout(PayoutState::Held);
        let inside = Payout { amount: usd(49_020), borne: usd(980), ..held.clone() };
        let unclaimed = payout(PayoutState::Unclaimed { debited, at });
        let paid = payout(PayoutState::Paid { debited, reached: None, at });
        let other = |minor| PayoutState::Paid { debited: usd(minor), reached: Some(usd(minor)), at };
        let kept = payout(PayoutState::Unclaimed { debited: usd(49_900), at });
        let back = |minor| PayoutState::Returned { arrived: usd(minor), at, reason: String::new() };
        let (supplier, platform) = (ReturnFault::Supplier, ReturnFault::Platform);
        let table: Vec<(&str, Vec<String>, Vec<&str>)> = vec![
            (
                "J18 instructed",
                shown(&held, &PayoutState::Held, supplier),
                vec!["2110[A] 50000", "2140[paypal,A] -50000"],
            ),
            (
                "J19 instructed",
                shown(&inside, &PayoutState::Held, supplier),
                vec!["2110[A] 50000", "2140[paypal,A] -49020", "5025[paypal] -980"],
            ),
            (
                "J18 confirmed",
                shown(&held, &PayoutState::Paid { debited, reached: None, at }, supplier),
                vec!["2140[paypal,A] 50000", "1110[paypal] -50000"],
            ),
            (
                "too little was paid",
                shown(&held, &other(49_900), supplier),
                vec!["2140[paypal,A] 50000", "1110[paypal] -49900", "2900[paypal] -100"],
            ),
            (
                "too much was paid",
                shown(&held, &other(50_100), supplier),
                vec!["2140[paypal,A] 50000", "1110[paypal] -50100", "2900[paypal] 100"],
            ),
            (
                "too little was kept, and claimed",
                shown(&kept, &other(49_900), supplier),
                vec!["2150[paypal,A] 50000", "1120[paypal,unclaimed] -49900", "2900[paypal] -100"],
            ),
            (
                "J22 unclaimed",
                shown(&held, &PayoutState::Unclaimed { debited, at }, supplier),
                vec![
                    "2140[paypal,A] 50000",
                    "2150[paypal,A] -50000",
                    "1120[paypal,unclaimed] 50000",
                    "1110[paypal] -50000",
                ],
            ),
            (
                "J22 returned",
                shown(&unclaimed, &back(50_000), supplier),
                vec![
                    "1110[paypal] 50000",
                    "2110[A] -50000",
                    "2150[paypal,A] 50000",
                    "1120[paypal,unclaimed] -50000",
                ],
            ),
            (
                "J21 returned short, the supplier's fault",
                shown(&paid, &back(48_750), supplier),
                vec!["1110[paypal] 48750", "2110[A] -48750"],
            ),
            (
                "J21 returned short, ours",
                shown(&paid, &back(48_750), platform),
                vec!["1110[paypal] 48750", "2110[A] -50000", "5020[paypal] 1250"],
            ),
            (
                "claimed after all",
                shown(&unclaimed, &PayoutState::Paid { debited, reached: None, at }, supplier),
                vec!["2150[paypal,A] 50000", "1120[paypal,unclaimed] -50000"],
            ),
        ];
        for (name, seen, expected) in table {
            assert_eq!(seen, expected, "{name}");
        }
    }
}
