//! A payout that a bill states otherwise than it was recorded, by hand or by an earlier bill.

use crate::domain::deposits::GatewaySettlement;
use crate::domain::findings::FindingKind;
use crate::domain::reconciliation::{BillLine, LineFacts};
use crate::flows::pay::OpenAccount;
use crate::money::{Money, MoneyError};
use crate::store::Change;

use super::repair::evidence;
use super::view::Evidence;
use super::{Found, ReconcileError, Reconciling};

impl Reconciling {
    /// What was recorded as sent is booked: only what the bill's line differs by stands aside, so that the gateway's balance
    /// is what the books have there plus suspense. The same line again says nothing new.
    pub(super) async fn sent_otherwise(
        &self,
        open: &OpenAccount,
        line: BillLine,
        known: &GatewaySettlement,
    ) -> Result<Found, ReconcileError> {
        let (merchant, sent, told) = (open.account.merchant, known.batch.net, line.net().abs());
        let broken = |error: MoneyError| ReconcileError::unavailable(error);
        let by = line.net().checked_add(sent).map_err(broken)?;
        let detail =
            format!("`{}` was recorded as sent with {sent}, the bill has {told}", known.batch.reference);
        let fact = format!("{}/{}/{}", open.account.name, known.batch.reference, told.amount());
        let differs = FindingKind::BatchDiffers;
        let finding = self.0.settlements.finding(differs, &open.account, &fact, Some(by), detail.clone());
        let mut change = Change::new();
        self.opened(&mut change, finding).await?;
        self.commit_once(change).await?;
        // Another bill may have told of a part of it.
        let before = self.0.store.aside_under(merchant, &line.gateway_ref).await?;
        let before = before.filter(|before| before.currency() == by.currency() && *before != by);
        let left = before.map_or(Ok(by), |before| by.checked_sub(before)).map_err(broken)?;
        let nothing = Money::zero(by.currency());
        let part = LineFacts { gross: left, fee: nothing, tax: nothing, ..line.clone().into_facts() };
        let part = BillLine::try_new(part).map_err(broken)?;
        let why = format!("is what a payout differs by that is recorded as {}: {detail}", known.id);
        let found = self.aside(open, "gateway_settlement", part, &why).await?;
        let repair = Some(format!("what it differs by, {left}, stands in suspense (2900)"));
        Ok(Found { evidence: Evidence { repair, ..evidence(Some(&line), None) }, ..found })
    }
}
