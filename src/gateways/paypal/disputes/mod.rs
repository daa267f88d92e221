//! Disputes v1: asking about one, finding those that changed, evidence, accepting.
//!
//! What a dispute did to money stands in its `money_movements` (only the seller's are ours) and, while the payer's
//! money is held, in the disputed transaction's status `HELD`. Movements have no ids.
//!
//! Unverified: both acts are sent as a form with one JSON part named `input`, as PayPal's pages show them (the published
//! file names only the parts with documents); documents are named by address, not uploaded. There are no request ids, so
//! an act whose outcome is unknown is looked for in the dispute: our reference stands in its notes.

mod status;
mod wire;

use async_trait::async_trait;
use chrono::{DateTime, SecondsFormat, Utc};

use super::api::Said;
use super::{PayPal, amount, reports};
use crate::domain::disputes::{DisputeMovement, DisputeReport, Evidence};
use crate::gateways::{Disputes, GatewayError};

/// PayPal's pages of a search are this long at most.
const PAGE: u32 = 50;
/// No search of ours goes further.
const PAGES: usize = 40;

/// `PP-D-12345`: letters, digits and dashes.
pub(super) fn is_dispute_id(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

#[async_trait]
impl Disputes for PayPal {
    async fn query_dispute(&self, dispute_ref: &str) -> Result<Option<DisputeReport>, GatewayError> {
        match self.api.get::<wire::Dispute>(&path(dispute_ref, "")?).await? {
            Said::Yes(dispute, _) => report(&dispute).map(Some).map_err(GatewayError::OutcomeUnknown),
            Said::Nothing => Ok(None),
            Said::No(refusal) => Err(refusal.into_error()),
        }
    }

    async fn changed_since(&self, since: DateTime<Utc>) -> Result<Vec<String>, GatewayError> {
        let since = since.to_rfc3339_opts(SecondsFormat::Millis, true);
        self.disputes_found(&format!("update_time_after={since}")).await
    }

    async fn provide_evidence(
        &self,
        dispute_ref: &str,
        reference: &str,
        evidence: &Evidence,
    ) -> Result<(), GatewayError> {
        let tracking = evidence.tracking.iter();
        let info = wire::Info {
            tracking_info: tracking
                .map(|parcel| wire::TrackingInfo {
                    carrier_name: &parcel.carrier,
                    tracking_number: &parcel.number,
                })
                .collect(),
            refund_ids: &evidence.refund_ids,
        };
        let says = !info.tracking_info.is_empty() || !info.refund_ids.is_empty();
        let documents = evidence.documents.iter();
        let body = wire::Provide {
            evidences: [wire::Handing {
                evidence_type: &evidence.kind,
                evidence_info: says.then_some(info),
                documents: documents
                    .map(|document| wire::DocumentRef { name: &document.name, url: &document.url })
                    .collect(),
                notes: format!("{} [{reference}]", evidence.notes).trim_start().to_owned(),
            }],
        };
        self.act(dispute_ref, "/provide-evidence", &body).await
    }

    async fn accept_claim(&self, dispute_ref: &str, note: &str) -> Result<(), GatewayError> {
        self.act(dispute_ref, "/accept-claim", &wire::Accept { accept_claim_type: "REFUND", note }).await
    }
}

impl PayPal {
    /// The disputes about one capture, each whole.
    pub(super) async fn disputes_about(&self, capture: &str) -> Result<Vec<DisputeReport>, GatewayError> {
        let mut found = Vec::new();
        for id in self.disputes_found(&format!("disputed_transaction_id={capture}")).await? {
            found.extend(self.query_dispute(&id).await?);
        }
        Ok(found)
    }

    /// Ids page by page; the next page's address is PayPal's own, cut down to what follows its host.
    async fn disputes_found(&self, filter: &str) -> Result<Vec<String>, GatewayError> {
        let mut path = format!("/v1/customer/disputes?{filter}&page_size={PAGE}");
        let mut ids = Vec::new();
        for _ in 0..PAGES {
            let page: wire::Search = match self.api.get(&path).await? {
                Said::Nothing => break,
                said => said.granted()?,
            };
            ids.extend(page.items.into_iter().map(|found| found.dispute_id));
            let next = page.links.into_iter().find(|link| link.rel == "next");
            let Some(next) =
                next.and_then(|link| link.href.find("/v1/customer/").map(|at| link.href[at..].to_owned()))
            else {
                break;
            };
            path = next;
        }
        ids.retain(|id| is_dispute_id(id));
        Ok(ids)
    }

    async fn act(
        &self,
        dispute_ref: &str,
        act: &str,
        body: &impl serde::Serialize,
    ) -> Result<(), GatewayError> {
        let body = serde_json::to_vec(body).map_err(|error| GatewayError::NotSent(error.to_string()))?;
        self.api.post_form::<wire::Acted>(&path(dispute_ref, act)?, &body).await?.granted().map(|_| ())
    }
}

fn path(dispute_ref: &str, act: &str) -> Result<String, GatewayError> {
    if !is_dispute_id(dispute_ref) {
        return Err(GatewayError::NotSent("not a dispute id".into()));
    }
    Ok(format!("/v1/customer/disputes/{dispute_ref}{act}"))
}

fn report(dispute: &wire::Dispute) -> Result<DisputeReport, String> {
    let disputed = dispute.disputed_transactions.first().ok_or("a dispute about no transaction")?;
    let capture_ref = disputed.seller_transaction_id.clone().ok_or("a dispute without our transaction")?;
    let outcome = dispute.dispute_outcome.as_ref().and_then(|outcome| outcome.outcome_code.as_deref());
    let (state, word) = status::state(dispute.status.as_deref().unwrap_or_default(), outcome);
    let time = |text: &Option<String>| text.as_deref().map(reports::read_time).transpose();
    let opened_at = time(&dispute.create_time)?.ok_or("a dispute without its time")?;
    let movements = dispute.money_movements.iter();
    let ours = movements.filter(|moved| moved.affected_party.as_deref() == Some("SELLER"));
    let answers =
        dispute.evidences.iter().filter(|handed| handed.source.as_deref() == Some("SUBMITTED_BY_SELLER"));
    Ok(DisputeReport {
        gateway_ref: dispute.dispute_id.clone(),
        capture_ref,
        request_ref: disputed.custom.clone().or_else(|| disputed.invoice_number.clone()),
        amount: amount::read(dispute.dispute_amount.as_ref().ok_or("a dispute without an amount")?)?,
        reason: dispute.reason.clone().unwrap_or_else(|| "OTHER".to_owned()),
        stage: dispute.dispute_life_cycle_stage.clone(),
        held: disputed.transaction_status.as_deref() == Some("HELD"),
        state,
        word,
        deadline: time(&dispute.seller_response_due_date)?,
        movements: ours.map(|moved| movement(moved, opened_at)).collect::<Result<_, _>>()?,
        answers: answers.filter_map(|handed| handed.notes.clone()).collect(),
        opened_at,
        updated_at: time(&dispute.update_time)?.unwrap_or(opened_at),
    })
}

fn movement(moved: &wire::Movement, opened_at: DateTime<Utc>) -> Result<DisputeMovement, String> {
    let debit = match moved.kind.as_deref() {
        Some("DEBIT") => true,
        Some("CREDIT") => false,
        _ => return Err("a movement that is neither debit nor credit".into()),
    };
    let read = amount::read(moved.amount.as_ref().ok_or("a movement without an amount")?)?;
    Ok(DisputeMovement {
        kind: status::movement(moved.reason.as_deref().unwrap_or_default(), debit),
        amount: read.abs(),
        at: moved.initiated_time.as_deref().map(reports::read_time).transpose()?.unwrap_or(opened_at),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::disputes::{DisputeState, MovementKind};

    fn read(text: &str) -> Result<DisputeReport, String> {
        report(&crate::gateways::json::read::<wire::Dispute>(text.as_bytes()).unwrap())
    }

    const CHARGEBACK: &str = include_str!("../fixtures/dispute_chargeback.json");

    #[test]
    fn a_chargeback_says_what_was_taken_and_until_when_we_may_answer() {
        let told = read(CHARGEBACK).unwrap();
        assert_eq!(
            (told.gateway_ref.as_str(), told.capture_ref.as_str()),
            ("PP-D-27803", "18A20386GH432013C")
        );
        assert_eq!(told.request_ref.as_deref(), Some("pay_01kb0000000000000000000000"));
        assert_eq!(
            (told.state, told.word.as_str()),
            (Some(DisputeState::NeedsResponse), "WAITING_FOR_SELLER_RESPONSE")
        );
        assert!(!told.held && told.deadline.is_some());
        let moved: Vec<_> = told.movements.iter().map(|moved| (moved.kind, moved.amount.minor())).collect();
        assert_eq!(
            moved,
            [(MovementKind::Taken, 10_000), (MovementKind::Fee, 2_000)],
            "the buyer's is not ours"
        );
        assert_eq!(told.answers, ["signed for [dan_1]"]);
    }

    #[test]
    fn every_word_of_the_published_file_has_a_meaning_and_others_none() {
        let words =
            ["OPEN", "WAITING_FOR_BUYER_RESPONSE", "WAITING_FOR_SELLER_RESPONSE", "UNDER_REVIEW", "OTHER"];
        assert!(words.iter().all(|word| status::state(word, None).0.is_some_and(DisputeState::is_open)));
        for (word, ends) in [
            ("RESOLVED_BUYER_FAVOUR", DisputeState::Lost),
            ("RESOLVED_SELLER_FAVOUR", DisputeState::Won),
            ("RESOLVED_WITH_PAYOUT", DisputeState::PaidByGateway),
            ("CANCELED_BY_BUYER", DisputeState::Won),
            ("ACCEPTED", DisputeState::Accepted),
            ("DENIED", DisputeState::Won),
        ] {
            assert_eq!(status::state("RESOLVED", Some(word)), (Some(ends), word.to_owned()));
        }
        for (word, outcome) in
            [("RESOLVED", None), ("RESOLVED", Some("NONE")), ("NEW_WORD", None), ("", None)]
        {
            assert_eq!(status::state(word, outcome).0, None, "{word} {outcome:?}");
        }
        assert_eq!(status::movement("SOMETHING", true), MovementKind::OtherTaken);
    }

    #[test]
    fn what_is_missing_is_no_report() {
        for member in ["dispute_amount", "disputed_transactions", "create_time"] {
            let mut told: serde_json::Value = serde_json::from_str(CHARGEBACK).unwrap();
            told.as_object_mut().unwrap().remove(member);
            assert!(read(&told.to_string()).is_err(), "{member}");
        }
        assert!(!is_dispute_id("PP-D-1/../2") && is_dispute_id("PP-D-1"));
    }
}
