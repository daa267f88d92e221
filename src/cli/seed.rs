//! `sandbox seed`: a day of many payments at once, with both truths: our books, and what the gateway says it moved.
//!
//! The payments are booked by the money side itself, without the calls around them. What differs between the two truths
//! is planted in turn and written to a file, so that a reconciliation can be held against it: nothing more, nothing less.

use std::io::Write;
use std::sync::Arc;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use serde_json::json;

use crate::app::{App, Sources};
use crate::domain::merchants::Merchant;
use crate::domain::orders::{
    Capture, Customer, Payment, PaymentReport, PaymentState, ReportKind, Transition,
};
use crate::flows::pay::{CaptureStanding, OpenAccount, Settles};
use crate::flows::settle::{self, Settlements};
use crate::gateways::bills::bounds;
use crate::http::service::Service;
use crate::ids::{IdSource, PaymentId};
use crate::money::{Currency, Money};
use crate::sandbox::SeededMovement;
use crate::settings::{Mode, Settings};
use crate::store::Change;

use super::output::say;
use super::serve::start_log;
use super::{CliError, Outcome};

/// Payments written at a time.
const AT_ONCE: usize = 256;
/// What is planted, in turn.
const PLANTED: [&str; 8] = [
    "amount",
    "fee",
    "paid_unknown_here",
    "missing_there",
    "duplicate",
    "refund_only_there",
    "currency",
    "unknown_movement",
];

/// How many, and from which seed.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct SeedArguments {
    /// Payments of one day, at most a million
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    payments: u32,
    /// The same seed makes the same payments
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// One payment of both truths.
struct Sale {
    id: PaymentId,
    capture: Capture,
    planted: Option<&'static str>,
}

/// Fills the books, the far side and the two files.
///
/// # Errors
/// [`CliError`] in words.
pub async fn seed(settings: Settings, asked: SeedArguments) -> Result<Outcome, CliError> {
    if settings.mode == Mode::Live {
        return Err(CliError::Words("only a sandbox is seeded".to_owned()));
    }
    start_log(&settings)?;
    let app = App::build(settings, Sources::system()).await?;
    let service = app.service().clone();
    let seeded = app.seeded().ok_or_else(|| words("there are no test keys"))?;
    let (merchant, supplier) = (seeded.default.merchant, seeded.default.supplier_id);
    let open = service.account_at(merchant, "paypal").map_err(words)?;
    let merchant =
        service.store.merchant(merchant).await.map_err(words)?.ok_or_else(|| words("no merchant"))?;
    let day = day_of(service.clock.now());
    let sales = sales(&service, asked, day)?;
    let money_side = money_side(&service);
    let terms = json!({ "splits": [{ "supplier": supplier, "share": { "percent": "80" } }] });
    let usd = Currency::find("USD").map_err(words)?;
    let amount = Money::from_minor(10_000, usd);
    let terms = money_side.agree(&merchant, &open.account, None, amount, terms).await.map_err(words)?;
    for chunk in sales.chunks(AT_ONCE) {
        let booked = chunk.iter().filter(|sale| sale.planted != Some("paid_unknown_here"));
        let writes = booked.map(|sale| book(&service, &money_side, &merchant, &open, sale, &terms));
        futures_util::future::try_join_all(writes).await?;
    }
    let movements: Vec<SeededMovement> = sales.iter().flat_map(|sale| billed(sale, asked.seed)).collect();
    let sandbox = service.sandbox.clone().ok_or_else(|| words("there is no far side"))?;
    let receiver = open.gateway.receiver().unwrap_or_default().to_owned();
    let bill = sandbox.seed_paypal(&receiver, day, &movements).await.map_err(words)?;
    let folder = service.settings.data_dir.clone();
    let (bill_file, list) =
        (format!("seed-{}.csv", asked.seed), format!("seed-{}-differences.jsonl", asked.seed));
    std::fs::write(folder.join(&bill_file), bill).map_err(words)?;
    let mut out = std::fs::File::create(folder.join(&list)).map_err(words)?;
    let planted = sales.iter().filter(|sale| sale.planted.is_some());
    let mut count = 0;
    for sale in planted {
        count += 1;
        let row = json!({ "kind": sale.planted, "capture": sale.capture.capture_ref, "payment": sale.id, "amount": sale.capture.amount });
        writeln!(out, "{row}").map_err(words)?;
    }
    service.store.close().await;
    say!(
        "{} payments of {day} (PayPal's day), {count} differences planted\n  bill         {}\n  differences  {}\n\
         hand the bill in (POST /v1/reconciliations), then ask for a later day that is over (by twelve hours): what no bill names within three days is missing",
        sales.len(),
        folder.join(bill_file).display(),
        folder.join(list).display()
    )?;
    Ok(Outcome::Done)
}

fn words(error: impl std::fmt::Display) -> CliError {
    CliError::Words(error.to_string())
}

/// PayPal's day six days ago: over for every bill, and for the three days in which a later one may name what it has not.
fn day_of(now: DateTime<Utc>) -> NaiveDate {
    let today = now.with_timezone(&chrono_tz::America::Los_Angeles).date_naive();
    today.checked_sub_days(Days::new(6)).unwrap_or(today)
}

