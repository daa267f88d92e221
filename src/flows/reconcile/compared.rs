//! The bill held against the books: everything that is read before anything is asked, booked or opened.

use std::sync::Arc;

use chrono::NaiveDate;

use crate::crash::{Point, point};
use crate::domain::findings::Finding;
use crate::domain::reconciliation::{CUT_OFF, Outcome};
use crate::flows::pay::OpenAccount;
use crate::gateways::bills::bounds;
use crate::store::Versioned;
use crate::store::reconciliations::Pooled;

use super::batch::Takings;
use super::days::Days;
use super::differs::watched;
use super::fees::Pricing;
use super::{Bill, ReconcileError, Reconciling};

/// What came of it.
pub(super) struct Compared<'a> {
    /// The bill's first and last day, in the gateway's zone.
    pub(super) days: (NaiveDate, NaiveDate),
    /// The ledger's last transaction before the books were read.
    pub(super) known: i64,
    pub(super) pricing: Pricing<'a>,
    /// The rows of the pool.
    pub(super) waiting: Vec<Versioned<Pooled>>,
    /// Open findings that this bill's lines may end.
    pub(super) doubts: Vec<Versioned<Finding>>,
    pub(super) outcome: Outcome,
    pub(super) takings: Takings,
}

impl Reconciling {
    /// Reads the books and the whole bill and matches them; `days` are the bill's.
    pub(super) async fn compared<'a>(
        &'a self,
        open: &'a Arc<OpenAccount>,
        bill: &Bill,
        days: &Days,
    ) -> Result<Compared<'a>, ReconcileError> {
        let bills =
            open.gateway.bills().ok_or_else(|| ReconcileError::NoBills(open.account.gateway.clone()))?;
        let (first, last) = days.own;
        let (from, _) = bounds(first, bills.zone());
        let (_, until) = bounds(last, bills.zone());
        let known = self.0.store.last_transaction_number().await?;
        let mut pricing = self.pricing(open).await?;
        let (facts, waiting) = self.facts(open, days, &mut pricing).await?;
        let doubts = self.doubts(open).await?;
        let (mut matching, takings) = self.matched(open, bill, facts, watched(&doubts)).await?;
        self.know_captures(open, &mut matching).await?;
        point(Point::ReconcileRead).await;
        // What happened in the bill's days may be named tomorrow; what waited since the cut-off is missed.
        let mut outcome = matching.finish((from, until), until - CUT_OFF)?;
        self.learn_strangers(&mut pricing, &mut outcome).await?;
        let found = std::mem::take(&mut outcome.differences);
        outcome.differences = Reconciling::fees_of_payouts(found, &takings);
        Reconciling::payouts_last(&mut outcome.differences);
        Ok(Compared { days: (first, last), known, pricing, waiting, doubts, outcome, takings })
    }
}
