//! pain.001.001.09, "customer credit transfer initiation": what is to be paid, with structured addresses, control sums,
//! and only letters that banks carry, in ids too. A payment information for each batch; `EndToEndId` is the payout.

use std::fmt::Write;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use secrecy::ExposeSecret;

use super::bank_id::to_bank;
use super::charges::Charges;
use super::letters::latin;
use crate::domain::merchants::{Iban, PayoutAccountKind, bic, compact};
use crate::gateways::{Debtor, GatewayError, PayoutBatchRequest, PayoutOrder};
use crate::money::Currency;

/// Why there is no file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// A text has letters that banks do not carry, or is too long.
    #[error("{what} of {of} cannot be written in the letters that banks carry")]
    Letters {
        /// Whose.
        of: String,
        /// What.
        what: &'static str,
    },
    /// Something that has to be there is not.
    #[error("{of} has no {what}")]
    Missing {
        /// Whose.
        of: String,
        /// What.
        what: &'static str,
    },
    /// More than the form has digits for.
    #[error("the amounts of {of} come to more than 18 digits")]
    TooMuch {
        /// Whose.
        of: String,
    },
}

/// Digits of a control sum.
const SUM: i128 = 10_i128.pow(18);

/// How an id is written.
type Spelling = fn(&str) -> String;

/// Letters of a name; banks cut longer ones.
const NAME: usize = 70;

/// The file of one call, under the call's own reference, whoever brings it to the bank.
///
/// # Errors
/// [`GatewayError::Refused`] for what cannot be written.
pub(super) fn message(batch: &PayoutBatchRequest) -> Result<String, GatewayError> {
    of_one(batch, to_bank)
}

/// The same as programs wrote it that told banks our ids as they are.
///
/// # Errors
/// As [`message`].
pub(super) fn former_message(batch: &PayoutBatchRequest) -> Result<String, GatewayError> {
    of_one(batch, str::to_owned)
}

fn of_one(batch: &PayoutBatchRequest, spelt: Spelling) -> Result<String, GatewayError> {
    let file = write_as(spelt, &batch.request_ref, batch.made_at, std::slice::from_ref(batch));
    file.map_err(|error| GatewayError::Refused {
        code: "not_writable".to_owned(),
        message: error.to_string(),
        retry_later: false,
    })
}

/// The file of one message. `message` is its id, the same for the same content.
///
/// # Errors
/// [`WriteError`]; a file that a bank would refuse is not written.
pub fn write(
    message: &str,
    made_at: DateTime<Utc>,
    batches: &[PayoutBatchRequest],
) -> Result<String, WriteError> {
    write_as(to_bank, message, made_at, batches)
}

fn write_as(
    spelt: Spelling,
    message: &str,
    made_at: DateTime<Utc>,
    batches: &[PayoutBatchRequest],
) -> Result<String, WriteError> {
    let count: usize = batches.iter().map(|batch| batch.orders.len()).sum();
    let sum = control_sum(message, batches.iter().flat_map(|batch| &batch.orders))?;
    let first = batches.first().and_then(|batch| batch.debtor.as_ref());
    let initiator = first.ok_or_else(|| missing(message, "account that pays"))?;
    let mut xml = String::with_capacity(1_000 + count * 900);
    xml.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    xml.push_str("<Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\"><CstmrCdtTrfInitn>");
    let name = letters(message, "the merchant's name", &initiator.name, NAME)?;
    let id = spelt(message);
    let at = made_at.format("%Y-%m-%dT%H:%M:%SZ");
    put(
        &mut xml,
        format_args!(
            "<GrpHdr><MsgId>{id}</MsgId><CreDtTm>{at}</CreDtTm><NbOfTxs>{count}</NbOfTxs><CtrlSum>{sum}</CtrlSum><InitgPty><Nm>{name}</Nm></InitgPty></GrpHdr>"
        ),
    );
    for batch in batches {
        information(&mut xml, batch, spelt)?;
    }
    xml.push_str("</CstmrCdtTrfInitn></Document>\n");
    Ok(xml)
}

