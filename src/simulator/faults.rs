//! What goes wrong, and how often. Rates are drawn per seed between 1 and 20 percent of calls, notices and payments, so that
//! among many seeds there are calm ones and wild ones, and every pair of faults meets; no kind of fault is ever away
//! altogether. What stops the program or its database is drawn per step, of which a life has about a hundred: at a hundredth
//! to a half percent of them, most lives meet one.

use chrono::TimeDelta;
use rand::Rng;
use rand::rngs::StdRng;

use crate::gateways::transport::{Broken, Carried};

/// How often, in thousandths.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rates {
    /// Nothing was sent: no connection, DNS, TLS.
    pub not_sent: u32,
    /// The request is lost, or the connection breaks before it is read.
    pub lost_before: u32,
    /// Done, and the answer is lost.
    pub lost_after: u32,
    /// 429.
    pub throttled: u32,
    /// 5xx without an effect.
    pub refused_5xx: u32,
    /// Done, and what comes back is 5xx, HTML, garbage or cut short.
    pub garbled: u32,
    /// A box on the way sends the request twice.
    pub twice: u32,
    /// A notice is lost for ever.
    pub notice_lost: u32,
    /// A notice comes twice.
    pub notice_twice: u32,
    /// A notice comes altered or signed by another before the genuine one.
    pub notice_forged: u32,
    /// A notice is held back while others overtake it.
    pub notice_late: u32,
    /// A notice of days ago comes once more.
    pub notice_old: u32,
    /// A notice comes that is truly signed and cannot be believed: malformed, another merchant's, about nobody's payment.
    pub notice_odd: u32,
    /// The shopper's browser never comes back.
    pub return_lost: u32,
    /// The process dies where it stands, per stop, in ten thousandths.
    pub death: u32,
    /// COMMIT's answer is lost, in ten thousandths.
    pub commit: u32,
    /// The database is down for one step, in ten thousandths.
    pub down: u32,
    /// The process is asked to stop, per step, in ten thousandths.
    pub stop: u32,
    /// A backup is taken, which a later process starts from, per step, in ten thousandths of the first round; in the second half as often.
    pub backup: u32,
    /// Whoever is on stalls for a minute or more, as a program that is stopped and wakes, in ten thousandths.
    pub stall: u32,
    /// A gateway is away for minutes, per round.
    pub outage: u32,
    /// PayPal keeps another share than agreed from now on, per round.
    pub fee: u32,
    /// Programs over the one database.
    pub programs: usize,
    /// How far the gateways' clock is before ours.
    pub ahead: TimeDelta,
}

impl Rates {
    /// The rates of a seed.
    pub(super) fn draw(dice: &mut StdRng) -> Rates {
        let mut rate = || dice.random_range(10..=200);
        let mut rates = Rates {
            not_sent: rate(),
            lost_before: rate(),
            lost_after: rate(),
            throttled: rate(),
            refused_5xx: rate(),
            garbled: rate(),
            twice: rate(),
            notice_lost: rate(),
            notice_twice: rate(),
            notice_forged: rate(),
            notice_late: rate(),
            notice_old: rate(),
            notice_odd: rate(),
            return_lost: rate(),
            death: 0,
            commit: 0,
            down: 0,
            stop: 0,
            backup: 0,
            stall: 0,
            outage: rate(),
            fee: rate(),
            programs: 1,
            ahead: TimeDelta::zero(),
        };
        rates.death = dice.random_range(2..=40);
        rates.commit = dice.random_range(1..=40);
        rates.down = dice.random_range(1..=10);
        rates.stop = dice.random_range(1..=10);
        rates.backup = dice.random_range(1..=40);
        rates.stall = dice.random_range(1..=40);
        rates.programs = dice.random_range(1..=2);
        // What a signature's date may differ by is five minutes at both gateways.
        rates.ahead = TimeDelta::seconds(dice.random_range(-240..=240));
        rates
    }
}

/// Whether something of this rate happens now.
pub(super) fn strikes(dice: &mut StdRng, thousandths: u32) -> bool {
    dice.random_range(0..1_000) < thousandths
}

/// What happens to a request before the gateway has it; `None`: it arrives.
pub(super) fn on_the_way(
    dice: &mut StdRng,
    rates: &Rates,
) -> Option<(&'static str, Result<Carried, Broken>)> {
    if strikes(dice, rates.not_sent) {
        return Some(("not sent", Err(Broken::NotSent("connection refused".into()))));
    }
    if strikes(dice, rates.lost_before) {
        return Some(("lost before", Err(Broken::Unanswered("no answer in time".into()))));
    }
    if strikes(dice, rates.throttled) {
        let headers = vec![("retry-after".to_owned(), "3".to_owned())];
        return Some(("429", Ok(Carried { status: 429, headers, body: vec![] })));
    }
    if strikes(dice, rates.refused_5xx) {
        return Some(("503", Ok(page(503))));
    }
    None
}

/// What happens to an answer on its way back.
pub(super) fn on_the_way_back(
    dice: &mut StdRng,
    rates: &Rates,
    answer: Result<Carried, Broken>,
) -> (&'static str, Result<Carried, Broken>) {
    if strikes(dice, rates.lost_after) {
        return ("lost after", Err(Broken::Unanswered("the connection broke".into())));
    }
    let Ok(whole) = answer else { return ("broke", answer) };
    if !strikes(dice, rates.garbled) {
        return ("", Ok(whole));
    }
    match dice.random_range(0..5) {
        0 => ("504 after", Ok(page(504))),
        1 => ("html in 200", Ok(page(200))),
        2 => {
            let half = whole.body.len() / 2;
            ("cut short", Ok(Carried { body: whole.body[..half].to_vec(), ..whole }))
        }
        3 => ("garbage", Ok(Carried { body: b"\x00\xff{]".to_vec(), ..whole })),
        _ => {
            let headers = vec![("content-type".to_owned(), "text/plain".to_owned())];
            ("wrong content type", Ok(Carried { headers, ..whole }))
        }
    }
}

fn page(status: u16) -> Carried {
    Carried {
        status,
        headers: vec![("content-type".to_owned(), "text/html".to_owned())],
        body: b"<!doctype html><title>Bad gateway</title>".to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn no_kind_of_fault_is_away_for_a_seed() {
        for seed in 0..2_000 {
            let Rates { not_sent, lost_before, lost_after, throttled, refused_5xx, garbled, twice, .. } =
                Rates::draw(&mut StdRng::seed_from_u64(seed));
            let calls = [not_sent, lost_before, lost_after, throttled, refused_5xx, garbled, twice];
            let rates = Rates::draw(&mut StdRng::seed_from_u64(seed));
            let Rates { death, commit, down, stop, backup, stall, outage, fee, .. } = rates;
            let all = [death, commit, down, stop, backup, stall, outage, fee];
            assert!(calls.iter().chain(&all).all(|rate| *rate > 0), "seed {seed}: {rates:?}");
        }
    }
}
