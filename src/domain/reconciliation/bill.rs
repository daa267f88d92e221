//! One line of a gateway's bill, in our words.
//!
//! Every amount is seen from the account: what came in is positive, what went out negative; a fee is what the gateway
//! took, so it is positive, and negative where it came back. `net` is by construction what the line did to the
//! account's balance: gross less fee less the tax on the fee, all in one currency. A fee in another currency is a line
//! of its own.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::fact::Class;
use crate::domain::country::Country;
use crate::domain::merchants::SettlementMode;
use crate::money::{Money, MoneyError};

/// What a line is about. The words of PayPal's groups and of everybody else's reports.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BillKind {
    /// A shopper's payment (T00).
    Payment,
    /// A payout to a supplier, by the gateway's own payouts (T0001).
    Payout,
    /// A payout that came back (T1114, T1115).
    PayoutReturned,
    /// A fee that belongs to no other line (T01).
    Fee,
    /// The fee of a chargeback or dispute (T0106).
    DisputeFee,
    /// One side of a conversion (T02).
    Conversion,
    /// Money put into the account from a bank (T03).
    Deposit,
    /// Money paid out to the merchant's bank (T04).
    Withdrawal,
    /// Money moved to or from another account of the same owner (T20).
    Sweep,
    /// A payment paid back by us (T1107).
    Refund,
    /// Captured money taken back otherwise (T11).
    Reversal,
    /// Captured money taken back by the shopper's bank (T1106, T1201).
    Chargeback,
    /// A chargeback undone (T1202).
    ChargebackReversed,
    /// A correction (T12, T19).
    Adjustment,
    /// A part of the balance put aside (negative) or freed (positive) for one transaction (T15).
    Hold,
    /// What was held is free (T1105).
    HoldReleased,
    /// A part of the balance put aside (negative) or freed (positive) as a reserve (T21).
    Reserve,
    /// An authorisation: no money moved (T13).
    Authorisation,
    /// A word that nobody here knows. Its money is real: it stands in suspense with a finding.
    Unknown {
        /// The gateway's word.
        raw: String,
    },
}

impl BillKind {
    /// The word in findings and answers.
    pub fn as_str(&self) -> &'static str {
        match self {
            BillKind::Payment => "payment",
            BillKind::Payout => "payout",
            BillKind::PayoutReturned => "payout_returned",
            BillKind::Fee => "fee",
            BillKind::DisputeFee => "dispute_fee",
            BillKind::Conversion => "conversion",
            BillKind::Deposit => "deposit",
            BillKind::Withdrawal => "withdrawal",
            BillKind::Sweep => "sweep",
            BillKind::Refund => "refund",
            BillKind::Reversal => "reversal",
            BillKind::Chargeback => "chargeback",
            BillKind::ChargebackReversed => "chargeback_reversed",
            BillKind::Adjustment => "adjustment",
            BillKind::Hold => "hold",
            BillKind::HoldReleased => "hold_released",
            BillKind::Reserve => "reserve",
            BillKind::Authorisation => "authorisation",
            BillKind::Unknown { .. } => "unknown",
        }
    }
}

/// How far the gateway is with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LineStatus {
    /// Done.
    Settled,
    /// Not final; may never move money.
    Pending,
    /// Refused; moved nothing.
    Denied,
    /// Done, and undone whole by a later line.
    Undone,
}

/// SHA-256 of a line exactly as the gateway wrote it, without its line break: the evidence a finding names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineHash(pub [u8; 32]);

impl fmt::Display for LineHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for LineHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A line as an adapter reads it, before it is known to add up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineFacts {
    /// The gateway's id of this movement: the capture's, the refund's. Not unique: a gateway may name it twice.
    pub gateway_ref: String,
    /// The gateway's id of the movement this one is about: a refund's capture.
    pub related_ref: Option<String>,
    /// The reference we sent, where the bill names it.
    pub our_ref: Option<String>,
    /// Where the payer is at home, where the bill says so.
    pub payer_country: Option<Country>,
    /// What it is.
    pub kind: BillKind,
    /// How far it is.
    pub status: LineStatus,
    /// What moved before fees; positive came in.
    pub gross: Money,
    /// What the gateway took of it; negative came back.
    pub fee: Money,
    /// The tax on the fee, on top of it.
    pub tax: Money,
    /// When the gateway moved it.
    pub at: DateTime<Utc>,
    /// The receiving account as the bill names it.
    pub account: String,
    /// Of the line's own bytes.
    pub hash: LineHash,
}

