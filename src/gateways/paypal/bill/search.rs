//! Transaction Search v1: a day in pages of five hundred; a window with more than PayPal shows is asked for in halves.

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::PayPal;
use super::super::amount;
use super::super::api::Said;
use super::super::reports::country;
use super::super::wire::Amount;
use super::codes;
use crate::domain::reconciliation::{BillLine, LineFacts, LineStatus};
use crate::gateways::bills::{BillError, BillPage, Bookmark, Window, bounds};
use crate::gateways::{GatewayError, json, rows};
use crate::money::Money;

const PAGE_SIZE: u32 = 500;
/// PayPal's refusal of a window with more than 10,000 results.
const TOO_MANY: &str = "RESULTSET_TOO_LARGE";

#[derive(Debug, Deserialize)]
struct SearchAnswer {
    #[serde(default)]
    transaction_details: Vec<Box<RawValue>>,
    account_number: Option<String>,
    page: Option<u32>,
    total_pages: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct BalancesAnswer {
    #[serde(default)]
    balances: Vec<BalanceRow>,
    account_id: Option<String>,
}

#[derive(Debug, Deserialize)]
struct BalanceRow {
    total_balance: Amount,
}

#[derive(Debug, Deserialize)]
struct Detail {
    transaction_info: Info,
    payer_info: Option<Payer>,
}

/// Of the payer no more is read than the country.
#[derive(Debug, Deserialize)]
struct Payer {
    country_code: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Info {
    transaction_id: String,
    paypal_reference_id: Option<String>,
    transaction_event_code: String,
    transaction_initiation_date: String,
    transaction_updated_date: Option<String>,
    transaction_amount: Amount,
    fee_amount: Option<Amount>,
    transaction_status: Option<String>,
    invoice_id: Option<String>,
    custom_field: Option<String>,
}

impl PayPal {
    pub(super) async fn search(&self, day: NaiveDate, from: Option<Bookmark>) -> Result<BillPage, BillError> {
        let whole = || Bookmark { windows: vec![bounds(day, self.bill_zone)], page: 1 };
        let mut at = from.unwrap_or_else(whole);
        loop {
            let Some((start, end)) = at.windows.last().copied() else {
                return Ok(BillPage { lines: vec![], next: None });
            };
            let stamp = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
            // PayPal's end is inclusive, to the second.
            let path = format!(
                "/v1/reporting/transactions?start_date={}&end_date={}&fields=transaction_info,payer_info\
                 &balance_affecting_records_only=Y&page_size={PAGE_SIZE}&page={}",
                stamp(start),
                stamp(end - TimeDelta::seconds(1)),
                at.page
            );
            match self.api.get::<SearchAnswer>(&path).await? {
                Said::No(refusal) if refusal.code == TOO_MANY => at.windows = halved(at.windows)?,
                said => {
                    let answer = said.granted()?;
                    let pages = answer.total_pages.unwrap_or(1);
                    let lines = self.lines_of(&answer, at.page)?;
                    return Ok(BillPage { lines, next: after(at, pages) });
                }
            }
        }
    }

    /// Every currency's whole balance, what is withheld in it.
    pub(super) async fn told_balances(&self) -> Result<Vec<Money>, GatewayError> {
        let path = "/v1/reporting/balances?currency_code=ALL";
        let answer = self.api.get::<BalancesAnswer>(path).await?.granted()?;
        let unknown = |why: String| GatewayError::OutcomeUnknown(format!("the balances: {why}"));
        if answer.account_id.as_deref().is_some_and(|named| named != self.merchant_id) {
            return Err(unknown("they are another account's".into()));
        }
        answer.balances.iter().map(|row| amount::read(&row.total_balance).map_err(unknown)).collect()
    }

