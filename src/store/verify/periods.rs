//! Closed periods stay as they were closed: nothing is booked into them, nothing is dated into them by hand, and their
//! statements are what they were, byte for byte and by the books.

use aws_lc_rs::digest::{SHA256, digest};

use crate::domain::ledger::Layer;
use crate::domain::ledger::audit::Check;
use crate::domain::statements::Bucket;
use crate::store::periods::IssuedStatement;
use crate::store::{Store, StoreError};

impl Store {
    /// Both checks.
    pub(super) async fn check_periods(&self) -> Result<Vec<Check>, StoreError> {
        Ok(vec![self.check_closed().await?, self.check_issued().await?])
    }

    /// A transaction booked after the close was written later than the period: unless somebody set a clock back. Deals of
    /// before they were refused there are not judged.
    async fn check_closed(&self) -> Result<Check, StoreError> {
        let row = sqlx::query_as::<_, (String, String, String)>(
            "SELECT p.until, t.event, t.source FROM period_close p
             JOIN ledger_transaction t ON t.merchant_id = p.merchant_id
             WHERE p.state = 'closed' AND (
                 (t.recorded_at < p.ends_before AND t.number > p.last_number)
                 OR (t.event IN ('manual', 'converted_market') AND t.effective_at < p.ends_before
                     AND t.recorded_at > p.closed_at AND (t.event = 'manual' OR t.number > COALESCE((
                         SELECT j.after_number FROM judged_from j WHERE j.rule = 'deals_of_closed_periods'), 0))))
             LIMIT 1",
        )
        .fetch_optional(self.walks())
        .await?;
        let fault = row.map(|(until, event, source)| {
            format!("{event} of {source} stands in the period closed until {until} and was booked later")
        });
        Ok(Check::new("closed_periods", "nothing was booked or dated into a closed period", fault))
    }

    async fn check_issued(&self) -> Result<Check, StoreError> {
        let (mut after, mut seen, mut fault) = (String::new(), 0_i64, None);
        while fault.is_none() {
            let page = self.statements_behind(&after).await?;
            let Some(last) = page.last() else { break };
            after = last.id.to_string();
            for issued in &page {
                seen += 1;
                fault = self.statement_fault(issued).await?;
                if fault.is_some() {
                    break;
                }
            }
        }
        Ok(Check::new(
            "issued_statements",
            format!("{seen} issued statements are as they were issued"),
            fault,
        ))
    }

    async fn statements_behind(&self, after: &str) -> Result<Vec<IssuedStatement>, StoreError> {
        let query = sqlx::query("SELECT * FROM issued_statement WHERE id > $1 ORDER BY id LIMIT 100")
            .bind(after.to_owned());
        self.all(query, crate::store::periods::read_statement).await
    }

    /// What differs from what was issued.
    async fn statement_fault(&self, issued: &IssuedStatement) -> Result<Option<String>, StoreError> {
        let named = format!("statement {} of {}", issued.number, issued.supplier);
        let body = self.issued_statement(issued.merchant, issued.id).await?;
        let hash = body.map(|(_, body)| hex(digest(&SHA256, &body).as_ref()));
        if hash.as_deref() != Some(issued.sha256.as_str()) {
            return Ok(Some(format!("{named}: its bytes are not those that were issued")));
        }
        let accounts = self.ledger_balances_of(issued.merchant, &issued.supplier.to_string()).await?;
        let own = accounts.iter().filter(|row| {
            row.layer == Layer::Posted
                && Bucket::of(row.account.code).is_some()
                && row.debit_minus_credit.currency() == issued.opening.currency()
        });
        let own: Vec<i64> = own.map(|row| row.id).collect();
        let extent = self.extent(&own, issued.after_number, issued.upto_number).await?;
        let now = (-extent.opening, -extent.closing, extent.entries);
        let then = (issued.opening.minor(), issued.closing.minor(), issued.entries);
        let differs = now != then;
        Ok(differs.then(|| {
            format!("{named}: opening, closing and entries were {then:?} when it was issued and are {now:?} by the books")
        }))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
