//! Paying out: what can be paid, a plan for it, two persons, and each call to a rail made once.
//!
//! ```text
//! draft ─► submit ─► approve ─► execute ─► instruct: one change for each call: batch, payouts held, postings, job
//!                                              │
//!                      recover ─► query ─► apply ◄─ send, once, under the batch's lease and its own reference
//! ```
//!
//! Instructed money is set aside at once; cash is booked when the rail debits. A call whose outcome nobody knows is asked
//! about, then a person decides; it is never made again. Answers, questions and notices end at one door: [`apply`].

mod apply;
mod ask;
mod bind;
mod decide;
mod edit;
mod error;
mod execute;
mod fault;
mod file;
mod foreign;
mod ground;
mod hand_in;
mod late;
mod otherwise;
mod plan;
mod rails;
mod schedule;
mod send;
mod standing;
mod stop;
mod terms;
mod top_ups;
mod unseen;
mod view;
mod waiting;
mod withhold;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::clock::Clock;
use crate::domain::findings::{Finding, FindingKind, FindingState};
use crate::domain::orders::Holder;
use crate::domain::payouts::{DebtorAddress, PayoutPlan, PayoutRules};
use crate::domain::treasury::Tables;
use crate::gateways::Payouts;
use crate::ids::{IdSource, MerchantId, PlanId};
use crate::money::Money;
use crate::rates::RateBook;
use crate::store::{Change, Store, Versioned};
use crate::vault::Vault;

use super::pay::Pay;
use super::settle::Settlements;
use super::withholding::Withholding;

pub(in crate::flows) use apply::{Moved, moved};
pub use decide::{EXECUTE, Word};
pub use edit::{Edit, given};
pub use error::PayOutError;
pub(in crate::flows) use otherwise::{Otherwise, paid_otherwise};
pub use plan::PlanInput;
pub use schedule::{RUN_SCHEDULE, ScheduleInput, SchedulePatch};
pub(in crate::flows) use stop::{NeverTaken, never_taken};
pub use terms::{HoldInput, TermsInput};
pub use view::{payout_view, plan_summary, terms_view};

/// How often a decision is taken again after somebody else was faster.
const DECISIONS: usize = 16;

/// The flow; clones share it.
#[derive(Debug, Clone)]
pub struct PayingOut(Arc<Parts>);

/// What it works with.
#[derive(Debug)]
pub struct Parts {
    /// Reads, and the one writer.
    pub store: Store,
    /// Ids.
    pub ids: IdSource,
    /// Business time.
    pub clock: Clock,
    /// Opens payees' account numbers for a call.
    pub vault: Vault,
    /// Gateway accounts, and what may be sent.
    pub pay: Pay,
    /// Findings and events.
    pub settlements: Settlements,
    /// Who we are to leases.
    pub holder: Holder,
    /// What amounts of different currencies are worth beside one another.
    pub rates: Arc<RateBook>,
    /// The merchant's rules.
    pub rules: PayoutRules,
    /// Routes, prices and holidays that plans are made under.
    pub tables: Arc<Tables>,
    /// What is to be withheld.
    pub withholding: Withholding,
    /// Where the merchant has its seat, as its banks are told it.
    pub debtor_address: DebtorAddress,
    /// Rails that are no gateway's, by their word.
    pub rails: BTreeMap<String, Arc<dyn Payouts>>,
}

impl PayingOut {
    /// The flow over its parts.
    pub fn new(parts: Parts) -> PayingOut {
        PayingOut(Arc::new(parts))
    }

    async fn load(&self, merchant: MerchantId, id: PlanId) -> Result<Versioned<PayoutPlan>, PayOutError> {
        let found = self.0.store.payout_plan(id).await?;
        found.filter(|plan| plan.value.merchant == merchant).ok_or(PayOutError::Unknown("payout plan"))
    }

    /// Opens a finding in `change`, unless one of this kind about this fact was opened before.
    async fn find(
        &self,
        change: &mut Change,
        merchant: MerchantId,
        kind: FindingKind,
        (rail, fact): (&str, &str),
        amount: Option<Money>,
        detail: String,
    ) -> Result<(), PayOutError> {
        let finding = self.finding(merchant, kind, (rail, fact), amount, detail);
        self.0.settlements.open(change, finding).await.map_err(PayOutError::unavailable)
    }

    fn finding(
        &self,
        merchant: MerchantId,
        kind: FindingKind,
        (rail, fact): (&str, &str),
        amount: Option<Money>,
        detail: String,
    ) -> Finding {
        Finding {
            id: self.0.ids.mint(),
            merchant,
            kind,
            gateway_account: rail.to_owned(),
            payment: None,
            fact: fact.to_owned(),
            amount,
            detail,
            state: FindingState::Open,
            opened_at: self.0.clock.now(),
        }
    }
}