/// The sum of the numbers, whatever their currencies.
fn control_sum<'a>(of: &str, orders: impl Iterator<Item = &'a PayoutOrder>) -> Result<Decimal, WriteError> {
    let too_much = || WriteError::TooMuch { of: of.to_owned() };
    let mut sum = Decimal::ZERO;
    for order in orders {
        sum = sum.checked_add(order.amount.amount()).ok_or_else(too_much)?;
    }
    if sum.mantissa().abs() >= SUM { Err(too_much()) } else { Ok(sum) }
}

/// One batch.
fn information(xml: &mut String, batch: &PayoutBatchRequest, spelt: Spelling) -> Result<(), WriteError> {
    let of = batch.request_ref.as_str();
    let debtor = batch.debtor.as_ref().ok_or_else(|| missing(of, "account that pays"))?;
    let currency = batch.orders.first().map(|order| order.amount.currency());
    let currency = currency.ok_or_else(|| missing(of, "payout"))?;
    let sum = control_sum(of, batch.orders.iter())?;
    let (id, count, day) = (spelt(of), batch.orders.len(), batch.execute_on);
    // Said once where it is the same for all, else of each: a bank wants it in one of the two places.
    let charges: Vec<Charges> = batch.orders.iter().map(|order| Charges::of(debtor, order)).collect();
    let first = charges.first().copied();
    let all = first.filter(|first| charges.iter().all(|one| one == first));
    put(
        xml,
        format_args!(
            "<PmtInf><PmtInfId>{id}</PmtInfId><PmtMtd>TRF</PmtMtd><BtchBookg>false</BtchBookg><NbOfTxs>{count}</NbOfTxs><CtrlSum>{sum}</CtrlSum>{}<ReqdExctnDt><Dt>{day}</Dt></ReqdExctnDt>",
            service(all)
        ),
    );
    payer(xml, of, debtor, currency)?;
    if let Some(all) = all {
        put(xml, format_args!("<ChrgBr>{}</ChrgBr>", all.code()));
    }
    for (order, own) in batch.orders.iter().zip(charges.iter().copied()) {
        transfer(xml, order, Some(own).filter(|_| all.is_none()), spelt)?;
    }
    xml.push_str("</PmtInf>");
    Ok(())
}

/// The service level, where there is one.
fn service(charges: Option<Charges>) -> &'static str {
    match charges {
        Some(Charges::Sepa) => "<PmtTpInf><SvcLvl><Cd>SEPA</Cd></SvcLvl></PmtTpInf>",
        _ => "",
    }
}

/// Whose account pays, and at which bank.
fn payer(xml: &mut String, of: &str, debtor: &Debtor, currency: Currency) -> Result<(), WriteError> {
    let name = letters(of, "the merchant's name", &debtor.name, NAME)?;
    let number = account(debtor.number.expose_secret()).ok_or_else(|| missing(of, "account number"))?;
    put(xml, format_args!("<Dbtr><Nm>{name}</Nm><PstlAdr>"));
    let address = &debtor.address;
    for (element, what, text, most) in [
        ("StrtNm", "the merchant's street", &address.street, 70),
        ("PstCd", "the merchant's post code", &address.post_code, 16),
        ("TwnNm", "the merchant's town", &address.town, 35),
    ] {
        if let Some(text) = text {
            put(xml, format_args!("<{element}>{}</{element}>", letters(of, what, text, most)?));
        }
    }
    put(
        xml,
        format_args!(
            "<Ctry>{}</Ctry></PstlAdr></Dbtr><DbtrAcct><Id>{number}</Id><Ccy>{currency}</Ccy></DbtrAcct>",
            debtor.country
        ),
    );
    match debtor.bic.as_deref().and_then(|text| bic(text).ok()) {
        Some(bic) => {
            put(xml, format_args!("<DbtrAgt><FinInstnId><BICFI>{bic}</BICFI></FinInstnId></DbtrAgt>"))
        }
        None => xml.push_str("<DbtrAgt><FinInstnId><Othr><Id>NOTPROVIDED</Id></Othr></FinInstnId></DbtrAgt>"),
    }
    Ok(())
}

