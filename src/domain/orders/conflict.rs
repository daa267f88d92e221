//! How a report can differ from what was asked.
//!
//! Amount, currency, receiver and reference are held against our own record on every report. The amount binds only
//! where it is one: in a promise ([`ReportKind::Authorised`], [`ReportKind::Pending`]), in a capture, and where a notice states it.

use serde::{Deserialize, Serialize};

use crate::money::{Currency, Money};

use super::report::{PaymentReport, ReportKind};

/// What our own record says, to hold a report against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// What was to be taken.
    pub amount: Money,
    /// The reference we sent.
    pub request_ref: String,
    /// Our receiving account as the gateway names it, where it does.
    pub receiver: Option<String>,
    /// Whether the payment's time is over: only then does silence mean that it will not come.
    pub lapsed: bool,
}

/// How a report differs from what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error, utoipa::ToSchema)]
#[serde(tag = "conflict", rename_all = "snake_case")]
pub enum Conflict {
    /// Another amount.
    #[error("asked {asked}, the gateway says {reported}")]
    AmountDiffers {
        /// What was asked.
        asked: Money,
        /// What the gateway says.
        reported: Money,
    },
    /// Another currency.
    #[error("asked {asked}, the gateway says {reported}")]
    CurrencyDiffers {
        /// The currency asked.
        asked: Currency,
        /// The currency the gateway says.
        reported: Currency,
    },
    /// Another receiver: not our money.
    #[error("our account is {ours}, the gateway names {reported}")]
    AccountDiffers {
        /// Our account.
        ours: String,
        /// The account the gateway names.
        reported: String,
    },
    /// Another payment's reference.
    #[error("our reference is {ours}, the gateway names {reported}")]
    ReferenceDiffers {
        /// Our reference.
        ours: String,
        /// The reference the gateway names.
        reported: String,
    },
    /// A second capture of a payment that is captured.
    #[error("captured as {first} and once more as {second}")]
    CapturedAgain {
        /// The capture on record.
        first: String,
        /// The other one.
        second: String,
    },
    /// Money that nobody here asked for: a bill told of it, and it is to go back.
    #[error("nothing was asked here, the gateway holds {reported}")]
    NeverAsked {
        /// What the gateway says.
        reported: Money,
    },
}

impl Conflict {
    /// The word of the timeline and of findings.
    pub fn as_str(&self) -> &'static str {
        match self {
            Conflict::AmountDiffers { .. } => "amount_differs",
            Conflict::CurrencyDiffers { .. } => "currency_differs",
            Conflict::AccountDiffers { .. } => "account_differs",
            Conflict::ReferenceDiffers { .. } => "reference_differs",
            Conflict::CapturedAgain { .. } => "captured_again",
            Conflict::NeverAsked { .. } => "never_asked",
        }
    }

    /// Whether a capture under this conflict is money in our account, to be booked to suspense at once.
    pub fn money_is_ours(&self) -> bool {
        !matches!(self, Conflict::AccountDiffers { .. } | Conflict::ReferenceDiffers { .. })
    }
}

impl Asked {
    /// Who the report is about.
    fn identity(&self, report: &PaymentReport) -> Option<Conflict> {
        if let (Some(ours), Some(reported)) = (&self.receiver, &report.account)
            && ours != reported
        {
            return Some(Conflict::AccountDiffers { ours: ours.clone(), reported: reported.clone() });
        }
        let reported = report.request_ref.as_ref().filter(|&reported| *reported != self.request_ref)?;
        Some(Conflict::ReferenceDiffers { ours: self.request_ref.clone(), reported: reported.clone() })
    }

    /// How much it is about.
    fn amount(&self, reported: Money) -> Option<Conflict> {
        if reported.currency() != self.amount.currency() {
            let (asked, reported) = (self.amount.currency(), reported.currency());
            return Some(Conflict::CurrencyDiffers { asked, reported });
        }
        (reported != self.amount).then_some(Conflict::AmountDiffers { asked: self.amount, reported })
    }

    /// What of a report is not what was asked; `None`: it may be believed.
    pub fn conflict(&self, report: &PaymentReport) -> Option<Conflict> {
        self.identity(report).or_else(|| match &report.kind {
            ReportKind::Captured(capture) => self.amount(capture.amount),
            ReportKind::Stated { amount } => self.amount(*amount),
            ReportKind::Pending { expected, .. } => expected.and_then(|amount| self.amount(amount)),
            ReportKind::Authorised { amount } => amount.and_then(|amount| self.amount(amount)),
            _ => None,
        })
    }
}
