//! What goes wrong below, as problems: the one place where errors of flows and store get their codes.

mod payouts;
mod prices;
mod treasury;
mod withholding;

use super::problem::{Code, Problem};
use crate::banks::BankFileError;
use crate::domain::access::NotSecond;
use crate::domain::statements::FormError;
use crate::flows::close_period::CloseError;
use crate::flows::deliver::DeliverError;
use crate::flows::deposits::DepositError;
use crate::flows::dispute::DisputeFlowError;
use crate::flows::findings::ResolveError;
use crate::flows::issue_statement::StatementFlowError;
use crate::flows::journals::JournalFlowError;
use crate::flows::onboard::OnboardError;
use crate::flows::pay::PayError;
use crate::flows::reconcile::ReconcileError;
use crate::flows::refund::RefundFlowError;
use crate::flows::webhooks::WebhookError;
use crate::gateways::{GatewayError, Unchargeable};
use crate::sandbox::SandboxError;
use crate::store::{CommitError, StoreError};
use crate::vault::VaultError;

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        match error {
            StoreError::Database(cause) => {
                tracing::error!(%cause, "the database did not answer");
                Problem::new(Code::Unavailable, "the database did not answer").retry_after(1)
            }
            StoreError::Closed | StoreError::TakesNothing => {
                Problem::new(Code::Unavailable, "the database takes no changes now").retry_after(1)
            }
            other => Problem::internal(other),
        }
    }
}

impl From<CommitError> for Problem {
    fn from(error: CommitError) -> Problem {
        match error {
            CommitError::LostUpdate { .. } | CommitError::AlreadyBooked { .. } => {
                Problem::new(Code::Conflict, "somebody else changed it meanwhile; nothing was done")
            }
            CommitError::BelowFloor { account, .. } => Problem::new(
                Code::Unprocessable,
                format!("account {account} does not hold enough; nothing was done"),
            ),
            CommitError::Busy => {
                Problem::new(Code::Busy, "the writer is busy; nothing was done").retry_after(1)
            }
            CommitError::Unavailable(cause) => {
                tracing::error!(%cause, "the database did not take a change");
                Problem::new(Code::Unavailable, "the database did not take the change").retry_after(1)
            }
            CommitError::Unknown(cause) => {
                tracing::error!(%cause, "whether the database took a change is not known");
                let words =
                    "whether it was done is not known yet: repeat the request with the same Idempotency-Key";
                Problem::new(Code::Unavailable, words).retry_after(1)
            }
            other => Problem::internal(other),
        }
    }
}

impl From<VaultError> for Problem {
    fn from(error: VaultError) -> Problem {
        Problem::internal(error)
    }
}

impl From<OnboardError> for Problem {
    fn from(error: OnboardError) -> Problem {
        match error {
            OnboardError::NotFound(what) => Problem::not_found(what),
            OnboardError::NameTaken(_) => Problem::new(Code::NameTaken, error.to_string()).at("name"),
            OnboardError::Refused { param, why } => Problem::new(Code::Unprocessable, why).at(param),
            OnboardError::Store(error) => error.into(),
            OnboardError::Commit(error) => error.into(),
            OnboardError::Vault(error) => error.into(),
        }
    }
}

impl From<DepositError> for Problem {
    fn from(error: DepositError) -> Problem {
        let words = error.to_string();
        match error {
            DepositError::Batch(_) | DepositError::NothingToSend | DepositError::TooMany(_) => {
                Problem::new(Code::BatchInvalid, words)
            }
            DepositError::NoCapture { place, .. } => {
                Problem::new(Code::Unprocessable, words).at(format!("captures[{place}]"))
            }
            DepositError::Differs { .. } | DepositError::SettledBefore(_) | DepositError::Billed(_) => {
                Problem::new(Code::BatchDiffers, words)
            }
            DepositError::Unknown(what) => Problem::not_found(what),
            DepositError::Ambiguous { .. } => Problem::new(Code::InvalidParameter, words).at("bank_account"),
            DepositError::ReadOtherwise(_) => Problem::new(Code::StatementReadOtherwise, words).at("columns"),
            DepositError::Superseded { .. } => Problem::new(Code::Conflict, words),
            DepositError::ReleasesMore { .. } => Problem::new(Code::Unprocessable, words).at("released"),
            DepositError::NotEnough(_) => Problem::new(Code::Unprocessable, words),
            DepositError::Unavailable(cause) => unavailable(cause),
        }
    }
}

