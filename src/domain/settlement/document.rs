//! A settlement as it is stored, held against what was booked for it.
//!
//! The ledger proves itself by its chain; the document beside it is a row that may still change while a conversion
//! waits, so that nothing but its agreement with the postings shows that it is the one that was booked.

use std::collections::BTreeMap;
use std::fmt;

use rust_decimal::Decimal;
use serde::Deserialize;

use crate::domain::ledger::{AccountCode, JournalEvent};
use crate::money::{Currency, Money};

use super::line::{Line, LineKind};
use super::settled::Settlement;

/// The document's columns.
#[derive(Debug, Clone, Copy)]
pub struct StoredSettlement<'a> {
    /// What was divided.
    pub gross: Money,
    /// The answer's lines, JSON.
    pub lines: &'a str,
    /// The settlement, JSON.
    pub frozen: &'a str,
    /// The rates it used, JSON.
    pub rates: &'a str,
    /// Which fee rules.
    pub fee_version: &'a str,
    /// Which program.
    pub engine: &'a str,
}

/// One entry of the payment's transactions `split` and `converted_internal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookedEntry {
    /// What happened.
    pub event: JournalEvent,
    /// On which account.
    pub code: AccountCode,
    /// The account's owner.
    pub owner: String,
    /// Debit minus credit.
    pub amount: Money,
}

#[derive(Deserialize)]
struct UsedRate {
    base: Currency,
    quote: Currency,
    rate: Decimal,
}

/// What does not agree, in words; `None` when all does.
pub fn document_fault(stored: &StoredSettlement<'_>, booked: &[BookedEntry]) -> Option<String> {
    let settlement: Settlement = match serde_json::from_str(stored.frozen) {
        Ok(settlement) => settlement,
        Err(error) => return Some(format!("its frozen numbers cannot be read: {error}")),
    };
    let lines: Option<Vec<Line>> = serde_json::from_str(stored.lines).ok();
    let rates: Option<Vec<UsedRate>> = serde_json::from_str(stored.rates).ok();
    if settlement.gross != stored.gross {
        return Some(format!("it is of {} and its frozen numbers of {}", stored.gross, settlement.gross));
    }
    if lines.as_ref() != Some(&settlement.lines) {
        return Some("its lines are not those of its frozen numbers".to_owned());
    }
    if (settlement.fee_version().as_str(), settlement.engine.as_str()) != (stored.fee_version, stored.engine)
    {
        return Some("its fee rules or its program are not those of its lines".to_owned());
    }
    if !settlement.foots() {
        return Some("its lines do not sum to the gross".to_owned());
    }
    let of_a_rate = |mid: Decimal, base: Currency, quote: Currency| {
        let mut rates = rates.iter().flatten();
        rates.any(|used| (used.base, used.quote, used.rate) == (base, quote, mid))
    };
    let mut conversions = settlement.conversions.iter();
    if let Some(stray) =
        conversions.find(|deal| !of_a_rate(deal.mid, deal.from.currency(), deal.paid.currency()))
    {
        return Some(format!(
            "the conversion for {} has a rate that is not among its evidence",
            stray.supplier
        ));
    }
    differing(&settlement, booked)
}

/// Sums per event, account and currency. Accounts of the same meaning for the document are one: what is earned at once
/// and what is deferred, and every gateway's own account of a code.
#[derive(Default)]
struct Sums(BTreeMap<Place, i128>);

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    event: JournalEvent,
    code: AccountCode,
    owner: String,
    currency: Currency,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}[{}] in {}", self.event.as_str(), self.code.number(), self.owner, self.currency)
    }
}

impl Sums {
    fn add(&mut self, event: JournalEvent, code: AccountCode, owner: &str, amount: Money) {
        let (code, owner) = match code {
            AccountCode::SUPPLIER_PENDING => (code, owner.to_owned()),
            AccountCode::REVENUE_OWN_SALES | AccountCode::COMMISSION_DEFERRED => {
                (AccountCode::REVENUE_COMMISSION, String::new())
            }
            _ => (code, String::new()),
        };
        let place = Place { event, code, owner, currency: amount.currency() };
        *self.0.entry(place).or_default() += i128::from(amount.minor());
    }

