//! A bank's channel: pain.001 in, pain.002 back, the reports written out here and held against the published schema.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, NaiveDate};
use straits::clock::Clock;
use straits::domain::merchants::PayoutAccountKind;
use straits::domain::payouts::{DebtorAddress, FeeBearer, PayoutStatus};
use straits::gateways::{
    Creditor, Debtor, GatewayError, PayoutBatchReport, PayoutBatchRequest, PayoutOrder, Payouts, call,
};
use straits::ids::{IdSource, PayoutBatchId, PayoutId};
use straits::rails::BankChannel;

use super::bench::{START_S, is_not_sent, is_unknown, money};
use super::line::{self, Outcome, Reply, Request};
use crate::pay_out::bank::{holds, schema};

/// Name, status, reason code and words.
type Said<'a> = (&'a str, &'a str, Option<(&'a str, &'a str)>);

fn reason(reason: Option<(&str, &str)>) -> String {
    reason.map_or(String::new(), |(code, words)| {
        format!("<StsRsnInf><Rsn><Cd>{code}</Cd></Rsn><AddtlInf>{words}</AddtlInf></StsRsnInf>")
    })
}

/// A whole report: of the group, then of batches with their payments.
fn report(message: &str, group: Option<Said<'_>>, batches: &[(Said<'_>, Vec<Said<'_>>)]) -> String {
    let status = |name: &str, said: &Said<'_>| match said.1 {
        "" => String::new(),
        word => format!("<{name}>{word}</{name}>{}", reason(said.2)),
    };
    let group = group.map_or(String::new(), |said| status("GrpSts", &said));
    let batches: String = batches
        .iter()
        .map(|(batch, items)| {
            let items: String = items
                .iter()
                .map(|item| {
                    let status = status("TxSts", item);
                    format!(
                        "<TxInfAndSts><OrgnlEndToEndId>{}</OrgnlEndToEndId>{status}</TxInfAndSts>",
                        item.0
                    )
                })
                .collect();
            let status = status("PmtInfSts", batch);
            format!(
                "<OrgnlPmtInfAndSts><OrgnlPmtInfId>{}</OrgnlPmtInfId>{status}{items}</OrgnlPmtInfAndSts>",
                batch.0
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.12\"><CstmrPmtStsRpt><GrpHdr><MsgId>S1</MsgId><CreDtTm>2026-11-28T12:00:00+08:00</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>{message}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId>{group}</OrgnlGrpInfAndSts>{batches}</CstmrPmtStsRpt></Document>"
    )
}

/// A batch of which nothing is said but its payments.
fn quiet(name: &str) -> Said<'_> {
    (name, "", None)
}

struct Desk {
    channel: BankChannel,
    nobody: BankChannel,
    answer: Arc<Mutex<Reply>>,
    seen: Arc<Mutex<Vec<Request>>>,
    ids: IdSource,
}

impl Desk {
    fn open() -> Desk {
        let clock = Clock::fixed(DateTime::from_timestamp(START_S, 0).unwrap());
        let (answer, seen) =
            (Arc::new(Mutex::new(Reply::of(404, "text/plain", ""))), Arc::<Mutex<Vec<Request>>>::default());
        let (told, kept) = (answer.clone(), seen.clone());
        let address = line::listen(Arc::new(Mutex::new(move |request: Request| {
            kept.lock().unwrap().push(request);
            Outcome::Answer(told.lock().unwrap().clone())
        })));
        let to = |address: std::net::SocketAddr| {
            let base = format!("http://{address}/bank/").parse().unwrap();
            let token = Some(secrecy::SecretString::from("token"));
            BankChannel::new(base, token, call::client().unwrap().into(), clock.clone())
        };
        let (channel, nobody) = (to(address), to(line::nobody()));
        Desk { channel, nobody, answer, seen, ids: IdSource::seeded(clock, 9) }
    }