impl From<BankFileError> for Problem {
    fn from(error: BankFileError) -> Problem {
        Problem::new(Code::StatementUnreadable, error.to_string())
    }
}

/// A code of a flow; what the catalogue does not have is a refusal in words.
fn code_of(word: &str) -> Code {
    match word {
        "superseded" => Code::Conflict,
        word => Code::find(word).unwrap_or(Code::InvalidSplit),
    }
}

/// The cause goes to the log; the caller hears that nothing was promised.
fn unavailable(cause: impl std::fmt::Display) -> Problem {
    tracing::error!(%cause, "a part that is needed did not serve");
    Problem::new(Code::Unavailable, "a part this needs did not serve; nothing was promised").retry_after(1)
}

impl From<PayError> for Problem {
    fn from(error: PayError) -> Problem {
        let problem = Problem::new(code_of(error.code()), error.to_string());
        match error {
            PayError::UnknownPayment => Problem::not_found("payment"),
            PayError::UnknownGateway(_) => problem.at("gateway"),
            PayError::Unchargeable { why, able } => {
                let problem = problem.at("amount").with("gateways", able);
                match why {
                    Unchargeable::Precision { nearest, .. } => problem.with("nearest", nearest),
                    Unchargeable::Currency { .. } => problem,
                }
            }
            PayError::AmountNotPositive => problem.at("amount"),
            PayError::BadOrderRef => problem.at("order_ref"),
            PayError::BadReturnUrl(_) => problem.at("return_url"),
            PayError::OrderRefTaken { payment } => problem.at("order_ref").with("payment", payment),
            PayError::QuoteUsed { .. } | PayError::QuoteExpired { .. } | PayError::UnknownQuote => {
                problem.at("quote")
            }
            PayError::Terms { param: Some(param), .. } => problem.at(param),
            PayError::Gateway(GatewayError::Throttled { retry_after_s }) => {
                problem.retry_after(u64::from(retry_after_s.unwrap_or(5)))
            }
            PayError::Held => problem.retry_after(30),
            PayError::Unavailable(cause) => unavailable(cause),
            _ => problem,
        }
    }
}

impl From<ReconcileError> for Problem {
    fn from(error: ReconcileError) -> Problem {
        let words = error.to_string();
        match error {
            ReconcileError::Unknown => Problem::not_found("reconciliation"),
            ReconcileError::Unavailable(cause) => unavailable(cause),
            ReconcileError::Silent { .. } => unavailable(words),
            ReconcileError::NoBills(_) | ReconcileError::ByHand(_) => {
                Problem::new(Code::Unprocessable, words).at("gateway")
            }
            ReconcileError::Unfinished { .. } => Problem::new(Code::Unprocessable, words).at("date"),
            ReconcileError::TooLong { .. } | ReconcileError::Bill(_) | ReconcileError::TooDifferent(_) => {
                Problem::new(Code::Unprocessable, words)
            }
        }
    }
}

impl From<RefundFlowError> for Problem {
    fn from(error: RefundFlowError) -> Problem {
        let problem = Problem::new(code_of(error.code()), error.to_string());
        match (&error, error.param()) {
            (RefundFlowError::Held, _) => problem.retry_after(30),
            (RefundFlowError::Gateway(cause), _) => unavailable(cause),
            (RefundFlowError::Unavailable(cause), _) => unavailable(cause),
            (_, Some(param)) => problem.at(param),
            _ => problem,
        }
    }
}

impl From<ResolveError> for Problem {
    fn from(error: ResolveError) -> Problem {
        match error {
            ResolveError::Refund(error) => error.into(),
            ResolveError::Unavailable(cause) => unavailable(cause),
            ResolveError::Unknown => Problem::not_found("finding"),
            other => Problem::new(code_of(other.code()), other.to_string()),
        }
    }
}

impl From<NotSecond> for Problem {
    fn from(error: NotSecond) -> Problem {
        let code = match error {
            NotSecond::FourEyes(_) => Code::FourEyes,
            NotSecond::OneHand { .. } => Code::OneHand,
        };
        Problem::new(code, error.to_string())
    }
}

impl From<JournalFlowError> for Problem {
    fn from(error: JournalFlowError) -> Problem {
        let words = error.to_string();
        match error {
            JournalFlowError::Unknown => Problem::not_found("journal"),
            JournalFlowError::Refused(error) => Problem::new(Code::JournalInvalid, words).at(error.param),
            JournalFlowError::PeriodClosed { .. } => Problem::new(Code::PeriodClosed, words).at("value_date"),
            JournalFlowError::NotSecond(error) => error.into(),
            JournalFlowError::Decided(_) | JournalFlowError::NotReversible(_) => {
                Problem::new(Code::WrongState, words)
            }
            JournalFlowError::Commit(error) => error.into(),
            JournalFlowError::Store(error) => error.into(),
        }
    }
}

