//! How far turnovers are accounted for, and what the sales of new refunds were accounted for as.

use std::collections::BTreeMap;
use std::ops::Range;

use sqlx::any::AnyRow;

use crate::domain::withholding::{Accounted, Basis, OfPeriod, Refunded, TaxPeriod, TaxText, Turnover};
use crate::ids::SupplierId;
use crate::money::{Currency, Percent};
use crate::store::row::Row;
use crate::store::words::read as read_word;
use crate::store::{Store, StoreError};

impl Store {
    /// How far a supplier's turnover is accounted for under a rule, with what a period has had; `None` before the first time.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn withholding_accounted(
        &self,
        place: (SupplierId, Currency),
        rule: &str,
        period: TaxPeriod,
    ) -> Result<Option<Accounted>, StoreError> {
        let query = sqlx::query(
            "SELECT supplier_id, currency, nth, turnover_nth, sold_total, refunded_total, credit FROM withholding
             WHERE supplier_id = $1 AND rule = $2 AND currency = $3 ORDER BY nth DESC LIMIT 1",
        )
        .bind(place.0.to_string())
        .bind(rule.to_owned())
        .bind(place.1.code());
        let last = self.one(query, |row| {
            let row = Row::of("withholding", row);
            let turnover = Turnover {
                nth: row.int("turnover_nth")?,
                sold: row.money("sold_total", "currency")?,
                refunded: row.money("refunded_total", "currency")?,
            };
            let (nth, credit) = (row.int("nth")?, row.money("credit", "currency")?);
            Ok(Accounted { nth, turnover, credit, of_period: BTreeMap::new() })
        });
        let Some(mut accounted) = last.await? else { return Ok(None) };
        accounted.of_period = self.withholding_of_period(place, rule, period).await?;
        Ok(Some(accounted))
    }

    async fn withholding_of_period(
        &self,
        (supplier, currency): (SupplierId, Currency),
        rule: &str,
        period: TaxPeriod,
    ) -> Result<BTreeMap<String, OfPeriod>, StoreError> {
        let query = sqlx::query(
            "SELECT rule_version, currency, CAST(SUM(base) AS BIGINT) AS base, CAST(SUM(due) AS BIGINT) AS due
             FROM withholding WHERE supplier_id = $1 AND rule = $2 AND currency = $3 AND period = $4
             GROUP BY rule_version, currency",
        )
        .bind(supplier.to_string())
        .bind(rule.to_owned())
        .bind(currency.code())
        .bind(period.to_string());
        let found = self.all(query, |row| {
            let row = Row::of("withholding", row);
            let had = OfPeriod { base: row.money("base", "currency")?, due: row.money("due", "currency")? };
            Ok((row.text("rule_version")?, had))
        });
        Ok(found.await?.into_iter().collect())
    }

    /// The refunds among these rows of a supplier's turnover (the first exclusive, the last inclusive), by what their sales
    /// were accounted for as under a rule.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn withholding_refunded(
        &self,
        (supplier, currency): (SupplierId, Currency),
        rule: &str,
        new: Range<i64>,
    ) -> Result<Vec<Refunded>, StoreError> {
        // Each sale is of one accounting, of none before its rule.
        let query = sqlx::query(
            "SELECT basis, rule_version, percent, share_of_base, rounding, currency,
                    CAST(SUM(amount) AS BIGINT) AS amount
             FROM (SELECT t.currency, t.amount, w.rule_version, w.percent, w.share_of_base, w.rounding,
                          CASE WHEN s.nth > $4 THEN 'new' WHEN w.concerned = 1 THEN 'taxed' ELSE 'untaxed' END AS basis
                   FROM withholding_turnover t
                   JOIN withholding_turnover s ON s.payment_id = t.payment_id AND s.supplier_id = t.supplier_id
                        AND s.currency = t.currency AND s.kind = 'sale'
                   LEFT JOIN withholding w ON w.supplier_id = s.supplier_id AND w.rule = $2
                        AND w.currency = s.currency AND w.turnover_after < s.nth AND w.turnover_nth >= s.nth
                   WHERE t.supplier_id = $1 AND t.currency = $3 AND t.nth > $4 AND t.nth <= $5
                         AND t.kind = 'refund') AS refunds
             GROUP BY basis, rule_version, percent, share_of_base, rounding, currency",
        )
        .bind(supplier.to_string())
        .bind(rule.to_owned())
        .bind(currency.code())
        .bind(new.start)
        .bind(new.end);
        self.all(query, read_refunded).await
    }
}

fn read_refunded(row: &AnyRow) -> Result<Refunded, StoreError> {
    let row = Row::of("withholding", row);
    let basis = match row.text("basis")?.as_str() {
        "new" => Basis::New,
        "taxed" => {
            let percent = Percent::try_new(row.parse("percent")?);
            Basis::Taxed(TaxText {
                version: row.text("rule_version")?,
                percent: percent.map_err(|error| row.unreadable("percent", error))?,
                share_of_base: row.parse("share_of_base")?,
                rounding: read_word(&row, "rounding")?,
            })
        }
        _ => Basis::Untaxed,
    };
    Ok(Refunded { basis, amount: row.money("amount", "currency")? })
}
