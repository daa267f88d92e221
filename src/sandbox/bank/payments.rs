//! Payments by file: `POST /sandbox/bank/payments` takes a pain.001, `GET /sandbox/bank/payments/{MsgId}` says how its
//! payments stand (pain.002). A message id that is known is answered with what became of the first file; nothing is paid
//! twice.
//!
//! How a payment ends is rehearsed by its payee's name:
//!
//! | the name begins with | the payment |
//! |---|---|
//! | `Reject` | is refused (AC04), nothing is debited |
//! | `Return` | is debited, and the next day comes back short of 12.50 |
//! | anything else | is debited on the day it was taken |

use std::fmt::Write;

use actix_web::HttpResponse;
use chrono::NaiveDate;
use quick_xml::events::Event;
use quick_xml::reader::Reader;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::super::book::Record;
use super::super::grabpay::singapore_day;
use super::super::{Sandbox, SandboxError};
use crate::money::{Currency, Money};

/// What correspondents keep of a payment that comes back.
const KEPT: i64 = 1_250;

/// A file that was taken.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Message {
    id: String,
    taken_on: NaiveDate,
    payments: Vec<Payment>,
}

/// One payment of it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Payment {
    debtor: String,
    end_to_end: String,
    payee: String,
    amount: String,
    currency: String,
}

impl Record for Message {
    const KIND: &'static str = "bank.message";
    fn id(&self) -> &str {
        &self.id
    }
}

/// A movement that a payment makes on the account that pays: its day, its amount, what it names and says.
pub(super) struct Movement {
    pub day: NaiveDate,
    pub amount: Money,
    pub end_to_end: String,
    pub text: &'static str,
}

impl Payment {
    fn rejected(&self) -> bool {
        self.payee.starts_with("Reject")
    }

    fn movements(&self, taken_on: NaiveDate, currency: Currency) -> Vec<Movement> {
        let Some(amount) = Money::parse(&self.amount, currency).ok().filter(|_| !self.rejected()) else {
            return vec![];
        };
        let movement =
            |day, amount, text| Movement { day, amount, end_to_end: self.end_to_end.clone(), text };
        let mut all = vec![movement(taken_on, amount.negated(), "PAYOUT")];
        if self.payee.starts_with("Return") {
            let back = Money::from_minor((amount.minor() - KEPT).max(1), currency);
            all.push(movement(taken_on.succ_opt().unwrap_or(taken_on), back, "RETURNED AC01"));
        }
        all
    }
}

/// What payments by file moved on an account, in the order in which they were taken.
pub(super) async fn movements(
    session: &mut super::super::book::Session,
    account: &str,
    currency: Currency,
) -> Result<Vec<Movement>, SandboxError> {
    let messages: Vec<Message> = session.all().await?;
    let of = |message: &Message| {
        let own = message
            .payments
            .iter()
            .filter(|payment| payment.debtor == account && payment.currency == currency.code());
        own.flat_map(|payment| payment.movements(message.taken_on, currency)).collect::<Vec<_>>()
    };
    Ok(messages.iter().flat_map(of).collect())
}

impl Sandbox {
    /// Takes a file; the same message id is the same file.
    pub(super) async fn take_payments(&self, body: &[u8]) -> Result<HttpResponse, SandboxError> {
        let Some(mut message) = std::str::from_utf8(body).ok().and_then(read) else {
            return Ok(HttpResponse::BadRequest().body("no pain.001 that the bank reads"));
        };
        message.taken_on = singapore_day(self.clock.now());
        let mut session = self.book.begin().await?;
        let known: Option<Message> = session.find(&message.id).await?;
        let message = match known {
            Some(known) => known,
            None => {
                session.put(&message).await?;
                message
            }
        };
        session.commit().await?;
        Ok(answer(&message))
    }

    /// How the payments of a file stand.
    pub(super) async fn show_payments(&self, id: &str) -> Result<HttpResponse, SandboxError> {
        let mut session = self.book.begin().await?;
        let known: Option<Message> = session.find(id).await?;
        Ok(known.map_or_else(|| HttpResponse::NotFound().finish(), |message| answer(&message)))
    }
}

