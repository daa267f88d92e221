//! Conversions that only a bill tells: what a gateway changed within its balance for a chargeback, or for a refund whose
//! answer did not say so.

use crate::domain::ledger::journal;
use crate::domain::orders::Exchanged;
use crate::domain::reconciliation::{BillLine, Grade};
use crate::flows::pay::OpenAccount;
use crate::store::Change;

use super::repair::{evidence, post};
use super::view::Evidence;
use super::{Found, ReconcileError, Reconciling};

impl Reconciling {
    /// Two lines of one movement, one out of the balance and one into it: nothing left the account, and both are booked
    /// under the movement's name, so that it is booked once however it is told. Where something else is booked under that
    /// name, both stand aside.
    pub(super) async fn converted_there(
        &self,
        open: &OpenAccount,
        movement: &str,
        exchanged: Exchanged,
        [line, other]: [BillLine; 2],
    ) -> Result<Found, ReconcileError> {
        let kind = "conversion";
        let payment = self.named_payment(open, &line).await?.map(|payment| payment.value.id);
        let evidence = Evidence { payment, ..evidence(Some(&line), None) };
        match self.0.store.exchange_booked(open.account.merchant, movement).await? {
            None => {}
            Some(booked) if booked == Some((exchanged.sold(), exchanged.bought())) => {
                let repair = Some(format!("booked with `{movement}`"));
                let evidence = Evidence { repair, ..evidence };
                return Ok(Found { kind, grade: Grade::Automatic, finding: None, evidence });
            }
            Some(_) => {
                let why = "was changed for a movement beside which another conversion is booked";
                self.aside(open, kind, other, why).await?;
                return self.aside(open, kind, line, why).await;
            }
        }
        let subject = payment.map_or_else(|| movement.to_owned(), |payment| payment.to_string());
        let booking = self.booking(open, movement, &subject, &line);
        let (sold, bought) = (exchanged.sold(), exchanged.bought());
        let mut change = Change::new();
        post(&mut change, journal::converted_in_balance(&booking, sold, bought))?;
        self.commit_once(change).await?;
        let repair = Some(format!("booked: {sold} became {bought} for `{movement}`"));
        let evidence = Evidence { repair, ..evidence };
        Ok(Found { kind, grade: Grade::Flagged, finding: None, evidence })
    }
}