    fn batch(&self) -> PayoutBatchRequest {
        let id: PayoutBatchId = self.ids.mint();
        let order = || PayoutOrder {
            payout: self.ids.mint::<PayoutId>(),
            rail_ref: None,
            amount: money("THB", 10_000),
            creditor: Creditor {
                name: "Payee".into(),
                country: "TH".into(),
                town: Some("Bangkok".into()),
                kind: PayoutAccountKind::Bank,
                number: "1234567890".into(),
                bank_code: Some("014".into()),
            },
            note: String::new(),
            purpose: None,
            bearer: Some(FeeBearer::Platform),
        };
        PayoutBatchRequest {
            batch: id,
            request_ref: id.to_string(),
            rail_ref: None,
            orders: vec![order(), order()],
            debtor: Some(Debtor {
                name: "Shop".into(),
                country: "SG".into(),
                address: DebtorAddress::default(),
                number: "0123456789".into(),
                bic: None,
            }),
            execute_on: NaiveDate::from_ymd_opt(2026, 11, 30).unwrap(),
            made_at: DateTime::from_timestamp(START_S, 0).unwrap(),
            carried: None,
        }
    }

    fn answers(&self, status: u16, body: &str) {
        *self.answer.lock().unwrap() = Reply::of(status, "application/xml", body);
    }

    async fn told(
        &self,
        batch: &PayoutBatchRequest,
        body: &str,
    ) -> Result<Option<PayoutBatchReport>, GatewayError> {
        if let Some(schema) = schema("pain.002.001.12.xsd") {
            holds(&schema, body).unwrap();
        }
        self.answers(200, body);
        self.channel.query(batch).await
    }
}

fn words(report: &PayoutBatchReport) -> Vec<String> {
    let word = |status: &PayoutStatus| match status {
        PayoutStatus::Pending => "pending".to_owned(),
        PayoutStatus::Failed { code, reason } => format!("failed {code} {reason}").trim().to_owned(),
        PayoutStatus::Unknown { .. } => "unknown".to_owned(),
        other => format!("{other:?}"),
    };
    report.payouts.iter().map(|told| word(&told.status)).collect()
}

#[tokio::test]
async fn each_payment_has_its_own_word_else_its_batchs_else_the_files() {
    let desk = Desk::open();
    let batch = desk.batch();
    let own = batch.request_ref.clone();
    let [one, two] = [0, 1].map(|of: usize| batch.orders[of].payout.to_string());
    let (none, closed) = (None, Some(("AC04", "closed account number")));
    let (date, form) = (Some(("DT01", "no such day")), Some(("FF01", "the file does not read")));
    for (why, body, expected) in [
        (
            "partly accepted",
            report(
                &own,
                Some(("", "PART", none)),
                &[(quiet(&own), vec![(&one, "ACSC", none), (&two, "RJCT", closed)])],
            ),
            vec!["pending", "failed AC04 closed account number"],
        ),
        (
            "the whole file refused",
            report(&own, Some(("", "RJCT", form)), &[]),
            vec!["failed FF01 the file does not read"; 2],
        ),
        (
            "the batch refused",
            report(&own, Some(("", "RJCT", form)), &[((own.as_str(), "RJCT", date), vec![])]),
            vec!["failed DT01 no such day"; 2],
        ),
        (
            "another batch of the file refused",
            report(&own, None, &[(("pob_other", "RJCT", date), vec![])]),
            vec!["pending"; 2],
        ),
        (
            "refused but one that is accepted",
            report(&own, None, &[((own.as_str(), "RJCT", date), vec![(&one, "ACCP", none)])]),
            vec!["pending", "failed DT01 no such day"],
        ),
        (
            "said twice alike, and twice differently",
            report(
                &own,
                None,
                &[(
                    quiet(&own),
                    vec![
                        (&one, "RJCT", closed),
                        (&one, "RJCT", closed),
                        (&two, "ACSP", none),
                        (&two, "RJCT", closed),
                    ],
                )],
            ),
            vec!["failed AC04 closed account number", "unknown"],
        ),
        (
            "a word of tomorrow, and no reason",
            report(&own, None, &[(quiet(&own), vec![(&one, "BLCK", none), (&two, "RJCT", none)])]),
            vec!["unknown", "failed RJCT"],
        ),
        ("nothing yet", report(&own, Some(("", "RCVD", none)), &[]), vec!["pending"; 2]),
    ] {
        let told = desk.told(&batch, &body).await.unwrap().unwrap();
        assert_eq!(words(&told), expected, "{why}");
    }
    // A payment that we did not ask for is told behind ours; a name that is no payout's is not. Refused under such a name,
    // it may be any of ours: nothing is taken.
    let stranger = desk.ids.mint::<PayoutId>();
    let name = stranger.to_string();
    let about = |word, why| {
        report(&own, None, &[(quiet(&own), vec![(&name, "ACSC", none), ("INVOICE 7", word, why)])])
    };
    let told = desk.told(&batch, &about("ACSP", none)).await.unwrap().unwrap();
    assert_eq!((words(&told), told.payouts[2].payout), (vec!["pending".to_owned(); 3], stranger));
    let refused = desk.told(&batch, &about("RJCT", closed)).await;
    assert!(is_unknown(&refused), "{refused:?}");
}

