//! What a report means for a payout: the states that it moves through, and what differs from what was instructed.

use crate::money::Money;

use super::payout::{Payout, PayoutState};
use super::report::{PayoutReport, PayoutStatus};

/// What a report means for a payout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayoutTransition {
    /// It moves through these states, in order; each has its postings.
    Advance(Vec<PayoutState>),
    /// Nothing new.
    AlreadyThere,
    /// It moves through these states, and the rail speaks of other money than was instructed: a person looks at it.
    Differs {
        /// The states, in order.
        states: Vec<PayoutState>,
        /// What differs, in words.
        why: String,
    },
    /// The rail says what cannot be: a person decides.
    Conflict {
        /// What differs, in words.
        why: String,
    },
}

impl Payout {
    /// What a report means.
    pub fn apply(&self, report: &PayoutReport) -> PayoutTransition {
        use PayoutTransition as T;
        if let Some(why) = impossible(report) {
            return T::Conflict { why };
        }
        let means = self.means(report);
        if let (T::Advance(_), Some(why)) = (&means, self.too_much(&report.status)) {
            return T::Conflict { why };
        }
        let Some(why) = self.differs(report) else { return means };
        match means {
            // Only a payment of another amount says what moved for whom. A no to another amount is not a no to this one; what
            // was kept or came back of one, and what is of another currency, moves nothing here before a person looked.
            T::Advance(states) if self.is_told_plainly(report) => T::Differs { states, why },
            T::Advance(_) => T::Conflict { why },
            T::AlreadyThere if self.knows(&report.status) => T::AlreadyThere,
            T::AlreadyThere => T::Conflict { why },
            other => other,
        }
    }

    /// Whether a report of another amount is booked as it says.
    fn is_told_plainly(&self, report: &PayoutReport) -> bool {
        let own = |money: Money| money.currency() == self.amount.currency();
        let of_ours = report.stated.is_none_or(own);
        let word = match (&self.state, &report.status) {
            (PayoutState::Unclaimed { .. }, _) => false,
            (PayoutState::Paid { .. }, PayoutStatus::Returned { .. }) => true,
            (_, status) => matches!(status, PayoutStatus::Pending | PayoutStatus::Paid { .. }),
        };
        of_ours && word
    }

    /// More came back than had left, or other money is claimed than was kept, in words.
    fn too_much(&self, status: &PayoutStatus) -> Option<String> {
        let own = |money: &Money| money.currency() == self.amount.currency();
        match (&self.state, status) {
            (state, PayoutStatus::Returned { arrived, .. }) if own(arrived) => {
                let reached = match state {
                    PayoutState::Paid { reached: Some(reached), .. } => *reached,
                    _ => self.amount,
                };
                let over = reached.minor() > self.amount.minor() || arrived.minor() > reached.minor();
                over.then(|| {
                    format!("{} was instructed, {reached} paid, and {arrived} came back", self.amount)
                })
            }
            (PayoutState::Unclaimed { debited: kept, .. }, PayoutStatus::Paid { debited }) => {
                (kept != debited).then(|| format!("{kept} was kept for the payee and {debited} is claimed"))
            }
            _ => None,
        }
    }

    /// What its word means, whatever its amounts.
    fn means(&self, report: &PayoutReport) -> PayoutTransition {
        use PayoutState as S;
        let at = report.at;
        let conflict = |why: String| PayoutTransition::Conflict { why };
        let advance = |state: PayoutState| PayoutTransition::Advance(vec![state]);
        let contradicts = |says: &str| {
            conflict(format!("it is `{}` here and the rail now says {says}", self.state.as_str()))
        };
        let paid =
            |debited: &Money| S::Paid { debited: *debited, reached: self.reached(report, *debited), at };
        match (&self.state, &report.status) {
            (_, PayoutStatus::Unknown { .. }) => PayoutTransition::AlreadyThere,
            (S::Held | S::Unknown, PayoutStatus::Pending) => advance(S::Sent),
            (_, PayoutStatus::Pending) => PayoutTransition::AlreadyThere,
            (state, PayoutStatus::Paid { debited }) => match state {
                S::Paid { .. } => PayoutTransition::AlreadyThere,
                S::Failed { .. } | S::Returned { .. } => contradicts("paid"),
                _ => advance(paid(debited)),
            },
            (state, PayoutStatus::Unclaimed { debited }) => match state {
                state if state.not_debited() => advance(S::Unclaimed { debited: *debited, at }),
                S::Failed { .. } => contradicts("unclaimed"),
                _ => PayoutTransition::AlreadyThere,
            },
            (state, PayoutStatus::Failed { code, reason }) => match state {
                state if state.not_debited() => {
                    advance(S::Failed { code: code.clone(), reason: reason.clone() })
                }
                S::Failed { .. } => PayoutTransition::AlreadyThere,
                _ => contradicts(&format!("failed: {code}")),
            },
            (state, PayoutStatus::Returned { debited, arrived, reason }) => {
                let returned = S::Returned { arrived: *arrived, at, reason: reason.clone() };
                match state {
                    S::Paid { .. } | S::Unclaimed { .. } => advance(returned),
                    // The debit was never told: it happened before the return.
                    state if state.not_debited() => PayoutTransition::Advance(vec![paid(debited), returned]),
                    S::Returned { .. } => PayoutTransition::AlreadyThere,
                    _ => contradicts("returned"),
                }
            }
        }
    }

