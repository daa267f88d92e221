//! The daily settlement report, served at `/reports/settlement/{day}` to the partner's signature.
//!
//! Grab publishes no column names; these are ours, pipe-delimited as Grab's are: a row for each charge and refund of the
//! Singapore day, one for the payout of each currency, and `TOTAL|rows|net…`. There is none before the day is over.

use std::fmt::Write as _;

use actix_web::{HttpRequest, HttpResponse};
use chrono::{DateTime, NaiveDate, Utc};

use super::super::Sandbox;
use super::super::scenario::Scenario;
use super::charge::{Charge, ChargeState, Refund};
use super::wallet::{self, BankCredit};
use super::{Call, Partner, Refusal};
use crate::money::{Currency, Money, Rounding};

const COLUMNS: &str = "Transaction ID|Partner Transaction ID|Original Transaction ID|Merchant ID|Type|Gross Amount|\
                       MDR Fee|Tax|Net Amount|Currency|Transaction Time";

/// Answers the file.
pub(super) async fn serve(sandbox: &Sandbox, request: &HttpRequest, path: &str, day: &str) -> HttpResponse {
    match file(sandbox, request, path, day).await {
        Ok(text) => HttpResponse::Ok().insert_header(("content-type", "text/csv; charset=utf-8")).body(text),
        Err(refusal) => refusal.answer().send(),
    }
}

async fn file(sandbox: &Sandbox, request: &HttpRequest, path: &str, day: &str) -> Result<String, Refusal> {
    let none = || Refusal::new(404, "no_record_found", "no report of that day");
    let day: NaiveDate = day.parse().map_err(|_| none())?;
    let session = sandbox.book.begin().await?;
    let now = sandbox.clock.now();
    let mut call = Call { sandbox, session, request, path, body: &[], now };
    let partner = call.partner().await?;
    if wallet::singapore_day(now) <= day {
        return Err(none());
    }
    wallet::sweep(sandbox, &mut call.session, now).await?;
    let charges: Vec<Charge> = call.session.all().await?;
    let refunds: Vec<Refund> = call.session.all().await?;
    let credits: Vec<BankCredit> = call.session.under(&partner.partner_id).await?;
    call.session.commit().await?;
    let mut rows: Vec<(DateTime<Utc>, Entry)> = charges
        .iter()
        .filter(|charge| charge.partner_id == partner.partner_id)
        .filter_map(|charge| charged(charge, &partner))
        .chain(refunds.iter().filter(|refund| refund.partner_id == partner.partner_id).map(repaid))
        .filter(|(at, _)| wallet::singapore_day(*at) == day)
        .collect();
    rows.sort_by_key(|(at, _)| *at);
    let paid_out = credits.iter().filter(|credit| credit.day == day).map(swept);
    Ok(write(&partner.merchant_id, rows.into_iter().map(|(at, entry)| (stamp(at), entry)).chain(paid_out)))
}

struct Entry {
    id: String,
    partner: String,
    origin: String,
    kind: &'static str,
    gross: Money,
    fee: Money,
}

fn charged(charge: &Charge, partner: &Partner) -> Option<(DateTime<Utc>, Entry)> {
    let ChargeState::Captured { at } = charge.state else { return None };
    let fee = charge.amount.percent(partner.merchant_discount).ok()?.round(Rounding::HalfUp);
    let hidden = i64::from(charge.faults.has(Scenario::BillDiffers));
    let gross = Money::from_minor(charge.amount.minor() - hidden, charge.amount.currency());
    let (id, partner) = (charge.tx_id.clone(), charge.partner_tx_id.clone());
    Some((at, Entry { id, partner, origin: String::new(), kind: "Payment", gross, fee }))
}

fn repaid(refund: &Refund) -> (DateTime<Utc>, Entry) {
    let entry = Entry {
        id: refund.tx_id.clone(),
        partner: refund.partner_tx_id.clone(),
        origin: refund.origin_tx_id.clone(),
        kind: "Refund",
        gross: refund.amount.negated(),
        fee: Money::zero(refund.amount.currency()),
    };
    (refund.at, entry)
}

/// The day's takings leave the wallet at its end.
fn swept(credit: &BankCredit) -> (String, Entry) {
    let entry = Entry {
        id: credit.reference.clone(),
        partner: String::new(),
        origin: String::new(),
        kind: "Payout",
        gross: credit.net.negated(),
        fee: Money::zero(credit.net.currency()),
    };
    (format!("{} 23:59:59", credit.day), entry)
}

fn stamp(at: DateTime<Utc>) -> String {
    wallet::singapore(at).format("%Y-%m-%d %H:%M:%S").to_string()
}

fn write(merchant_id: &str, rows: impl Iterator<Item = (String, Entry)>) -> String {
    let mut text = format!("{COLUMNS}\n");
    let mut count = 0;
    let mut sums: Vec<(Currency, i64)> = Vec::new();
    for (at, Entry { id, partner, origin, kind, gross, fee }) in rows {
        count += 1;
        let currency = gross.currency();
        let net = Money::from_minor(gross.minor() - fee.minor(), currency);
        match sums.iter_mut().find(|(known, _)| *known == currency) {
            Some((_, sum)) => *sum += net.minor(),
            None => sums.push((currency, net.minor())),
        }
        let (gross, fee, net) = (gross.amount(), fee.amount(), net.amount());
        let tax = Money::zero(currency).amount();
        let _ = writeln!(
            text,
            "{id}|{partner}|{origin}|{merchant_id}|{kind}|{gross}|{fee}|{tax}|{net}|{currency}|{at}"
        );
    }
    let _ = write!(text, "TOTAL|{count}");
    for (currency, sum) in sums {
        let _ = write!(text, "|{}", Money::from_minor(sum, currency).amount());
    }
    text.push('\n');
    text
}
