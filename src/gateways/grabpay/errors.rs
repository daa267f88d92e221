//! Grab's reasons for a 4xx, and which of the four outcomes each one is.

use super::wire::Problem;
use crate::gateways::GatewayError;

/// What a refusal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Our reference was used before: the status says how it stands.
    AskStatus,
    /// Nothing happened; it may succeed later without a new decision of ours.
    Later,
    /// Nothing happened and nothing will.
    Never,
}

const REASONS: &[(&str, Class)] = &[
    ("transaction_already_exist", Class::AskStatus),
    ("transaction_already_exists", Class::AskStatus),
    // The wallet is swept every day.
    ("merchant_insufficient_balance", Class::Later),
    ("concurrent_refunds_not_supported", Class::Later),
    // The operator's matter, or a clock's: a consent is not thrown away for it.
    ("unauthorized", Class::Later),
    ("invalid_client", Class::Later),
];

/// A refusal, read.
#[derive(Debug)]
pub(super) struct Refusal {
    pub code: String,
    pub message: String,
    pub class: Class,
}

impl Refusal {
    /// `None` when the body names no reason: then it may not be Grab's at all.
    pub fn of(problem: Problem) -> Option<Refusal> {
        let code = problem.reason.or(problem.error)?;
        let class =
            REASONS.iter().find(|(reason, _)| *reason == code).map_or(Class::Never, |(_, class)| *class);
        Some(Refusal { code, message: problem.message.unwrap_or_default(), class })
    }

    pub fn into_error(self) -> GatewayError {
        match self.class {
            Class::AskStatus => GatewayError::OutcomeUnknown(self.code),
            class => GatewayError::Refused {
                code: self.code,
                message: self.message,
                retry_later: class == Class::Later,
            },
        }
    }
}
