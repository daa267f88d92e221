//! One `Ntry`: one line, or one for each of the transactions that a collective entry lists.

use chrono::NaiveDate;

use crate::banks::text::{iso_date, kept};
use crate::domain::deposits::ReadLine;
use crate::money::Money;

use super::is_debit;

#[derive(Default)]
pub(super) struct Entry {
    reference: Option<String>,
    servicer: Option<String>,
    amount: Option<Money>,
    debit: Option<bool>,
    reversal: bool,
    status: String,
    booked_on: Option<NaiveDate>,
    value_on: Option<NaiveDate>,
    charge: Charge,
    text: String,
    details: Vec<Detail>,
}

#[derive(Default)]
struct Detail {
    servicer: Option<String>,
    names: Vec<String>,
    amount: Option<Money>,
    /// The amount of `AmtDtls`, where the transaction has none of its own.
    booked: Option<Money>,
    debit: Option<bool>,
    charge: Charge,
    text: String,
}

/// Charges that came off before the bank booked the rest.
#[derive(Default)]
struct Charge {
    taken: Vec<(Money, bool)>,
    last: Option<Money>,
    credit: bool,
    included: bool,
}

impl Charge {
    fn take_up(&mut self, name: &str, text: &str, money: Option<Money>) -> Result<(), String> {
        match name {
            "Rcrd/Amt" | "Amt" => self.last = money,
            "Rcrd/CdtDbtInd" | "CdtDbtInd" => self.credit = !is_debit(text)?,
            "Rcrd/ChrgInclInd" | "ChrgInclInd" => self.included = matches!(text, "true" | "1"),
            "Rcrd" | "" => {
                if let Some(amount) = self.last.take().filter(|_| !self.credit) {
                    self.taken.push((amount, self.included));
                }
                (self.credit, self.included) = (false, false);
            }
            _ => {}
        }
        Ok(())
    }

