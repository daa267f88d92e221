//! pain.002, "customer payment status report", versions .03 to .15: elements are known by their local names. Document
//! types, entities and CDATA are refused, as in statements.

use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;

use super::bank_id::bank_id;
use crate::domain::payouts::PayoutStatus;
use crate::ids::PayoutId;

/// Elements within one another.
const DEPTH: usize = 40;
/// Bytes of one text; what is beyond is left out, so that no reference of ours is ever made by cutting one.
const TEXT: usize = 500;
/// Statuses of one report.
const MOST: usize = 100_000;
/// ISO 20022's word where there is no name.
const NOT_PROVIDED: &str = "NOTPROVIDED";

/// What a bank says of one file of ours.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusReport {
    /// `OrgnlMsgId`: of which file.
    pub message: String,
    /// What it says, of the whole, of batches, of payments.
    pub statuses: Vec<TransactionStatus>,
    /// What the file and its batches came to, as the bank read them, where it says so.
    pub sums: Vec<ReadSum>,
}

/// What a bank read, of one batch or of the whole file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadSum {
    /// `OrgnlPmtInfId`; empty: of the whole file.
    pub batch: String,
    /// `OrgnlNbOfTxs`; empty where it is not said.
    pub count: String,
    /// `OrgnlCtrlSum`; empty where it is not said.
    pub sum: String,
    /// `NbOfTxsPerSts`: how many payments have which status.
    pub each: Vec<StatusCount>,
}

/// How many payments have one status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StatusCount {
    /// `DtldSts`.
    pub status: String,
    /// `DtldNbOfTxs`.
    pub count: String,
    /// `DtldCtrlSum`; empty where it is not said.
    pub sum: String,
}

/// Of what a bank speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Level {
    /// Of the whole file.
    #[default]
    Group,
    /// Of a batch.
    Batch,
    /// Of one payment, by the name that is ours: `OrgnlEndToEndId` or `OrgnlInstrId`; empty where it has none.
    One(String),
}

/// What a bank says of one payment, of a batch, or of all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransactionStatus {
    /// Which of them.
    pub level: Level,
    /// `OrgnlPmtInfId`; empty where none is named.
    pub batch: String,
    /// `ACCP`, `RJCT` …
    pub status: String,
    /// `AC04` …: the first where there are several.
    pub reason: String,
    /// In words.
    pub words: String,
    /// `OrgnlTxRef/Amt/InstdAmt`, number and currency, as the bank read them; empty where they are not said.
    pub amount: (String, String),
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

    /// Whether it says anything.
    fn speaks(&self) -> bool {
        !self.status.is_empty()
    }
}

/// What is being read, from the whole down to one payment.
#[derive(Default)]
struct Levels {
    message: String,
    group: TransactionStatus,
    batch: TransactionStatus,
    one: TransactionStatus,
    /// The payment's `OrgnlEndToEndId` and `OrgnlInstrId`.
    names: [String; 2],
    file_sum: ReadSum,
    batch_sum: ReadSum,
    count: StatusCount,
    currency: String,
}

impl Levels {
    /// The name of the payment that ends: the one that is ours, for a bank may put its own word in the place of the other.
    fn name(&mut self) -> String {
        let names = std::mem::take(&mut self.names);
        let ours = names.iter().find(|name| bank_id::<PayoutId>(name).is_some());
        let is_name = |name: &str| !name.is_empty() && !name.eq_ignore_ascii_case(NOT_PROVIDED);
        let named = ours.or_else(|| names.iter().find(|name| is_name(name)));
        named.cloned().unwrap_or_default()
    }

