//! Checks a payout plan's certificate. Shares no code with the planner and needs nothing but the certificate.
//!
//! Recomputed in whole numbers, and refused where one digit differs:
//!
//! | what | how |
//! |---|---|
//! | the text | SHA-256 of the body, blanks between tokens aside |
//! | each alternative | what it sends against what is owed, item limits, the fee by the tariff, what is sold at mid and spread, the debit, the cost |
//! | the items | no other division of the amount into items of the route is cheaper before fees are rounded, where the fee is outside it; `division.rs` says how far that goes |
//! | the plan | one alternative per supplier, none that is ruled out; money of accounts and top-ups; batches; the total |
//! | the bound | the tree's leaves cover every plan; each leaf's prices give a bound (each supplier's cheapest alternative at those prices, plus what supply costs less what it is priced at); the lowest of them |
//! | what is left out | what, departing by itself at a node's prices, costs what the node claims or more: below it is not looked at again |
//! | currencies apart | at prices of what several currencies share their bounds add up, each proven by a tree of its own |
//! | the plan as it is served | [`check_plan`]: its hash of the certificate, and each line against what is chosen |
//! | whole payments | where a leaf has a table: one account's money and counts kept as they are, all else priced |
//! | what prices leave open | else, where a leaf claims more than its prices prove, every set of departures from the cheapest alternatives that adds less than the difference is tried |
//!
//! What it cannot know: whether tariff, mids and reasons for ruling out are true. It states them as assumed.

mod certificate;
mod content;
mod division;
mod exact;
mod part;
mod plan;
mod price;
mod ring;
mod table;
mod tree;
mod trial;
mod ways;

use certificate::{Body, Envelope};
pub use plan::check_plan;
use sha2::{Digest, Sha256};

/// What a certificate proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// The hash of the plan it speaks of.
    pub plan: String,
    /// The moment it is of.
    pub at: String,
    /// The version of the route table under which the plan is of lowest cost.
    pub table: String,
    /// The home currency.
    pub home: String,
    /// Suppliers considered.
    pub suppliers: usize,
    /// Of them, left unpaid.
    pub unpaid: usize,
    /// Cost in cost units (10^-9 minor units of home), unpaid suppliers aside.
    pub cost: i128,
    /// No plan under the same tariffs costs less.
    pub bound: i128,
    /// Alternatives that were taken out before the comparison, on the planner's word.
    pub ruled_out: usize,
}

/// Why a certificate proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a certificate.
    #[error("not a certificate: {0}")]
    Unreadable(String),
    /// Its text is not what was certified.
    #[error("the body's SHA-256 is {found}, the digest says {stated}")]
    Digest {
        /// As written.
        stated: String,
        /// As computed.
        found: String,
    },
    /// A figure is not what it comes to.
    #[error("{place}: {what}")]
    Wrong {
        /// Where.
        place: String,
        /// What is stated and what it comes to.
        what: String,
    },
}

impl Refusal {
    fn wrong(place: impl Into<String>, what: impl Into<String>) -> Refusal {
        Refusal::Wrong { place: place.into(), what: what.into() }
    }
}

/// Checks a certificate.
///
/// # Errors
/// [`Refusal`] with the first thing that does not hold.
pub fn check(text: &str) -> Result<Verdict, Refusal> {
    let unreadable = |error: serde_json::Error| Refusal::Unreadable(error.to_string());
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(unreadable)?;
    let found = hexadecimal(&Sha256::digest(compact(envelope.body.get()).as_bytes()));
    if found != envelope.digest {
        return Err(Refusal::Digest { stated: envelope.digest, found });
    }
    let body: Body = serde_json::from_str(envelope.body.get()).map_err(unreadable)?;
    contents(&body)
}

fn read(text: &str) -> Result<Body, Refusal> {
    let unreadable = |error: serde_json::Error| Refusal::Unreadable(error.to_string());
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(unreadable)?;
    serde_json::from_str(envelope.body.get()).map_err(unreadable)
}

/// The same without the digest: what the figures themselves say. For whoever tests this program.
///
/// # Errors
/// As [`check`].
pub fn check_figures(text: &str) -> Result<Verdict, Refusal> {
    contents(&read(text)?)
}

fn contents(body: &Body) -> Result<Verdict, Refusal> {
    if body.format != "straits-plan-certificate-6" {
        return Err(Refusal::Unreadable(format!("unknown format `{}`", body.format)));
    }
    if body.units.0 != 1_000_000_000 || body.unpaid.0 != 10_000_000_000_000_000_000 {
        return Err(Refusal::wrong(
            "units",
            "this format has 10^9 cost units and counts an unpaid supplier 10^19",
        ));
    }
    if body.plan.len() != 64 || !body.plan.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Refusal::wrong("plan", "not a SHA-256 in hexadecimal"));
    }
    for tariff in &body.routes {
        if let Some(key) = tariff.below_zero() {
            return Err(Refusal::wrong(format!("{}, {key}", tariff.name), "below zero"));
        }
    }
    let (mut cost, mut bound, mut suppliers, mut unpaid, mut ruled_out) = (0_i128, 0_i128, 0, 0, 0);
    let mut shared = std::collections::BTreeSet::new();
    let mut payees = std::collections::BTreeSet::new();
    for (place, part) in body.parts.iter().enumerate() {
        let proven = part::check(body, part).map_err(|refusal| match refusal {
            Refusal::Wrong { place: inner, what } => Refusal::wrong(format!("part {place}, {inner}"), what),
            other => other,
        })?;
        for name in proven.resources {
            if !shared.insert(name.clone()) {
                return Err(Refusal::wrong(format!("part {place}"), format!("{name} is in two parts")));
            }
        }
        for supplier in &part.suppliers {
            if !payees.insert((supplier.supplier.as_str(), supplier.currency.as_str())) {
                let what = format!("{} is paid twice in {}", supplier.supplier, supplier.currency);
                return Err(Refusal::wrong(format!("part {place}"), what));
            }
        }
        cost = exact::add(cost, proven.cost)?;
        bound = exact::add(bound, proven.bound)?;
        suppliers += part.suppliers.len();
        unpaid += proven.unpaid;
        ruled_out += proven.ruled_out;
    }
    let left = exact::multiply(body.unpaid.0, exact::count(unpaid)?)?;
    let (cost, bound) = (exact::add(cost, -left)?, exact::add(bound, -left)?);
    for (key, stated, comes_to) in
        [("cost", body.cost.0, cost), ("bound", body.bound.0, bound), ("gap", body.gap.0, cost - bound)]
    {
        if stated != comes_to {
            return Err(Refusal::wrong(key, format!("stated {stated}, comes to {comes_to}")));
        }
    }
    if bound > cost {
        return Err(Refusal::wrong("bound", "it is above the cost"));
    }
    Ok(Verdict {
        plan: body.plan.clone(),
        at: body.at.clone(),
        table: body.table.clone(),
        home: body.home.clone(),
        suppliers,
        unpaid,
        cost,
        bound,
        ruled_out,
    })
}

/// Without blanks between tokens.
fn compact(json: &str) -> String {
    let (mut inside, mut escaped) = (false, false);
    let keep = |letter: &char| {
        let blank = !inside && letter.is_ascii_whitespace();
        match letter {
            '"' if !escaped => inside = !inside,
            _ => {}
        }
        escaped = inside && *letter == '\\' && !escaped;
        !blank
    };
    json.chars().filter(keep).collect()
}

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] =
        ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}
