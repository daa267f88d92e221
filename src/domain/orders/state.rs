//! The state machine of a payment: pure, and the only place that decides what a report means.
//!
//! Reports come late, twice and out of order, so repeated and overtaken news are answers, not errors. Three classes
//! order everything: *open* < *closed without money* < *money taken*. A payment only ever moves to the right:
//!
//! ```text
//! created → requires_action → pending → authorized → pending, money expected
//!                                                   ├→ failed | cancelled | expired ─┐
//!                                                   ├→ in_review ───────────────────┤
//!                                                   │      └→ cancelled (sent back) ┤
//!                                                   └→ captured ←───── late, flagged ┘
//!                                                         └→ partially_refunded → refunded
//! ```
//!
//! What it refuses: a report whose amount, currency, receiver or reference is not ours never takes money for granted
//! ([`Conflict`]); silence and unknown words ([`ReportKind::NotFound`], [`ReportKind::Unknown`]) never fail a payment;
//! nothing that happened is taken back.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};

use crate::money::Money;

use super::conflict::{Asked, Conflict};
use super::report::{Capture, PaymentReport, ReportKind};
use super::taken::{Held, Received, Taken};

/// Where a payment stands, with what is known then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PaymentState {
    /// Written down; the gateway has not confirmed it.
    Created,
    /// The shopper has something to do.
    RequiresAction,
    /// Under way at the gateway.
    Pending {
        /// The gateway's word.
        reason: String,
        /// What it has taken and not credited yet. While this stands, so do its entries in the pending layer.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expected: Option<Money>,
    },
    /// The shopper agreed; we take the money now.
    Authorized,
    /// The gateway holds the money for us.
    Captured {
        /// What was taken.
        taken: Taken,
    },
    /// Part of it went back.
    PartiallyRefunded {
        /// What was taken.
        taken: Taken,
        /// How much went back so far.
        refunded: Money,
    },
    /// All of it went back.
    Refunded {
        /// What was taken.
        taken: Taken,
    },
    /// Refused for good.
    Failed {
        /// The gateway's code.
        code: String,
    },
    /// Called off.
    Cancelled {
        /// By whom: the gateway's code, `merchant`, or `sent_back`.
        code: String,
        /// Money that stood aside and went back whole; its capture may still be told of, and says nothing new.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        returned: Option<Held>,
    },
    /// Nobody acted in time.
    Expired,
    /// What the gateway says is not what was asked; a person looks.
    InReview {
        /// What differs.
        why: Conflict,
        /// What the gateway holds meanwhile: booked, but nobody's.
        held: Option<Held>,
    },
}

/// What a report means for a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Transition {
    /// It moves.
    Advance(PaymentState),
    /// It says what is already known.
    AlreadyThere,
    /// It was overtaken, or says nothing.
    Stale,
    /// It is not about what was asked.
    Conflict(Conflict),
}

impl PaymentState {
    /// Every state's word, see [`PaymentState::as_str`].
    pub const WORDS: [&'static str; 11] = [
        "created",
        "requires_action",
        "pending",
        "authorized",
        "captured",
        "partially_refunded",
        "refunded",
        "failed",
        "cancelled",
        "expired",
        "in_review",
    ];

