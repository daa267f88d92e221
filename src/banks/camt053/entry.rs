//! One `Ntry`: one line, or one for each of the transactions that a collective entry lists.

use chrono::NaiveDate;

use crate::banks::text::{amount, currency, iso_date, kept};
use crate::domain::deposits::ReadLine;
use crate::money::{Currency, Money};

use super::is_debit;

#[derive(Default)]
pub(super) struct Entry {
    /// `NtryRef`.
    number: Option<String>,
    servicer: Option<String>,
    amount: Option<Said>,
    debit: Option<bool>,
    reversal: bool,
    status: String,
    booked_on: Option<NaiveDate>,
    value_on: Option<NaiveDate>,
    charge: Charge,
    text: String,
    /// What the sender calls the batches that it books in one: `MsgId` and `PmtInfId` of `Btch`.
    batch: Vec<String>,
    details: Vec<Detail>,
}

#[derive(Default)]
struct Detail {
    servicer: Option<String>,
    names: Vec<String>,
    amount: Option<Said>,
    /// The amount of `AmtDtls`, where the transaction has none of its own.
    booked: Option<Said>,
    debit: Option<bool>,
    charge: Charge,
    text: String,
}

/// An amount as the file says it: whether it is one is asked where it counts.
pub(super) struct Said {
    figures: String,
    currency: String,
}

impl Said {
    pub(super) fn new(figures: &str, currency: &str) -> Said {
        Said { figures: kept(figures, 40), currency: kept(currency, 10) }
    }

    fn is_of(&self, currency: Currency) -> bool {
        self.currency == currency.code()
    }

    fn read(&self) -> Result<Money, String> {
        let read = currency(&self.currency).and_then(|own| amount(&self.figures, '.', own));
        read.map_err(|error| error.to_string())
    }
}

/// Charges that came off before the bank booked the rest.
#[derive(Default)]
struct Charge {
    /// Each, and whether the amount is said to be without it.
    taken: Vec<(Said, Option<bool>)>,
    last: Option<Said>,
    credit: bool,
    included: Option<bool>,
}

impl Charge {
    fn take_up(&mut self, name: &str, text: &str, said: Option<Said>) -> Result<(), String> {
        match name {
            "Rcrd/Amt" | "Amt" => self.last = said,
            "Rcrd/CdtDbtInd" | "CdtDbtInd" => self.credit = !is_debit(text)?,
            "Rcrd/ChrgInclInd" | "ChrgInclInd" => self.included = Some(matches!(text, "true" | "1")),
            "Rcrd" | "" => {
                if let Some(amount) = self.last.take().filter(|_| !self.credit) {
                    self.taken.push((amount, self.included));
                }
                (self.credit, self.included) = (false, None);
            }
            _ => {}
        }
        Ok(())
    }

    /// What came off an amount of this currency; `within` where the file does not say of which.
    fn sum(&self, of: Currency, within: bool) -> Result<Money, String> {
        let own = self.taken.iter().filter(|(said, own)| own.unwrap_or(within) && said.is_of(of));
        let own = own.map(|(said, _)| said.read().map_err(|why| format!("a charge: {why}")));
        Money::sum(of, own.collect::<Result<Vec<Money>, String>>()?).map_err(|error| error.to_string())
    }
}

/// References longer than any that is one are none.
const NAME_MAX: usize = 140;
/// References and texts of one entry: a collective entry may list thousands of transactions.
const NAMES_MAX: usize = 200;

fn named(text: &str) -> Option<String> {
    let text = kept(text, NAME_MAX);
    let is_none =
        ["", "NOTPROVIDED", "NOT PROVIDED", "NONREF"].iter().any(|word| text.eq_ignore_ascii_case(word));
    (!is_none).then_some(text)
}

/// Whether an entry's number may count the entries of one file or page: `1`, `0000000017`, `NTRY-3`.
fn is_counter(number: &str) -> bool {
    let digits: String = number.chars().filter(char::is_ascii_digit).collect();
    let letters = number.chars().filter(|letter| letter.is_alphabetic()).count();
    !digits.is_empty() && digits.trim_start_matches('0').len() <= 6 && letters <= 5
}

/// A line without a reference of the bank's by its entry's number, which is one within its statement only: not where it
/// may be the number of another entry in another file, and anything else tells the line apart.
fn numbered(mut line: ReadLine, number: Option<&str>, place: Option<usize>) -> ReadLine {
    let says_nothing = line.names.is_empty() && line.text.is_empty();
    if line.reference.is_none()
        && let Some(number) = number.filter(|number| says_nothing || !is_counter(number))
    {
        line.reference = Some(placed(number, place));
    }
    line
}