/// One line of a gateway's bill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BillLine {
    facts: LineFacts,
    net: Money,
}

impl BillLine {
    /// A line whose amounts share one currency; its net is computed here and nowhere else.
    ///
    /// # Errors
    /// [`MoneyError`] for two currencies, or a sum beyond what the ledger holds.
    pub fn try_new(facts: LineFacts) -> Result<BillLine, MoneyError> {
        let net = facts.gross.checked_sub(facts.fee)?.checked_sub(facts.tax)?;
        Ok(BillLine { facts, net })
    }

    /// What the line did to the account's balance.
    pub fn net(&self) -> Money {
        self.net
    }

    /// What of it stands aside where nothing here explains it: its net. Where payouts or invoices bear the fees of what was
    /// paid, paid back and taken back, its amount: the fee is a part of theirs.
    pub fn unexplained(&self, mode: SettlementMode) -> Money {
        let bears = match self.kind.class() {
            Some(Class::Payment | Class::Refund) => true,
            Some(Class::Reversal) => self.gross.is_negative(),
            _ => false,
        };
        if bears && mode != SettlementMode::NetAtCapture { self.gross } else { self.net }
    }

    /// What it was made of.
    pub fn into_facts(self) -> LineFacts {
        self.facts
    }

    /// The movement, and beside it as a movement of its own the fee, with its tax, that the books do not have as part of it.
    /// Both together moved the line's net. What payments, refunds and reversals cost stands apart only where fees are taken
    /// at the capture, what a payout costs only where it does not bring its takings' fees.
    ///
    /// Whole stay payments of an amount, whose fee is theirs, refunds that gave a fee back, payouts to payees, whose fees
    /// their rail tells, and what nothing here explains: it is put aside by its net.
    pub fn apart(self, mode: SettlementMode) -> (BillLine, Option<BillLine>) {
        let Ok(charged) = self.net.checked_sub(self.gross) else { return (self, None) };
        let nothing = Money::zero(charged.currency());
        let is_apart = match self.kind.class() {
            Some(Class::Payment) => self.gross.is_zero() && mode == SettlementMode::NetAtCapture,
            Some(Class::Refund) => {
                (self.gross.is_zero() || charged.is_negative()) && mode == SettlementMode::NetAtCapture
            }
            Some(Class::Reversal) => mode == SettlementMode::NetAtCapture,
            Some(Class::Settlement) => mode != SettlementMode::NetInBatch,
            Some(Class::Fee | Class::Hold) => true,
            _ => false,
        };
        if charged.is_zero() || !is_apart {
            return (self, None);
        }
        let without = |facts: LineFacts| LineFacts { fee: nothing, tax: nothing, ..facts };
        if self.kind.class() == Some(Class::Fee) {
            let gross = self.net;
            return (BillLine { net: gross, facts: LineFacts { gross, ..without(self.facts) } }, None);
        }
        let fee = LineFacts { kind: BillKind::Fee, gross: charged, ..without(self.facts.clone()) };
        let movement = BillLine { net: self.facts.gross, facts: without(self.facts) };
        (movement, Some(BillLine { net: charged, facts: fee }))
    }
}

