//! SWIFT MT940, "customer statement message": one or many messages, within SWIFT's blocks or bare. Banks write field
//! :61: with and without entry date, funds code and bank's reference, with blanks in the place of what is short or left out,
//! and dates without centuries; all of these read.

use std::io::{BufRead, BufReader, Read};

use chrono::{Datelike, Days, NaiveDate};

use crate::domain::deposits::{ReadLine, ReadStatement};
use crate::money::{Currency, Money};

use super::text::{amount, booked_day, currency, kept, latin, shown};
use super::{BankFileError, LINES_MAX, STATEMENTS_MAX};

/// Letters of a line of field :86:.
const WIDTH: usize = 65;
/// Bytes of one line.
const LINE_MAX: u64 = 2_000;
/// What stands in field :61: where a reference would, and says where to look for it.
const NO_NAMES: [&str; 7] = ["", "NONREF", "EREF", "KREF", "PREF", "MARF", "NOTPROVIDED"];

/// Reads every message of a file, field by field.
///
/// # Errors
/// [`BankFileError`] with the line's number.
pub fn read(file: impl Read) -> Result<Vec<ReadStatement>, BankFileError> {
    let (mut read, mut lines) = (vec![], 0);
    let mut message: Option<Message> = None;
    let mut fields = Fields::of(file);
    while let Some(field) = fields.next()? {
        let place = format!("line {}, :{}:", field.line, field.tag);
        let at = |why: String| BankFileError::at(place.clone(), why);
        let opens = field.tag == "20";
        if opens && let Some(done) = message.take() {
            read.push(done.end()?);
        }
        if opens {
            message = Some(Message { reference: kept(field.first(), 16), ..Message::default() });
            if read.len() >= STATEMENTS_MAX {
                return Err(BankFileError::TooMuch);
            }
            continue;
        }
        let current = message.as_mut().ok_or_else(|| at("a message begins with :20:".to_owned()))?;
        match field.tag.as_str() {
            // Of statements that all have one name, and of a statement's pages.
            "28" | "28C" => {
                current.reference = kept(&format!("{} {}", current.reference, field.first()), 30);
            }
            "25" | "25P" => current.account = kept(field.first(), 70),
            "60F" | "60M" => {
                let (money, _) = balance(field.first()).map_err(at)?;
                current.opening = Some(money);
            }
            "62F" | "62M" => {
                let (money, _) = balance(field.first()).map_err(at)?;
                current.closing = Some(money);
            }
            "61" => {
                lines += 1;
                if lines > LINES_MAX {
                    return Err(BankFileError::TooMuch);
                }
                let known = current.opening.map(Money::currency);
                let known = known.ok_or_else(|| at("a line before the opening balance".to_owned()))?;
                let read = line(&field.lines, known).map_err(at)?;
                let former = ReadLine { text: further(&field.former), ..read.clone() };
                current.lines.push(read.read_before(former));
            }
            // What follows a line belongs to it; what follows the closing balance to the statement.
            "86" if current.closing.is_none() => {
                if let Some(mut last) = current.lines.pop() {
                    let mut former = last.former.take().map_or_else(|| last.clone(), |former| *former);
                    let said = |before: &str, said: &str| kept(&format!("{before} {said}"), 500);
                    former.text = said(&former.text, &formerly_spoken(&field.former));
                    last.text = said(&last.text, &spoken(&field.lines));
                    current.lines.push(last.read_before(former));
                }
            }
            _ => {}
        }
    }
    match message {
        Some(done) => read.push(done.end()?),
        None => return Err(BankFileError::at("the file", "it holds no message that begins with :20:")),
    }
    Ok(read)
}

struct Field {
    /// Where it begins, counted from one.
    line: usize,
    tag: String,
    lines: Vec<String>,
    /// The lines that an earlier program read: none behind an empty one, and those under letters for a tag (`:NS:`).
    former: Vec<String>,
}