/// One of the transactions of an entry that has this reference.
fn placed(reference: &str, place: Option<usize>) -> String {
    match place {
        Some(index) => format!("{reference}/{}", index + 1),
        None => reference.to_owned(),
    }
}

impl Entry {
    pub(super) fn begin_detail(&mut self) {
        self.details.push(Detail::default());
    }

    /// An element below `Ntry` ends; `said` where it names a currency.
    pub(super) fn take_up(&mut self, name: &str, text: &str, said: Option<Said>) -> Result<(), String> {
        let date = |text| iso_date(text).map_err(|error| error.to_string());
        match name {
            "NtryRef" => self.number = named(text),
            "AcctSvcrRef" => self.servicer = named(text),
            "Amt" => self.amount = Some(said.ok_or("an amount names no currency (`Ccy`)")?),
            "CdtDbtInd" => self.debit = Some(is_debit(text)?),
            "RvslInd" => self.reversal = matches!(text, "true" | "1"),
            // A code's text until version 6, an element within it since.
            "Sts" if self.status.is_empty() => self.status = kept(text, 10),
            "Sts/Cd" | "Sts/Prtry" => self.status = kept(text, 10),
            "BookgDt/Dt" | "BookgDt/DtTm" => self.booked_on = Some(date(text)?),
            "ValDt/Dt" | "ValDt/DtTm" => self.value_on = Some(date(text)?),
            "AddtlNtryInf" => self.text = kept(text, 500),
            "NtryDtls/Btch/MsgId" | "NtryDtls/Btch/PmtInfId" if self.batch.len() < NAMES_MAX => {
                let fresh = named(text).filter(|name| !self.batch.contains(name));
                self.batch.extend(fresh);
            }
            "Chrgs" => self.charge.take_up("", text, None)?,
            _ => {
                if let Some(name) = name.strip_prefix("Chrgs/") {
                    return self.charge.take_up(name, text, said);
                }
                if let (Some(name), Some(detail)) =
                    (name.strip_prefix("NtryDtls/TxDtls/"), self.details.last_mut())
                {
                    return detail.take_up(name, text, said);
                }
            }
        }
        Ok(())
    }

    /// One line that is not booked, with every reference that the entry lists.
    pub(super) fn announced(self, day: Option<NaiveDate>, within: bool) -> Result<Vec<ReadLine>, String> {
        let (whole, _) = self.whole(day, within)?;
        let whole = ReadLine { pending: true, ..whole };
        Ok(vec![with_details(whole, self.batch, self.details, self.number.as_deref(), within)?])
    }

    /// The lines of the entry, all of its amount.
    pub(super) fn end(self, day: Option<NaiveDate>, within: bool) -> Result<Vec<ReadLine>, String> {
        let (whole, debit) = self.whole(day, within)?;
        let number = self.number.as_deref();
        let parts = parts(&self.details, whole.amount.currency(), debit)?;
        let sums = |parts: &Vec<Money>| {
            Money::sum(whole.amount.currency(), parts.iter().copied()) == Ok(whole.amount)
        };
        match parts.filter(sums) {
            // No part has the batch's names: each would be taken for all of it. Which payment it is, its own `Refs` say.
            Some(parts) => {
                let mut lines = Vec::with_capacity(parts.len());
                for (index, (detail, part)) in self.details.into_iter().zip(parts).enumerate() {
                    lines.push(detail.line(&whole, part, (number, index), within)?);
                }
                Ok(lines)
            }
            None => Ok(vec![with_details(whole, self.batch, self.details, number, within)?]),
        }
    }

    /// The entry as one line, and whether it is a debit.
    fn whole(&self, day: Option<NaiveDate>, within: bool) -> Result<(ReadLine, bool), String> {
        let amount = self.amount.as_ref().ok_or("an entry without an amount")?.read()?;
        let debit = self.debit.ok_or("an entry without `CdtDbtInd`")?;
        let date = self.booked_on.or(self.value_on).or(day).ok_or("an entry without a date")?;
        let whole = ReadLine {
            reference: self.servicer.clone(),
            amount: if debit { amount.negated() } else { amount },
            booked_on: date,
            value_on: self.value_on.unwrap_or(date),
            pending: self.is_pending()?,
            reversal: self.reversal,
            charges: self.charge.sum(amount.currency(), within)?,
            names: vec![],
            text: self.text.clone(),
            former: None,
        };
        Ok((whole, debit))
    }

    fn is_pending(&self) -> Result<bool, String> {
        match self.status.as_str() {
            "BOOK" => Ok(false),
            "PDNG" | "FUTR" | "INFO" => Ok(true),
            "" => Err("`Sts` is missing: camt.053 and camt.054 ask for BOOK, PDNG or INFO".to_owned()),
            other => Err(format!("an entry's status is `{other}`, not BOOK, PDNG, INFO or FUTR")),
        }
    }
}