impl std::ops::Deref for BillLine {
    type Target = LineFacts;
    fn deref(&self) -> &LineFacts {
        &self.facts
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::money::Currency;

    fn money(code: &str, minor: i64) -> Money {
        Money::from_minor(minor, Currency::find(code).unwrap())
    }

    fn facts(gross: Money, fee: Money, tax: Money) -> LineFacts {
        LineFacts {
            gateway_ref: "42311647XV020574X".into(),
            related_ref: None,
            our_ref: None,
            payer_country: None,
            kind: BillKind::Payment,
            status: LineStatus::Settled,
            gross,
            fee,
            tax,
            at: DateTime::UNIX_EPOCH,
            account: "A".into(),
            hash: LineHash([7; 32]),
        }
    }

    #[test]
    fn net_is_what_the_balance_felt() {
        let sgd = |minor| money("SGD", minor);
        for (gross, fee, tax, net) in
            [(10_000, 200, 18, 9_782), (-10_000, 0, 0, -10_000), (0, -490, 0, 490), (-500, 20, 0, -520)]
        {
            let line = BillLine::try_new(facts(sgd(gross), sgd(fee), sgd(tax))).unwrap();
            assert_eq!(line.net(), sgd(net));
        }
        let mixed = BillLine::try_new(facts(sgd(1), money("USD", 1), sgd(0)));
        assert!(matches!(mixed, Err(MoneyError::CurrencyMismatch { .. })));
        let beyond = BillLine::try_new(facts(sgd(i64::MAX), sgd(-1), sgd(0)));
        assert!(matches!(beyond, Err(MoneyError::TooLarge { .. })));
    }

    #[test]
    fn what_payouts_bear_the_fee_of_stands_aside_by_its_amount() {
        let sgd = |minor| money("SGD", minor);
        for (kind, gross, at_capture, in_batch) in [
            (BillKind::Refund, -1_000, -980, -1_000),
            (BillKind::Chargeback, -1_000, -980, -1_000),
            (BillKind::ChargebackReversed, 1_000, 1_020, 1_020),
            (BillKind::Adjustment, -1_000, -980, -980),
        ] {
            let facts = LineFacts { kind: kind.clone(), ..facts(sgd(gross), sgd(-18), sgd(-2)) };
            let line = BillLine::try_new(facts).unwrap();
            assert_eq!(line.unexplained(SettlementMode::NetAtCapture), sgd(at_capture), "{kind:?}");
            for mode in [SettlementMode::NetInBatch, SettlementMode::GrossThenInvoice] {
                assert_eq!(line.unexplained(mode), sgd(in_batch), "{kind:?}");
            }
        }
    }

    #[test]
    fn a_fee_apart_and_its_movement_come_to_the_lines_net() {
        let rows = [
            (BillKind::Chargeback, -10_000, -340, 0, -10_000, Some(340)),
            (BillKind::Withdrawal, -1_000, 25, 2, -1_000, Some(-27)),
            (BillKind::Hold, -500, 0, 0, -500, None),
            (BillKind::DisputeFee, 0, 2_000, 0, -2_000, None),
            (BillKind::Fee, -100, 20, 0, -120, None),
            (BillKind::Payment, 10_000, 490, 0, 10_000, None),
            (BillKind::Payment, 0, 30, 0, 0, Some(-30)),
            (BillKind::Refund, -4_000, -100, 0, -4_000, None),
            (BillKind::Refund, -4_000, 30, 0, -4_000, Some(-30)),
            (BillKind::Adjustment, -300, 10, 0, -300, None),
        ];
        let usd = |minor| money("USD", minor);
        for (kind, gross, fee, tax, moved, charged) in rows {
            let facts = LineFacts { kind: kind.clone(), ..facts(usd(gross), usd(fee), usd(tax)) };
            let line = BillLine::try_new(facts).unwrap();
            let (movement, apart) = line.clone().apart(SettlementMode::NetAtCapture);
            let told = apart.as_ref().map(|fee| (fee.kind.as_str(), fee.gross.minor(), fee.net().minor()));
            assert_eq!(movement.gross, usd(moved), "{kind:?}");
            assert_eq!(told, charged.map(|minor| ("fee", minor, minor)), "{kind:?}");
            let parts = [Some(movement), apart].into_iter().flatten().map(|part| part.net());
            assert_eq!(Money::sum(line.net().currency(), parts).unwrap(), line.net(), "{kind:?}");
        }
        let line = |kind| {
            let facts = LineFacts { kind, ..facts(usd(-10_000), usd(100), usd(0)) };
            BillLine::try_new(facts).unwrap()
        };
        let rows = [
            (BillKind::Chargeback, SettlementMode::NetInBatch, false, "the payout bears it"),
            (BillKind::Chargeback, SettlementMode::GrossThenInvoice, false, "the invoice bears it"),
            (BillKind::Sweep, SettlementMode::NetInBatch, false, "the batch is what its rows say"),
            (BillKind::Withdrawal, SettlementMode::GrossThenInvoice, true, "nothing else bears it"),
            (BillKind::Withdrawal, SettlementMode::NetAtCapture, true, "nothing else bears it"),
        ];
        for (kind, mode, is_apart, why) in rows {
            let (movement, apart) = line(kind.clone()).apart(mode);
            assert_eq!((apart.is_some(), movement == line(kind)), (is_apart, !is_apart), "{why}");
        }
    }
}
