//! Movements that are simply there: the bulk of a rehearsal, without the calls that would have led to them.

use chrono::{DateTime, NaiveDate, Utc};

use super::super::{Sandbox, SandboxError};
use super::account::{self, Row};
use super::settlement_report::Report;
use crate::money::Money;

/// A movement of a PayPal account.
#[derive(Debug, Clone)]
pub struct SeededMovement {
    /// PayPal's id of it.
    pub transaction_id: String,
    /// The movement it is about.
    pub reference_id: Option<String>,
    /// The T-code.
    pub code: &'static str,
    /// What moved; negative went out.
    pub gross: Money,
    /// The fee, negative.
    pub fee: Option<Money>,
    /// The merchant's reference.
    pub custom_id: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

impl Sandbox {
    /// Books movements to an account, and answers the settlement report of a day with exactly these.
    ///
    /// # Errors
    /// [`SandboxError`]; nothing was booked.
    pub async fn seed_paypal(
        &self,
        merchant_id: &str,
        day: NaiveDate,
        movements: &[SeededMovement],
    ) -> Result<String, SandboxError> {
        let mut session = self.book.begin().await?;
        let rows: Vec<Row> = account::seed(self, &mut session, merchant_id, movements).await?;
        session.commit().await?;
        let mut report = Report::begin(merchant_id, day, self.clock.now());
        rows.iter().for_each(|row| report.row(row));
        Ok(report.end())
    }
}
