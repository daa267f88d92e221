//! What a capture said before its dispute was known.

use crate::domain::disputes::MovementKind;
use crate::domain::findings::FindingKind;
use crate::flows::settle::{SettleError, Settlements, broken};
use crate::money::Money;

use super::Step;

impl Settlements {
    /// How much of what a dispute takes now stands in suspense already, because the capture said `taken back` before the
    /// dispute did: two persons decide of that. Each part of it is one taking, of whichever dispute about the capture tells
    /// it first; what is taken after that is taken once more.
    pub(super) async fn taken_before(&self, step: &Step<'_>, amount: Money) -> Result<Money, SettleError> {
        let none = Money::zero(amount.currency());
        let (kind, capture) = (FindingKind::Reversed, step.after.capture_ref.as_str());
        let found = self.0.store.finding_about(step.payment.merchant, kind, capture).await?;
        let Some(said) = found.and_then(|found| found.value.amount) else { return Ok(none) };
        if said.currency() != amount.currency() {
            return Ok(none);
        }
        let others = self.0.store.disputes_of(step.payment.id).await?;
        let others = others.iter().map(|other| &other.value);
        let others = others.filter(|other| other.id != step.after.id && other.capture_ref == capture);
        let told = others.chain([&step.after]).flat_map(|dispute| &dispute.money.booked);
        let taken = told
            .map(|booked| &booked.told)
            .filter(|told| told.kind == MovementKind::Taken && told.amount.currency() == amount.currency());
        let taken = Money::sum(amount.currency(), taken.map(|told| told.amount)).map_err(broken)?;
        let left = said.checked_sub(taken).map_err(broken)?;
        if left.is_positive() { left.min(amount).map_err(broken) } else { Ok(none) }
    }
}
