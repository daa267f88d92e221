//! One payment's life as the world means it to go: what the merchant asks, what the shopper does, what is given back.

use chrono::{DateTime, Utc};
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::json;

use crate::app::Seeded;
use crate::ids::{DisputeId, IdSource, PaymentId, RefundId};
use crate::money::{Currency, Money};
use crate::sandbox::Shopper;

use super::acts::Kind;
use super::complaint::Complaint;
use super::delays::Delays;

/// A life and how far it is.
#[derive(Debug)]
pub(super) struct Life {
    pub number: u64,
    pub id: PaymentId,
    /// Its id in text, as the gateways know it.
    pub name: String,
    pub order_ref: String,
    pub gateway: &'static str,
    pub amount: Money,
    pub terms: serde_json::Value,
    pub shopper: Shopper,
    /// The far side takes a tenth only.
    pub wrong_amount: bool,
    /// The far side refuses for want of money, once.
    pub poor: bool,
    pub cancels: bool,
    /// How much each refund gives back, in hundredths of the amount; 0 is all that is left.
    pub refunds: Vec<(RefundId, u32)>,
    /// Of these, asked for so far.
    pub refunded: usize,
    /// The payer complains about it.
    pub complaint: Option<Complaint>,
    /// What PayPal decides later, and what it is asked for at its own pages.
    pub delays: Delays,
    /// What the gateway's bill makes of its taking.
    pub billed: Billed,
    /// Once its money is taken the gateway answers no question about it, until a bill asks.
    pub mute: bool,
    /// The merchant has asked for the payment.
    pub started: bool,
    pub visits: u32,
    /// Where the shopper is sent, not there yet.
    pub way_back: Option<url::Url>,
    /// Actions of this life's own under way.
    pub busy: u32,
    pub seen: Seen,
    pub armed: bool,
    pub begins_at: DateTime<Utc>,
}

/// What a gateway's bill makes of a taking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Billed {
    /// As it was.
    Truly,
    /// A minor unit less.
    Less,
    /// With a fee that is a minor unit more.
    Dearer,
    /// Named twice, to the byte.
    Twice,
    /// Not named.
    Not,
}

impl Billed {
    fn draw(dice: &mut StdRng) -> Billed {
        match dice.random_range(0..60) {
            0..5 => Billed::Less,
            5..8 => Billed::Not,
            8..11 => Billed::Dearer,
            11..14 => Billed::Twice,
            _ => Billed::Truly,
        }
    }
}

/// What was seen last of the payment's rows.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub state: Option<&'static str>,
    pub version: i64,
    pub refunded_minor: i64,
    pub next_action: Option<url::Url>,
    pub open_findings: bool,
    /// A dispute in which it is our turn.
    pub waits_for_us: Option<DisputeId>,
}

const AT_PAYPAL: &[&str] = &["USD", "EUR", "JPY", "HKD", "SGD"];
const AT_GRABPAY: &[&str] = &["SGD", "MYR", "THB"];