/// One payment; `charges` where it says so itself.
fn transfer(
    xml: &mut String,
    order: &PayoutOrder,
    charges: Option<Charges>,
    spelt: Spelling,
) -> Result<(), WriteError> {
    let (of, payee) = (order.payout.to_string(), &order.creditor);
    let (id, amount, currency) = (spelt(&of), order.amount.amount(), order.amount.currency());
    put(
        xml,
        format_args!(
            "<CdtTrfTxInf><PmtId><InstrId>{id}</InstrId><EndToEndId>{id}</EndToEndId></PmtId>{}<Amt><InstdAmt Ccy=\"{currency}\">{amount}</InstdAmt></Amt>",
            service(charges)
        ),
    );
    if let Some(charges) = charges {
        put(xml, format_args!("<ChrgBr>{}</ChrgBr>", charges.code()));
    }
    if let Some(code) = payee.bank_code.as_deref() {
        match bic(code) {
            Ok(bic) => {
                put(xml, format_args!("<CdtrAgt><FinInstnId><BICFI>{bic}</BICFI></FinInstnId></CdtrAgt>"))
            }
            Err(_) => {
                let member = letters(&of, "the bank's code", code, 35)?;
                put(
                    xml,
                    format_args!(
                        "<CdtrAgt><FinInstnId><ClrSysMmbId><MmbId>{member}</MmbId></ClrSysMmbId></FinInstnId></CdtrAgt>"
                    ),
                );
            }
        }
    }
    let name = letters(&of, "the payee's name", &payee.name, NAME)?;
    // Structured: a town and a country. Addresses without are refused since November 2026.
    let town = payee.town.as_deref().ok_or_else(|| missing(&of, "town of the payee"))?;
    let town = letters(&of, "the payee's town", town, 35)?;
    let number = account(payee.number.expose_secret()).ok_or_else(|| missing(&of, "account number"))?;
    put(
        xml,
        format_args!(
            "<Cdtr><Nm>{name}</Nm><PstlAdr><TwnNm>{town}</TwnNm><Ctry>{}</Ctry></PstlAdr></Cdtr><CdtrAcct><Id>{number}</Id></CdtrAcct>",
            payee.country
        ),
    );
    debug_assert!(payee.kind != PayoutAccountKind::Paypal);
    if let Some(purpose) = order.purpose.as_deref() {
        let code = (1..=4).contains(&purpose.len())
            && purpose.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        let text = letters(&of, "the purpose", purpose, 35)?;
        match code {
            true => put(xml, format_args!("<Purp><Cd>{text}</Cd></Purp>")),
            false => put(xml, format_args!("<Purp><Prtry>{text}</Prtry></Purp>")),
        }
    }
    let note = latin(&order.note).map(|note| note.chars().take(140).collect::<String>());
    if let Some(note) = note {
        put(xml, format_args!("<RmtInf><Ustrd>{note}</Ustrd></RmtInf>"));
    }
    xml.push_str("</CdtTrfTxInf>");
    Ok(())
}

/// An account's number: an IBAN where it is one.
fn account(number: &str) -> Option<String> {
    let plain = compact(number);
    if Iban::read(&plain).is_ok() {
        return Some(format!("<IBAN>{plain}</IBAN>"));
    }
    let fits = (1..=34).contains(&plain.len())
        && plain.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    fits.then(|| format!("<Othr><Id>{plain}</Id></Othr>"))
}

fn letters(of: &str, what: &'static str, text: &str, most: usize) -> Result<String, WriteError> {
    let plain = latin(text).ok_or_else(|| WriteError::Letters { of: of.to_owned(), what })?;
    Ok(plain.chars().take(most).collect::<String>().trim_end().to_owned())
}

fn missing(of: &str, what: &'static str) -> WriteError {
    WriteError::Missing { of: of.to_owned(), what }
}

fn put(xml: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = xml.write_fmt(text);
}
