//! Where lines come from: the books, page by page, each its own short read; or the bytes that were issued.

use crate::domain::ledger::Place;
use crate::domain::statements::{Footing, Heading, IssuedLines, StatementEntry, StatementError};
use crate::ids::MerchantId;
use crate::money::{Currency, Money};
use crate::store::{EXPORT_PAGE, Store};

use super::{Range, StatementFlowError, StatementQuery, Statements};

/// A statement's lines, not read yet.
pub(super) struct Lines {
    source: Source,
    // What a finding about them would name.
    pub watch: Watch,
}

/// Whose lines they are.
#[derive(Clone)]
pub(super) struct Watch {
    pub statements: Statements,
    pub merchant: MerchantId,
    pub supplier: crate::ids::SupplierId,
    pub currency: Currency,
}

enum Source {
    Books { store: Store, range: Box<Range>, footing: Option<Box<Footing>>, at: Place, closing: Money },
    Issued(Box<IssuedLines>),
}

impl Statements {
    /// The heading and the lines of a period, its end fixed; only where opening and movement lead to the closing.
    pub(super) async fn open_lines(
        &self,
        merchant: MerchantId,
        query: &StatementQuery,
    ) -> Result<(Heading, Lines), StatementFlowError> {
        let range = self.range(merchant, query).await?;
        let extent = self.store.extent(&range.accounts, range.from, range.upto).await?;
        let currency = range.currency;
        let watch = Watch { statements: self.clone(), merchant, supplier: query.supplier, currency };
        let (opening, closing) = (range.money(extent.opening), range.money(extent.closing));
        if !extent.foots() {
            let computed = range.money(extent.opening + extent.movement);
            let difference = Money::from_minor(computed.minor() - closing.minor(), currency);
            let error = StatementError::DoesNotFoot { computed, ledger: closing, difference };
            return Err(watch.found(error.into()).await);
        }
        let heading = Heading {
            supplier: query.supplier,
            period: range.period,
            opening,
            closing,
            letterhead: self.letterhead(&range).await?,
            issue: None,
            made_at: self.clock.now(),
        };
        let source = Source::Books {
            store: self.store.clone(),
            footing: Some(Box::new(Footing::new(range.period, opening))),
            at: Place::after(range.from),
            closing,
            range: Box::new(range),
        };
        Ok((heading, Lines { source, watch }))
    }

    /// The lines of an issued statement, from its bytes.
    pub(super) fn issued_lines(&self, merchant: MerchantId, heading: &Heading, bytes: Vec<u8>) -> Lines {
        let (supplier, currency) = (heading.supplier, heading.currency());
        Lines {
            source: Source::Issued(Box::new(IssuedLines::new(bytes, currency))),
            watch: Watch { statements: self.clone(), merchant, supplier, currency },
        }
    }
}

impl Watch {
    /// The error as it came; where it says that the books contradict themselves, their finding is open by now.
    pub async fn found(&self, error: StatementFlowError) -> StatementFlowError {
        self.statements.found(self.merchant, self.supplier, self.currency, error).await
    }
}

impl Lines {
    /// The next lines; `None` at the end, which is only reached where the books' own closing is.
    pub async fn next(&mut self) -> Result<Option<Vec<StatementEntry>>, StatementFlowError> {
        match &mut self.source {
            Source::Issued(lines) => {
                let page = lines.page(EXPORT_PAGE as usize)?;
                Ok((!page.is_empty()).then_some(page))
            }
            Source::Books { store, range, footing, at, closing } => {
                let Some(mut under_way) = footing.take() else { return Ok(None) };
                let page = store.account_entries(&range.accounts, *at, range.upto, EXPORT_PAGE).await?;
                let last = page.len() < EXPORT_PAGE as usize;
                if let Some(entry) = page.last() {
                    *at = entry.place;
                }
                let mut lines = Vec::with_capacity(page.len() + 1);
                for entry in page {
                    lines.extend(under_way.push(entry)?);
                }
                if last {
                    lines.extend(under_way.close(*closing)?);
                } else {
                    *footing = Some(under_way);
                }
                Ok(Some(lines))
            }
        }
    }
}