    /// An element ends: `path` is around it.
    fn take_up(&mut self, path: &[String], name: &str, said: String) {
        let within = |name: &str| path.iter().any(|around| around == name);
        let parent = path.last().map(String::as_str).unwrap_or_default();
        let level = match () {
            () if within("TxInfAndSts") => &mut self.one,
            () if within("OrgnlPmtInfAndSts") => &mut self.batch,
            () => &mut self.group,
        };
        match (name, parent) {
            ("OrgnlMsgId", "OrgnlGrpInfAndSts") => self.message = said,
            ("OrgnlNbOfTxs", "OrgnlGrpInfAndSts") => self.file_sum.count = said,
            ("OrgnlCtrlSum", "OrgnlGrpInfAndSts") => self.file_sum.sum = said,
            ("OrgnlNbOfTxs", "OrgnlPmtInfAndSts") => self.batch_sum.count = said,
            ("OrgnlCtrlSum", "OrgnlPmtInfAndSts") => self.batch_sum.sum = said,
            ("DtldNbOfTxs", "NbOfTxsPerSts") => self.count.count = said,
            ("DtldSts", "NbOfTxsPerSts") => self.count.status = said,
            ("DtldCtrlSum", "NbOfTxsPerSts") => self.count.sum = said,
            ("NbOfTxsPerSts", "OrgnlGrpInfAndSts") => {
                self.file_sum.each.push(std::mem::take(&mut self.count))
            }
            ("NbOfTxsPerSts", "OrgnlPmtInfAndSts") => {
                self.batch_sum.each.push(std::mem::take(&mut self.count))
            }
            ("InstdAmt", "Amt") if within("OrgnlTxRef") => {
                level.amount = (said, std::mem::take(&mut self.currency));
            }
            ("OrgnlPmtInfId", "OrgnlPmtInfAndSts") => level.batch = said,
            ("OrgnlEndToEndId", "TxInfAndSts") => self.names[0] = said,
            ("OrgnlInstrId", "TxInfAndSts") => self.names[1] = said,
            ("GrpSts", "OrgnlGrpInfAndSts")
            | ("PmtInfSts", "OrgnlPmtInfAndSts")
            | ("TxSts", "TxInfAndSts") => {
                level.status = said;
            }
            ("Cd" | "Prtry", "Rsn") if level.reason.is_empty() => level.reason = said,
            ("AddtlInf", "StsRsnInf") if level.words.len() < TEXT => {
                level.words = format!("{} {said}", level.words).trim().to_owned();
            }
            _ => {}
        }
    }
}

