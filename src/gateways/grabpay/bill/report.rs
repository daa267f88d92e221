//! The report being read, by the columns the account names.

use std::borrow::Cow;
use std::io::BufRead;

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Tz;

use super::super::amount;
use super::columns::{Amounts, Columns};
use crate::domain::reconciliation::{BillKind, BillLine, LineFacts, LineStatus};
use crate::gateways::bills::BillError;
use crate::gateways::rows::{self, Rows};
use crate::money::{Currency, Money};

/// Where the columns stand, in the order of [`Slot`]; `None` where the report has none.
type Places = [Option<usize>; 12];

#[derive(Debug, Clone, Copy)]
enum Slot {
    Transaction,
    Partner,
    Origin,
    Merchant,
    Kind,
    Gross,
    Fee,
    Tax,
    Net,
    Currency,
    At,
    Status,
}

pub(super) struct Report<'a, R> {
    rows: Rows<R>,
    columns: &'a Columns,
    merchant_id: &'a str,
    zone: Tz,
    places: Option<Places>,
    /// Rows before the header that are passed over.
    prolog: u32,
    counted: u64,
    /// Of net, in minor units whatever the currency: only good for the trailer's own sum.
    net: Vec<(Currency, i128)>,
    closed: bool,
    failed: bool,
}

impl<R: BufRead> Iterator for Report<'_, R> {
    type Item = Result<BillLine, BillError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let step = self.step().transpose();
        self.failed = matches!(step, Some(Err(_)));
        step
    }
}