/// Banks name a payment by either of the two references that it was sent with, and some by none.
#[tokio::test]
async fn one_refused_payment_is_never_the_whole_batch() {
    let desk = Desk::open();
    let batch = desk.batch();
    let own = batch.request_ref.clone();
    let one = batch.orders[0].payout.to_string();
    let element = format!("<OrgnlEndToEndId>{one}</OrgnlEndToEndId>");
    let instruction = format!("<OrgnlInstrId>{one}</OrgnlInstrId>");
    let told = |status: &'static str, names: &str| {
        let whole = report(&own, Some(("", "PART", None)), &[(quiet(&own), vec![(&one, status, None)])]);
        whole.replace(&element, names)
    };
    for names in [
        instruction.clone(),
        format!("{instruction}<OrgnlEndToEndId>NOTPROVIDED</OrgnlEndToEndId>"),
        format!("<OrgnlInstrId>BANK 7</OrgnlInstrId>{element}"),
    ] {
        let read = desk.told(&batch, &told("RJCT", &names)).await.unwrap().unwrap();
        assert_eq!(words(&read), ["failed RJCT", "pending"], "{names}");
    }
    for nobody in ["", "<OrgnlEndToEndId>NOTPROVIDED</OrgnlEndToEndId>"] {
        let refused = desk.told(&batch, &told("RJCT", nobody)).await;
        assert!(is_unknown(&refused), "{refused:?}");
        let taken = desk.told(&batch, &told("ACSC", nobody)).await.unwrap().unwrap();
        assert_eq!(words(&taken), ["pending"; 2], "{nobody}");
    }
}

