//! The settlement report (STL): PayPal puts it on SFTP, the far side serves it at
//! `/ppreports/outgoing/STL-yyyymmdd.01.009.CSV`.
//!
//! A day of the account's home zone (Los Angeles), rows as they stand in the account's book, amounts as whole numbers of
//! PayPal's own units without sign. The footers are counted here from what is written.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::ops::ControlFlow;

use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use chrono_tz::America::Los_Angeles;

use super::super::Sandbox;
use super::account::Row;
use super::envelope::Refusal;
use super::{amount, oauth};
use crate::money::Money;

const COLUMNS: &str = concat!(
    r#""CH","Transaction ID","Invoice ID","PayPal Reference ID","PayPal Reference ID Type","#,
    r#""Transaction Event Code","Transaction Initiation Date","Transaction Completion Date","#,
    r#""Transaction Debit or Credit","Gross Transaction Amount","Gross Transaction Currency","#,
    r#""Fee Debit or Credit","Fee Amount","Fee Currency","Custom Field","Consumer ID","#,
    r#""Payment Tracking ID","Store ID","Bank Reference ID""#
);

/// Gross credits, gross debits, fee credits, fee debits.
type Totals = BTreeMap<&'static str, [u64; 4]>;

/// Answers the file of the name's day, once that day is over.
pub(super) async fn serve(sandbox: &Sandbox, request: &HttpRequest, name: &str) -> HttpResponse {
    match file(sandbox, request, name).await {
        Ok(text) => HttpResponse::Ok().insert_header(("content-type", "text/csv; charset=utf-8")).body(text),
        Err(refusal) => refusal.answer(sandbox).send(sandbox),
    }
}

async fn file(sandbox: &Sandbox, request: &HttpRequest, name: &str) -> Result<String, Refusal> {
    let day = name.strip_prefix("STL-").and_then(|rest| rest.strip_suffix(".01.009.CSV"));
    let day =
        day.and_then(|day| NaiveDate::parse_from_str(day, "%Y%m%d").ok()).ok_or_else(Refusal::not_found)?;
    let mut session = sandbox.book.begin().await?;
    let app = oauth::authenticate(sandbox, &mut session, request).await?;
    let now = sandbox.clock.now();
    if local_day(now) <= day {
        return Err(Refusal::not_found());
    }
    let mut report = Report::begin(&app.merchant_id, day, now);
    let see = |row: Row| {
        if local_day(row.at) == day {
            report.row(&row);
        }
        ControlFlow::Continue(())
    };
    // Los Angeles is behind Greenwich by less than a day.
    let begins = day.and_time(NaiveTime::MIN).and_utc();
    session.see_between(&app.merchant_id, (begins, begins + TimeDelta::days(2)), see).await?;
    Ok(report.end())
}

fn local_day(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&Los_Angeles).date_naive()
}

/// A report in the making.
pub(super) struct Report {
    text: String,
    totals: Totals,
    count: usize,
}

impl Report {
    pub(super) fn begin(account: &str, day: NaiveDate, now: DateTime<Utc>) -> Report {
        let written = now.with_timezone(&Los_Angeles).format("%Y/%m/%d %H:%M:%S %z");
        let zone = now.with_timezone(&Los_Angeles).format("%z");
        let date = day.format("%Y/%m/%d");
        let text = format!(
            "\"RH\",{written},\"A\",\"{account}\",009,\n\"FH\",01\n\"SH\",{date} 00:00:00 {zone},{date} 23:59:59 {zone},\
         \"{account}\",\"\"\n{COLUMNS}\n"
        );
        Report { text, totals: Totals::new(), count: 0 }
    }

    pub(super) fn row(&mut self, row: &Row) {
        self.count += 1;
        body(&mut self.text, row, &mut self.totals);
    }

    /// With its footers, counted from what was written.
    pub(super) fn end(self) -> String {
        let Report { mut text, totals, count } = self;
        for (kind, counted) in [("SF", "SC"), ("RF", "RC")] {
            for (currency, [gross_in, gross_out, fee_in, fee_out]) in &totals {
                let _ = writeln!(text, "\"{kind}\",\"{currency}\",{gross_in},{gross_out},{fee_in},{fee_out}");
            }
            let _ = writeln!(text, "\"{counted}\",{count}");
        }
        let _ = writeln!(text, "\"FF\",{count}");
        text
    }
}

fn body(text: &mut String, row: &Row, totals: &mut Totals) {
    let at = row.at.with_timezone(&Los_Angeles).format("%Y/%m/%d %H:%M:%S %z");
    let quoted = |value: Option<&String>| value.map_or_else(String::new, |value| value.replace('"', "\"\""));
    let (side, gross) = unsigned(row.gross);
    let totals = totals.entry(row.gross.currency().code()).or_default();
    totals[usize::from(side == "DR")] += gross;
    let fee = row.fee.filter(|fee| !fee.is_zero()).map(|fee| {
        let (side, units) = unsigned(fee);
        totals[2 + usize::from(side == "DR")] += units;
        format!("\"{side}\",{units},\"{}\"", fee.currency())
    });
    let fee = fee.unwrap_or_else(|| "\"\",,\"\"".to_owned());
    let reference_type = if row.reference_id.is_some() { "TXN" } else { "" };
    let _ = writeln!(
        text,
        "\"SB\",\"{}\",\"{}\",\"{}\",\"{reference_type}\",\"{}\",{at},{at},\"{side}\",{gross},\"{}\",{fee},\"{}\",\
         \"\",\"\",\"\",\"\"",
        row.transaction_id,
        quoted(row.invoice_id.as_ref()),
        quoted(row.reference_id.as_ref()),
        row.code,
        row.gross.currency(),
        quoted(row.custom_id.as_ref()),
    );
}

/// `CR` or `DR`, and PayPal's units.
fn unsigned(money: Money) -> (&'static str, u64) {
    let step = amount::smallest(money.currency()).minor().unsigned_abs().max(1);
    (if money.is_negative() { "DR" } else { "CR" }, money.minor().unsigned_abs() / step)
}