/// Reads every status of a report.
///
/// # Errors
/// [`StatusError`].
pub fn read(text: &str) -> Result<StatusReport, StatusError> {
    let bad = |why: &str| StatusError(why.to_owned());
    let mut reader = Reader::from_str(text);
    let (mut path, mut content): (Vec<String>, String) = (vec![], String::new());
    let (mut statuses, mut sums, mut levels, mut seen) = (vec![], vec![], Levels::default(), false);
    loop {
        match reader.read_event().map_err(|error| StatusError(error.to_string()))? {
            Event::Start(element) => {
                if path.len() == DEPTH {
                    return Err(bad("it is nested too deeply"));
                }
                path.push(element.local_name().as_ref().to_owned());
                content.clear();
                match path.last().map(String::as_str) {
                    Some("CstmrPmtStsRpt") if seen => return Err(bad("it holds two reports")),
                    Some("CstmrPmtStsRpt") => seen = true,
                    Some("OrgnlPmtInfAndSts") => levels.batch = TransactionStatus::default(),
                    Some("TxInfAndSts") => {
                        levels.one = TransactionStatus::default();
                        levels.names = <[String; 2]>::default();
                    }
                    Some("NbOfTxsPerSts") => levels.count = StatusCount::default(),
                    Some("InstdAmt") => levels.currency = currency(&element),
                    _ => {}
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
                // A number may stand for anything: what it says is no reference of ours.
                number if number.starts_with('#') => content.push(' '),
                _ => return Err(bad("only XML's own five entities are read")),
            },
            Event::End(_) => {
                let name = path.pop().unwrap_or_default();
                let said = std::mem::take(&mut content).trim().to_owned();
                levels.take_up(&path, &name, said);
                if name == "OrgnlPmtInfAndSts" {
                    let batch = levels.batch.batch.clone();
                    sums.push(ReadSum { batch, ..std::mem::take(&mut levels.batch_sum) });
                }
                let ended = match name.as_str() {
                    "TxInfAndSts" => Some(TransactionStatus {
                        level: Level::One(levels.name()),
                        batch: levels.batch.batch.clone(),
                        ..std::mem::take(&mut levels.one)
                    }),
                    "OrgnlPmtInfAndSts" => {
                        let own = std::mem::take(&mut levels.batch);
                        Some(TransactionStatus { level: Level::Batch, ..own }).filter(|own| own.speaks())
                    }
                    _ => None,
                };
                statuses.extend(ended);
                if statuses.len() > MOST {
                    return Err(bad("it holds more statuses than any file of ours"));
                }
            }
            Event::Empty(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::DocType(_) => return Err(bad("a document type is refused")),
            Event::CData(_) => return Err(bad("CDATA is refused")),
            Event::Eof if path.is_empty() && seen => break,
            Event::Eof => return Err(bad("it is cut off, or no status report")),
        }
    }
    statuses.extend(Some(levels.group).filter(TransactionStatus::speaks));
    sums.push(levels.file_sum);
    Ok(StatusReport { message: levels.message, statuses, sums })
}

/// An amount's currency; empty where it names none.
fn currency(amount: &BytesStart<'_>) -> String {
    let named = amount.attributes().flatten().find(|attribute| attribute.key.local_name().as_ref() == "Ccy");
    named.map(|named| named.value.trim().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whole, batch, payments; every text of it in one place.
    const REPORT: &str = "<?xml version=\"1.0\"?><d:Document xmlns:d=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.12\"><d:CstmrPmtStsRpt>\
        <d:OrgnlGrpInfAndSts><d:OrgnlMsgId>m</d:OrgnlMsgId><d:GrpSts>PART</d:GrpSts></d:OrgnlGrpInfAndSts><d:OrgnlPmtInfAndSts><d:OrgnlPmtInfId>b</d:OrgnlPmtInfId>\
        <d:TxInfAndSts><d:OrgnlEndToEndId>po_1</d:OrgnlEndToEndId><d:TxSts>ACSC</d:TxSts></d:TxInfAndSts>\
        <d:TxInfAndSts><d:OrgnlEndToEndId>po_2</d:OrgnlEndToEndId><d:TxSts>RJCT</d:TxSts><d:StsRsnInf><d:Rsn><d:Cd>AC04</d:Cd></d:Rsn><d:AddtlInf>closed &amp; gone</d:AddtlInf></d:StsRsnInf><d:StsRsnInf><d:Rsn><d:Prtry>X9</d:Prtry></d:Rsn><d:AddtlInf>in M&#252;nchen</d:AddtlInf></d:StsRsnInf></d:TxInfAndSts>\
        </d:OrgnlPmtInfAndSts></d:CstmrPmtStsRpt></d:Document>";

    #[test]
    fn a_rejection_names_its_reason_and_an_acceptance_is_no_money() {
        let read = read(REPORT).unwrap();
        assert_eq!(read.message, "m");
        let [one, two, all] = read.statuses.as_slice() else { panic!("{read:?}") };
        assert_eq!((all.batch.as_str(), &all.level, all.status.as_str()), ("", &Level::Group, "PART"));
        assert_eq!((one.batch.as_str(), one.meaning()), ("b", PayoutStatus::Pending));
        let no = PayoutStatus::Failed { code: "AC04".into(), reason: "closed & gone in M nchen".into() };
        assert_eq!((&two.level, two.meaning()), (&Level::One("po_2".into()), no));
        let strange = TransactionStatus { status: "WHAT".into(), ..TransactionStatus::default() };
        assert_eq!(strange.meaning(), PayoutStatus::Unknown { raw: "WHAT".into() });
    }

    #[test]
    fn reasons_belong_to_the_level_they_stand_at() {
        let whole = "<Document><CstmrPmtStsRpt><OrgnlGrpInfAndSts><OrgnlMsgId>m</OrgnlMsgId><GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>FF01</Cd></Rsn></StsRsnInf></OrgnlGrpInfAndSts>\
            <OrgnlPmtInfAndSts><OrgnlPmtInfId>b1</OrgnlPmtInfId><PmtInfSts>RJCT</PmtInfSts><StsRsnInf><Rsn><Cd>DT01</Cd></Rsn></StsRsnInf></OrgnlPmtInfAndSts>\
            <OrgnlPmtInfAndSts><OrgnlPmtInfId>b2</OrgnlPmtInfId><TxInfAndSts><OrgnlEndToEndId>po_1</OrgnlEndToEndId><TxSts>RJCT</TxSts></TxInfAndSts></OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>";
        let told: Vec<(String, Level, String)> = read(whole)
            .unwrap()
            .statuses
            .into_iter()
            .map(|status| (status.batch, status.level, status.reason))
            .collect();
        let one = Level::One("po_1".to_owned());
        let expected = [("b1", Level::Batch, "DT01"), ("b2", one, ""), ("", Level::Group, "FF01")];
        assert_eq!(told, expected.map(|(a, b, c)| (a.to_owned(), b, c.to_owned())));
    }

    #[test]
    fn a_payment_is_known_by_whichever_of_its_names_is_ours() {
        let id = "po-01KB0000000000000000000002";
        let named = |end_to_end: Option<&str>, instruction: Option<&str>| {
            let element = |name: &str, said: Option<&str>| {
                said.map_or(String::new(), |said| format!("<d:{name}>{said}</d:{name}>"))
            };
            let names = element("OrgnlInstrId", instruction) + &element("OrgnlEndToEndId", end_to_end);
            let report = REPORT.replace("<d:OrgnlEndToEndId>po_1</d:OrgnlEndToEndId>", &names);
            read(&report).unwrap().statuses[0].level.clone()
        };
        for (end_to_end, instruction, name) in [
            (Some(id), None, id),
            (None, Some(id), id),
            (Some(""), Some(id), id),
            (Some("NOTPROVIDED"), Some(id), id),
            (Some("BANK 7"), Some(id), id),
            (Some(id), Some("BANK 7"), id),
            (Some("BANK 7"), Some("BANK 8"), "BANK 7"),
            (None, Some("BANK 8"), "BANK 8"),
            (Some("NOTPROVIDED"), None, ""),
            (None, None, ""),
        ] {
            let level = named(end_to_end, instruction);
            assert_eq!(level, Level::One(name.to_owned()), "{end_to_end:?} {instruction:?}");
        }
    }

    #[test]
    fn hostile_and_broken_reports_are_refused() {
        for (from, to) in [
            ("<?xml version=\"1.0\"?>", "<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>"),
            ("closed &amp; gone", "&x;"),
            ("closed &amp; gone", "<![CDATA[x]]>"),
            ("</d:Document>", ""),
            ("<d:TxSts>ACSC</d:TxSts>", "<d:TxSts>ACSC"),
            ("CstmrPmtStsRpt", "CstmrCdtTrfInitn"),
            ("</d:CstmrPmtStsRpt>", "</d:CstmrPmtStsRpt><d:CstmrPmtStsRpt></d:CstmrPmtStsRpt>"),
        ] {
            let bad = REPORT.replace(from, to);
            assert_ne!(bad, REPORT, "{from}");
            assert!(read(&bad).is_err(), "{from} -> {to}");
        }
        let deep = format!("<CstmrPmtStsRpt>{}", "<a>".repeat(10_000));
        for bad in ["", "<a>", "<a></a>", deep.as_str()] {
            assert!(read(bad).is_err(), "{}", &bad[..bad.len().min(40)]);
        }
        // A text that is longer than any reference is none of ours, and none is made of its beginning.
        let long = REPORT.replace("po_1", &format!("po_1{}", "0".repeat(600)));
        assert_eq!(read(&long).unwrap().statuses[0].level, Level::One(String::new()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        /// Cut anywhere it is refused; whatever is done to it, it is read or refused.
        #[test]
        fn no_bytes_break_the_reader(
            cut: prop::sample::Index,
            edits in prop::collection::vec((any::<prop::sample::Index>(), any::<char>(), 0..3_u8), 1..12),
        ) {
            let ends: Vec<usize> = REPORT.char_indices().map(|(at, _)| at).collect();
            prop_assert!(read(&REPORT[..*cut.get(&ends)]).is_err());
            let mut letters: Vec<char> = REPORT.chars().collect();
            for (place, letter, what) in edits {
                let at = place.index(letters.len());
                match what {
                    0 => letters[at] = letter,
                    1 => letters.insert(at, letter),
                    _ => { letters.remove(at); }
                }
            }
            let _ = read(&letters.into_iter().collect::<String>());
        }

        #[test]
        fn nothing_at_all_breaks_the_reader(text in "\\PC{0,200}") {
            let _ = read(&text);
        }
    }
}
