//! The statements of a closed period: one for each supplier and currency, moved or not, numbered, kept byte for byte.

use futures_util::TryStreamExt;

use crate::domain::ledger::Layer;
use crate::domain::merchants::Supplier;
use crate::domain::periods::PeriodClose;
use crate::domain::statements::{Bucket, Period};
use crate::flows::issue_statement::StatementQuery;
use crate::flows::pay::sha256;
use crate::money::{Currency, Money};
use crate::store::Change;
use crate::store::outbox::Event;
use crate::store::periods::IssuedStatement;

use super::{CloseError, ClosePeriod};

impl ClosePeriod {
    /// Issues every statement of the period in `change`; how many.
    pub(super) async fn issue(
        &self,
        change: &mut Change,
        close: &PeriodClose,
        period: Period,
    ) -> Result<i64, CloseError> {
        let first = self.store.last_statement_number(close.merchant).await?;
        let mut number = first;
        let (before, mut after) = (period.ends_before(), None);
        loop {
            let page = self.store.suppliers_before(close.merchant, before, after, 100).await?;
            let Some(last) = page.last() else { return Ok(number - first) };
            after = Some(last.id);
            for supplier in &page {
                for currency in self.currencies(close, supplier).await? {
                    let issued = self.statement(close, period, supplier, currency, number + 1).await?;
                    let Some((issued, body)) = issued else { continue };
                    number = issued.number;
                    change.issue_statement(&issued, &body);
                    change.tell(&Event {
                        id: self.ids.mint(),
                        merchant: close.merchant,
                        kind: "statement.ready".to_owned(),
                        subject: issued.id.to_string(),
                        data: statement_view(&issued),
                        created_at: self.clock.now(),
                    });
                }
            }
        }
    }

    async fn currencies(
        &self,
        close: &PeriodClose,
        supplier: &Supplier,
    ) -> Result<Vec<Currency>, CloseError> {
        let rows = self.store.ledger_balances_of(close.merchant, &supplier.id.to_string()).await?;
        let own =
            rows.iter().filter(|row| row.layer == Layer::Posted && Bucket::of(row.account.code).is_some());
        let mut currencies: Vec<Currency> =
            own.map(|row| row.debit_minus_credit.currency()).chain([supplier.currency]).collect();
        currencies.sort();
        currencies.dedup();
        Ok(currencies)
    }

    /// One statement and its bytes. In the currency it is settled in a supplier is told every period, also that nothing
    /// moved; `None` in another currency of which it never had anything until then.
    async fn statement(
        &self,
        close: &PeriodClose,
        period: Period,
        supplier: &Supplier,
        currency: Currency,
        number: i64,
    ) -> Result<Option<(IssuedStatement, Vec<u8>)>, CloseError> {
        let query = StatementQuery {
            supplier: supplier.id,
            currency: Some(currency),
            from: period.from(),
            to: period.to(),
            limit: None,
            after: None,
        };
        let span = self.statements.span(close.merchant, &query).await?;
        if !span.ever && currency != supplier.currency {
            return Ok(None);
        }
        let extent = &span.extent;
        let chunks: Vec<Vec<u8>> = self.statements.csv(close.merchant, &query).await?.try_collect().await?;
        let body = chunks.concat();
        let issued = IssuedStatement {
            id: self.ids.mint(),
            merchant: close.merchant,
            number,
            period: close.id,
            supplier: supplier.id,
            from: period.from(),
            to: period.to(),
            zone: period.zone().name().to_owned(),
            opening: Money::from_minor(extent.opening, currency).negated(),
            closing: Money::from_minor(extent.closing, currency).negated(),
            entries: extent.entries,
            lines: lines_of(&body),
            after_number: span.after,
            upto_number: span.upto,
            sha256: sha256(&body),
            issued_at: self.clock.now(),
            letterhead: Some(span.letterhead),
        };
        Ok(Some((issued, body)))
    }
}

/// How many lines a statement has: the last row of its file counts them.
fn lines_of(csv: &[u8]) -> Option<i64> {
    let last = std::str::from_utf8(csv).ok()?.lines().last()?;
    last.strip_prefix("#END,")?.split(',').next()?.parse().ok()
}

/// An issued statement as answers and events show it.
pub fn statement_view(issued: &IssuedStatement) -> serde_json::Value {
    let letterhead = issued.letterhead.as_ref();
    serde_json::json!({
        "id": issued.id, "object": "statement", "number": issued.number, "period": issued.period,
        "issuer": letterhead.map(|letterhead| &letterhead.issuer),
        "holder": letterhead.map(|letterhead| &letterhead.holder), "supplier": issued.supplier, "currency": issued.opening.currency(), "from": issued.from, "to": issued.to,
        "zone": issued.zone, "opening": issued.opening, "closing": issued.closing, "entries": issued.entries,
        "lines": issued.lines,
        "ledger_head": letterhead.and_then(|letterhead| letterhead.ledger_head).map(|head| head.to_string()),
        "sha256": issued.sha256, "issued_at": issued.issued_at,
    })
}