impl<'a, R: BufRead> Report<'a, R> {
    pub fn new(source: R, columns: &'a Columns, merchant_id: &'a str, zone: Tz) -> Report<'a, R> {
        Report {
            // The setting was found to be one ASCII character when the account was built.
            rows: Rows::new(source, u8::try_from(columns.delimiter).unwrap_or(b'|')),
            columns,
            merchant_id,
            zone,
            places: None,
            prolog: columns.prolog,
            counted: 0,
            net: Vec::new(),
            closed: false,
            failed: false,
        }
    }

    fn step(&mut self) -> Result<Option<BillLine>, BillError> {
        loop {
            if !self.rows.advance()? {
                return self.end();
            }
            if self.closed {
                return Err(self.rows.malformed("stands behind the file's last row"));
            }
            if self.places.is_none() && self.prolog > 0 {
                self.prolog -= 1;
                continue;
            }
            let Some(places) = self.places else {
                self.places = Some(self.find_columns()?);
                continue;
            };
            if !self.columns.trailer.is_empty() && self.rows.cell(0) == self.columns.trailer {
                self.closed = true;
                self.agree()?;
                continue;
            }
            let line = self.line(&places)?;
            self.counted += 1;
            let (currency, minor) = (line.net().currency(), i128::from(line.net().minor()));
            match self.net.iter_mut().find(|(known, _)| *known == currency) {
                Some((_, sum)) => *sum += minor,
                None => self.net.push((currency, minor)),
            }
            return Ok(Some(line));
        }
    }

    fn end(&self) -> Result<Option<BillLine>, BillError> {
        let why = match (self.places, self.columns.trailer.is_empty()) {
            (None, _) => "the file has no header".to_owned(),
            (_, false) if !self.closed => {
                format!("the file ends before its last row, {}", self.columns.trailer)
            }
            (_, true) if !self.rows.ended_with_break() => "the file ends in the middle of a row".to_owned(),
            _ => return Ok(None),
        };
        Err(BillError::Trailer(why))
    }

    /// `TOTAL|rows|net`, the net once for each currency, in the order in which they came.
    fn agree(&self) -> Result<(), BillError> {
        let rows = self.rows.cell(1);
        let mut sums = Vec::new();
        for (currency, sum) in &self.net {
            let sum = i64::try_from(*sum).map_err(|_| BillError::Trailer("its sum is too large".into()))?;
            sums.push(Money::from_minor(sum, *currency));
        }
        let stated = |at: usize, sum: &Money| {
            self.money(&self.rows.cell(2 + at), sum.currency()).is_some_and(|stated| stated == *sum)
        };
        let nothing = self.net.is_empty();
        let width = 2 + sums.len().max(usize::from(nothing && self.rows.len() > 2));
        let agrees = sums.iter().enumerate().all(|(at, sum)| stated(at, sum)) && self.rows.len() == width;
        if rows == self.counted.to_string() && agrees {
            return Ok(());
        }
        let rows: String = rows.chars().take(20).collect();
        Err(BillError::Trailer(format!(
            "it states `{rows}` rows and its sums, and has {} rows with {sums:?}",
            self.counted
        )))
    }

    fn find_columns(&self) -> Result<Places, BillError> {
        let wanted = &self.columns;
        let names = [
            (&wanted.transaction, true),
            (&wanted.partner, !wanted.partner.is_empty()),
            (&wanted.origin, false),
            (&wanted.merchant, false),
            (&wanted.kind, true),
            (&wanted.gross, true),
            (&wanted.fee, false),
            (&wanted.tax, false),
            (&wanted.net, !wanted.net.is_empty()),
            (&wanted.currency, true),
            (&wanted.at, true),
            (&wanted.status, false),
        ];
        let mut places = [None; 12];
        for (slot, (name, needed)) in names.into_iter().enumerate() {
            let is_it = |at: &usize| !name.is_empty() && self.rows.cell(*at).trim() == name.as_str();
            let mut found = (0..self.rows.len()).filter(is_it);
            places[slot] = found.next();
            if found.next().is_some() {
                return Err(self.rows.malformed(format!("names the column `{name}` twice")));
            }
            if needed && places[slot].is_none() {
                let why = format!("has no column `{name}`; say in the account's `report` what it is called");
                return Err(self.rows.malformed(why));
            }
        }
        Ok(places)
    }

    fn line(&self, places: &Places) -> Result<BillLine, BillError> {
        let cell = |slot: Slot| places[slot as usize].map_or(Cow::Borrowed(""), |at| self.rows.cell(at));
        let bad = |what: &str| self.rows.malformed(what);
        let currency =
            Currency::find(&cell(Slot::Currency)).map_err(|_| bad("names a currency that is none"))?;
        let money = |slot: Slot| match cell(slot).as_ref() {
            "" => Some(Money::zero(currency)),
            text => self.money(text, currency),
        };
        let amount = |slot: Slot| money(slot).ok_or_else(|| bad("has an amount that is none"));
        let (mut gross, mut fee, mut tax) = (amount(Slot::Gross)?, amount(Slot::Fee)?, amount(Slot::Tax)?);
        if self.columns.fees_are_negative {
            (fee, tax) = (fee.negated(), tax.negated());
        }
        let merchant = cell(Slot::Merchant);
        if !merchant.is_empty() && merchant != self.merchant_id {
            let named = merchant.chars().take(40).collect();
            return Err(BillError::OtherAccount { ours: self.merchant_id.to_owned(), named });
        }
        let word = cell(Slot::Kind);
        let known = self.columns.types.get(word.as_ref());
        let mut net = amount(Slot::Net)?;
        if self.columns.unsigned && known.is_some_and(|known| known.goes_out()) {
            if gross.is_negative() {
                return Err(bad("has a sign, and the account's `report` says that it writes none"));
            }
            (gross, net) = (gross.negated(), if net.is_negative() { net } else { net.negated() });
        }
        let status = match (places[Slot::Status as usize], cell(Slot::Status)) {
            (None, _) => LineStatus::Settled,
            (Some(_), word) => {
                let known = self.columns.statuses.get(word.trim()).map(|status| status.line());
                known.ok_or_else(|| bad("has a status that is not among the account's `statuses`"))?
            }
        };
        let kind = match known {
            Some(known) => known.kind(),
            None => {
                let raw = rows::reference(&word).filter(|raw| raw.len() <= 40);
                BillKind::Unknown { raw: raw.ok_or_else(|| bad("has a type that is no word"))? }
            }
        };
        let facts = LineFacts {
            gateway_ref: rows::reference(&cell(Slot::Transaction))
                .ok_or_else(|| bad("has a transaction id that is no reference"))?,
            related_ref: rows::reference(&cell(Slot::Origin)),
            our_ref: rows::reference(&cell(Slot::Partner)),
            payer_country: None,
            kind,
            status,
            gross,
            fee,
            tax,
            at: self.moment(&cell(Slot::At))?,
            account: self.merchant_id.to_owned(),
            hash: self.rows.hash(),
        };
        let line = BillLine::try_new(facts).map_err(|error| self.rows.malformed(error.to_string()))?;
        if places[Slot::Net as usize].is_some() && net != line.net() {
            return Err(bad("does not add up: net is not gross less fee less tax"));
        }
        Ok(line)
    }

    /// Grab's decimals are those of ISO 4217 in every currency it takes, but VND.
    fn money(&self, text: &str, currency: Currency) -> Option<Money> {
        let text = self.ungrouped(text)?;
        match self.columns.amounts {
            Amounts::Decimal => Money::parse(&text, currency).ok(),
            Amounts::Minor => {
                let digits = text.strip_prefix('-').unwrap_or(&text);
                let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
                amount::read(text.parse().ok().filter(|_| plain)?, currency)
            }
        }
    }

    /// Without the marks between groups of three; `None` where one stands elsewhere.
    fn ungrouped<'t>(&self, text: &'t str) -> Option<Cow<'t, str>> {
        let mark = self.columns.grouping.as_str();
        if mark.is_empty() || !text.contains(mark) {
            return Some(Cow::Borrowed(text));
        }
        let (whole, fraction) = text.split_at(text.find('.').unwrap_or(text.len()));
        let mut groups = whole.split(mark);
        let first = groups.next()?.trim_start_matches('-');
        let fits = (1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3);
        (fits && !fraction.contains(mark)).then(|| Cow::Owned(text.replace(mark, "")))
    }

    fn moment(&self, text: &str) -> Result<DateTime<Utc>, BillError> {
        let format = &self.columns.time;
        if let Ok(at) = DateTime::parse_from_str(text, format) {
            return Ok(at.to_utc());
        }
        let local = NaiveDateTime::parse_from_str(text, format).ok();
        let at = local.and_then(|local| self.zone.from_local_datetime(&local).earliest());
        at.map(|at| at.to_utc()).ok_or_else(|| {
            self.rows.malformed(format!(
                "has a time that is not written as `{format}`, or was left out by the clock"
            ))
        })
    }
}

#[cfg(test)]
mod tests;