    fn lines_of(&self, answer: &SearchAnswer, page: u32) -> Result<Vec<BillLine>, BillError> {
        if let Some(named) = answer.account_number.as_deref().filter(|named| *named != self.merchant_id) {
            return Err(BillError::OtherAccount { ours: self.merchant_id.clone(), named: named.to_owned() });
        }
        if answer.page.is_some_and(|shown| shown != page) {
            return Err(malformed("PayPal shows another page than was asked for"));
        }
        let mut lines = Vec::with_capacity(answer.transaction_details.len());
        for raw in &answer.transaction_details {
            read(raw, &self.merchant_id, &mut lines)?;
        }
        Ok(lines)
    }
}

fn after(mut at: Bookmark, pages: u32) -> Option<Bookmark> {
    if at.page < pages {
        at.page += 1;
        return Some(at);
    }
    at.windows.pop();
    at.page = 1;
    (!at.windows.is_empty()).then_some(at)
}

/// The last window in two, the earlier half on top.
fn halved(mut windows: Vec<Window>) -> Result<Vec<Window>, BillError> {
    let Some((start, end)) = windows.pop() else { return Ok(windows) };
    let half = (end - start).num_seconds() / 2;
    if half == 0 {
        return Err(malformed("PayPal shows no more than 10,000 movements of one second"));
    }
    let middle = start + TimeDelta::seconds(half);
    windows.extend([(middle, end), (start, middle)]);
    Ok(windows)
}

fn read(raw: &RawValue, account: &str, lines: &mut Vec<BillLine>) -> Result<(), BillError> {
    let hash = rows::hash(raw.get().as_bytes());
    let detail: Detail = json::read(raw.get().as_bytes()).map_err(|error| malformed(&error.to_string()))?;
    let info = detail.transaction_info;
    let money = |amount: &Amount| amount::read(amount).map_err(|why| malformed(&why));
    let gross = money(&info.transaction_amount)?;
    let fee = info.fee_amount.as_ref().map(money).transpose()?;
    let fee = fee.map_or_else(|| Money::zero(gross.currency()), Money::negated);
    let id = rows::reference(&info.transaction_id)
        .ok_or_else(|| malformed("a transaction_id is no reference of PayPal's"))?;
    let status = match info.transaction_status.as_deref() {
        None | Some("S") => LineStatus::Settled,
        Some("P") => LineStatus::Pending,
        Some("D") => LineStatus::Denied,
        Some("V") => LineStatus::Undone,
        Some(_) => return Err(malformed("a transaction_status is none of D, P, S, V")),
    };
    let ours = [info.custom_field.as_deref(), info.invoice_id.as_deref()];
    let payer = detail.payer_info.and_then(|payer| payer.country_code);
    let facts = LineFacts {
        gateway_ref: id,
        related_ref: info.paypal_reference_id.as_deref().and_then(rows::reference),
        our_ref: ours.into_iter().flatten().find_map(rows::reference),
        payer_country: payer.as_deref().and_then(country),
        kind: codes::kind(&info.transaction_event_code)
            .ok_or_else(|| malformed("a transaction_event_code is no code"))?,
        status,
        gross,
        fee,
        tax: Money::zero(gross.currency()),
        at: moment(info.transaction_updated_date.as_deref().unwrap_or(&info.transaction_initiation_date))?,
        account: account.to_owned(),
        hash,
    };
    super::settlement::complete(facts, 0, |line| lines.push(line))
}

/// `2019-06-04T01:27:43+0000`, or with RFC 3339's colon or `Z`.
fn moment(text: &str) -> Result<DateTime<Utc>, BillError> {
    DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%z"))
        .map(|at| at.to_utc())
        .map_err(|_| malformed("a date is not written as 2019-06-04T01:27:43+0000"))
}

fn malformed(why: &str) -> BillError {
    BillError::Malformed { line: 0, why: why.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_are_halved_until_one_second() {
        let at = |s| DateTime::from_timestamp(s, 0).unwrap();
        assert_eq!(halved(vec![(at(0), at(10))]).unwrap(), [(at(5), at(10)), (at(0), at(5))]);
        assert_eq!(halved(vec![(at(0), at(3))]).unwrap(), [(at(1), at(3)), (at(0), at(1))]);
        assert!(halved(vec![(at(0), at(1))]).is_err());
    }

    #[test]
    fn the_fixture_reads_to_the_cent() {
        let body = include_bytes!("../fixtures/report_transactions.json");
        let answer: SearchAnswer = json::read(body).unwrap();
        let mut lines = Vec::new();
        for raw in &answer.transaction_details {
            read(raw, "STRAYTS2222SG", &mut lines).unwrap();
        }
        let told: Vec<String> = lines
            .iter()
            .map(|line| {
                format!(
                    "{} {} {} fee {} net {}",
                    line.gateway_ref,
                    line.kind.as_str(),
                    line.gross,
                    line.fee,
                    line.net()
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                "42311647XV020574X payment USD 100.00 fee USD 4.90 net USD 95.10",
                "1Y107995YT783430V refund USD -40.00 fee USD 0.00 net USD -40.00",
                "8AB12345CD678901E withdrawal JPY -9000 fee JPY 0 net JPY -9000",
                "3HK98765LM432109N unknown USD 1.00 fee USD 0.00 net USD 1.00",
            ]
        );
        assert_eq!(lines[0].our_ref.as_deref(), Some("pay_01kaw000000000000000000001"));
        assert_eq!(lines[1].related_ref.as_deref(), Some("42311647XV020574X"));
        assert_eq!(lines[2].our_ref, None, "a formula is no reference");
    }
}