fn sales(service: &Service, asked: SeedArguments, day: NaiveDate) -> Result<Vec<Sale>, CliError> {
    let ids = IdSource::seeded(service.clock.clone(), asked.seed);
    let usd = Currency::find("USD").map_err(words)?;
    let (begins, ends) = bounds(day, chrono_tz::America::Los_Angeles);
    let step =
        (ends - begins - TimeDelta::hours(1)).num_microseconds().unwrap_or(0) / i64::from(asked.payments);
    // One in each stretch, where the seed says.
    let every = (asked.payments / 1_000).max(10);
    let random = || u32::from_le_bytes(ids.random_bytes::<4>());
    let places: Vec<u32> = (0..=asked.payments / every).map(|_| random() % every).collect();
    let sale = |number: u32| {
        let minor = 500 + i64::from(random() % 500_000);
        let stretch = usize::try_from(number / every).unwrap_or(0);
        let is_place = places.get(stretch).is_some_and(|place| *place == number % every);
        let planted = is_place.then(|| PLANTED[stretch % PLANTED.len()]);
        Sale {
            id: service.ids.mint(),
            capture: Capture {
                capture_ref: format!("{:04}{number:013}", asked.seed % 10_000),
                amount: Money::from_minor(minor, usd),
                fee: Some(Money::from_minor((minor * 44 + 500) / 1_000 + 50, usd)),
                receivable: None,
                payer_country: None,
                at: begins + TimeDelta::microseconds(step * i64::from(number)),
            },
            planted,
        }
    };
    Ok((0..asked.payments).map(sale).collect())
}

fn money_side(service: &Service) -> Settlements {
    Settlements::new(settle::Parts {
        store: service.store.clone(),
        clock: service.clock.clone(),
        ids: service.ids.clone(),
        rates: service.pricing.rates.clone(),
        fees: service.settings.fees.clone(),
        fee_tolerance: service.settings.fee_tolerance,
        allow_stale_reference: true,
        withholding: service.withholding.clone(),
    })
}

/// The payment as it stands after its capture, with everything the money side posts.
async fn book(
    service: &Service,
    money_side: &Settlements,
    merchant: &Merchant,
    open: &Arc<OpenAccount>,
    sale: &Sale,
    terms: &serde_json::Value,
) -> Result<(), CliError> {
    let at = sale.capture.at;
    let mut payment = Payment {
        id: sale.id,
        merchant: merchant.id,
        order_ref: format!("seed-{}", sale.id),
        amount: sale.capture.amount,
        quote: None,
        gateway: open.account.gateway.clone(),
        account: open.account.id,
        method: None,
        gateway_ref: Some(format!("O{}", &sale.capture.capture_ref[1..])),
        terms: terms.clone(),
        customer: Customer::default(),
        payer_country: None,
        return_url: None,
        metadata: json!({}),
        next_action: None,
        secrets: None,
        state: PaymentState::RequiresAction,
        disputed: false,
        created_at: at - TimeDelta::minutes(1),
        expires_at: at + TimeDelta::hours(3),
        updated_at: at,
    };
    let report = PaymentReport::of(ReportKind::Captured(sale.capture.clone()));
    let asked = payment.asked(None, at);
    let mut change = Change::new();
    let standing = CaptureStanding::Matched;
    change.extend(money_side.settle(&payment, &open.account, &sale.capture, standing).await.map_err(words)?);
    if let Transition::Advance(state) = payment.state.apply(&asked, &report) {
        payment.state = state;
    }
    change.insert_payment(&payment).settle_order(&payment, at);
    service.store.commit(change).await.map(|_| ()).map_err(words)
}

/// What the far side has of it.
fn billed(sale: &Sale, seed: u64) -> Vec<SeededMovement> {
    let minor = |money: Money, by: i64| Money::from_minor(money.minor() + by, money.currency());
    let gross = sale.capture.amount;
    let fee = sale.capture.fee.unwrap_or_else(|| Money::zero(gross.currency()));
    let paid = |gross: Money, fee: Money| SeededMovement {
        transaction_id: sale.capture.capture_ref.clone(),
        reference_id: None,
        code: "T0006",
        gross,
        fee: Some(fee.negated()),
        custom_id: Some(sale.id.to_string()),
        at: sale.capture.at,
    };
    let half_back = |letter: char, code: &'static str| SeededMovement {
        transaction_id: format!("{letter}{:04}{}", seed % 10_000, &sale.capture.capture_ref[5..]),
        reference_id: Some(sale.capture.capture_ref.clone()),
        code,
        gross: minor(gross.negated(), gross.minor() / 2),
        fee: None,
        custom_id: None,
        at: sale.capture.at + TimeDelta::minutes(1),
    };
    let euros = |money: Money| Money::from_minor(money.minor(), Currency::known("EUR"));
    match sale.planted {
        None | Some("paid_unknown_here") => vec![paid(gross, fee)],
        Some("amount") => vec![paid(minor(gross, -1), fee)],
        Some("fee") => vec![paid(gross, minor(fee, 1))],
        Some("missing_there") => vec![],
        Some("duplicate") => vec![paid(gross, fee), paid(gross, fee)],
        Some("currency") => vec![paid(euros(gross), euros(fee))],
        Some("refund_only_there") => vec![paid(gross, fee), half_back('R', "T1107")],
        Some(kind) => {
            debug_assert_eq!(kind, "unknown_movement");
            vec![paid(gross, fee), half_back('M', "T0500")]
        }
    }
}