    /// Other money than was instructed, in words.
    fn differs(&self, report: &PayoutReport) -> Option<String> {
        let asked = self.amount;
        let debited = debited(&report.status);
        if let Some(stated) = report.stated.filter(|stated| *stated != asked) {
            let moved = debited.map(|debited| format!(", {debited} debited")).unwrap_or_default();
            return Some(format!("{asked} was instructed and the rail speaks of {stated}{moved}"));
        }
        let other = debited.filter(|debited| debited.currency() == asked.currency() && *debited != asked);
        other.map(|debited| format!("{asked} was instructed and {debited} debited"))
    }

    /// What the payee got, where that is not what was instructed: what was debited, else what the rail says it was asked
    /// for, whichever is of the payout's currency.
    fn reached(&self, report: &PayoutReport, debited: Money) -> Option<Money> {
        let known = [Some(debited), report.stated].into_iter().flatten();
        let own = known.into_iter().find(|money| money.currency() == self.amount.currency());
        own.filter(|reached| *reached != self.amount)
    }

    /// Whether this money is what it stands at.
    fn knows(&self, status: &PayoutStatus) -> bool {
        match (&self.state, status) {
            (
                PayoutState::Paid { debited: known, .. } | PayoutState::Unclaimed { debited: known, .. },
                PayoutStatus::Paid { debited } | PayoutStatus::Unclaimed { debited },
            ) => known == debited,
            (PayoutState::Returned { arrived: known, .. }, PayoutStatus::Returned { arrived, .. }) => {
                known == arrived
            }
            _ => false,
        }
    }
}

/// What left the paying account.
fn debited(status: &PayoutStatus) -> Option<Money> {
    match status {
        PayoutStatus::Paid { debited }
        | PayoutStatus::Unclaimed { debited }
        | PayoutStatus::Returned { debited, .. } => Some(*debited),
        PayoutStatus::Pending | PayoutStatus::Failed { .. } | PayoutStatus::Unknown { .. } => None,
    }
}

/// Amounts that are nobody's, in words.
fn impossible(report: &PayoutReport) -> Option<String> {
    let arrived = match &report.status {
        PayoutStatus::Returned { arrived, .. } => Some(*arrived),
        _ => None,
    };
    let told = [(debited(&report.status), "left"), (arrived, "came back"), (report.stated, "was asked for")];
    let odd = told
        .into_iter()
        .find_map(|(money, what)| Some((money?, what)).filter(|(money, _)| !money.is_positive()));
    // A fee that comes back is told as a lower one, never below nothing.
    let below = report.fee.filter(|fee| fee.is_negative());
    odd.or(below.map(|fee| (fee, "was charged")))
        .map(|(money, what)| format!("the rail says that {money} {what}"))
}

#[cfg(test)]
mod tests {
    use super::super::payout::tests::{payout, usd};
    use super::*;
    use crate::clock::from_micros;
    use crate::money::Currency;

    fn report(status: PayoutStatus) -> PayoutReport {
        PayoutReport {
            payout: payout(PayoutState::Held).id,
            rail_ref: None,
            status,
            stated: None,
            fee: None,
            at: from_micros(5),
        }
    }

    #[test]
    fn a_fee_below_nothing_is_a_persons() {
        let paid = || report(PayoutStatus::Paid { debited: usd(50_000) });
        for (fee, conflict) in [(-1_000, true), (0, false), (25, false)] {
            let told = PayoutReport { fee: Some(usd(fee)), ..paid() };
            let heard = payout(PayoutState::Sent).apply(&told);
            assert_eq!(matches!(heard, PayoutTransition::Conflict { .. }), conflict, "{fee}: {heard:?}");
        }
    }

