//! Answering disputes: evidence, or acceptance. Written down, sent once, looked for afterwards.
//!
//! ```text
//! request ─► one change: answer, audit ─► gateway ─► ask_dispute ─► apply_dispute_report
//!                        recover ─► query: is our reference in it? ──────┘
//! ```
//!
//! Gateways do not promise that an answer sent twice counts once. So a call whose outcome is unknown is never made again:
//! the dispute itself says whether the answer arrived, and where it does not, a person looks.

mod error;
mod watch;

use chrono::TimeDelta;
use serde_json::json;

use crate::clock::Clock;
use crate::domain::disputes::{Answer, AnswerKind, AnswerOutcome, Dispute, DisputeReport, DisputeState};
use crate::domain::findings::FindingKind;
use crate::domain::orders::ReportSource;
use crate::gateways::GatewayError;
use crate::ids::{DisputeAnswerId, DisputeId, IdSource, MerchantId};
use crate::store::disputes::DISPUTE;
use crate::store::{Change, Store, Versioned};

use super::pay::{OpenAccount, Pay, Sending, dispute_view};
use super::settle::Settlements;

pub use error::DisputeFlowError;

/// A call under way is left alone for so long.
const UNDER_WAY: TimeDelta = TimeDelta::minutes(2);
/// After so long, a call that nobody knows the end of is a person's matter.
const ASKED_FOR: TimeDelta = TimeDelta::hours(1);

/// The flow; clones share what it works with.
#[derive(Debug, Clone)]
pub struct Disputing {
    /// Reads, and the one writer.
    pub store: Store,
    /// Ids.
    pub ids: IdSource,
    /// Business time.
    pub clock: Clock,
    /// Payments and gateway accounts.
    pub pay: Pay,
    /// The money side.
    pub settlements: Settlements,
}

impl Disputing {
    /// A merchant's dispute with what we said in it.
    ///
    /// # Errors
    /// [`DisputeFlowError::Unknown`].
    pub async fn get(
        &self,
        merchant: MerchantId,
        id: DisputeId,
    ) -> Result<serde_json::Value, DisputeFlowError> {
        let found = self.store.dispute(merchant, id).await?.ok_or(DisputeFlowError::Unknown)?;
        let mut view = dispute_view(&found.value);
        let said = self.store.answers_in(id).await?;
        if let Some(object) = view.as_object_mut() {
            object
                .insert("answers".to_owned(), said.iter().map(|answer| answer_view(&answer.value)).collect());
        }
        Ok(view)
    }

    /// Says something, once; written down with `extra`. The answer is the dispute as it stands by then.
    ///
    /// # Errors
    /// [`DisputeFlowError`]; nothing was said.
    pub async fn say(
        &self,
        merchant: MerchantId,
        id: DisputeId,
        answer: DisputeAnswerId,
        kind: AnswerKind,
        extra: Change,
    ) -> Result<serde_json::Value, DisputeFlowError> {
        let mut dispute = self.store.dispute(merchant, id).await?.ok_or(DisputeFlowError::Unknown)?;
        let account = self.account_of(&dispute.value)?;
        match self.pay.look_again().await.map_err(DisputeFlowError::unavailable)? {
            Sending::Held => return Err(DisputeFlowError::Held),
            // It may have been answered since the backup was taken.
            Sending::AskFirst => {
                let asked =
                    self.pay.ask_dispute(&account, &dispute.value.gateway_ref, ReportSource::Poll).await;
                asked.map_err(DisputeFlowError::unavailable)?;
                dispute = self.store.dispute(merchant, id).await?.ok_or(DisputeFlowError::Unknown)?;
            }
            Sending::Free => {}
        }
        self.check(&dispute.value, &kind).await?;
        let (now, outcome) = (self.clock.now(), AnswerOutcome::Open);
        let said = Answer { id: answer, merchant, dispute: id, kind, outcome, created_at: now };
        let mut change = extra;
        change.insert_answer(&said);
        // Two answers decided side by side cannot both stand.
        change.update(&DISPUTE, id, dispute.version, vec![("word", dispute.value.word.as_str().into())]);
        self.store.commit(change).await?;
        let written = Versioned { value: said, version: 1 };
        self.send(&account, &dispute.value, &written).await?;
        if let Err(error) =
            self.pay.ask_dispute(&account, &dispute.value.gateway_ref, ReportSource::Call).await
        {
            tracing::warn!(dispute = %id, %error, "what became of the dispute is asked later");
        }
        self.get(merchant, id).await
    }

    /// Whether it may be said now.
    async fn check(&self, dispute: &Dispute, kind: &AnswerKind) -> Result<(), DisputeFlowError> {
        let wrong = |why| Err(DisputeFlowError::WrongState { state: dispute.state.as_str(), why });
        if !dispute.state.is_open() {
            return wrong("it is decided");
        }
        if let AnswerKind::Evidence { evidence } = kind {
            evidence.check()?;
            if dispute.state != DisputeState::NeedsResponse {
                return wrong("the gateway waits for no evidence of ours");
            }
            if dispute.deadline.is_some_and(|deadline| deadline <= self.clock.now()) {
                return wrong("its deadline has passed");
            }
        }
        let waiting = self.store.answers_in(dispute.id).await?;
        let open = |answer: &Versioned<Answer>| {
            matches!(answer.value.outcome, AnswerOutcome::Open | AnswerOutcome::Unknown)
        };
        if waiting.iter().any(open) {
            return wrong("what was said before is not settled; read it again in a moment");
        }
        Ok(())
    }

