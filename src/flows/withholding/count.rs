//! A sale is counted with its release, what goes back of it with each refund: in the same change, so that neither is
//! counted twice or forgotten.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::refunds::Refund;
use crate::domain::settlement::Settlement;
use crate::domain::withholding::{Turnover, gross_of};
use crate::ids::{RefundId, SupplierId};
use crate::money::Currency;
use crate::store::Change;
use crate::store::settlements::SettlementRecord;

use super::{Withholding, WithholdingError};

/// What happened to a sale.
#[derive(Debug, Clone, Copy)]
pub(in crate::flows) enum Event<'a> {
    /// It may be paid out; or more of it, where a refund has failed.
    Released {
        /// Not the shares of these: they are converted first.
        but: &'a [SupplierId],
    },
    /// A refund of it is decided, and not yet written down.
    Refunded(&'a Refund),
    /// A refund that is written down has failed.
    RefundFailed(RefundId),
}

/// Turnovers as they stand within one change.
#[derive(Debug, Default)]
pub(in crate::flows) struct Counting(BTreeMap<(SupplierId, Currency), Turnover>);

impl Withholding {
    /// Counts what an event changed of the turnovers of a payment's suppliers, in `change`.
    ///
    /// # Errors
    /// [`WithholdingError`].
    pub(in crate::flows) async fn count(
        &self,
        counting: &mut Counting,
        change: &mut Change,
        record: &SettlementRecord,
        event: Event<'_>,
    ) -> Result<(), WithholdingError> {
        if self.rules.is_empty() {
            return Ok(());
        }
        let counted: BTreeMap<SupplierId, _> =
            self.store.turnover_of(record.payment).await?.into_iter().collect();
        if counted.is_empty() && !matches!(event, Event::Released { .. }) {
            return Ok(());
        }
        let settlement: Settlement = serde_json::from_str(&record.frozen)?;
        let refunds = self.standing_refunds(record, event).await?;
        let suppliers: BTreeSet<SupplierId> =
            settlement.parts.iter().filter_map(|part| part.supplier).collect();
        for supplier in suppliers {
            let before = counted.get(&supplier).copied();
            let released = matches!(event, Event::Released { but } if !but.contains(&supplier));
            let begins = released && self.are_about(record, supplier).await?;
            if before.is_none() && !begins {
                continue;
            }
            let stands = gross_of(&settlement, &refunds, supplier)?;
            let place = (supplier, stands.base.currency());
            let turnover = match counting.0.get(&place) {
                Some(turnover) => *turnover,
                None => self.store.withholding_turnover(supplier, place.1, None).await?,
            };
            if let Some(row) = turnover.count(supplier, record.payment, stands, before)? {
                change.insert_turnover(record.merchant, &row, self.clock.now());
                counting.0.insert(place, row.after);
            }
        }
        Ok(())
    }

    async fn are_about(
        &self,
        record: &SettlementRecord,
        supplier: SupplierId,
    ) -> Result<bool, WithholdingError> {
        let Some(found) = self.store.supplier(record.merchant, supplier).await? else { return Ok(false) };
        let today = self.day(record.merchant).await?;
        Ok(self.rules.are_about(&found.value.country, today))
    }

    /// The refunds that stand once the event is written down.
    async fn standing_refunds(
        &self,
        record: &SettlementRecord,
        event: Event<'_>,
    ) -> Result<Vec<Refund>, WithholdingError> {
        let mut standing = Vec::new();
        for refund in self.store.refunds_of(record.payment).await? {
            let fails = matches!(event, Event::RefundFailed(id) if id == refund.value.id);
            if refund.value.counts() && !fails {
                standing.push(serde_json::from_str(&refund.value.decided)?);
            }
        }
        if let Event::Refunded(refund) = event {
            standing.push(refund.clone());
        }
        Ok(standing)
    }
}
