//! Which of several unpaid payments of one amount and time a line means, where it names none of them: told by the payer
//! and by the promise that the price came from. A guess that is only asked about: what it means is booked on the gateway's
//! own word.

use chrono::{DateTime, Utc};

use super::bill::BillLine;
use crate::domain::country::Country;
use crate::ids::PaymentId;

/// A payment that a line may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// The payment.
    pub payment: PaymentId,
    /// The quote that its price came from, where it came from one.
    pub quote: Option<Promise>,
}

/// What is known of a quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Promise {
    /// The shopper's country, where it decided the price.
    pub country: Option<Country>,
    /// When it ends.
    pub until: DateTime<Utc>,
}

/// The one that a line means; none where several are equally likely.
///
/// A payer at home where a quote was made for goes first, then a quote that still stood when the money moved. What tells
/// nobody apart is passed over.
pub fn likeliest(candidates: &[Candidate], line: &BillLine) -> Option<PaymentId> {
    let at_home = |one: &Candidate| {
        let country = one.quote.and_then(|quote| quote.country);
        country.is_some() && country == line.payer_country
    };
    let stood = |one: &Candidate| one.quote.is_some_and(|quote| line.at <= quote.until);
    let mut left: Vec<&Candidate> = candidates.iter().collect();
    for tells in [&at_home as &dyn Fn(&Candidate) -> bool, &stood] {
        if left.iter().any(|one| tells(one)) {
            left.retain(|one| tells(one));
        }
    }
    match left.as_slice() {
        [only] => Some(only.payment),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::clock::Clock;
    use crate::domain::reconciliation::{BillKind, LineFacts, LineHash, LineStatus};
    use crate::ids::IdSource;
    use crate::money::{Currency, Money};

    #[test]
    fn the_payer_goes_first_then_the_promise() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let ids = IdSource::seeded(Clock::fixed(now), 5);
        let find = |code: &str| Country::find(code).ok();
        let quoted = |country, minutes| {
            let until = now + TimeDelta::minutes(minutes);
            Candidate { payment: ids.mint(), quote: Some(Promise { country, until }) }
        };
        let plain = || Candidate { payment: ids.mint(), quote: None };
        let line = |payer_country| {
            let money = |minor| Money::from_minor(minor, Currency::known("USD"));
            BillLine::try_new(LineFacts {
                gateway_ref: "CAP".into(),
                related_ref: None,
                our_ref: None,
                payer_country,
                kind: BillKind::Payment,
                status: LineStatus::Settled,
                gross: money(1_000),
                fee: money(0),
                tax: money(0),
                at: now,
                account: "A".into(),
                hash: LineHash([7; 32]),
            })
            .unwrap()
        };
        let (thai, malay, over) = (quoted(find("TH"), 5), quoted(find("MY"), 5), quoted(find("TH"), -1));
        let one = plain();
        for (candidates, payer, meant) in [
            (&[][..], None, None),
            (&[one], None, Some(one)),
            (&[over], find("MY"), Some(over)),
            (&[thai, malay], find("TH"), Some(thai)),
            (&[thai, malay], find("MY"), Some(malay)),
            (&[thai, malay], find("SG"), None),
            (&[thai, malay], None, None),
            // At home and over is likelier than abroad and standing.
            (&[malay, over], find("TH"), Some(over)),
            (&[thai, over], find("TH"), Some(thai)),
            (&[thai, over], None, Some(thai)),
            (&[one, thai], None, Some(thai)),
            (&[one, over], None, None),
            (&[one, plain()], find("TH"), None),
        ] {
            let meant = meant.map(|one| one.payment);
            assert_eq!(likeliest(candidates, &line(payer)), meant, "{candidates:?} {payer:?}");
        }
    }
}