fn answer(message: &Message) -> HttpResponse {
    HttpResponse::Ok().content_type("application/xml; charset=utf-8").body(status_report(message))
}

fn status_report(message: &Message) -> String {
    let mut each = String::new();
    for payment in &message.payments {
        let (status, why) = match payment.rejected() {
            true => (
                "RJCT",
                "<StsRsnInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>closed account number</AddtlInf></StsRsnInf>",
            ),
            false => ("ACSC", ""),
        };
        let id = &payment.end_to_end;
        // Writing to a String cannot fail.
        let _ = write!(
            each,
            "<TxInfAndSts><OrgnlEndToEndId>{id}</OrgnlEndToEndId><TxSts>{status}</TxSts>{why}</TxInfAndSts>"
        );
    }
    let (id, day) = (&message.id, message.taken_on);
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.002.001.12\"><CstmrPmtStsRpt><GrpHdr><MsgId>S-{id}</MsgId><CreDtTm>{day}T12:00:00+08:00</CreDtTm></GrpHdr><OrgnlGrpInfAndSts><OrgnlMsgId>{id}</OrgnlMsgId><OrgnlMsgNmId>pain.001.001.09</OrgnlMsgNmId></OrgnlGrpInfAndSts><OrgnlPmtInfAndSts><OrgnlPmtInfId>{id}</OrgnlPmtInfId>{each}</OrgnlPmtInfAndSts></CstmrPmtStsRpt></Document>\n"
    )
}

/// A bank's own reading: control sums are held against the payments, a payee needs a town and a country.
fn read(text: &str) -> Option<Message> {
    let mut reader = Reader::from_str(text);
    let (mut path, mut content): (Vec<String>, String) = (vec![], String::new());
    let (mut id, mut debtor, mut sum, mut count) = (String::new(), String::new(), Decimal::ZERO, 0_usize);
    let (mut payments, mut one): (Vec<Payment>, Payment) = (vec![], Payment::default());
    let (mut town, mut country) = (false, false);
    loop {
        match reader.read_event().ok()? {
            Event::Start(element) => {
                let name = element.local_name().as_ref().to_owned();
                if name == "CdtTrfTxInf" {
                    one = Payment { debtor: debtor.clone(), ..Payment::default() };
                    (town, country) = (false, false);
                }
                if name == "InstdAmt" {
                    let code =
                        element.attributes().flatten().find(|attribute| attribute.key.as_ref() == "Ccy")?;
                    one.currency = String::from_utf8_lossy(code.value.as_ref().as_ref()).into_owned();
                }
                path.push(name);
                content.clear();
            }
            Event::Text(text) => content.push_str(&text),
            Event::End(_) => {
                let name = path.pop()?;
                let said = std::mem::take(&mut content);
                let at = |names: &[&str]| {
                    path.iter().rev().zip(names.iter().rev()).all(|(one, other)| one == other)
                };
                match name.as_str() {
                    "MsgId" => id = said,
                    "NbOfTxs" if at(&["GrpHdr"]) => count = said.parse().ok()?,
                    "CtrlSum" if at(&["GrpHdr"]) => sum = said.parse().ok()?,
                    "IBAN" | "Id" if !said.is_empty() && path.iter().any(|name| name == "DbtrAcct") => {
                        debtor = said;
                    }
                    "EndToEndId" => one.end_to_end = said,
                    "InstdAmt" => one.amount = said,
                    "Nm" if at(&["CdtTrfTxInf", "Cdtr"]) => one.payee = said,
                    "TwnNm" if at(&["Cdtr", "PstlAdr"]) => town = !said.is_empty(),
                    "Ctry" if at(&["Cdtr", "PstlAdr"]) => country = said.len() == 2,
                    "CdtTrfTxInf" => {
                        if !(town && country) {
                            return None;
                        }
                        payments.push(std::mem::take(&mut one));
                    }
                    _ => {}
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    let paid: Decimal =
        payments.iter().map(|payment| payment.amount.parse::<Decimal>().ok()).sum::<Option<_>>()?;
    let fits = !id.is_empty() && payments.len() == count && paid == sum;
    fits.then_some(Message { id, taken_on: NaiveDate::default(), payments })
}
