//! The books for a general ledger: CSV, streamed, with its differences in the functional currency at the end.
//!
//! What is booked up to the end of the period is fixed first; every page is a short read of its own. A file without its
//! `#END` row is not whole. Texts are harmless to a spreadsheet, as in statements.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use futures_util::Stream;
use futures_util::stream::try_unfold;

use crate::clock::Clock;
use crate::domain::general_ledger::{GlAccounts, GlError, GlLine, Translation, is_measured};
use crate::domain::ledger::{AccountCode, Layer, PostedTransaction};
use crate::domain::statements::{Period, PeriodError, harmless};
use crate::ids::MerchantId;
use crate::money::{Currency, Money, Rate, Rounding};
use crate::rates::{DayRates, RateBook, RatesError};
use crate::store::{AsOf, Seek, Store, StoreError, TransactionFilter};

/// Transactions of one page.
const PAGE: u32 = 500;

const HEADER: [&str; 14] = [
    "booked_on",
    "value_date",
    "transaction",
    "event",
    "subject",
    "account",
    "straits_account",
    "currency",
    "debit",
    "credit",
    "functional_currency",
    "functional_debit",
    "functional_credit",
    "rate",
];

/// The flow; clones share what it works with.
#[derive(Debug, Clone)]
pub struct GlExport {
    /// Reads.
    pub store: Store,
    /// Business time.
    pub clock: Clock,
    /// Mid rates of days.
    pub rates: Arc<RateBook>,
    /// The merchant's own account numbers.
    pub accounts: Arc<GlAccounts>,
}