    async fn send(
        &self,
        account: &OpenAccount,
        dispute: &Dispute,
        answer: &Versioned<Answer>,
    ) -> Result<(), DisputeFlowError> {
        let Some(disputes) = account.gateway.disputes() else { return Ok(()) };
        let reference = answer.value.id.to_string();
        let called = match &answer.value.kind {
            AnswerKind::Evidence { evidence } => {
                disputes.provide_evidence(&dispute.gateway_ref, &reference, evidence).await
            }
            AnswerKind::Accept { note } => disputes.accept_claim(&dispute.gateway_ref, note).await,
        };
        let outcome = match called {
            Ok(()) => AnswerOutcome::Done,
            Err(error) => {
                tracing::warn!(dispute = %dispute.id, answer = %answer.value.id, %error, "an answer was not taken");
                match error {
                    GatewayError::Refused { .. } => AnswerOutcome::Refused,
                    GatewayError::NotSent(_) | GatewayError::Throttled { .. } => AnswerOutcome::NotSent,
                    GatewayError::OutcomeUnknown(_) => AnswerOutcome::Unknown,
                }
            }
        };
        self.settle(answer, outcome).await
    }

    async fn settle(
        &self,
        answer: &Versioned<Answer>,
        outcome: AnswerOutcome,
    ) -> Result<(), DisputeFlowError> {
        let mut change = Change::new();
        change.settle_answer(answer, outcome);
        match self.store.commit(change).await.map_err(DisputeFlowError::from) {
            // Somebody else found out first.
            Ok(_) | Err(DisputeFlowError::Superseded { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Looks for answers whose end nobody knows in the disputes themselves; how many were looked for.
    ///
    /// # Errors
    /// [`DisputeFlowError::Unavailable`]; the next round tries again.
    pub async fn recover(&self) -> Result<usize, DisputeFlowError> {
        let (mut after, mut looked) = (None, 0);
        loop {
            let page = self.store.unsettled_answers(after, 100).await?;
            let Some(last) = page.last() else { return Ok(looked) };
            after = Some(last.value.id);
            for answer in &page {
                if self.clock.now() < answer.value.created_at + UNDER_WAY {
                    continue;
                }
                looked += 1;
                if let Err(error) = self.look_for(answer).await {
                    tracing::warn!(answer = %answer.value.id, %error, "an answer could not be looked for");
                }
            }
        }
    }

    async fn look_for(&self, answer: &Versioned<Answer>) -> Result<(), DisputeFlowError> {
        let said = &answer.value;
        let dispute = self.store.dispute(said.merchant, said.dispute).await?;
        let dispute = dispute.ok_or(DisputeFlowError::Unknown)?.value;
        let account = self.account_of(&dispute)?;
        let Some(disputes) = account.gateway.disputes() else { return Ok(()) };
        let told =
            disputes.query_dispute(&dispute.gateway_ref).await.map_err(DisputeFlowError::unavailable)?;
        let arrived = told.as_ref().is_some_and(|told| has_arrived(said, told));
        if arrived {
            self.settle(answer, AnswerOutcome::Done).await?;
        } else if told.as_ref().and_then(|told| told.state).is_some_and(|state| !state.is_open()) {
            self.settle(answer, AnswerOutcome::NotSent).await?;
        } else {
            if said.outcome == AnswerOutcome::Open {
                self.settle(answer, AnswerOutcome::Unknown).await?;
            }
            if self.clock.now() >= said.created_at + ASKED_FOR {
                self.hand_over(&account, &dispute, said).await?;
            }
        }
        let asked = self.pay.ask_dispute(&account, &dispute.gateway_ref, ReportSource::Poll).await;
        asked.map(|_| ()).map_err(DisputeFlowError::unavailable)
    }

    /// A person looks: what was said is neither in the dispute nor refused.
    async fn hand_over(
        &self,
        account: &OpenAccount,
        dispute: &Dispute,
        said: &Answer,
    ) -> Result<(), DisputeFlowError> {
        let detail = format!(
            "whether our `{}` in dispute {} arrived at {} is not known; it is not sent again by itself",
            said.kind.as_str(),
            dispute.gateway_ref,
            dispute.gateway
        );
        let (kind, fact) = (FindingKind::OutcomeUnknown, said.id.to_string());
        let mut finding = self.settlements.finding(kind, &account.account, &fact, None, detail);
        finding.payment = Some(dispute.payment.to_string());
        let mut change = Change::new();
        let opened = self.settlements.open(&mut change, finding).await;
        opened.map_err(DisputeFlowError::unavailable)?;
        if !change.is_empty() {
            self.store.commit(change).await?;
        }
        Ok(())
    }

    fn account_of(&self, dispute: &Dispute) -> Result<std::sync::Arc<OpenAccount>, DisputeFlowError> {
        let open = self.pay.accounts().find(dispute.account);
        let open = open.filter(|open| open.gateway.disputes().is_some());
        open.ok_or_else(|| DisputeFlowError::NotSupported(dispute.gateway.clone()))
    }
}

fn has_arrived(said: &Answer, told: &DisputeReport) -> bool {
    match said.kind {
        AnswerKind::Evidence { .. } => {
            let reference = said.id.to_string();
            told.answers.iter().any(|notes| notes.contains(&reference))
        }
        AnswerKind::Accept { .. } => told.state == Some(DisputeState::Accepted),
    }
}

fn answer_view(answer: &Answer) -> serde_json::Value {
    let (evidence, note) = match &answer.kind {
        AnswerKind::Evidence { evidence } => (Some(evidence), None),
        AnswerKind::Accept { note } => (None, Some(note)),
    };
    json!({
        "id": answer.id, "kind": answer.kind.as_str(), "outcome": answer.outcome.as_str(),
        "evidence": evidence, "note": note, "created_at": answer.created_at,
    })
}