#[tokio::test]
async fn what_is_about_another_file_or_does_not_read_proves_nothing() {
    let desk = Desk::open();
    let batch = desk.batch();
    let whole = report(&batch.request_ref, Some(("", "RJCT", None)), &[]);
    assert!(is_unknown(&desk.told(&batch, &report("pob_other", Some(("", "RJCT", None)), &[])).await));
    for body in [
        "".to_owned(),
        "<html>".to_owned(),
        whole[..whole.len() - 20].to_owned(),
        whole.replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<!DOCTYPE a [<!ENTITY b \"c\">]>"),
        whole.replace("RJCT", "&b;"),
    ] {
        desk.answers(200, &body);
        assert!(is_unknown(&desk.channel.query(&batch).await), "{body}");
        assert!(is_unknown(&desk.channel.send(&batch).await), "{body}");
    }
    for status in [400, 500] {
        desk.answers(status, &whole);
        assert!(is_unknown(&desk.channel.query(&batch).await), "{status}");
        assert!(is_unknown(&desk.channel.send(&batch).await), "{status}");
    }
    desk.answers(404, "");
    let asked = desk.seen.lock().unwrap().len();
    assert_eq!(desk.channel.query(&batch).await, Ok(None));
    // By the id as banks carry it, and as it is: a file of an earlier program has that one.
    let own = [batch.request_ref.replace('_', "-"), batch.request_ref.clone()];
    let targets: Vec<String> =
        desk.seen.lock().unwrap()[asked..].iter().map(|request| request.target.clone()).collect();
    assert_eq!(targets, own.map(|id| format!("/bank/payments/{id}")));
    assert!(is_not_sent(&desk.nobody.send(&batch).await));
    // What is posted is the file, once each, and it holds.
    let seen = desk.seen.lock().unwrap();
    let posted: Vec<&Request> = seen.iter().filter(|request| request.method == "POST").collect();
    assert_eq!(posted.len(), 7);
    assert_eq!(
        (posted[0].target.as_str(), posted[0].header("authorization")),
        ("/bank/payments", Some("Bearer token"))
    );
    if let Some(schema) = schema("pain.001.001.09.xsd") {
        holds(&schema, &String::from_utf8_lossy(&posted[0].body)).unwrap();
    }
    assert!(posted.iter().all(|request| request.body == posted[0].body), "the same bytes however often");
}

/// Counts, sums and amounts are held against what the call carried, whenever they are told.
#[tokio::test]
async fn a_report_on_other_payments_than_were_sent_proves_nothing() {
    let desk = Desk::open();
    let mut batch = desk.batch();
    let own = batch.request_ref.clone();
    let [one, two] = [0, 1].map(|of: usize| batch.orders[of].payout.to_string());
    let plain = report(&own, Some(("", "ACCP", None)), &[(quiet(&own), vec![(&one, "RJCT", None)])]);
    let counts = |count: usize, sum: &str, accepted: usize| {
        let each = format!(
            "<NbOfTxsPerSts><DtldNbOfTxs>{accepted}</DtldNbOfTxs><DtldSts>ACCP</DtldSts></NbOfTxsPerSts><NbOfTxsPerSts><DtldNbOfTxs>1</DtldNbOfTxs><DtldSts>RJCT</DtldSts></NbOfTxsPerSts>"
        );
        let whole = format!(
            "<OrgnlNbOfTxs>{count}</OrgnlNbOfTxs><OrgnlCtrlSum>{sum}</OrgnlCtrlSum><GrpSts>ACCP</GrpSts>{each}"
        );
        plain.replace("<GrpSts>ACCP</GrpSts>", &whole)
    };
    let priced = |amount: &str| {
        let own =
            format!("</TxSts><OrgnlTxRef><Amt><InstdAmt Ccy=\"THB\">{amount}</InstdAmt></Amt></OrgnlTxRef>");
        plain.replace("</TxSts>", &own)
    };
    for bad in [counts(3, "200.00", 1), counts(2, "200.01", 1), counts(2, "200.00", 2), priced("100.01")] {
        assert!(is_unknown(&desk.told(&batch, &bad).await), "{bad}");
        assert!(is_unknown(&desk.channel.send(&batch).await), "{bad}");
    }
    for good in [counts(2, "200.00", 1), priced("100.00")] {
        let told = desk.told(&batch, &good).await.unwrap().unwrap();
        assert_eq!(words(&told), ["failed RJCT", "pending"]);
    }
    // One was given up before the call was made: the file had the other alone.
    batch.carried = Some([one.parse().unwrap()].into());
    assert!(is_unknown(&desk.told(&batch, &counts(2, "200.00", 1)).await), "{two}");
    assert!(desk.told(&batch, &counts(1, "100.00", 0)).await.is_ok());
}
