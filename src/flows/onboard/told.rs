//! What a supplier is to hear when its payout account or its contact changes: an event that names who is to be told.

use crate::domain::access::Actor;
use crate::domain::merchants::{PayoutAccount, Supplier};
use crate::store::outbox::Event;
use crate::store::{Change, Seek};

use super::{OnboardError, Onboarding};

impl Onboarding {
    /// Where a supplier had an account before, whoever is told of it can ask by the contact of before: an account that is
    /// changed just before a payout is how suppliers are robbed. `notify` is everybody who was the contact lately, so that
    /// a contact changed first hides nothing.
    pub(super) async fn tell_of_change(
        &self,
        change: &mut Change,
        actor: &Actor,
        owner: &Supplier,
        account: &PayoutAccount,
    ) -> Result<(), OnboardError> {
        let supplier = account.supplier;
        let before = self.store.payout_accounts(actor.merchant, supplier, Seek::Start, 100).await?;
        if before.is_empty() {
            return Ok(());
        }
        let shown = |account: &PayoutAccount| {
            serde_json::json!({"id": account.id, "kind": account.kind, "currency": account.currency,
                               "holder": account.holder, "hint": account.hint, "created_at": account.created_at})
        };
        change.tell(&Event {
            id: self.ids.mint(),
            merchant: actor.merchant,
            kind: "supplier.payout_account.changed".to_owned(),
            subject: supplier.to_string(),
            data: serde_json::json!({
                "id": supplier, "object": "supplier", "account": shown(account),
                "before": before.iter().map(shown).collect::<Vec<_>>(), "added_by": actor.user,
                "notify": owner.contacts.told(self.clock.now()),
            }),
            created_at: self.clock.now(),
        });
        Ok(())
    }

    /// Whom the supplier hears by was changed: whoever was it is told.
    pub(super) fn tell_of_contact(
        &self,
        change: &mut Change,
        actor: &Actor,
        before: &Supplier,
        after: &Supplier,
    ) {
        let now = self.clock.now();
        change.tell(&Event {
            id: self.ids.mint(),
            merchant: actor.merchant,
            kind: "supplier.payout_contact.changed".to_owned(),
            subject: after.id.to_string(),
            data: serde_json::json!({
                "id": after.id, "object": "supplier", "payout_contact": after.contacts.current(),
                "before": before.contacts.current(), "changed_by": actor.user,
                "notify": before.contacts.told(now),
            }),
            created_at: now,
        });
    }
}