impl Field {
    fn first(&self) -> &str {
        self.lines.first().map(String::as_str).unwrap_or_default()
    }
}

/// The fields in order; what stands outside of any (block heads, a lone hyphen) is passed over.
struct Fields<R> {
    file: BufReader<R>,
    line: usize,
    taken: usize,
    /// The one that began and may go on.
    begun: Option<Field>,
}

impl<R: Read> Fields<R> {
    fn of(file: R) -> Fields<R> {
        Fields { file: BufReader::new(file), line: 0, taken: 0, begun: None }
    }

    fn next(&mut self) -> Result<Option<Field>, BankFileError> {
        let mut open = self.begun.is_some();
        let mut was_open = open;
        let mut bytes = vec![];
        loop {
            bytes.clear();
            let mut rest = self.file.by_ref().take(LINE_MAX + 1);
            if rest.read_until(b'\n', &mut bytes)? == 0 {
                return Ok(self.begun.take());
            }
            self.line += 1;
            let at = |why: &str| BankFileError::at(format!("line {}", self.line), why);
            if bytes.len() as u64 > LINE_MAX {
                return Err(at("it is too long"));
            }
            if self.line == 1 && (bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff])) {
                return Err(BankFileError::NotText);
            }
            let text = latin(&bytes);
            let line = text.trim_end_matches(['\r', '\n']);
            // `{1:…}{2:…}{4:` ends where the text block begins; `-}` ends that.
            let line = line.rsplit_once("{4:").map_or(line, |(_, rest)| rest);
            if let Some((tag, rest)) = tagged(line) {
                let lines = vec![rest.to_owned()];
                let next = Field { line: self.line, tag: tag.to_owned(), former: lines.clone(), lines };
                self.taken += 1;
                if self.taken > 4 * LINES_MAX {
                    return Err(BankFileError::TooMuch);
                }
                (open, was_open) = (true, true);
                if let Some(done) = self.begun.replace(next) {
                    return Ok(Some(done));
                }
            } else if matches!(line.trim_end(), "-" | "-}")
                || line.starts_with("-}{")
                || line.starts_with('{')
            {
                (open, was_open) = (false, false);
            } else if line.trim_end().is_empty() {
                was_open = false;
            } else if let Some(last) = &mut self.begun {
                // A field of the bank's own ends the one before and is passed over.
                open &= !line.starts_with(":NS:");
                if (open || was_open) && last.lines.len().max(last.former.len()) >= 60 {
                    return Err(at("a field has too many lines"));
                }
                last.lines.extend(open.then(|| line.to_owned()));
                last.former.extend(was_open.then(|| line.to_owned()));
            }
        }
    }
}

/// `:61:rest` in its parts.
fn tagged(line: &str) -> Option<(&str, &str)> {
    let (tag, rest) = line.strip_prefix(':')?.split_once(':')?;
    let letters = tag.as_bytes();
    let fits = matches!(letters.len(), 2 | 3)
        && letters[..2].iter().all(u8::is_ascii_digit)
        && letters[2..].iter().all(u8::is_ascii_uppercase);
    fits.then_some((tag, rest))
}

#[derive(Default)]
struct Message {
    reference: String,
    account: String,
    opening: Option<Money>,
    closing: Option<Money>,
    lines: Vec<ReadLine>,
}

impl Message {
    fn end(self) -> Result<ReadStatement, BankFileError> {
        let place = || format!("message `{}`", self.reference);
        let opening = self.opening.ok_or_else(|| BankFileError::at(place(), "it has no :60F: or :60M:"))?;
        let closing = self.closing.ok_or_else(|| BankFileError::at(place(), "it has no :62F: or :62M:"))?;
        // `NL91ABNA0417164300EUR`, `NL91ABNA0417164300 EUR`: some name the account's currency behind it.
        let account = self.account.strip_suffix(opening.currency().code()).unwrap_or(&self.account);
        let statement = ReadStatement {
            reference: self.reference.clone(),
            account: account.trim_end().to_owned(),
            currency: opening.currency(),
            opening: Some(opening),
            closing: Some(closing),
            lines: self.lines,
        };
        let checked = statement.check();
        checked.map_err(|fault| BankFileError::Fault { reference: statement.reference.clone(), fault })?;
        Ok(statement)
    }
}