    fn credit(&mut self, event: JournalEvent, code: AccountCode, owner: &str, amount: Money) {
        self.add(event, code, owner, amount.negated());
    }
}

/// What the document says should have been booked.
fn expected(settlement: &Settlement) -> Sums {
    let mut sums = Sums::default();
    let event = JournalEvent::Split;
    let whole = settlement.received.as_ref().map_or(settlement.gross, |received| received.to);
    sums.add(event, AccountCode::ORDER_CLEARING, "", whole);
    for part in &settlement.parts {
        if let Some(supplier) = part.supplier {
            sums.credit(event, AccountCode::SUPPLIER_PENDING, &supplier.to_string(), part.share);
        }
        sums.credit(event, AccountCode::REVENUE_COMMISSION, "", part.commission);
        sums.credit(event, AccountCode::TAX_OUTPUT, "", part.tax);
        if settlement.received.is_none() {
            sums.credit(event, AccountCode::COST_GATEWAY_FEE_RECHARGED, "", part.fee_borne);
        }
    }
    let event = JournalEvent::ConvertedInternal;
    for deal in &settlement.conversions {
        let supplier = deal.supplier.to_string();
        sums.add(event, AccountCode::SUPPLIER_PENDING, &supplier, deal.from);
        sums.credit(event, AccountCode::SUPPLIER_PENDING, &supplier, deal.paid);
        sums.credit(event, AccountCode::FX_POSITION, "", deal.from);
        sums.add(event, AccountCode::FX_POSITION, "", deal.at_mid);
        sums.credit(event, AccountCode::REVENUE_FX_MARKUP, "", deal.at_mid);
        sums.add(event, AccountCode::REVENUE_FX_MARKUP, "", deal.paid);
    }
    sums
}

fn differing(settlement: &Settlement, booked: &[BookedEntry]) -> Option<String> {
    let mut left = expected(settlement);
    for entry in booked {
        let Some(amount) = entry.amount.minor().checked_neg() else {
            return Some("an entry is too large".into());
        };
        let reversed = Money::from_minor(amount, entry.amount.currency());
        left.add(entry.event, entry.code, &entry.owner, reversed);
    }
    let (place, minor) = left.0.into_iter().find(|(_, minor)| *minor != 0)?;
    Some(format!("it says {minor} minor units more than was booked: {place}"))
}

impl Settlement {
    /// Which rules the fees came from: `gateway fee@3f2a…, commission@9b1c…`.
    pub fn fee_version(&self) -> String {
        let kinds = [LineKind::GatewayFee, LineKind::PlatformFee];
        let fees = self.lines.iter().filter(|line| kinds.contains(&line.kind));
        fees.map(|line| format!("{}@{}", line.rule, line.rule_version)).collect::<Vec<_>>().join(", ")
    }

    /// Whether its lines sum to what was divided, per currency.
    fn foots(&self) -> bool {
        let sum = |kinds: &[LineKind], currency: Currency| {
            let lines = self.lines.iter().filter(|line| kinds.contains(&line.kind));
            let lines = lines.filter(|line| line.amount.currency() == currency);
            Money::sum(currency, lines.map(|line| line.amount)).ok()
        };
        let (fee, shares) = (&[LineKind::GatewayFee][..], &[LineKind::PlatformFee, LineKind::Share][..]);
        let gross = self.gross.currency();
        match &self.received {
            None => sum(&[fee, shares].concat(), gross) == Some(self.gross),
            Some(received) => {
                let whole = sum(fee, gross).and_then(|fee| fee.checked_add(received.from).ok());
                whole == Some(self.gross) && sum(shares, received.to.currency()) == Some(received.to)
            }
        }
    }
}
