//! The PayPal account: what it holds per currency, and every movement.
//!
//! The balance is the truth; `bill_differs` changes what the transactions report says, never the balance.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::book::{Record, Session};
use super::super::{Sandbox, SandboxError, serial};
use super::captures::{Capture, Credit};
use super::envelope::{Answer, Refusal};
use super::order::Order;
use super::{App, Call, SeededMovement, amount, stamp};
use crate::money::{Currency, Money};

/// T-codes of the transactions report.
const CHECKOUT: &str = "T0006";
const REFUND: &str = "T1107";
const CONVERSION: &str = "T0200";

#[derive(Debug, Default, Serialize, Deserialize)]
struct Account {
    merchant_id: String,
    /// Minor units; below zero when refunds took more than there was.
    balances: BTreeMap<Currency, i64>,
    /// Minor units of these that cannot be used.
    #[serde(default)]
    withheld: BTreeMap<Currency, i64>,
}

impl Record for Account {
    const KIND: &'static str = "paypal.account";
    fn id(&self) -> &str {
        &self.merchant_id
    }
}

/// One row of the reports.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Row {
    pub id: String,
    pub merchant_id: String,
    pub transaction_id: String,
    pub reference_id: Option<String>,
    pub code: String,
    pub gross: Money,
    pub fee: Option<Money>,
    pub ending: Money,
    pub invoice_id: Option<String>,
    pub custom_id: Option<String>,
    #[serde(default)]
    pub payer_country: Option<String>,
    pub at: DateTime<Utc>,
}

impl Record for Row {
    const KIND: &'static str = "paypal.row";
    fn id(&self) -> &str {
        &self.id
    }
    fn alias(&self) -> Option<&str> {
        Some(&self.merchant_id)
    }
}

/// Money that comes or goes.
pub(super) struct Movement<'a> {
    transaction_id: &'a str,
    reference_id: Option<&'a str>,
    invoice_id: Option<&'a str>,
    custom_id: Option<&'a str>,
    payer_country: Option<&'a str>,
    code: &'static str,
    gross: Money,
    fee: Option<Money>,
    /// What the same money became in the account's own currency.
    converted: Option<Money>,
    at: DateTime<Utc>,
    /// The report states a minor unit less.
    differs: bool,
}

impl<'a> Movement<'a> {
    pub(super) fn of_capture(
        capture: &'a Capture,
        order: &'a Order,
        credit: &Credit,
        differs: bool,
    ) -> Movement<'a> {
        Movement {
            transaction_id: &capture.id,
            reference_id: None,
            invoice_id: capture.invoice_id.as_deref(),
            custom_id: capture.custom_id.as_deref(),
            payer_country: Some(&order.payer_country),
            code: CHECKOUT,
            gross: capture.amount,
            fee: Some(credit.fee.negated()),
            converted: credit.received.map(|(received, _)| received),
            at: capture.created,
            differs,
        }
    }

    pub(super) fn of_dispute(
        id: &'a str,
        capture: &'a Capture,
        code: &'static str,
        signed: Money,
        converted: Option<(Money, Decimal)>,
        at: DateTime<Utc>,
    ) -> Movement<'a> {
        Movement {
            transaction_id: id,
            reference_id: Some(&capture.id),
            invoice_id: capture.invoice_id.as_deref(),
            custom_id: capture.custom_id.as_deref(),
            payer_country: None,
            code,
            gross: signed,
            fee: None,
            converted: converted.map(|(converted, _)| converted),
            at,
            differs: false,
        }
    }

    pub(super) fn of_refund(
        refund_id: &'a str,
        capture: &'a Capture,
        amount: Money,
        paid: Option<(Money, Decimal)>,
        at: DateTime<Utc>,
    ) -> Movement<'a> {
        Movement {
            transaction_id: refund_id,
            reference_id: Some(&capture.id),
            invoice_id: capture.invoice_id.as_deref(),
            custom_id: capture.custom_id.as_deref(),
            payer_country: None,
            code: REFUND,
            gross: amount.negated(),
            fee: None,
            converted: paid.map(|(paid, _)| paid.negated()),
            at,
            differs: false,
        }
    }
}

impl<'a> Movement<'a> {
    /// A payout that leaves, comes back, or costs a fee.
    pub(super) fn of_payout(
        id: &'a str,
        code: &'static str,
        signed: Money,
        converted: Option<Money>,
        at: DateTime<Utc>,
    ) -> Movement<'a> {
        Movement {
            transaction_id: id,
            reference_id: None,
            invoice_id: None,
            custom_id: None,
            payer_country: None,
            code,
            gross: signed,
            fee: None,
            converted,
            at,
            differs: false,
        }
    }

    /// Which movement it is about, and the merchant's own reference.
    pub(super) fn about(self, reference_id: Option<&'a str>, custom_id: Option<&'a str>) -> Movement<'a> {
        Movement { reference_id, custom_id, ..self }
    }

    /// When it moves, where that is later than what it is about.
    pub(super) fn at(self, at: DateTime<Utc>) -> Movement<'a> {
        Movement { at, ..self }
    }

    /// The report states a minor unit less.
    pub(super) fn stated_short(self, differs: bool) -> Movement<'a> {
        Movement { differs, ..self }
    }
}

