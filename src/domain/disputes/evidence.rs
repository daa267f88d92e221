//! What we say in a dispute: evidence, or that we accept it. Each is written down before it is sent, once.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{DisputeAnswerId, DisputeId, MerchantId};

/// Evidence for our side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"type": "PROOF_OF_FULFILLMENT", "notes": "Delivered on 3 November, signed for.", "tracking": [{"carrier": "DHL", "number": "JD0140"}]}))]
pub struct Evidence {
    /// The gateway's word for what it is: `PROOF_OF_FULFILLMENT`, `OTHER`.
    #[serde(rename = "type", default = "other")]
    #[schema(pattern = "^[0-9A-Z_]{1,255}$", default = "OTHER")]
    pub kind: String,
    /// In words.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub notes: String,
    /// Parcels.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tracking: Vec<Tracking>,
    /// The gateway's ids of refunds that were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub refund_ids: Vec<String>,
    /// Documents, by name and address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub documents: Vec<Document>,
}

fn other() -> String {
    "OTHER".to_owned()
}

/// A parcel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DisputeTracking)]
pub struct Tracking {
    /// The gateway's word for the carrier: `DHL`, `OTHER`.
    #[schema(pattern = "^[0-9A-Z_]{1,255}$")]
    pub carrier: String,
    /// The parcel's number.
    #[schema(min_length = 1, max_length = 255)]
    pub number: String,
}

/// A document, by reference.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DisputeDocument)]
pub struct Document {
    /// Its name with its ending: `receipt.pdf`.
    #[schema(min_length = 1, max_length = 255)]
    pub name: String,
    /// Where it lies.
    #[schema(pattern = "^https://", max_length = 2000)]
    pub url: String,
}

/// Why evidence is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct EvidenceError {
    /// The field.
    pub param: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Evidence {
    /// Whether a gateway can be given it.
    ///
    /// # Errors
    /// [`EvidenceError`] at the first field that does not fit.
    pub fn check(&self) -> Result<(), EvidenceError> {
        let bad = |param: String, why| Err(EvidenceError { param, why });
        let word = |text: &str| {
            (1..=255).contains(&text.len())
                && text.bytes().all(|b| b == b'_' || b.is_ascii_digit() || b.is_ascii_uppercase())
        };
        if !word(&self.kind) {
            return bad("type".into(), "a type is written in capitals, such as PROOF_OF_FULFILLMENT");
        }
        if self.notes.chars().count() > 2000 {
            return bad("notes".into(), "at most 2000 characters");
        }
        let lists = [self.tracking.len(), self.refund_ids.len(), self.documents.len()];
        if self.notes.trim().is_empty() && lists == [0; 3] {
            return bad("notes".into(), "evidence says something: notes, tracking, refund_ids or documents");
        }
        if self.tracking.len() > 10 || self.refund_ids.len() > 100 || self.documents.len() > 100 {
            return bad("tracking".into(), "at most 10 parcels, 100 refunds, 100 documents");
        }
        for (nth, parcel) in self.tracking.iter().enumerate() {
            if !word(&parcel.carrier) || !(1..=255).contains(&parcel.number.len()) {
                return bad(
                    format!("tracking[{nth}]"),
                    "a carrier in capitals, a number of 1 to 255 characters",
                );
            }
        }
        for (nth, refund) in self.refund_ids.iter().enumerate() {
            if !(1..=255).contains(&refund.len()) {
                return bad(format!("refund_ids[{nth}]"), "1 to 255 characters");
            }
        }
        for (nth, document) in self.documents.iter().enumerate() {
            let named = (1..=255).contains(&document.name.len()) && document.name.contains('.');
            if !named || !document.url.starts_with("https://") || document.url.len() > 2000 {
                return bad(format!("documents[{nth}]"), "a name with its ending and an https address");
            }
        }
        Ok(())
    }
}

/// Something we say, written down before it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Its id; as text it is in what is sent, so that the gateway's record can be searched for it.
    pub id: DisputeAnswerId,
    /// Whose.
    pub merchant: MerchantId,
    /// In which dispute.
    pub dispute: DisputeId,
    /// What.
    pub kind: AnswerKind,
    /// What came of the call.
    pub outcome: AnswerOutcome,
    /// When it was written down.
    pub created_at: DateTime<Utc>,
}

/// What we say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum AnswerKind {
    /// Evidence.
    Evidence {
        /// It.
        evidence: Evidence,
    },
    /// The payer is right.
    Accept {
        /// In words.
        note: String,
    },
}

impl AnswerKind {
    /// The stored word.
    pub fn as_str(&self) -> &'static str {
        match self {
            AnswerKind::Evidence { .. } => "evidence",
            AnswerKind::Accept { .. } => "accept",
        }
    }
}

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnswerOutcome {
    /// Written down; the call may be under way.
    Open,
    /// The gateway has it.
    Done,
    /// The gateway refused it.
    Refused,
    /// It never left us, or never arrived; it may be said again.
    NotSent,
    /// Nobody knows; the gateway is asked, and it is not sent again.
    Unknown,
}

impl AnswerOutcome {
    /// The stored word.
    pub fn as_str(self) -> &'static str {
        match self {
            AnswerOutcome::Open => "open",
            AnswerOutcome::Done => "done",
            AnswerOutcome::Refused => "refused",
            AnswerOutcome::NotSent => "not_sent",
            AnswerOutcome::Unknown => "unknown",
        }
    }

    /// Reads the stored word.
    pub fn find(word: &str) -> Option<AnswerOutcome> {
        use AnswerOutcome::{Done, NotSent, Open, Refused, Unknown};
        [Open, Done, Refused, NotSent, Unknown].into_iter().find(|outcome| outcome.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_says_something_a_gateway_can_read() {
        let read = |text: &str| serde_json::from_str::<Evidence>(text).unwrap().check();
        assert!(read(r#"{"notes":"sent"}"#).is_ok());
        assert!(read(r#"{"type":"PROOF_OF_REFUND","refund_ids":["R1"]}"#).is_ok());
        for (text, param) in [
            ("{}", "notes"),
            (r#"{"notes":"  "}"#, "notes"),
            (r#"{"type":"proof","notes":"x"}"#, "type"),
            (r#"{"tracking":[{"carrier":"dhl","number":"1"}]}"#, "tracking[0]"),
            (r#"{"documents":[{"name":"a.pdf","url":"http://x"}]}"#, "documents[0]"),
            (r#"{"documents":[{"name":"a","url":"https://x"}]}"#, "documents[0]"),
        ] {
            assert_eq!(read(text).unwrap_err().param, param, "{text}");
        }
        assert!(serde_json::from_str::<Evidence>(r#"{"note":"x"}"#).is_err(), "a misspelt field");
    }
}
