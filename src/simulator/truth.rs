//! What truly happened: a small book of its own, written down from the far sides' true answers before anything befalls
//! them on their way. It reads the gateways' words by itself and shares nothing with the adapters.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::money::{Currency, Money};
use crate::sandbox::{Direct, DirectAnswer};

/// Money a gateway took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Taking {
    pub amount: Money,
    pub fee: Money,
}

/// Money a gateway gave back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GivenBack {
    pub capture: String,
    /// Under our refund's id.
    pub ours: String,
    pub amount: Money,
}

/// What is true of one payment.
#[derive(Debug, Clone, Default)]
pub(super) struct Deal {
    pub takings: BTreeMap<String, Taking>,
    /// Captures that are not decided, and those that were denied.
    pub waiting: BTreeMap<String, Money>,
    denied: BTreeSet<String>,
    pub given_back: BTreeMap<String, GivenBack>,
    /// Refunds that are not decided, and those that failed.
    pub promised: BTreeMap<String, GivenBack>,
    failed: BTreeSet<String>,
    pub disputes: BTreeMap<String, Disputed>,
}

impl Deal {
    /// Something is still to be decided at the gateway.
    pub(super) fn waits(&self) -> bool {
        !self.waiting.is_empty() || !self.promised.is_empty()
    }

    /// A capture was taken on, and brought nothing so far, or nothing at all.
    pub(super) fn brought_nothing(&self) -> bool {
        self.takings.is_empty() && !(self.waiting.is_empty() && self.denied.is_empty())
    }
}

/// What a dispute did, as the gateway itself has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Disputed {
    pub open: bool,
    /// Taken and not given back, the fee with it.
    pub taken: Money,
    /// Held and not taken.
    pub held: i64,
    /// What was said for us.
    pub notes: Vec<String>,
}

/// Of whom nothing is known yet.
static NOTHING: Deal = Deal {
    takings: BTreeMap::new(),
    waiting: BTreeMap::new(),
    denied: BTreeSet::new(),
    given_back: BTreeMap::new(),
    promised: BTreeMap::new(),
    failed: BTreeSet::new(),
    disputes: BTreeMap::new(),
};

/// What is true.
#[derive(Debug, Default)]
pub(super) struct Truth {
    deals: BTreeMap<String, Deal>,
    /// PayPal's orders and captures, Grab's charges, refunds at both: whose payment they are.
    owners: BTreeMap<String, String>,
    amounts: BTreeMap<String, Money>,
}

impl Truth {
    /// Of this payment of ours.
    pub(super) fn of(&self, payment: &str) -> &Deal {
        self.deals.get(payment).unwrap_or(&NOTHING)
    }

    /// Whose payment an order, a capture or a charge is.
    pub(super) fn owner(&self, reference: &str) -> Option<&str> {
        self.owners.get(reference).map(String::as_str)
    }

    /// What an account at a gateway comes to, by currency: takings less fees and what was given back.
    pub(super) fn balances(&self, payments: &[String]) -> BTreeMap<Currency, i64> {
        let mut sums = BTreeMap::new();
        for deal in payments.iter().filter_map(|payment| self.deals.get(payment)) {
            for taking in deal.takings.values() {
                *sums.entry(taking.amount.currency()).or_insert(0) +=
                    taking.amount.minor() - taking.fee.minor();
            }
            for back in deal.given_back.values() {
                *sums.entry(back.amount.currency()).or_insert(0) -= back.amount.minor();
            }
            for dispute in deal.disputes.values() {
                *sums.entry(dispute.taken.currency()).or_insert(0) -= dispute.taken.minor();
            }
        }
        sums
    }

    /// Whose payment an address names.
    pub(super) fn owner_in(&self, url: &url::Url) -> Option<&str> {
        url.path_segments()?.find_map(|at| self.owner(at))
    }

    /// Somebody else took money on our account.
    pub(super) fn takes(&mut self, whose: &str, reference: &str, amount: Money, fee: Money) {
        let taking = Taking { amount, fee };
        self.deals.entry(whose.to_owned()).or_default().takings.insert(reference.to_owned(), taking);
    }

    /// A dispute as PayPal shows it.
    pub(super) fn disputed(&mut self, payment: &str, said: &Value) {
        let Some(amount) = amount(&said["dispute_amount"]) else { return };
        let moved = said["money_movements"].as_array().into_iter().flatten().filter_map(|moved| {
            let minor = self::amount(&moved["amount"])?.minor();
            Some(if moved["type"] == "DEBIT" { minor } else { -minor })
        });
        let taken = Money::from_minor(moved.sum(), amount.currency());
        let held = said["disputed_transactions"][0]["transaction_status"] == "HELD";
        let notes = said["evidences"].as_array().into_iter().flatten().map(|said| text(&said["notes"]));
        let dispute = Disputed {
            open: said["status"] != "RESOLVED",
            taken,
            held: if held { amount.minor() } else { 0 },
            notes: notes.collect(),
        };
        let deal = self.deals.entry(payment.to_owned()).or_default();
        deal.disputes.insert(text(&said["dispute_id"]), dispute);
    }