/// `C261128SGD1234,56`.
fn balance(text: &str) -> Result<(Money, NaiveDate), String> {
    let bad = || format!("`{}` is no balance such as C261128SGD1234,56", shown(text));
    let text = text.trim();
    let debit = match text.get(..1) {
        Some("C") => false,
        Some("D") => true,
        _ => return Err(bad()),
    };
    let (date, code, rest) = (text.get(1..7), text.get(7..10), text.get(10..));
    let (Some(date), Some(code), Some(rest)) = (date, code, rest) else { return Err(bad()) };
    let date = six_digits(date).ok_or_else(bad)?;
    let money = amount(rest.trim(), ',', currency(code).map_err(|error| error.to_string())?);
    let money = money.map_err(|error| error.to_string())?;
    Ok((if debit { money.negated() } else { money }, date))
}

/// Field :61:.
fn line(lines: &[String], currency: Currency) -> Result<ReadLine, String> {
    let first = lines.first().map(String::as_str).unwrap_or_default();
    let bad = |what: &str| format!("`{}` has no {what}", shown(first));
    let mut rest = first;
    let mut take = |count: usize| -> Option<&str> {
        let (head, tail) = rest.split_at_checked(count)?;
        rest = tail;
        Some(head)
    };
    let value_on = take(6).and_then(six_digits).ok_or_else(|| bad("value date"))?;
    let booked_on = match first.get(6..10) {
        // No entry date, in as many blanks.
        Some("    ") => take(4).map(|_| value_on),
        Some(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => {
            take(4).and_then(|text| entry_date(text, value_on))
        }
        _ => Some(value_on),
    };
    let booked_on = booked_on.ok_or_else(|| bad("entry date"))?;
    let (mark, length) = match (rest.get(..2), rest.get(..1)) {
        (Some(mark @ ("RC" | "RD" | "EC" | "ED")), _) => (mark, 2),
        (_, Some(mark @ ("C" | "D"))) => (mark, 1),
        _ => return Err(bad("debit or credit mark")),
    };
    rest = &rest[length..];
    // A funds code: the third letter of the currency.
    if rest.starts_with(|letter: char| letter.is_ascii_uppercase()) {
        rest = &rest[1..];
    }
    let end = rest.find(|letter: char| !letter.is_ascii_digit() && letter != ',').unwrap_or(rest.len());
    let money = amount(&rest[..end], ',', currency).map_err(|error| error.to_string())?;
    // Type and code (`NTRF`), with blanks before them or not, then our reference, then the bank's behind two slashes.
    rest = rest[end..].trim_start_matches(' ');
    if !rest.get(..4).is_some_and(is_type) {
        return Err(bad("transaction type"));
    }
    let (ours, banks) =
        rest[4..].split_once("//").map_or((&rest[4..], None), |(ours, banks)| (ours, Some(banks)));
    let named = |text: &str| {
        let text = kept(text, 140);
        let is_none = NO_NAMES.iter().any(|word| text.eq_ignore_ascii_case(word));
        (!is_none).then_some(text)
    };
    let debit = matches!(mark, "D" | "RC" | "ED");
    Ok(ReadLine {
        reference: banks.and_then(named),
        amount: if debit { money.negated() } else { money },
        booked_on,
        value_on,
        pending: mark.starts_with('E'),
        reversal: mark.starts_with('R'),
        charges: charges(&lines[1..], currency),
        names: named(ours).into_iter().collect(),
        text: further(lines),
        former: None,
    })
}

/// `NTRF`, or a shorter code with blanks behind it (`NOV `). No digit begins one: it would be of an amount with a blank in it.
fn is_type(text: &str) -> bool {
    let code = text.trim_end_matches(' ');
    code.starts_with(|letter: char| letter.is_ascii_alphabetic())
        && code.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// What stands below the first line of field :61:.
fn further(lines: &[String]) -> String {
    kept(&lines[1..].join(" "), 200)
}

/// `/OCMT/SGD39,88/CHGS/SGD0,50/` behind a line: what the bank kept, in the account's currency.
fn charges(lines: &[String], of: Currency) -> Money {
    let text = lines.join("");
    let mut sum = Money::zero(of);
    for part in text.split("/CHGS/").skip(1) {
        let part = part.split('/').next().unwrap_or_default();
        let (Some(code), Some(figures)) = (part.get(..3), part.get(3..)) else { continue };
        if code == of.code()
            && let Ok(charge) = amount(figures, ',', of)
            && let Ok(more) = sum.checked_add(charge)
        {
            sum = more;
        }
    }
    sum
}

/// Field :86: without the subfields' numbers (`?20`).
fn spoken(lines: &[String]) -> String {
    said(lines, lines.first().is_some_and(|first| is_structured(first)))
}

/// The same as an earlier program read it: by any digit at its head as made of subfields.
fn formerly_spoken(lines: &[String]) -> String {
    let by_head = |first: &String| first.starts_with(|letter: char| letter == '?' || letter.is_ascii_digit());
    said(lines, lines.first().is_some_and(by_head))
}

/// Whether subfields follow: behind a code of three digits, or at once.
fn is_structured(first: &str) -> bool {
    let code = first.get(..3).is_some_and(|code| code.bytes().all(|byte| byte.is_ascii_digit()));
    let rest = if code { &first[3..] } else { first };
    rest.starts_with('?') || (code && rest.starts_with(['<', '>', '~', '^', '|']))
}

fn said(lines: &[String], is_structured: bool) -> String {
    let mut text = String::new();
    for (place, line) in lines.iter().enumerate() {
        // A line that is full was cut where it was full, in a word or not; a shorter one ends where its words end.
        let before = place.checked_sub(1).map_or(WIDTH, |before| lines[before].chars().count());
        if before < WIDTH && !is_structured {
            text.push(' ');
        }
        text.push_str(line);
    }
    let mut parts = text.split('?');
    let mut said = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let numbered = part.get(..2).is_some_and(|head| head.bytes().all(|byte| byte.is_ascii_digit()));
        said.push(' ');
        said.push_str(if numbered { &part[2..] } else { part });
    }
    said
}

/// `261128`; years below 70 are of this century.
fn six_digits(text: &str) -> Option<NaiveDate> {
    let number =
        |from: usize| text.get(from..from + 2).filter(|two| two.bytes().all(|byte| byte.is_ascii_digit()));
    let number = |from: usize| number(from)?.parse::<u32>().ok();
    let year = i32::try_from(number(0)?).ok()?;
    let date = NaiveDate::from_ymd_opt(year + if year < 70 { 2000 } else { 1900 }, number(2)?, number(4)?);
    date.and_then(|date| booked_day(date).ok())
}

/// `1128` in the year that brings it closest to the value date.
fn entry_date(text: &str, near: NaiveDate) -> Option<NaiveDate> {
    let (month, day) = (text.get(..2)?.parse().ok()?, text.get(2..4)?.parse().ok()?);
    let years = [near.year() - 1, near.year(), near.year() + 1];
    let dates = years.into_iter().filter_map(|year| NaiveDate::from_ymd_opt(year, month, day));
    let closest = dates.min_by_key(|date| (*date - near).num_days().abs())?;
    let far =
        near.checked_add_days(Days::new(200))? < closest || closest.checked_add_days(Days::new(200))? < near;
    (!far).then_some(closest)
}

#[cfg(test)]
mod tests;