/// Why there is no export, or no end of it.
#[derive(Debug, thiserror::Error)]
pub enum GlExportError {
    /// No such merchant.
    #[error("there is no such merchant")]
    Unknown,
    /// The dates are no period.
    #[error(transparent)]
    Period(#[from] PeriodError),
    /// No rate of that day.
    #[error(transparent)]
    Rates(#[from] RatesError),
    /// It does not translate.
    #[error(transparent)]
    Translation(#[from] GlError),
    /// A row could not be written.
    #[error("a row could not be written: {0}")]
    Write(#[from] csv::Error),
    /// The books cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

struct Export {
    flow: GlExport,
    merchant: MerchantId,
    period: Period,
    functional: Currency,
    at: i64,
    upto: i64,
    translation: Translation,
    worth: BTreeMap<(AccountCode, Currency), Money>,
    days: HashMap<NaiveDate, DayRates>,
    rows: u64,
    first: Vec<u8>,
}

impl GlExport {
    /// The lines booked in a period, and at its end what they leave over in `functional`.
    ///
    /// # Errors
    /// [`GlExportError`], also where a rate is missing that the end will need.
    pub async fn csv(
        &self,
        merchant: MerchantId,
        (from, to): (NaiveDate, NaiveDate),
        functional: Currency,
    ) -> Result<impl Stream<Item = Result<Vec<u8>, GlExportError>> + use<>, GlExportError> {
        let zone = self.store.merchant(merchant).await?.ok_or(GlExportError::Unknown)?.zone;
        let period = Period::try_new(from, to, zone)?;
        let before = period.begins_at() - TimeDelta::microseconds(1);
        let end = (period.ends_before() - TimeDelta::microseconds(1)).min(self.clock.now());
        let mut export = Export {
            flow: self.clone(),
            merchant,
            period,
            functional,
            at: self.store.last_number_by(before).await?,
            upto: self.store.last_number_by(end).await?,
            translation: Translation::into(functional),
            worth: BTreeMap::new(),
            days: HashMap::new(),
            rows: 0,
            first: vec![],
        };
        for ((code, currency), worth) in export.worth_at(before, export.at).await? {
            export.translation.open(code, currency, worth)?;
        }
        export.worth = export.worth_at(end, export.upto).await?;
        write(&mut export.first, [HEADER.map(str::to_owned).to_vec()])?;
        Ok(try_unfold(Some(export), |export| async move {
            let Some(export) = export else { return Ok(None) };
            export.next().await.map(Some)
        }))
    }
}

impl Export {
    /// One page; behind the last the differences and the end.
    async fn next(mut self) -> Result<(Vec<u8>, Option<Export>), GlExportError> {
        let mut buffer = std::mem::take(&mut self.first);
        let filter = TransactionFilter { subject: None, seek: Seek::Before(self.at), limit: PAGE };
        let page = self.flow.store.ledger_transactions(self.merchant, &filter).await?;
        let page: Vec<PostedTransaction> = page.into_iter().filter(|row| row.number <= self.upto).collect();
        let Some(last) = page.last() else {
            self.finish(&mut buffer)?;
            return Ok((buffer, None));
        };
        self.at = last.number;
        for transaction in &page {
            let booked_on = self.period.date_of(transaction.recorded_at);
            let value_date = self.period.date_of(transaction.effective_at);
            let (flow, days, functional) = (&self.flow, &mut self.days, self.functional);
            let rate = |currency| rate_on(flow, days, booked_on, currency, functional);
            let lines = self.translation.lines(&self.flow.accounts, transaction, rate)?;
            let head = [
                booked_on.to_string(),
                value_date.to_string(),
                transaction.id.to_string(),
                transaction.event.to_string(),
                harmless(transaction.subject.as_deref().unwrap_or_default()),
            ];
            self.rows += lines.len() as u64;
            write(&mut buffer, lines.iter().map(|line| row(&head, line)))?;
        }
        Ok((buffer, Some(self)))
    }

    fn finish(self, buffer: &mut Vec<u8>) -> Result<(), GlExportError> {
        let to = self.period.to().to_string();
        let lines = self.translation.differences(&self.flow.accounts, self.worth)?;
        let head = [to.clone(), to, String::new(), "exchange_difference".to_owned(), String::new()];
        write(buffer, lines.iter().map(|line| row(&head, line)))?;
        let rows = self.rows + lines.len() as u64;
        write(buffer, [vec!["#END".to_owned(), rows.to_string()]])?;
        Ok(())
    }

    /// What each measured code and currency is worth in the functional currency at a moment, once transaction `number`
    /// stood: what is booked at that moment meanwhile is not in the file either.
    async fn worth_at(
        &mut self,
        at: DateTime<Utc>,
        number: i64,
    ) -> Result<BTreeMap<(AccountCode, Currency), Money>, GlExportError> {
        let mut worth = BTreeMap::new();
        let day = self.period.date_of(at);
        let trial = self.flow.store.trial_balance(self.merchant, AsOf::Number(number)).await?;
        let real = trial.lines.iter().filter(|line| line.layer == Layer::Posted && is_measured(line.code));
        for line in real.filter(|line| line.code != AccountCode::FX_POSITION) {
            let currency = line.debit_minus_credit.currency();
            let rate = rate_on(&self.flow, &mut self.days, day, currency, self.functional)?;
            let amount = rate.convert(line.debit_minus_credit).map_err(GlError::from)?;
            worth.insert((line.code, currency), amount.round(Rounding::HalfUp));
        }
        for lot in self.flow.store.open_lots_at(self.merchant, number).await?.lots {
            let booked_on = self.period.date_of(lot.at);
            for amount in [lot.base, lot.quote] {
                let currency = amount.currency();
                let rate = rate_on(&self.flow, &mut self.days, booked_on, currency, self.functional)?;
                let value = rate.convert(amount.negated()).map_err(GlError::from)?.round(Rounding::HalfUp);
                let sum =
                    worth.entry((AccountCode::FX_POSITION, currency)).or_insert(Money::zero(self.functional));
                *sum = sum.checked_add(value).map_err(GlError::from)?;
            }
        }
        Ok(worth)
    }
}

/// A currency's mid on a day, which is read once.
fn rate_on(
    flow: &GlExport,
    days: &mut HashMap<NaiveDate, DayRates>,
    day: NaiveDate,
    currency: Currency,
    functional: Currency,
) -> Result<Rate, GlExportError> {
    if currency == functional {
        return Ok(Rate::identity(currency));
    }
    let day = day.min(flow.clock.now().date_naive());
    let rates = match days.entry(day) {
        std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
        std::collections::hash_map::Entry::Vacant(place) => place.insert(flow.rates.on(day)?),
    };
    Ok(rates.mid(currency, functional)?.rate)
}

fn row(head: &[String; 5], line: &GlLine) -> Vec<String> {
    let side = |amount: Money, debit: bool| match amount.is_zero() || amount.is_negative() == debit {
        true => String::new(),
        false => amount.abs().amount().to_string(),
    };
    let mut cells = head.to_vec();
    cells.extend([
        harmless(&line.account),
        harmless(&line.ours),
        line.amount.currency().to_string(),
        side(line.amount, true),
        side(line.amount, false),
        line.functional.currency().to_string(),
        side(line.functional, true),
        side(line.functional, false),
        line.rate.map(|rate| rate.value().normalize().to_string()).unwrap_or_default(),
    ]);
    cells
}

fn write(buffer: &mut Vec<u8>, rows: impl IntoIterator<Item = Vec<String>>) -> Result<(), csv::Error> {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(buffer);
    for row in rows {
        writer.write_record(row)?;
    }
    writer.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names that others gave are no formulas; figures stay figures.
    #[test]
    fn texts_of_a_row_are_harmless_and_amounts_are_numbers() {
        let usd = Money::parse("-12.50", Currency::known("USD")).unwrap();
        let (account, ours) = ("-4000".to_owned(), "@2100[A]".to_owned());
        let line = GlLine { account, ours, amount: usd, functional: usd, rate: None };
        let head = ["2026-03-01", "2026-03-01", "txn", "split", "'=1"].map(str::to_owned);
        let cells = row(&head, &line);
        assert_eq!(cells[5..].join("|"), "'-4000|'@2100[A]|USD||12.50|USD||12.50|");
    }
}
