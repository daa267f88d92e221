//! pain.002, "customer payment status report", versions .03 to .15: elements are known by their local names. Document
//! types, entities and CDATA are refused, as in statements.

use quick_xml::events::Event;
use quick_xml::reader::Reader;

use crate::domain::payouts::PayoutStatus;

/// Elements within one another.
const DEPTH: usize = 40;
/// Letters of one text.
const TEXT: usize = 500;

/// What a bank says of one payment, or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransactionStatus {
    /// `OrgnlEndToEndId`; empty: of the whole group.
    pub end_to_end: String,
    /// `ACCP`, `RJCT` …
    pub status: String,
    /// `AC04` …
    pub reason: String,
    /// In words.
    pub words: String,
}

/// The file is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bank's status report does not read: {0}")]
pub struct StatusError(String);

impl TransactionStatus {
    /// In our words. Acceptance is not money, however final it sounds: only the statement says that cash has moved.
    pub fn meaning(&self) -> PayoutStatus {
        match self.status.as_str() {
            "RJCT" | "CANC" => PayoutStatus::Failed { code: self.code(), reason: self.words.clone() },
            "RCVD" | "ACTC" | "ACCP" | "ACSP" | "ACSC" | "ACCC" | "ACWC" | "ACWP" | "PDNG" | "PART"
            | "ACFC" | "PATC" => PayoutStatus::Pending,
            other => PayoutStatus::Unknown { raw: other.to_owned() },
        }
    }

    fn code(&self) -> String {
        if self.reason.is_empty() { self.status.clone() } else { self.reason.clone() }
    }
}

/// Reads every status of a report, the group's and the batches' first where they say one.
///
/// # Errors
/// [`StatusError`].
pub fn read(text: &str) -> Result<Vec<TransactionStatus>, StatusError> {
    let bad = |why: &str| StatusError(why.to_owned());
    let mut reader = Reader::from_str(text);
    let (mut path, mut content): (Vec<String>, String) = (vec![], String::new());
    let (mut found, mut all, mut one) = (vec![], TransactionStatus::default(), TransactionStatus::default());
    let mut seen = false;
    loop {
        match reader.read_event().map_err(|error| StatusError(error.to_string()))? {
            Event::Start(element) => {
                if path.len() == DEPTH {
                    return Err(bad("it is nested too deeply"));
                }
                path.push(element.local_name().as_ref().to_owned());
                content.clear();
                seen |= path.last().is_some_and(|name| name == "CstmrPmtStsRpt");
                if path.last().is_some_and(|name| name == "TxInfAndSts") {
                    one = TransactionStatus::default();
                }
            }
            Event::Text(text) => {
                let text: &str = &text;
                if content.len() + text.len() <= TEXT {
                    content.push_str(text);
                }
            }
            Event::GeneralRef(name) => match name.as_ref() {
                "amp" => content.push('&'),
                "lt" => content.push('<'),
                "gt" => content.push('>'),
                "apos" => content.push('\''),
                "quot" => content.push('"'),
                _ => return Err(bad("only XML's own five entities are read")),
            },
            Event::End(_) => {
                let name = path.pop().unwrap_or_default();
                let within = path.iter().any(|name| name == "TxInfAndSts");
                let target = if within { &mut one } else { &mut all };
                let said = std::mem::take(&mut content).trim().to_owned();
                let parent = path.last().map(String::as_str).unwrap_or_default();
                match (name.as_str(), parent) {
                    ("OrgnlEndToEndId", _) if within => target.end_to_end = said,
                    ("TxSts", _) if within => target.status = said,
                    ("GrpSts" | "PmtInfSts", _) => target.status = said,
                    ("Cd" | "Prtry", "Rsn") => target.reason = said,
                    ("AddtlInf", "StsRsnInf") => target.words = said,
                    ("TxInfAndSts", _) => found.push(std::mem::take(&mut one)),
                    _ => {}
                }
            }
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::DocType(_) => return Err(bad("a document type is refused")),
            Event::CData(_) => return Err(bad("CDATA is refused")),
            Event::Eof if path.is_empty() && seen => break,
            Event::Eof => return Err(bad("it is cut off, or no status report")),
        }
    }
    if !all.status.is_empty() {
        found.insert(0, all);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_names_its_reason_and_an_acceptance_is_no_money() {
        let text = "<?xml version=\"1.0\"?><d:Document xmlns:d=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.12\"><d:CstmrPmtStsRpt>\
            <d:OrgnlGrpInfAndSts><d:OrgnlMsgId>m</d:OrgnlMsgId><d:GrpSts>PART</d:GrpSts></d:OrgnlGrpInfAndSts><d:OrgnlPmtInfAndSts>\
            <d:TxInfAndSts><d:OrgnlEndToEndId>po_1</d:OrgnlEndToEndId><d:TxSts>ACSC</d:TxSts></d:TxInfAndSts>\
            <d:TxInfAndSts><d:OrgnlEndToEndId>po_2</d:OrgnlEndToEndId><d:TxSts>RJCT</d:TxSts><d:StsRsnInf><d:Rsn><d:Cd>AC04</d:Cd></d:Rsn><d:AddtlInf>closed &amp; gone</d:AddtlInf></d:StsRsnInf></d:TxInfAndSts>\
            </d:OrgnlPmtInfAndSts></d:CstmrPmtStsRpt></d:Document>";
        let read = read(text).unwrap();
        assert_eq!((read[0].end_to_end.as_str(), read[0].status.as_str()), ("", "PART"));
        assert_eq!(read[1].meaning(), PayoutStatus::Pending);
        let no = PayoutStatus::Failed { code: "AC04".into(), reason: "closed & gone".into() };
        assert_eq!((read[2].end_to_end.as_str(), read[2].meaning()), ("po_2", no));
        let strange = TransactionStatus { status: "WHAT".into(), ..TransactionStatus::default() };
        assert_eq!(strange.meaning(), PayoutStatus::Unknown { raw: "WHAT".into() });
        for bad in
            ["", "<a>", "<!DOCTYPE a><CstmrPmtStsRpt/>", "<CstmrPmtStsRpt>&x;</CstmrPmtStsRpt>", "<a></a>"]
        {
            assert!(super::read(bad).is_err(), "{bad}");
        }
    }
}