    /// What came off an amount of this currency.
    fn sum(&self, of: Money) -> Result<Money, String> {
        let own =
            self.taken.iter().filter(|(amount, included)| *included && amount.currency() == of.currency());
        Money::sum(of.currency(), own.map(|(amount, _)| *amount)).map_err(|error| error.to_string())
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

/// Whether the element below `Ntry` is an amount that counts.
pub(super) fn is_amount(name: &str) -> bool {
    let own = name.strip_prefix("NtryDtls/TxDtls/").unwrap_or(name);
    matches!(own, "Amt" | "AmtDtls/TxAmt/Amt" | "Chrgs/Amt" | "Chrgs/Rcrd/Amt")
}

impl Entry {
    pub(super) fn begin_detail(&mut self) {
        self.details.push(Detail::default());
    }

    /// An element below `Ntry` ends; `money` where it names a currency.
    pub(super) fn take_up(&mut self, name: &str, text: &str, money: Option<Money>) -> Result<(), String> {
        let date = |text| iso_date(text).map_err(|error| error.to_string());
        match name {
            "NtryRef" => self.reference = named(text),
            "AcctSvcrRef" => self.servicer = named(text),
            "Amt" => self.amount = Some(money.ok_or("`Amt` names no currency")?),
            "CdtDbtInd" => self.debit = Some(is_debit(text)?),
            "RvslInd" => self.reversal = matches!(text, "true" | "1"),
            // A code's text until version 6, an element within it since.
            "Sts" if self.status.is_empty() => self.status = kept(text, 10),
            "Sts/Cd" | "Sts/Prtry" => self.status = kept(text, 10),
            "BookgDt/Dt" | "BookgDt/DtTm" => self.booked_on = Some(date(text)?),
            "ValDt/Dt" | "ValDt/DtTm" => self.value_on = Some(date(text)?),
            "AddtlNtryInf" => self.text = kept(text, 500),
            "Chrgs" => self.charge.take_up("", text, None)?,
            _ => {
                if let Some(name) = name.strip_prefix("Chrgs/") {
                    return self.charge.take_up(name, text, money);
                }
                if let (Some(name), Some(detail)) =
                    (name.strip_prefix("NtryDtls/TxDtls/"), self.details.last_mut())
                {
                    return detail.take_up(name, text, money);
                }
            }
        }
        Ok(())
    }

    /// One line that is not booked, with every reference that the entry lists.
    pub(super) fn announced(self) -> Result<Vec<ReadLine>, String> {
        let (whole, _) = self.whole(None)?;
        let of = whole.amount.abs();
        Ok(vec![with_details(ReadLine { pending: true, ..whole }, self.details, of)?])
    }

    /// The lines of the entry, all of its amount.
    pub(super) fn end(self, day: Option<NaiveDate>) -> Result<Vec<ReadLine>, String> {
        let (whole, debit) = self.whole(day)?;
        let amount = whole.amount.abs();
        let signed = |amount: Money, debit: bool| if debit { amount.negated() } else { amount };
        let parts: Option<Vec<Money>> = self
            .details
            .iter()
            .map(|detail| {
                let part = detail.amount.or(detail.booked)?;
                let fits = part.currency() == amount.currency();
                fits.then(|| signed(part, detail.debit.unwrap_or(debit)))
            })
            .collect();
        let sums =
            |parts: &Vec<Money>| Money::sum(amount.currency(), parts.iter().copied()) == Ok(whole.amount);
        match parts.filter(|parts| parts.len() > 1 && sums(parts)) {
            Some(parts) => {
                let mut lines = Vec::with_capacity(parts.len());
                for (index, (detail, part)) in self.details.into_iter().zip(parts).enumerate() {
                    lines.push(detail.line(&whole, part, index)?);
                }
                Ok(lines)
            }
            None => Ok(vec![with_details(whole, self.details, amount)?]),
        }
    }

    /// The entry as one line, and whether it is a debit.
    fn whole(&self, day: Option<NaiveDate>) -> Result<(ReadLine, bool), String> {
        let amount = self.amount.ok_or("an entry without an amount")?;
        let debit = self.debit.ok_or("an entry without `CdtDbtInd`")?;
        let date = self.booked_on.or(self.value_on).or(day).ok_or("an entry without a date")?;
        let whole = ReadLine {
            reference: self.servicer.clone().or(self.reference.clone()),
            amount: if debit { amount.negated() } else { amount },
            booked_on: date,
            value_on: self.value_on.unwrap_or(date),
            pending: match self.status.as_str() {
                "BOOK" => false,
                "PDNG" | "FUTR" | "INFO" => true,
                other => return Err(format!("an entry's status is `{other}`, not BOOK, PDNG, INFO or FUTR")),
            },
            reversal: self.reversal,
            charges: self.charge.sum(amount)?,
            names: vec![],
            text: self.text.clone(),
        };
        Ok((whole, debit))
    }
}

/// A line with what its transactions say besides; `amount` is the entry's own. Their charges are said of each, or of the
/// whole, or of both.
fn with_details(mut line: ReadLine, details: Vec<Detail>, amount: Money) -> Result<ReadLine, String> {
    let mut charges = Money::zero(amount.currency());
    for detail in details {
        let own = detail.charge.sum(amount)?;
        charges = charges.checked_add(own).map_err(|error| error.to_string())?;
        line.names.extend(detail.servicer.into_iter().chain(detail.names));
        line.text = kept(&format!("{} {}", line.text, detail.text), 500);
        line.names.truncate(NAMES_MAX);
    }
    line.charges = line.charges.max(charges).map_err(|error| error.to_string())?;
    Ok(line)
}

impl Detail {
    fn take_up(&mut self, name: &str, text: &str, money: Option<Money>) -> Result<(), String> {
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
            "Amt" => self.amount = money,
            "AmtDtls/TxAmt/Amt" => self.booked = money,
            "CdtDbtInd" => self.debit = Some(is_debit(text)?),
            "RmtInf/Ustrd" | "AddtlTxInf" => self.text = kept(&format!("{} {text}", self.text), 500),
            "Chrgs" => self.charge.take_up("", text, None)?,
            _ => {
                if let Some(name) = name.strip_prefix("Chrgs/") {
                    return self.charge.take_up(name, text, money);
                }
            }
        }
        Ok(())
    }

    fn line(self, whole: &ReadLine, amount: Money, index: usize) -> Result<ReadLine, String> {
        let charges = self.charge.sum(amount)?;
        let reference = match (self.servicer, &whole.reference) {
            (Some(own), _) => Some(own),
            (None, Some(entry)) => Some(format!("{entry}/{}", index + 1)),
            (None, None) => None,
        };
        let text = kept(&format!("{} {}", whole.text, self.text), 500);
        Ok(ReadLine { reference, amount, charges, names: self.names, text, ..whole.clone() })
    }
}
