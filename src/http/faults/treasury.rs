//! What goes wrong about exchange deals and exports.

use crate::domain::fx_book::{CoverError, DealError};
use crate::flows::export_gl::GlExportError;
use crate::flows::fx_book::FxBookError;
use crate::http::problem::{Code, Problem};

impl From<FxBookError> for Problem {
    fn from(error: FxBookError) -> Problem {
        let words = error.to_string();
        match error {
            FxBookError::Unknown => Problem::not_found("fx deal"),
            FxBookError::Deal(error) => Problem::new(Code::DealInvalid, words).at(match error {
                DealError::OneCurrency(_) | DealError::Money(_) => "bought",
                DealError::NotPositive(side) => side,
                DealError::Parts { side, .. } | DealError::Currency { side, .. } => side,
            }),
            FxBookError::Cover(error) => Problem::new(Code::DealInvalid, words).at(match error {
                CoverError::NotOpen(_) | CoverError::DoesNotSum { .. } | CoverError::Twice(_) => "covers",
                CoverError::WrongSide { .. }
                | CoverError::TooLarge { .. }
                | CoverError::TooMany
                | CoverError::Money(_) => "sold",
            }),
            FxBookError::Refused { param, .. } => Problem::new(Code::DealInvalid, words).at(param),
            FxBookError::Recorded { .. } => Problem::new(Code::DealRecorded, words).at("bank_ref"),
            FxBookError::PeriodClosed { .. } => Problem::new(Code::PeriodClosed, words).at("value_date"),
            FxBookError::Superseded => Problem::new(Code::Conflict, words),
            FxBookError::Period(_) => Problem::new(Code::PeriodInvalid, words),
            FxBookError::Rates(_) => Problem::new(Code::RateUnavailable, words),
            FxBookError::Broken(why) => Problem::internal(why),
            FxBookError::Commit(error) => error.into(),
            FxBookError::Store(error) => error.into(),
            FxBookError::Deposit(error) => error.into(),
        }
    }
}

impl From<GlExportError> for Problem {
    fn from(error: GlExportError) -> Problem {
        let words = error.to_string();
        match error {
            GlExportError::Unknown => Problem::not_found("merchant"),
            GlExportError::Period(_) => Problem::new(Code::PeriodInvalid, words),
            GlExportError::Rates(_) => Problem::new(Code::RateUnavailable, words),
            GlExportError::Translation(error) => Problem::internal(error),
            GlExportError::Write(error) => Problem::internal(error),
            GlExportError::Store(error) => error.into(),
        }
    }
}