/// What can be used of a currency, minor units.
pub(super) async fn available(
    session: &mut Session,
    app: &App,
    currency: Currency,
) -> Result<i64, SandboxError> {
    let account = session.find::<Account>(&app.merchant_id).await?.unwrap_or_default();
    let of = |amounts: &BTreeMap<Currency, i64>| amounts.get(&currency).copied().unwrap_or(0);
    Ok(of(&account.balances) - of(&account.withheld))
}

/// Holds part of the balance back, or frees it.
pub(super) async fn withhold(
    session: &mut Session,
    app: &App,
    amount: Money,
    held: bool,
) -> Result<(), Refusal> {
    let found = session.find::<Account>(&app.merchant_id).await?;
    let mut account = found.ok_or_else(Refusal::internal)?;
    let withheld = account.withheld.entry(amount.currency()).or_default();
    *withheld += if held { amount.minor() } else { -amount.minor() };
    Ok(session.put(&account).await?)
}

/// Books a movement and, where PayPal converts, the two sides of the conversion.
pub(super) async fn book(
    session: &mut Session,
    app: &App,
    sandbox: &Sandbox,
    movement: Movement<'_>,
) -> Result<(), Refusal> {
    let found = session.find::<Account>(&app.merchant_id).await?;
    let fresh = || Account { merchant_id: app.merchant_id.clone(), ..Account::default() };
    let mut account = found.unwrap_or_else(fresh);
    let net = movement.gross.minor() + movement.fee.map_or(0, Money::minor);
    let net = Money::from_minor(net, movement.gross.currency());
    let mut rows = vec![(movement.code, movement.gross, movement.fee, net)];
    if let Some(converted) = movement.converted {
        rows.push((CONVERSION, net.negated(), None, net.negated()));
        rows.push((CONVERSION, converted, None, converted));
    }
    for (code, gross, fee, moved) in rows {
        let balance = account.balances.entry(moved.currency()).or_default();
        *balance += moved.minor();
        let short = movement.differs && code == movement.code;
        let hidden = if short { amount::smallest(gross.currency()).minor() } else { 0 };
        let conversion = code == CONVERSION;
        let transaction_id =
            if conversion { serial::capitals(&sandbox.ids, 17) } else { movement.transaction_id.to_owned() };
        let reference = if conversion { Some(movement.transaction_id) } else { movement.reference_id };
        let row = Row {
            id: serial::hex(&sandbox.ids),
            merchant_id: app.merchant_id.clone(),
            transaction_id,
            reference_id: reference.map(str::to_owned),
            code: code.to_owned(),
            gross: Money::from_minor(gross.minor() - hidden, gross.currency()),
            fee,
            ending: Money::from_minor(*balance, moved.currency()),
            invoice_id: movement.invoice_id.map(str::to_owned),
            custom_id: movement.custom_id.map(str::to_owned),
            payer_country: movement.payer_country.filter(|_| !conversion).map(str::to_owned),
            at: movement.at,
        };
        session.put(&row).await?;
    }
    Ok(session.put(&account).await?)
}

/// Books movements that are simply there.
pub(super) async fn seed(
    sandbox: &Sandbox,
    session: &mut Session,
    merchant_id: &str,
    movements: &[SeededMovement],
) -> Result<Vec<Row>, SandboxError> {
    let found = session.find::<Account>(merchant_id).await?;
    let mut account = found.unwrap_or_else(|| Account {
        merchant_id: merchant_id.to_owned(),
        balances: BTreeMap::new(),
        withheld: BTreeMap::new(),
    });
    let mut rows = Vec::with_capacity(movements.len());
    for movement in movements {
        let balance = account.balances.entry(movement.gross.currency()).or_default();
        *balance += movement.gross.minor() + movement.fee.map_or(0, Money::minor);
        let row = Row {
            id: serial::hex(&sandbox.ids),
            merchant_id: merchant_id.to_owned(),
            transaction_id: movement.transaction_id.clone(),
            reference_id: movement.reference_id.clone(),
            code: movement.code.to_owned(),
            gross: movement.gross,
            fee: movement.fee,
            ending: Money::from_minor(*balance, movement.gross.currency()),
            invoice_id: movement.custom_id.clone(),
            custom_id: movement.custom_id.clone(),
            payer_country: None,
            at: movement.at,
        };
        session.put(&row).await?;
        rows.push(row);
    }
    session.put(&account).await?;
    Ok(rows)
}

/// `GET /v1/reporting/balances`.
pub(super) async fn balances(call: &mut Call<'_>) -> Result<Answer, Refusal> {
    let account: Account = call.session.find(&call.app.merchant_id).await?.unwrap_or_default();
    let wanted = call.query("currency_code").filter(|code| code != "ALL");
    let primary = call.app.holds.first().copied();
    let balances: Vec<Value> = account
        .balances
        .iter()
        .filter(|(currency, _)| wanted.as_deref().is_none_or(|wanted| wanted == currency.code()))
        .map(|(currency, minor)| {
            let withheld = account.withheld.get(currency).copied().unwrap_or(0);
            let write = |minor| amount::write(Money::from_minor(minor, *currency));
            json!({"currency": currency, "primary": Some(*currency) == primary, "total_balance": write(*minor),
                   "available_balance": write(*minor - withheld), "withheld_balance": write(withheld)})
        })
        .collect();
    Ok(Answer::ok(json!({"balances": balances, "account_id": call.app.merchant_id,
                         "as_of_time": stamp(call.now), "last_refresh_time": stamp(call.now)})))
}
