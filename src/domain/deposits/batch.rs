//! A batch as a gateway reports it: what it settles, what it keeps, what it sends. It foots or it is none.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::merchants::SettlementMode;
use crate::ids::PaymentId;
use crate::money::{Currency, Money, MoneyError};

/// What a gateway says about one payout. Amounts are zero or above and of one currency, except `held`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedBatch {
    /// The gateway's own reference, unique for ever at its account.
    pub reference: String,
    /// The end of what it covers.
    pub closed_at: DateTime<Utc>,
    /// When it was sent to the bank; `None` while the gateway has only closed it.
    pub paid_at: Option<DateTime<Utc>>,
    /// What the bank's line will name, where not `reference`.
    pub deposit_reference: Option<String>,
    /// Captures of the batch.
    pub gross: Money,
    /// Refunds taken off it.
    pub refunds: Money,
    /// Chargebacks taken off it.
    pub chargebacks: Money,
    /// Held back of it, less what was released with it: may be below zero.
    pub held: Money,
    /// The gateway's fee on its captures, without tax.
    pub fee: Money,
    /// Tax on the fee.
    pub tax: Money,
    /// What is sent.
    pub net: Money,
    /// What it settles. Empty: the captures of the account up to `closed_at` that no batch settled before.
    pub items: Vec<BatchItem>,
}

/// One fact that a batch settles.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BatchItem {
    /// What it is.
    pub kind: ItemKind,
    /// The gateway's reference of the fact: a capture is settled once.
    pub reference: String,
    /// The payment, where one is known.
    pub payment: Option<PaymentId>,
    /// Zero or above.
    pub amount: Money,
}

/// What a batch settles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ItemKind {
    /// Money taken.
    Capture,
    /// Money given back.
    Refund,
    /// Money taken back.
    Chargeback,
}