    /// Takes note of what a far side did.
    pub(super) fn observe(&mut self, asked: &Direct, answer: &DirectAnswer) {
        let Some(body) = answer.body.as_deref().filter(|_| (200..300).contains(&answer.status)) else {
            return;
        };
        let Ok(said) = serde_json::from_slice::<Value>(body) else { return };
        let sent: Value = serde_json::from_slice(&asked.body).unwrap_or_default();
        let path = asked.url.path();
        if asked.method != reqwest::Method::POST {
            // Whom a dispute is about, so that whose rows its answer touches is known.
            let capture = text(&said["disputed_transactions"][0]["seller_transaction_id"]);
            if let Some(ours) = self.owners.get(&capture).cloned() {
                self.owners.insert(text(&said["dispute_id"]), ours);
            }
            return;
        }
        if path.ends_with("/v2/checkout/orders") {
            let ours = text(&sent["purchase_units"][0]["custom_id"]);
            self.owners.insert(text(&said["id"]), ours);
        } else if path.contains("/v2/checkout/orders/") && path.ends_with("/capture") {
            self.paypal_captured(&said);
        } else if path.contains("/v2/payments/captures/") && path.ends_with("/refund") {
            let capture = path.split('/').rev().nth(1).unwrap_or_default();
            self.paypal_refund(capture, &said, &text(&sent["custom_id"]));
        } else if path.ends_with("/charge/init") {
            let ours = text(&sent["partnerTxID"]);
            if let Some(amount) = minor(&sent) {
                self.amounts.insert(ours, amount);
            }
        } else if path.ends_with("/charge/complete") && said["txStatus"] == "success" {
            let (ours, charge) = (text(&said["partnerTxID"]), text(&said["txID"]));
            let ours = if ours.is_empty() { text(&sent["partnerTxID"]) } else { ours };
            if let Some(amount) = self.amounts.get(&ours).copied() {
                self.owners.insert(charge.clone(), ours.clone());
                let taking = Taking { amount, fee: Money::zero(amount.currency()) };
                self.deals.entry(ours).or_default().takings.insert(charge, taking);
            }
        } else if path.ends_with("/v2/refund")
            && let Some(amount) = minor(&sent)
        {
            self.gave_back(
                &text(&sent["originTxID"]),
                &text(&said["txID"]),
                &text(&sent["partnerTxID"]),
                amount,
            );
        }
    }

    fn paypal_captured(&mut self, said: &Value) {
        let Some(ours) = self.owners.get(&text(&said["id"])).cloned() else { return };
        for capture in said["purchase_units"][0]["payments"]["captures"].as_array().into_iter().flatten() {
            self.paypal_capture(&ours, capture);
        }
    }

    /// A capture as PayPal shows it. The same request is answered as it was at first: what was decided since stays so.
    pub(super) fn paypal_capture(&mut self, ours: &str, said: &Value) {
        let Some(taken) = amount(&said["amount"]) else { return };
        let reference = text(&said["id"]);
        self.owners.insert(reference.clone(), ours.to_owned());
        let deal = self.deals.entry(ours.to_owned()).or_default();
        match said["status"].as_str().unwrap_or_default() {
            "PENDING" if !deal.takings.contains_key(&reference) && !deal.denied.contains(&reference) => {
                deal.waiting.insert(reference, taken);
            }
            "COMPLETED" => {
                let fee = amount(&said["seller_receivable_breakdown"]["paypal_fee"]);
                let fee = fee.unwrap_or_else(|| Money::zero(taken.currency()));
                deal.waiting.remove(&reference);
                deal.takings.insert(reference, Taking { amount: taken, fee });
            }
            "DECLINED" => {
                deal.waiting.remove(&reference);
                deal.denied.insert(reference);
            }
            _ => {}
        }
    }

    /// A refund as PayPal answers it to whoever asked for it.
    fn paypal_refund(&mut self, capture: &str, said: &Value, ours: &str) {
        let (Some(amount), theirs) = (amount(&said["amount"]), text(&said["id"])) else { return };
        if said["status"] != "PENDING" {
            return self.gave_back(capture, &theirs, ours, amount);
        }
        let Some(payment) = self.owners.get(capture).cloned() else { return };
        self.owners.insert(theirs.clone(), payment.clone());
        let deal = self.deals.entry(payment).or_default();
        if !deal.given_back.contains_key(&theirs) && !deal.failed.contains(&theirs) {
            let (capture, ours) = (capture.to_owned(), ours.to_owned());
            deal.promised.insert(theirs, GivenBack { capture, ours, amount });
        }
    }

    /// A refund that waited, as PayPal shows it.
    pub(super) fn paypal_refund_decided(&mut self, payment: &str, said: &Value) {
        let deal = self.deals.entry(payment.to_owned()).or_default();
        let theirs = text(&said["id"]);
        let Some(promised) = deal.promised.remove(&theirs) else { return };
        match said["status"].as_str().unwrap_or_default() {
            "COMPLETED" => drop(deal.given_back.insert(theirs, promised)),
            "FAILED" => drop(deal.failed.insert(theirs)),
            _ => drop(deal.promised.insert(theirs, promised)),
        }
    }

    /// The merchant gave back at the gateway's own pages.
    pub(super) fn gave_back_there(&mut self, payment: &str, theirs: &str, amount: Money) {
        let capture = self.of(payment).takings.keys().next().cloned();
        self.gave_back(&capture.unwrap_or_default(), theirs, payment, amount);
    }

    fn gave_back(&mut self, capture: &str, theirs: &str, ours: &str, amount: Money) {
        let Some(payment) = self.owners.get(capture).cloned() else { return };
        // Whose rows change when somebody asks about it.
        for name in [theirs, ours] {
            self.owners.insert(name.to_owned(), payment.clone());
        }
        let back = GivenBack { capture: capture.to_owned(), ours: ours.to_owned(), amount };
        self.deals.entry(payment).or_default().given_back.insert(theirs.to_owned(), back);
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// PayPal's: decimals in a text.
fn amount(value: &Value) -> Option<Money> {
    let currency = Currency::find(value["currency_code"].as_str()?).ok()?;
    Money::parse(value["value"].as_str()?, currency).ok()
}

/// Grab's: minor units.
fn minor(value: &Value) -> Option<Money> {
    let currency = Currency::find(value["currency"].as_str()?).ok()?;
    Some(Money::from_minor(value["amount"].as_i64()?, currency))
}
