//! What does not agree between a bill and the books.

use serde::{Deserialize, Serialize};

use super::bill::BillLine;
use super::fact::Fact;
use crate::domain::orders::Exchanged;

/// How sure a repair is, and so who may make it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// Two channels of the gateway agree: repaired, nothing to do.
    Automatic,
    /// Repaired, and shown: one channel says so, and nothing left the house.
    Flagged,
    /// Waits for a person; what pays out or writes off takes two.
    Waits,
    /// A dry run lists it: nobody was asked, and nothing was done.
    Listed,
}

impl Grade {
    /// The word of answers.
    pub fn as_str(self) -> &'static str {
        match self {
            Grade::Automatic => "automatic",
            Grade::Flagged => "flagged",
            Grade::Waits => "waits",
            Grade::Listed => "listed",
        }
    }
}

/// One thing that does not agree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// Paid at the gateway, unknown or unpaid here.
    PaidThere(BillLine),
    /// Paid back at the gateway, not here.
    RefundThere(BillLine),
    /// Any other movement that the books have not.
    MovedThere(BillLine),
    /// Changed within the balance for a movement of the bill, and the books have no conversion.
    ConvertedThere {
        /// The movement's name at the gateway.
        movement: String,
        /// What became what.
        exchanged: Exchanged,
        /// Both sides.
        lines: Box<[BillLine; 2]>,
    },
    /// Booked here, and no bill named it within the cut-off.
    MissingThere(Fact),
    /// Another amount.
    Amount(Fact, BillLine),
    /// Another currency.
    Currency(Fact, BillLine),
    /// Another fee.
    Fee(Fact, BillLine),
    /// Booked here, and not final, refused or undone there.
    Status(Fact, BillLine),
    /// Named twice. With the same bytes it is the listing that is wrong; else money may have moved twice.
    Duplicate {
        /// The second naming.
        line: BillLine,
        /// Whether the first was the same to the byte.
        same_bytes: bool,
    },
    /// Billed more than the cut-off after it happened.
    Late(Fact, BillLine),
    /// The same by its content, not by its reference.
    OtherReference(Fact, BillLine),
}

impl Difference {
    /// The word of findings.
    pub fn as_str(&self) -> &'static str {
        match self {
            Difference::PaidThere(_) => "paid_unknown_here",
            Difference::RefundThere(_) => "refund_only_there",
            Difference::MovedThere(_) => "unknown_movement",
            Difference::ConvertedThere { .. } => "conversion",
            Difference::MissingThere(_) => "missing_there",
            Difference::Amount(..) => "amount",
            Difference::Currency(..) => "currency",
            Difference::Fee(..) => "fee",
            Difference::Status(..) => "status",
            Difference::Duplicate { .. } => "duplicate",
            Difference::Late(..) => "late",
            Difference::OtherReference(..) => "other_reference",
        }
    }

    /// The line it is about.
    pub fn line(&self) -> Option<&BillLine> {
        match self {
            Difference::MissingThere(_) => None,
            Difference::ConvertedThere { lines, .. } => lines.first(),
            Difference::PaidThere(line)
            | Difference::RefundThere(line)
            | Difference::MovedThere(line)
            | Difference::Amount(_, line)
            | Difference::Currency(_, line)
            | Difference::Fee(_, line)
            | Difference::Status(_, line)
            | Difference::Duplicate { line, .. }
            | Difference::Late(_, line)
            | Difference::OtherReference(_, line) => Some(line),
        }
    }

    /// What the books have, where they have something.
    pub fn fact(&self) -> Option<&Fact> {
        match self {
            Difference::MissingThere(fact)
            | Difference::Amount(fact, _)
            | Difference::Currency(fact, _)
            | Difference::Fee(fact, _)
            | Difference::Status(fact, _)
            | Difference::Late(fact, _)
            | Difference::OtherReference(fact, _) => Some(fact),
            Difference::PaidThere(_)
            | Difference::RefundThere(_)
            | Difference::MovedThere(_)
            | Difference::ConvertedThere { .. }
            | Difference::Duplicate { .. } => None,
        }
    }
}
