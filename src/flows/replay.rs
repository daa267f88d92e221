//! What was settled is computed again from what was kept: the same bytes, or the first difference by name.
//!
//! A settlement's inputs and the rules of its day stand beside it; the flow that captured it and this one call the same
//! arithmetic. What differs was changed in the database, or by a program that computes otherwise; what cannot be computed any
//! more differs too, as does a division in the books whose settlement is gone, and the rest is computed. Read-only: books that
//! contradict themselves are a finding of whoever tells them.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use futures_util::TryStreamExt;
use serde_json::Value;

use crate::domain::fees::FeeBook;
use crate::domain::merchants::Merchant;
use crate::domain::settlement::{Inputs, InputsError, Proceeds, Settlement};
use crate::domain::statements::{Period, PeriodError};
use crate::ids::{PaymentId, SettlementId, StatementId};
use crate::money::MoneyError;
use crate::store::periods::IssuedStatement;
use crate::store::settlements::SettlementRecord;
use crate::store::{Seek, Store, StoreError};

use super::issue_statement::{StatementFlowError, StatementQuery, Statements};

/// Settlements read at a time.
const PAGE: u32 = 500;
/// Differences told one by one; the rest are counted.
const TOLD: usize = 20;

/// The flow.
#[derive(Debug)]
pub struct Replay {
    store: Store,
    statements: Statements,
    /// Those that were met, or what is wrong with them.
    books: BTreeMap<String, Result<Arc<FeeBook>, String>>,
    /// Since when inputs are kept with every settlement.
    kept_since: Option<DateTime<Utc>>,
}

/// What a replay came to.
#[derive(Debug, Default)]
pub struct Replayed {
    /// Settlements that are as they were.
    pub settlements: u64,
    /// Settlements from before inputs were kept: nothing to compute them from.
    pub without_inputs: u64,
    /// Issued statements that are as they were.
    pub statements: u64,
    /// Programs that computed them, with how many each.
    pub engines: BTreeMap<String, u64>,
    /// Fee books by which they were computed, with how many each.
    pub fee_books: BTreeMap<String, u64>,
    /// What is not as it was, the first of them.
    pub differences: Vec<Difference>,
    /// How many there are.
    pub differing: u64,
    /// What other rules would have made of it, where they were given.
    pub by_other_rules: Option<ByOtherRules>,
}

/// Something that is not what is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// A settlement's or a statement's id; a payment's where its settlement is gone.
    pub what: String,
    /// Where: a path into the document, or a line of the statement.
    pub at: String,
    /// What is stored there.
    pub stored: String,
    /// What is computed.
    pub computed: String,
}

/// The same payments under other rules.
#[derive(Debug, Default)]
pub struct ByOtherRules {
    /// As it was.
    pub then: Proceeds,
    /// As it would have been.
    pub with: Proceeds,
    /// Settlements in both.
    pub compared: u64,
    /// Of all of them, those that some rule of the other ones is about; the rest are priced by what is left of their day's book.
    pub matched: u64,
    /// Payments that those rules could not have divided, the first of them, and why.
    pub indivisible: Vec<(PaymentId, String)>,
    /// How many there are.
    pub indivisible_count: u64,
}