    #[test]
    fn a_payout_moves_one_way_and_says_when_news_contradict() {
        let debited = usd(50_000);
        let at = from_micros(5);
        let paid = || PayoutState::Paid { debited, reached: None, at };
        let short = || PayoutState::Paid { debited: usd(49_999), reached: Some(usd(49_999)), at };
        let long = || PayoutState::Paid { debited: usd(51_000), reached: Some(usd(51_000)), at };
        let came = |arrived| PayoutStatus::Returned { debited, arrived: usd(arrived), reason: String::new() };
        let (says_more, says_whole) = (|| came(50_001), || came(50_000));
        let says_short_back = || {
            let debited = usd(49_999);
            PayoutStatus::Returned { debited, arrived: debited, reason: String::new() }
        };
        let says_short = || PayoutStatus::Paid { debited: usd(49_999) };
        let unclaimed = || PayoutState::Unclaimed { debited, at };
        let failed = || PayoutState::Failed { code: "X".into(), reason: String::new() };
        let back = || PayoutState::Returned { arrived: usd(48_750), at, reason: String::new() };
        let says_paid = || PayoutStatus::Paid { debited };
        let says_failed = || PayoutStatus::Failed { code: "X".into(), reason: String::new() };
        let says_back = || PayoutStatus::Returned { debited, arrived: usd(48_750), reason: String::new() };
        let table: Vec<(PayoutState, PayoutStatus, &str)> = vec![
            (PayoutState::Held, PayoutStatus::Pending, "sent"),
            (PayoutState::Unknown, PayoutStatus::Pending, "sent"),
            (PayoutState::Sent, PayoutStatus::Pending, "there"),
            (PayoutState::Sent, PayoutStatus::Unknown { raw: "?".into() }, "there"),
            (PayoutState::Held, says_paid(), "paid"),
            (PayoutState::Unknown, says_failed(), "failed"),
            (PayoutState::Sent, PayoutStatus::Unclaimed { debited }, "unclaimed"),
            (unclaimed(), says_paid(), "paid"),
            (unclaimed(), says_back(), "returned"),
            (PayoutState::Sent, says_back(), "paid returned"),
            (paid(), says_back(), "returned"),
            (paid(), says_failed(), "conflict"),
            (paid(), PayoutStatus::Unclaimed { debited }, "there"),
            (failed(), says_paid(), "conflict"),
            (failed(), says_failed(), "there"),
            (back(), says_paid(), "conflict"),
            (back(), says_back(), "there"),
            (PayoutState::Sent, says_short(), "differs paid"),
            // What was kept of another amount, or comes back above what had left, waits for a person.
            (PayoutState::Sent, PayoutStatus::Unclaimed { debited: usd(49_999) }, "conflict"),
            (unclaimed(), says_short(), "conflict"),
            (PayoutState::Sent, says_more(), "conflict"),
            (paid(), says_more(), "conflict"),
            (long(), says_back(), "conflict"),
            (short(), says_back(), "returned"),
            (short(), says_short_back(), "differs returned"),
            (PayoutState::Sent, says_short_back(), "conflict"),
            (short(), says_whole(), "conflict"),
            (short(), says_short(), "there"),
            (paid(), says_short(), "conflict"),
            (short(), says_paid(), "there"),
            (failed(), says_short(), "conflict"),
            (PayoutState::Sent, PayoutStatus::Paid { debited: usd(0) }, "conflict"),
        ];
        for (state, status, expected) in table {
            let seen = match payout(state.clone()).apply(&report(status.clone())) {
                PayoutTransition::Advance(states) => {
                    states.iter().map(PayoutState::as_str).collect::<Vec<_>>().join(" ")
                }
                PayoutTransition::Differs { states, .. } => {
                    let states: Vec<&str> = states.iter().map(PayoutState::as_str).collect();
                    format!("differs {}", states.join(" "))
                }
                PayoutTransition::AlreadyThere => "there".to_owned(),
                PayoutTransition::Conflict { .. } => "conflict".to_owned(),
            };
            assert_eq!(seen, expected, "{state:?} + {status:?}");
        }
    }

    /// What the rail says it was asked for is held against what was, in every word.
    #[test]
    fn another_amount_moves_what_moved_and_gives_nothing_back() {
        let eur = Money::from_minor(43_100, Currency::find("EUR").unwrap());
        let failed = || PayoutStatus::Failed { code: "X".into(), reason: String::new() };
        for (state, status, expected) in [
            (PayoutState::Held, PayoutStatus::Pending, "differs sent"),
            (PayoutState::Sent, PayoutStatus::Pending, "conflict"),
            (PayoutState::Sent, PayoutStatus::Unknown { raw: "?".into() }, "conflict"),
            (PayoutState::Sent, failed(), "conflict"),
            (PayoutState::Sent, PayoutStatus::Paid { debited: eur }, "differs paid USD 490.00"),
            (PayoutState::Sent, PayoutStatus::Unclaimed { debited: eur }, "conflict"),
        ] {
            let told = PayoutReport { stated: Some(usd(49_000)), ..report(status.clone()) };
            let seen = match payout(state.clone()).apply(&told) {
                PayoutTransition::Differs { states, why } => {
                    assert!(
                        why.starts_with("USD 500.00 was instructed and the rail speaks of USD 490.00"),
                        "{why}"
                    );
                    let [state] = states.as_slice() else { panic!("{states:?}") };
                    match state {
                        PayoutState::Paid { reached: Some(reached), .. } => format!("differs paid {reached}"),
                        state => format!("differs {}", state.as_str()),
                    }
                }
                PayoutTransition::Conflict { .. } => "conflict".to_owned(),
                other => format!("{other:?}"),
            };
            assert_eq!(seen, expected, "{state:?} + {status:?}");
        }
        // Of another currency nothing is known of what the payee got.
        let euros = PayoutReport { stated: Some(eur), ..report(PayoutStatus::Paid { debited: eur }) };
        assert!(matches!(payout(PayoutState::Sent).apply(&euros), PayoutTransition::Conflict { .. }));
    }
}