/// The amounts of an entry's transactions, where it has more than one and all are in its currency: of other entries they say
/// nothing that counts.
fn parts(details: &[Detail], of: Currency, debit: bool) -> Result<Option<Vec<Money>>, String> {
    let said: Option<Vec<&Said>> = details
        .iter()
        .map(|detail| detail.amount.as_ref().or(detail.booked.as_ref()).filter(|said| said.is_of(of)))
        .collect();
    let Some(said) = said.filter(|said| said.len() > 1) else { return Ok(None) };
    let signed = |(detail, said): (&Detail, &Said)| {
        let amount = said.read().map_err(|why| format!("a transaction: {why}"))?;
        Ok(if detail.debit.unwrap_or(debit) { amount.negated() } else { amount })
    };
    details.iter().zip(said).map(signed).collect::<Result<Vec<Money>, String>>().map(Some)
}

/// A line with what its batch is called and its transactions say besides. Their charges are said of each, or of the whole, or
/// of both. The bank's reference of the only transaction is the line's, where the entry has none.
fn with_details(
    mut line: ReadLine,
    mut batch: Vec<String>,
    mut details: Vec<Detail>,
    number: Option<&str>,
    within: bool,
) -> Result<ReadLine, String> {
    let currency = line.amount.currency();
    let mut charges = Money::zero(currency);
    let own = match details.as_mut_slice() {
        [one] if line.reference.is_none() => one.servicer.take(),
        _ => None,
    };
    for detail in details {
        let charge = detail.charge.sum(currency, within)?;
        charges = charges.checked_add(charge).map_err(|error| error.to_string())?;
        line.names.extend(detail.servicer.into_iter().chain(detail.names));
        line.text = kept(&format!("{} {}", line.text, detail.text), 500);
        line.names.truncate(NAMES_MAX);
    }
    line.charges = line.charges.max(charges).map_err(|error| error.to_string())?;
    let mut former = line.clone();
    former.reference = former.reference.or(number.map(str::to_owned));
    former.names = own.iter().cloned().chain(former.names).take(NAMES_MAX).collect();
    line.reference = line.reference.or(own);
    let without = numbered(line.clone(), number, None);
    // They stand first: a list of thousands would leave them no room.
    batch.retain(|name| !line.names.contains(name));
    batch.append(&mut line.names);
    batch.truncate(NAMES_MAX);
    line.names = batch;
    let line = numbered(line, number, None);
    // One earlier reading is kept: the last, where the line was told apart without the batch's names.
    let former = if without.key(0) == line.key(0) { former } else { without };
    Ok(line.read_before(former))
}

impl Detail {
    fn take_up(&mut self, name: &str, text: &str, said: Option<Said>) -> Result<(), String> {
        match name {
            "Refs/AcctSvcrRef" => self.servicer = named(text),
            "Refs/MsgId"
            | "Refs/PmtInfId"
            | "Refs/InstrId"
            | "Refs/EndToEndId"
            | "Refs/UETR"
            | "Refs/TxId"
            | "Refs/ClrSysRef"
            | "Refs/AcctOwnrTxId"
            | "Refs/AcctSvcrTxId"
            | "Refs/Prtry/Ref"
            | "RmtInf/Strd/CdtrRefInf/Ref"
            | "RmtInf/Strd/RfrdDocInf/Nb" => {
                if self.names.len() < NAMES_MAX {
                    self.names.extend(named(text));
                }
            }
            "Amt" => self.amount = said,
            "AmtDtls/TxAmt/Amt" => self.booked = said,
            "CdtDbtInd" => self.debit = Some(is_debit(text)?),
            "RmtInf/Ustrd" | "AddtlTxInf" => self.text = kept(&format!("{} {text}", self.text), 500),
            "Chrgs" => self.charge.take_up("", text, None)?,
            _ => {
                if let Some(name) = name.strip_prefix("Chrgs/") {
                    return self.charge.take_up(name, text, said);
                }
            }
        }
        Ok(())
    }

    /// The line of one of an entry's transactions; the entry's number, and the how manieth it is.
    fn line(
        self,
        whole: &ReadLine,
        amount: Money,
        (number, index): (Option<&str>, usize),
        within: bool,
    ) -> Result<ReadLine, String> {
        let charges = self.charge.sum(amount.currency(), within)?;
        let of = |entry: &str| placed(entry, Some(index));
        let reference = self.servicer.or(whole.reference.as_deref().map(of));
        let text = kept(&format!("{} {}", whole.text, self.text), 500);
        let line = ReadLine { reference, amount, charges, names: self.names, text, ..whole.clone() };
        let mut former = line.clone();
        former.reference = former.reference.or(number.map(of));
        Ok(numbered(line, number, Some(index)).read_before(former))
    }
}