/// Why a report is no batch.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BatchError {
    /// Several currencies.
    #[error("`{0}` is of another currency than `net`: a batch has one")]
    Currency(&'static str),
    /// An amount below zero.
    #[error("`{0}` is below zero")]
    Negative(&'static str),
    /// It does not foot.
    #[error("the batch does not foot: {expected} would be paid out, it says {net}")]
    DoesNotFoot {
        /// What its parts come to.
        expected: Money,
        /// What it says.
        net: Money,
    },
    /// Its items are not its sums.
    #[error("the items named as {kind} come to {items}, the batch says {says}")]
    Items {
        /// Which of them.
        kind: &'static str,
        /// Their sum.
        items: Money,
        /// The batch's own.
        says: Money,
    },
    /// An item twice.
    #[error("`{0}` stands in the batch twice")]
    Twice(String),
    /// A reference that is none.
    #[error("a reference has 1 to 140 characters")]
    Reference,
    /// Beyond what amounts may be.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl ReportedBatch {
    /// Its currency.
    pub fn currency(&self) -> Currency {
        self.net.currency()
    }

    /// Holds the report against itself.
    ///
    /// # Errors
    /// [`BatchError`].
    pub fn check(&self, mode: SettlementMode) -> Result<(), BatchError> {
        if self.reference.is_empty() || self.reference.chars().count() > 140 {
            return Err(BatchError::Reference);
        }
        let parts = [
            ("gross", self.gross),
            ("refunds", self.refunds),
            ("chargebacks", self.chargebacks),
            ("fee", self.fee),
            ("tax", self.tax),
            ("held", self.held),
        ];
        for (name, amount) in parts {
            if amount.currency() != self.currency() {
                return Err(BatchError::Currency(name));
            }
            // A gateway may give fees back, and may release what it held.
            if amount.is_negative() && !matches!(name, "held" | "fee" | "tax") {
                return Err(BatchError::Negative(name));
            }
        }
        let mut expected = self.gross.checked_sub(self.refunds)?.checked_sub(self.chargebacks)?;
        expected = expected.checked_sub(self.held)?;
        if mode != SettlementMode::GrossThenInvoice {
            expected = expected.checked_sub(self.fee)?.checked_sub(self.tax)?;
        }
        if expected != self.net {
            return Err(BatchError::DoesNotFoot { expected, net: self.net });
        }
        self.check_items()
    }

    fn check_items(&self) -> Result<(), BatchError> {
        let mut seen = std::collections::BTreeSet::new();
        for item in &self.items {
            if item.reference.is_empty() || item.reference.chars().count() > 140 {
                return Err(BatchError::Reference);
            }
            if item.amount.currency() != self.currency() {
                return Err(BatchError::Currency("items"));
            }
            if item.amount.is_negative() {
                return Err(BatchError::Negative("items"));
            }
            if !seen.insert((item.kind as u8, item.reference.as_str())) {
                return Err(BatchError::Twice(item.reference.clone()));
            }
        }
        let sums = [
            (ItemKind::Capture, "captures", self.gross),
            (ItemKind::Refund, "refunds", self.refunds),
            (ItemKind::Chargeback, "chargebacks", self.chargebacks),
        ];
        for (kind, name, says) in sums.into_iter().filter(|_| !self.items.is_empty()) {
            let of = self.items.iter().filter(|item| item.kind == kind).map(|item| item.amount);
            let items = Money::sum(self.currency(), of)?;
            if items != says {
                return Err(BatchError::Items { kind: name, items, says });
            }
        }
        Ok(())
    }

    /// The references of its captures.
    pub fn captures(&self) -> impl Iterator<Item = &str> {
        self.items.iter().filter(|item| item.kind == ItemKind::Capture).map(|item| item.reference.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::from_micros;

    fn sgd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::find("SGD").unwrap())
    }

    fn j07() -> ReportedBatch {
        let item = |kind, reference: &str, minor| BatchItem {
            kind,
            reference: reference.to_owned(),
            payment: None,
            amount: sgd(minor),
        };
        let captures = (0..5).map(|index| item(ItemKind::Capture, &format!("c{index}"), 1020));
        ReportedBatch {
            reference: "GP-1".to_owned(),
            closed_at: from_micros(1_795_000_000_000_000),
            paid_at: None,
            deposit_reference: None,
            gross: sgd(5100),
            refunds: sgd(1020),
            chargebacks: sgd(0),
            held: sgd(0),
            fee: sgd(92),
            tax: sgd(0),
            net: sgd(3988),
            items: captures.chain([item(ItemKind::Refund, "r1", 1020)]).collect(),
        }
    }

    #[test]
    fn a_batch_foots_in_its_mode() {
        let batch = j07();
        assert_eq!(batch.check(SettlementMode::NetInBatch), Ok(()));
        let gross = BatchError::DoesNotFoot { expected: sgd(4080), net: sgd(3988) };
        assert_eq!(batch.check(SettlementMode::GrossThenInvoice), Err(gross));
        let held = ReportedBatch { held: sgd(-500), net: sgd(4488), ..j07() };
        assert_eq!(held.check(SettlementMode::NetInBatch), Ok(()));
    }

    #[test]
    fn what_contradicts_itself_is_no_batch() {
        let mode = SettlementMode::NetInBatch;
        for (broken, error) in [
            (ReportedBatch { reference: String::new(), ..j07() }, BatchError::Reference),
            (ReportedBatch { refunds: sgd(-1), ..j07() }, BatchError::Negative("refunds")),
            (
                ReportedBatch { net: sgd(3989), ..j07() },
                BatchError::DoesNotFoot { expected: sgd(3988), net: sgd(3989) },
            ),
            (
                ReportedBatch { items: j07().items[1..].to_vec(), ..j07() },
                BatchError::Items { kind: "captures", items: sgd(4080), says: sgd(5100) },
            ),
            (
                ReportedBatch { items: vec![j07().items[0].clone(); 5], ..j07() },
                BatchError::Twice("c0".to_owned()),
            ),
            (
                ReportedBatch { tax: Money::zero(Currency::find("MYR").unwrap()), ..j07() },
                BatchError::Currency("tax"),
            ),
        ] {
            assert_eq!(broken.check(mode), Err(error));
        }
    }
}