    /// The word of the API, the store and the timeline.
    pub fn as_str(&self) -> &'static str {
        match self {
            PaymentState::Created => "created",
            PaymentState::RequiresAction => "requires_action",
            PaymentState::Pending { .. } => "pending",
            PaymentState::Authorized => "authorized",
            PaymentState::Captured { .. } => "captured",
            PaymentState::PartiallyRefunded { .. } => "partially_refunded",
            PaymentState::Refunded { .. } => "refunded",
            PaymentState::Failed { .. } => "failed",
            PaymentState::Cancelled { .. } => "cancelled",
            PaymentState::Expired => "expired",
            PaymentState::InReview { .. } => "in_review",
        }
    }

    /// The capture, once there is one.
    pub fn taken(&self) -> Option<&Taken> {
        match self {
            PaymentState::Captured { taken }
            | PaymentState::PartiallyRefunded { taken, .. }
            | PaymentState::Refunded { taken } => Some(taken),
            _ => None,
        }
    }

    /// What is on its way: taken by the gateway and not credited yet.
    pub fn expected(&self) -> Option<Money> {
        match self {
            PaymentState::Pending { expected, .. } => *expected,
            _ => None,
        }
    }

    /// How much went back, once something was captured.
    pub fn refunded(&self) -> Option<Money> {
        match self {
            PaymentState::Captured { taken } => Some(Money::zero(taken.amount.currency())),
            PaymentState::PartiallyRefunded { refunded, .. } => Some(*refunded),
            PaymentState::Refunded { taken } => Some(taken.amount),
            _ => None,
        }
    }

    /// Ended without money: failed, cancelled or expired. Its order reference and its quote are free again.
    pub fn is_closed(&self) -> bool {
        matches!(self, PaymentState::Failed { .. } | PaymentState::Cancelled { .. } | PaymentState::Expired)
    }

    /// May still become anything: the gateway is asked about it.
    pub fn is_open(&self) -> bool {
        !self.is_closed() && self.taken().is_none()
    }

    /// How far along the way to capture an open payment is.
    fn step(&self) -> u8 {
        match self {
            PaymentState::Created => 0,
            PaymentState::RequiresAction => 1,
            PaymentState::Pending { expected: None, .. } => 2,
            PaymentState::Authorized => 3,
            PaymentState::Pending { expected: Some(_), .. } => 4,
            _ => 5,
        }
    }

    /// Whether the merchant may still call the payment off: no money is involved yet.
    pub fn may_cancel(&self) -> bool {
        self.step() < 4 || matches!(self, PaymentState::InReview { held: None, .. })
    }

    /// What a report means for a payment in this state.
    pub fn apply(&self, asked: &Asked, report: &PaymentReport) -> Transition {
        if let Some(conflict) = asked.conflict(report) {
            return self.conflicting(conflict, &report.kind);
        }
        match &report.kind {
            ReportKind::RequiresAction if asked.lapsed && self.step() <= 1 => {
                Transition::Advance(PaymentState::Expired)
            }
            ReportKind::RequiresAction => self.forward(PaymentState::RequiresAction),
            ReportKind::Pending { reason, expected, .. } => {
                self.forward(PaymentState::Pending { reason: reason.clone(), expected: *expected })
            }
            ReportKind::Authorised { .. } => self.forward(PaymentState::Authorized),
            ReportKind::Captured(capture) => self.captured(capture),
            ReportKind::Failed { code } => self.close(PaymentState::Failed { code: code.clone() }),
            ReportKind::Cancelled { code } => {
                self.close(PaymentState::Cancelled { code: code.clone(), returned: None })
            }
            ReportKind::Expired => self.close(PaymentState::Expired),
            ReportKind::NotFound if asked.lapsed => self.close(PaymentState::Expired),
            ReportKind::Stated { .. } | ReportKind::NotFound | ReportKind::Unknown { .. } => {
                Transition::Stale
            }
        }
    }

    /// Whether we should take the money now: the shopper agreed to what was asked, and nothing has been taken, closed
    /// or found wrong with money in it. A payment in review for a wrong *promise* is completed by a right one.
    pub fn completes(&self, asked: &Asked, report: &PaymentReport) -> bool {
        matches!(report.kind, ReportKind::Authorised { .. })
            && asked.conflict(report).is_none()
            && self.may_cancel()
    }

    /// Where a conflict puts the payment: in review while nothing was captured, nowhere after. `held` is what the
    /// gateway holds, when it holds it for us.
    pub fn under_review(&self, why: Conflict, held: Option<Held>) -> Option<PaymentState> {
        match self {
            PaymentState::InReview { held: Some(_), .. } => None,
            PaymentState::InReview { held: None, .. } if held.is_none() => None,
            state if state.taken().is_some() => None,
            _ => Some(PaymentState::InReview { why, held }),
        }
    }

    /// What stood aside under this capture has gone back whole: the payment ends without money, and its order is free.
    pub fn send_back(&self, capture_ref: &str) -> Transition {
        match self {
            PaymentState::InReview { held: Some(held), .. } if held.capture_ref == capture_ref => {
                let returned = Some(held.clone());
                Transition::Advance(PaymentState::Cancelled { code: "sent_back".to_owned(), returned })
            }
            PaymentState::Cancelled { returned: Some(held), .. } if held.capture_ref == capture_ref => {
                Transition::AlreadyThere
            }
            _ => Transition::Stale,
        }
    }

    /// What the gateway credited for this capture of the payment, where it converted.
    pub fn received(&self, capture_ref: &str) -> Option<Received> {
        let taken = self.taken().filter(|taken| taken.capture_ref == capture_ref);
        match self {
            PaymentState::InReview { held: Some(held), .. } if held.capture_ref == capture_ref => {
                held.received
            }
            _ => taken.and_then(|taken| taken.received),
        }
    }

    /// Whether this capture came and went back.
    fn has_returned(&self, capture: &Capture) -> bool {
        matches!(self, PaymentState::Cancelled { returned: Some(held), .. } if held.capture_ref == capture.capture_ref)
    }

    /// Refunds of `total` in all have gone back. Never more than was captured, never less than before.
    pub fn refund(&self, total: Money) -> Transition {
        let (Some(taken), Some(before)) = (self.taken(), self.refunded()) else {
            return Transition::Stale;
        };
        if total.currency() != taken.amount.currency() {
            let (asked, reported) = (taken.amount.currency(), total.currency());
            return Transition::Conflict(Conflict::CurrencyDiffers { asked, reported });
        }
        if total.minor() > taken.amount.minor() {
            return Transition::Conflict(Conflict::AmountDiffers { asked: taken.amount, reported: total });
        }
        let taken = taken.clone();
        match total.minor() {
            minor if minor == before.minor() => Transition::AlreadyThere,
            minor if minor < before.minor() => Transition::Stale,
            minor if minor == taken.amount.minor() => Transition::Advance(PaymentState::Refunded { taken }),
            _ => Transition::Advance(PaymentState::PartiallyRefunded { taken, refunded: total }),
        }
    }

    /// On along the way to capture, if that is forward.
    fn forward(&self, to: PaymentState) -> Transition {
        match self.step().cmp(&to.step()) {
            Ordering::Less => Transition::Advance(to),
            Ordering::Equal => Transition::AlreadyThere,
            Ordering::Greater => Transition::Stale,
        }
    }

    /// Ends without money, if there is none.
    fn close(&self, to: PaymentState) -> Transition {
        match self {
            state if state.may_cancel() || state.expected().is_some() => Transition::Advance(to),
            state if state.as_str() == to.as_str() => Transition::AlreadyThere,
            _ => Transition::Stale,
        }
    }

    /// The gateway holds what was asked.
    fn captured(&self, capture: &Capture) -> Transition {
        if self.has_returned(capture) {
            return Transition::AlreadyThere;
        }
        if let Some(taken) = self.taken() {
            if taken.capture_ref == capture.capture_ref {
                return Transition::AlreadyThere;
            }
            let (first, second) = (taken.capture_ref.clone(), capture.capture_ref.clone());
            return Transition::Conflict(Conflict::CapturedAgain { first, second });
        }
        let taken = Taken {
            capture_ref: capture.capture_ref.clone(),
            amount: capture.amount,
            at: capture.at,
            late: self.is_closed(),
            received: Received::of(capture),
        };
        Transition::Advance(PaymentState::Captured { taken })
    }

    /// A wrong promise means nothing once the payment is closed, in review or captured; wrong money always does, once;
    /// a notice that states another amount than was captured is looked into.
    fn conflicting(&self, conflict: Conflict, kind: &ReportKind) -> Transition {
        match (kind, self) {
            (ReportKind::Captured(capture), PaymentState::InReview { held: Some(held), .. })
                if held.capture_ref == capture.capture_ref =>
            {
                Transition::AlreadyThere
            }
            (ReportKind::Captured(capture), state) if state.has_returned(capture) => Transition::AlreadyThere,
            (ReportKind::Captured(_), _) => Transition::Conflict(conflict),
            (ReportKind::Stated { .. }, state) if state.taken().is_some() => Transition::Conflict(conflict),
            (_, PaymentState::InReview { .. }) => Transition::AlreadyThere,
            (_, state) if state.is_open() => Transition::Conflict(conflict),
            _ => Transition::Stale,
        }
    }
}

#[cfg(test)]
mod tests;
