//! What goes wrong about withheld tax.

use crate::domain::withholding::RemittanceError;
use crate::flows::withholding::WithholdingError;
use crate::http::problem::{Code, Problem};

impl From<WithholdingError> for Problem {
    fn from(error: WithholdingError) -> Problem {
        let words = error.to_string();
        match error {
            WithholdingError::Unknown(what) => Problem::not_found(what),
            WithholdingError::Refused { param, .. } => Problem::new(Code::InvalidBody, words).at(param),
            WithholdingError::Remittance(RemittanceError::NothingOwed { .. }) => {
                Problem::new(Code::Unprocessable, words)
            }
            WithholdingError::Remittance(RemittanceError::NotSecond(error)) => error.into(),
            WithholdingError::Remittance(RemittanceError::Decided(_) | RemittanceError::NotBooked(_)) => {
                Problem::new(Code::WrongState, words)
            }
            WithholdingError::Remittance(RemittanceError::NotSeen) => {
                Problem::new(Code::Unprocessable, words)
            }
            WithholdingError::Remittance(RemittanceError::NotItsReturn { .. }) => {
                Problem::new(Code::Unprocessable, words).at("bank_line")
            }
            WithholdingError::Remittance(RemittanceError::Changed(_)) => Problem::new(Code::Conflict, words),
            WithholdingError::Remittance(RemittanceError::Money(error)) => Problem::internal(error),
            WithholdingError::Broken(why) => Problem::internal(why),
            WithholdingError::Commit(error) => error.into(),
            WithholdingError::Store(error) => error.into(),
        }
    }
}