/// Why there is no replay.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The dates are no period.
    #[error(transparent)]
    Period(#[from] PeriodError),
    /// A statement could not be made again now.
    #[error(transparent)]
    Statement(#[from] StatementFlowError),
    /// Sums beyond what an amount holds.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Replay {
    /// Over the store.
    pub fn new(store: Store, statements: Statements) -> Replay {
        Replay { store, statements: statements.unwatched(), books: BTreeMap::new(), kept_since: None }
    }

    /// Everything of one merchant that was settled, and every statement whose period ended, from `from` to `to`, both
    /// dates of the merchant's zone. `other` are rules to try besides: its schedules take the place of those of their
    /// name in the book of the day.
    ///
    /// # Errors
    /// [`ReplayError`]; what differs is no error.
    pub async fn run(
        &mut self,
        merchant: &Merchant,
        (from, to): (NaiveDate, NaiveDate),
        other: Option<&FeeBook>,
        replayed: &mut Replayed,
    ) -> Result<(), ReplayError> {
        let period = Period::try_new(from, to, merchant.zone)?;
        let span = (period.begins_at(), period.ends_before());
        self.kept_since = self.store.fee_books_since().await?;
        let mut after: Option<(DateTime<Utc>, SettlementId)> = None;
        loop {
            let page = self.store.settlements_made(merchant.id, span, after, PAGE).await?;
            for record in &page {
                self.settlement(record, other, replayed).await?;
            }
            match page.last() {
                Some(last) if page.len() == PAGE as usize => after = Some((last.created_at, last.id)),
                _ => break,
            }
        }
        self.gone(merchant, span, replayed).await?;
        self.issued(merchant, (from, to), replayed).await
    }

    /// Divisions in the books whose settlement is no more.
    async fn gone(
        &self,
        merchant: &Merchant,
        span: (DateTime<Utc>, DateTime<Utc>),
        replayed: &mut Replayed,
    ) -> Result<(), ReplayError> {
        let mut after = 0;
        loop {
            let page = self.store.divisions_without_settlement(merchant.id, span, after, PAGE).await?;
            for division in &page {
                let booked = format!("{} divided it", division.transaction);
                replayed.differs(&division.payment, "its settlement", "none", &booked);
            }
            match page.last() {
                Some(last) if page.len() == PAGE as usize => after = last.number,
                _ => return Ok(()),
            }
        }
    }

    async fn settlement(
        &mut self,
        record: &SettlementRecord,
        other: Option<&FeeBook>,
        replayed: &mut Replayed,
    ) -> Result<(), ReplayError> {
        let name = record.id.to_string();
        let Some(text) = &record.inputs else {
            match self.kept_since.filter(|since| *since <= record.created_at) {
                Some(since) => {
                    let why = format!("kept with every settlement since {since}");
                    replayed.differs(&name, "inputs", "none", &why);
                }
                None => replayed.without_inputs += 1,
            }
            return Ok(());
        };
        let inputs: Inputs = match serde_json::from_str(text) {
            Ok(inputs) => inputs,
            Err(error) => {
                replayed.differs(&name, "inputs", text, &format!("cannot be read: {error}"));
                return Ok(());
            }
        };
        let fees = match self.fee_book(&inputs.fees).await? {
            Ok(fees) => fees,
            Err(why) => {
                replayed.differs(&name, "its fee book", &inputs.fees, &why);
                return Ok(());
            }
        };
        let then = match inputs.settle(&fees) {
            // The program is named in the document and is not what is compared.
            Ok(settlement) => Settlement { engine: record.engine.clone(), ..settlement },
            Err(error) => {
                replayed.differs(&name, "all of it", "settled", &format!("cannot be divided: {error}"));
                return Ok(());
            }
        };
        let computed = serde_json::to_string(&then).unwrap_or_default();
        let lines = serde_json::to_string(&then.lines).unwrap_or_default();
        let fee_version = then.fee_version();
        let texts = [
            ("", &record.frozen, &computed),
            ("lines", &record.lines, &lines),
            ("fee_version", &record.fee_version, &fee_version),
        ];
        if let Some((at, stored, computed)) =
            texts.into_iter().find(|(_, stored, computed)| stored != computed)
        {
            let (path, stored, computed) = first_difference(stored, computed);
            replayed.differs(&name, &format!("{at}{path}"), &stored, &computed);
            return Ok(());
        }
        replayed.settlements += 1;
        *replayed.engines.entry(record.engine.clone()).or_default() += 1;
        *replayed.fee_books.entry(inputs.fees.clone()).or_default() += 1;
        if let Some(other) = other {
            let book = FeeBook::clone(&fees).with(other.clone());
            let sums = replayed.by_other_rules.get_or_insert_default();
            sums.matched += u64::from(other.is_about(&inputs.charge()));
            sums.add(record.payment, &then, inputs.settle_by(&fees, &book))?;
        }
        Ok(())
    }

    /// A kept book, or what is wrong with it.
    async fn fee_book(&mut self, id: &str) -> Result<Result<Arc<FeeBook>, String>, ReplayError> {
        if let Some(known) = self.books.get(id) {
            return Ok(known.clone());
        }
        let text = match self.store.fee_book(id).await {
            Ok(text) => text.ok_or_else(|| "is not kept".to_owned()),
            Err(StoreError::Unreadable { why, .. }) => Err(format!("cannot be read: {why}")),
            Err(error) => return Err(error.into()),
        };
        let read =
            |text: String| serde_json::from_str(&text).map_err(|error| format!("cannot be read: {error}"));
        let is_it = |book: FeeBook| match book.kept().0 == id {
            true => Ok(Arc::new(book)),
            false => Err("is not what it was: its hash is another".to_owned()),
        };
        let book = text.and_then(read).and_then(is_it);
        Ok(self.books.entry(id.to_owned()).or_insert(book).clone())
    }

    async fn issued(
        &self,
        merchant: &Merchant,
        (from, to): (NaiveDate, NaiveDate),
        replayed: &mut Replayed,
    ) -> Result<(), ReplayError> {
        let mut seek: Seek<StatementId> = Seek::Start;
        loop {
            let page = self.store.issued_statements(merchant.id, None, seek, 100).await?;
            let Some(last) = page.last().map(|issued| issued.id) else { return Ok(()) };
            for issued in page.iter().filter(|issued| (from..=to).contains(&issued.to)) {
                let name = issued.id.to_string();
                let stored = match self.store.issued_statement(merchant.id, issued.id).await {
                    Ok(Some((_, stored))) => stored,
                    Ok(None) => continue,
                    Err(StoreError::Unreadable { why, .. }) => {
                        replayed.differs(&name, "all of it", &format!("cannot be read: {why}"), "made again");
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
                let computed = match self.made_again(issued).await {
                    Ok(computed) => computed,
                    Err(error) if is_of_the_books(&error) => {
                        let why = format!("cannot be made again: {error}");
                        replayed.differs(&name, "all of it", "issued", &why);
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                };
                if computed == stored {
                    replayed.statements += 1;
                    continue;
                }
                let (stored, computed) =
                    (String::from_utf8_lossy(&stored), String::from_utf8_lossy(&computed));
                let mut pairs = stored.lines().zip(computed.lines()).enumerate();
                let unlike = pairs.find(|(_, (stored, computed))| stored != computed);
                let (line, (stored, computed)) = unlike.unwrap_or((
                    stored.lines().count().min(computed.lines().count()),
                    ("nothing or more", "nothing or more"),
                ));
                replayed.differs(&name, &format!("line {}", line + 1), stored, computed);
            }
            seek = Seek::After(last);
        }
    }

    /// An issued statement's CSV as the books have it.
    async fn made_again(&self, issued: &IssuedStatement) -> Result<Vec<u8>, StatementFlowError> {
        let query = StatementQuery {
            supplier: issued.supplier,
            currency: Some(issued.opening.currency()),
            from: issued.from,
            to: issued.to,
            limit: None,
            after: None,
        };
        let chunks: Vec<Vec<u8>> = self.statements.csv(issued.merchant, &query).await?.try_collect().await?;
        Ok(chunks.concat())
    }
}

/// Whether a statement cannot be made of what the books hold, and not because something did not answer.
fn is_of_the_books(error: &StatementFlowError) -> bool {
    let is_unreadable = matches!(error, StatementFlowError::Store(StoreError::Unreadable { .. }));
    is_unreadable || matches!(error.code(), "books_differ" | "not_found" | "period_invalid")
}

impl Replayed {
    fn differs(&mut self, what: &str, at: &str, stored: &str, computed: &str) {
        self.differing += 1;
        if self.differences.len() < TOLD {
            let short = |text: &str| text.chars().take(300).collect();
            self.differences.push(Difference {
                what: what.to_owned(),
                at: at.to_owned(),
                stored: short(stored),
                computed: short(computed),
            });
        }
    }
}

impl ByOtherRules {
    fn add(
        &mut self,
        payment: PaymentId,
        then: &Settlement,
        with: Result<Settlement, InputsError>,
    ) -> Result<(), MoneyError> {
        match with {
            Ok(with) => {
                self.compared += 1;
                self.then.add(then)?;
                self.with.add(&with)
            }
            Err(why) => {
                self.indivisible_count += 1;
                if self.indivisible.len() < TOLD {
                    self.indivisible.push((payment, why.to_string()));
                }
                Ok(())
            }
        }
    }
}

/// Where two JSON texts part first, and what stands there.
fn first_difference(stored: &str, computed: &str) -> (String, String, String) {
    let whole = || (String::new(), stored.to_owned(), computed.to_owned());
    let (Ok(left), Ok(right)) = (serde_json::from_str(stored), serde_json::from_str(computed)) else {
        return whole();
    };
    part(&left, &right).unwrap_or_else(whole)
}

fn part(left: &Value, right: &Value) -> Option<(String, String, String)> {
    let within = |step: String, left: &Value, right: &Value| {
        part(left, right).map(|(path, stored, computed)| (format!("{step}{path}"), stored, computed))
    };
    match (left, right) {
        _ if left == right => None,
        (Value::Object(own), Value::Object(other)) => own.keys().chain(other.keys()).find_map(|name| {
            let of = |map: &serde_json::Map<String, Value>| map.get(name).cloned().unwrap_or(Value::Null);
            within(format!(".{name}"), &of(own), &of(other))
        }),
        (Value::Array(own), Value::Array(other)) => (0..own.len().max(other.len())).find_map(|place| {
            let of = |list: &[Value]| list.get(place).cloned().unwrap_or(Value::Null);
            within(format!("[{place}]"), &of(own), &of(other))
        }),
        _ => Some((String::new(), left.to_string(), right.to_string())),
    }
}
