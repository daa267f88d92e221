//! Transaction Search: the account's movements, a window of them in pages.

use std::ops::ControlFlow;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::account::Row;
use super::envelope::{Answer, Refusal};
use super::{Call, amount, stamp};

/// A window with more results than this is refused.
const MOST_RESULTS: usize = 10_000;

/// `GET /v1/reporting/transactions`: at most 31 days, oldest first.
pub(super) async fn transactions(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let start = moment(call, "start_date")?;
    let end = moment(call, "end_date")?;
    if end < start || end - start > TimeDelta::days(31) {
        return Err(Refusal::invalid_at("end_date", "INVALID_DATE_RANGE"));
    }
    let page_size = number(call, "page_size", 100, 500)?;
    let page = number(call, "page", 1, 10_000)?;
    let id = call.query("transaction_id");
    let currency = call.query("transaction_currency");
    let fields = call.query("fields").unwrap_or_default();
    let payer_too = fields.split(',').any(|field| matches!(field, "payer_info" | "all"));
    let shown = (page - 1) * page_size..page * page_size;
    let (mut rows, mut matching): (Vec<Row>, usize) = (Vec::new(), 0);
    let matches = |row: &Row| {
        (start..=end).contains(&row.at)
            && id.as_deref().is_none_or(|id| row.transaction_id == id)
            && currency.as_deref().is_none_or(|code| row.gross.currency().code() == code)
    };
    let see = |row: Row| {
        if matches(&row) {
            matching += 1;
            if shown.contains(&(matching - 1)) {
                rows.push(row);
            }
        }
        if matching > MOST_RESULTS { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    call.session.see_between(&call.app.merchant_id, (start, end), see).await?;
    if matching > MOST_RESULTS {
        return Err(Refusal::too_many_results());
    }
    let details: Vec<Value> = rows
        .iter()
        .map(|row| match &row.payer_country {
            Some(country) if payer_too => {
                json!({"transaction_info": row.represent(), "payer_info": {"country_code": country}})
            }
            _ => json!({"transaction_info": row.represent()}),
        })
        .collect();
    Ok(Answer::ok(json!({
        "transaction_details": details,
        "account_number": call.app.merchant_id,
        "start_date": stamp(start),
        "end_date": stamp(end),
        "last_refreshed_datetime": stamp(call.now),
        "page": page,
        "total_items": matching,
        "total_pages": matching.div_ceil(page_size).max(1),
        "links": [call.link("self", "GET", &format!("/v1/reporting/transactions?{}", call.request.query_string()))],
    })))
}

impl Row {
    fn represent(&self) -> Value {
        let mut info = json!({
            "paypal_account_id": self.merchant_id,
            "transaction_id": self.transaction_id,
            "transaction_event_code": self.code,
            "transaction_initiation_date": stamp(self.at),
            "transaction_updated_date": stamp(self.at),
            "transaction_amount": amount::write(self.gross),
            "transaction_status": "S",
            "ending_balance": amount::write(self.ending),
            "available_balance": amount::write(self.ending),
        });
        if let Some(fee) = self.fee {
            info["fee_amount"] = amount::write(fee);
        }
        if let Some(reference) = &self.reference_id {
            info["paypal_reference_id"] = json!(reference);
            info["paypal_reference_id_type"] = json!("TXN");
        }
        for (name, value) in [("invoice_id", &self.invoice_id), ("custom_field", &self.custom_id)] {
            if let Some(value) = value {
                info[name] = json!(value);
            }
        }
        info
    }
}

fn moment(call: &Call<'_>, name: &str) -> Result<DateTime<Utc>, Refusal> {
    let text = call.query(name).unwrap_or_default();
    DateTime::parse_from_rfc3339(&text)
        .or_else(|_| DateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%z"))
        .map(|at| at.with_timezone(&Utc))
        .map_err(|_| Refusal::invalid_at(name, "INVALID_REQUEST"))
}

pub(super) fn number(call: &Call<'_>, name: &str, default: usize, most: usize) -> Result<usize, Refusal> {
    let Some(text) = call.query(name) else { return Ok(default) };
    let number = text.parse().ok().filter(|number| (1..=most).contains(number));
    number.ok_or_else(|| Refusal::invalid_at(name, "INVALID_PARAMETER_VALUE"))
}