impl Life {
    pub(super) fn draw(
        number: u64,
        dice: &mut StdRng,
        ids: &IdSource,
        seeded: &Seeded,
        begins_at: DateTime<Utc>,
    ) -> Life {
        let (gateway, codes) =
            if dice.random_bool(0.5) { ("paypal", AT_PAYPAL) } else { ("grabpay", AT_GRABPAY) };
        let code = codes[dice.random_range(0..codes.len())];
        let currency = Currency::known(code);
        let amount = Money::from_minor(dice.random_range(500..500_000), currency);
        let suppliers = &seeded.default.suppliers;
        let first = dice.random_range(0..suppliers.len());
        let second = (first + dice.random_range(1..suppliers.len())) % suppliers.len();
        let percent = dice.random_range(5..=60);
        let terms = match dice.random_range(0..4) {
            0 => json!({}),
            1 => json!({"splits": [{"supplier": suppliers[first].id, "share": {"remainder": true}}],
                        "platform_fee": {"percent": "5"}}),
            _ => json!({"splits": [
                {"supplier": suppliers[first].id, "share": {"percent": percent.to_string()}},
                {"supplier": suppliers[second].id, "share": {"percent": (90 - percent).to_string()}}]}),
        };
        let shopper = match dice.random_range(0..10) {
            0 => Shopper::Decline,
            1 => Shopper::Abandon,
            _ => Shopper::Approve,
        };
        let refunds = match dice.random_range(0..5) {
            0 => vec![0],
            1 => vec![dice.random_range(1..100)],
            2 => vec![dice.random_range(1..50), 0],
            _ => vec![],
        };
        let at_paypal = gateway == "paypal";
        let complaint = (at_paypal && dice.random_range(0..5) == 0).then(|| Complaint::draw(dice, ids));
        let billed = if at_paypal { Billed::draw(dice) } else { Billed::Truly };
        let mute = at_paypal && dice.random_range(0..12) == 0;
        let shared = terms["splits"].as_array().is_some_and(|splits| splits.len() > 1);
        let delays = Delays::draw(dice, shared);
        let delays = if at_paypal && !mute { delays } else { Delays::default() };
        let late = delays.brings_money_late();
        let id: PaymentId = ids.mint();
        Life {
            complaint: complaint.filter(|_| !mute && !late),
            delays,
            billed: if mute { Billed::Truly } else { billed },
            mute,
            number,
            id,
            name: id.to_string(),
            order_ref: format!("order-{number}"),
            gateway,
            amount,
            terms,
            shopper,
            wrong_amount: dice.random_range(0..12) == 0 && !mute,
            poor: dice.random_range(0..25) == 0 && !mute,
            cancels: dice.random_range(0..20) == 0 && !mute,
            refunds: refunds.into_iter().filter(|_| !mute && !late).map(|part| (ids.mint(), part)).collect(),
            refunded: 0,
            started: false,
            visits: 0,
            way_back: None,
            busy: 0,
            seen: Seen::default(),
            armed: false,
            begins_at,
        }
    }

    /// The merchant asks for it anew, as another payment; nobody has been anywhere yet.
    pub(super) fn anew(&mut self, id: PaymentId) {
        (self.id, self.name) = (id, id.to_string());
        (self.started, self.armed, self.visits, self.way_back) = (false, false, 0, None);
        self.refunded = 0;
    }

    /// What this life does next, if it does anything now.
    pub(super) fn next_move(&self, place: usize, now: DateTime<Utc>, faulty: bool) -> Option<Kind> {
        if self.busy > 1 || now < self.begins_at {
            return None;
        }
        let Some(state) = self.seen.state else {
            // Nothing was stored: the merchant asks again, under the same id.
            return (self.busy == 0).then_some(Kind::Start(place));
        };
        let open = matches!(state, "created" | "requires_action" | "pending" | "authorized");
        // Beside whatever else is under way: so that they meet.
        if open && self.cancels && self.visits > 0 {
            return Some(Kind::Cancel(place));
        }
        let paid = matches!(state, "captured" | "partially_refunded");
        if paid && self.refunded < self.refunds.len() {
            return Some(Kind::Refund(place));
        }
        if let Some(next) = self.delays.next_move(place, faulty).filter(|_| paid) {
            return Some(next);
        }
        let taken = paid || state == "refunded";
        if let Some(complaint) = self.complaint.as_ref().filter(|_| taken)
            && let Some(next) = complaint.next_move(place, self.seen.waits_for_us, faulty)
        {
            return Some(next);
        }
        if self.busy > 0 {
            return None;
        }
        if self.seen.open_findings {
            return Some(Kind::Resolve(place));
        }
        let visits = self.way_back.is_some() || (open && self.visits < 2 && self.seen.next_action.is_some());
        visits.then_some(Kind::Back(place))
    }
}
