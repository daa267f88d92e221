//! Plans and what their rails said.

use super::super::problem::{Code, Problem};
use super::unavailable;
use crate::domain::payouts::{FaultError, PlanError};
use crate::flows::pay_out::PayOutError;
use crate::gateways::GatewayError;

impl From<PayOutError> for Problem {
    fn from(error: PayOutError) -> Problem {
        let words = error.to_string();
        match error {
            PayOutError::Unknown(what) => Problem::not_found(what),
            PayOutError::Plan(PlanError::NotSecond(error))
            | PayOutError::Fault(FaultError::NotSecond(error)) => error.into(),
            PayOutError::Fault(FaultError::Money(error)) => Problem::internal(error),
            PayOutError::Fault(_) => Problem::new(Code::WrongState, words),
            PayOutError::Plan(PlanError::Changed(hash)) => {
                Problem::new(Code::PlanChanged, words).at("hash").with("hash", hash)
            }
            PayOutError::Plan(PlanError::AboveLimit { .. }) => Problem::new(Code::ApprovalLimit, words),
            PayOutError::Plan(PlanError::NotYet(_)) => Problem::new(Code::PlanNotYet, words),
            PayOutError::Plan(PlanError::WrongState(_) | PlanError::Lapsed(_))
            | PayOutError::TooLate(_)
            | PayOutError::NoFile(_) => Problem::new(Code::WrongState, words),
            PayOutError::Plan(PlanError::NoSuchLine) => {
                Problem::new(Code::Unprocessable, words).at("supplier")
            }
            PayOutError::Plan(PlanError::Empty) => Problem::new(Code::Unprocessable, words),
            PayOutError::Plan(error) => Problem::internal(error),
            PayOutError::Refused { param, .. } => Problem::new(Code::InvalidBody, words).at(param),
            PayOutError::RefusedAt { place, .. } => Problem::new(Code::InvalidBody, words).at(place),
            PayOutError::Superseded { .. } => Problem::new(Code::Conflict, words),
            PayOutError::Rail(GatewayError::Refused { .. }) => Problem::new(Code::GatewayRefused, words),
            PayOutError::Unseen { finding, .. } => {
                Problem::new(Code::PayoutsUnseen, words).with("finding", finding.to_string())
            }
            PayOutError::Held => Problem::new(Code::Unavailable, words).retry_after(30),
            PayOutError::Rail(cause) => unavailable(cause),
            PayOutError::Unavailable(cause) => unavailable(cause),
        }
    }
}