impl From<CloseError> for Problem {
    fn from(error: CloseError) -> Problem {
        let words = error.to_string();
        match error {
            CloseError::Date(_) => Problem::new(Code::PeriodInvalid, words).at("until"),
            CloseError::Closed(_) => Problem::new(Code::PeriodClosed, words).at("until"),
            CloseError::Unexplained(checks) => {
                Problem::new(Code::PeriodNotClosable, words).with("checks", checks)
            }
            CloseError::NotSecond(error) => error.into(),
            CloseError::Altered(_) => Problem::new(Code::BooksDiffer, words),
            CloseError::Superseded => Problem::new(Code::Conflict, words),
            CloseError::Statement(error) => error.into(),
            CloseError::Store(error) => error.into(),
            CloseError::Commit(error) => error.into(),
            CloseError::Check(error) => error.into(),
            CloseError::Balances(error) => error.into(),
        }
    }
}

impl From<DisputeFlowError> for Problem {
    fn from(error: DisputeFlowError) -> Problem {
        let words = error.to_string();
        match error {
            DisputeFlowError::Unknown => Problem::not_found("dispute"),
            DisputeFlowError::WrongState { .. } => Problem::new(Code::WrongState, words),
            DisputeFlowError::Evidence(error) => Problem::new(Code::InvalidBody, words).at(error.param),
            DisputeFlowError::NotSupported(_) => Problem::new(Code::Unprocessable, words),
            DisputeFlowError::Superseded { .. } => Problem::new(Code::Conflict, words),
            DisputeFlowError::Held => Problem::new(Code::Unavailable, words).retry_after(30),
            DisputeFlowError::Unavailable(cause) => unavailable(cause),
        }
    }
}

impl From<DeliverError> for Problem {
    fn from(error: DeliverError) -> Problem {
        let words = error.to_string();
        match error {
            DeliverError::Unknown => Problem::not_found("payment"),
            DeliverError::NotSettled => Problem::new(Code::NotSettled, words),
            DeliverError::Refused(_) => Problem::new(Code::Unprocessable, words).at("items"),
            DeliverError::Superseded { .. } => Problem::new(Code::Conflict, words),
            DeliverError::Unavailable(cause) => unavailable(cause),
        }
    }
}

impl From<StatementFlowError> for Problem {
    fn from(error: StatementFlowError) -> Problem {
        let code = code_of(error.code());
        match error {
            StatementFlowError::Store(error) => error.into(),
            _ if code == Code::BooksDiffer => {
                Problem::new(code, "the entries do not lead to the balance; nothing is shown")
            }
            StatementFlowError::Form(FormError::Write(_)) | StatementFlowError::File(_) => {
                Problem::internal(error)
            }
            StatementFlowError::Parts { .. } => Problem::new(code, error.to_string()).at("part"),
            other => Problem::new(code, other.to_string()),
        }
    }
}

impl From<WebhookError> for Problem {
    fn from(error: WebhookError) -> Problem {
        let words = error.to_string();
        match error {
            WebhookError::Unknown(what) => Problem::not_found(what),
            WebhookError::Target(_) => Problem::new(Code::WebhookUrlRefused, words).at("url"),
            WebhookError::TooMany => Problem::new(Code::TooManyEndpoints, words),
            WebhookError::Rotating(_) => Problem::new(Code::RotationUnderWay, words).at("overlap_hours"),
            WebhookError::Disabled => Problem::new(Code::EndpointDisabled, words),
            WebhookError::Broken(cause) => Problem::internal(cause),
            WebhookError::Store(error) => error.into(),
            WebhookError::Commit(error) => error.into(),
            WebhookError::Vault(error) => error.into(),
        }
    }
}

impl From<SandboxError> for Problem {
    fn from(error: SandboxError) -> Problem {
        let words = error.to_string();
        match error {
            SandboxError::UnknownPayment(_)
            | SandboxError::PageNotOpened(_)
            | SandboxError::PageClosed { .. } => Problem::new(Code::WrongState, words),
            SandboxError::Http(_) => Problem::new(Code::GatewayUnavailable, words),
            other => Problem::internal(other),
        }
    }
}
