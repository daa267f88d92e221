//! `POST /v1/settlements/preview`: the lines a payment would settle with; nothing is stored.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::domain::country::Country;
use crate::domain::fees::{Bearer, Charge, FeeBook, FeeError, FeeRule, gross_up};
use crate::domain::merchants::{GatewayAccount, Merchant};
use crate::domain::splits::{Agreement, Item, PlatformFee, Split, SplitError, Terms};
use crate::ids::SupplierId;
use crate::money::{AllocationPolicy, BasisPoints, Currency, Money, MoneyError, Rate, RateError, Rounding};

use super::contract::Contract;
use super::conversion::Exchange;
use super::line::Line;
use super::settle::{GatewayFee, SettlementError, SettlementInput, settle};

/// The request, exactly; unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"amount": {"amount": "100.00", "currency": "SGD"}, "gateway": "paypal", "splits": [{"supplier": "sup_01kb0000000000000000000000", "share": {"percent": "80"}}]}))]
pub struct PreviewRequest {
    /// What the payer pays; with `gross_up` it only names the currency.
    pub amount: Money,
    /// The gateway, or one account of it.
    pub gateway: String,
    /// The gateway's method.
    #[serde(default)]
    pub method: Option<String>,
    /// The merchant's market.
    #[serde(default)]
    pub market: Option<Country>,
    /// The payer's country.
    #[serde(default)]
    pub payer_country: Option<Country>,
    /// The day whose rules apply; absent: today.
    #[serde(default, deserialize_with = "day")]
    pub date: Option<NaiveDate>,
    /// Who gets what; empty: all to the platform.
    #[serde(default)]
    pub splits: Vec<Split>,
    /// Where leftover minor units go.
    #[serde(default)]
    pub split_policy: AllocationPolicy,
    /// Who bears the gateway's fee.
    #[serde(default)]
    pub fee_bearer: Option<Bearer>,
    /// The platform's commission.
    #[serde(default)]
    pub platform_fee: Option<PlatformFee>,
    /// What was sold.
    #[serde(default)]
    pub items: Vec<Item>,
    /// Rules in place of the configured ones; `[]`: none.
    #[serde(default)]
    pub fees: Option<Vec<FeeRule>>,
    /// Mid rates in place of the market's.
    #[serde(default)]
    pub rates: Option<Vec<RateInput>>,
    /// What must be left after the gateway's fee.
    #[serde(default)]
    pub gross_up: Option<Money>,
}

/// A day of the calendar, or words that say how one is written.
fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<NaiveDate>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let read = |text: String| {
        let refuse = || D::Error::custom(format_args!("`{text}` is no day; one is written 2026-10-30"));
        NaiveDate::parse_from_str(&text, "%Y-%m-%d").ok().filter(|_| text.len() == 10).ok_or_else(refuse)
    };
    text.map(read).transpose()
}

/// A mid rate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RateInput {
    /// One unit of this.
    pub base: Currency,
    /// Is worth so many of that.
    pub quote: Currency,
    /// A decimal as text.
    pub rate: String,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PreviewAnswer {
    /// What the payer pays.
    pub gross: Money,
    /// The lines of a settlement.
    pub lines: Vec<Line>,
}

/// What a preview needs to know besides the request.
pub struct PreviewContext<'a> {
    /// Whose payment it would be.
    pub merchant: &'a Merchant,
    /// The account that `gateway` names.
    pub account: &'a GatewayAccount,
    /// The configured rules.
    pub fees: &'a FeeBook,
    /// The currency a supplier settles in; `None`: no supplier of this merchant.
    pub supplier: &'a dyn Fn(SupplierId) -> Option<Currency>,
    /// Mid from one currency to another, when the request names no rates.
    pub mid: &'a dyn Fn(Currency, Currency) -> Option<Rate>,
    /// Today in the merchant's zone.
    pub today: NaiveDate,
}

impl std::fmt::Debug for PreviewContext<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PreviewContext").field("account", &self.account.name).finish_non_exhaustive()
    }
}

/// Why there is no preview. [`PreviewError::param`] names the place in the request.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PreviewError {
    /// Not this merchant's supplier.
    #[error("{param}: no supplier {supplier}")]
    UnknownSupplier {
        /// Where.
        param: String,
        /// Who.
        supplier: SupplierId,
    },
    /// A rate that is none.
    #[error("rates[{index}].rate: {source}")]
    Rate {
        /// Which.
        index: usize,
        /// Why.
        source: RateError,
    },
    /// `gross_up` in another currency than `amount`, or not above zero.
    #[error("gross_up: {0} must be above zero and in the currency of `amount`")]
    GrossUp(Money),
    /// A fee rule.
    #[error(transparent)]
    Fee(#[from] FeeError),
    /// The settlement.
    #[error(transparent)]
    Settlement(#[from] SettlementError),
}

impl PreviewError {
    /// The place in the request.
    pub fn param(&self) -> String {
        match self {
            PreviewError::UnknownSupplier { param, .. } => param.clone(),
            PreviewError::Rate { index, .. } => format!("rates[{index}].rate"),
            PreviewError::GrossUp(_) => "gross_up".to_owned(),
            PreviewError::Fee(_) => "fees".to_owned(),
            PreviewError::Settlement(SettlementError::Split(error)) => error.param(),
            PreviewError::Settlement(SettlementError::Rate(_)) => "rates".to_owned(),
            PreviewError::Settlement(SettlementError::Money(_)) => "amount".to_owned(),
            PreviewError::Settlement(SettlementError::FundsFlow(_)) => "gateway".to_owned(),
        }
    }
}

impl From<SplitError> for PreviewError {
    fn from(error: SplitError) -> PreviewError {
        PreviewError::Settlement(error.into())
    }
}

impl From<MoneyError> for PreviewError {
    fn from(error: MoneyError) -> PreviewError {
        PreviewError::Settlement(error.into())
    }
}

impl From<RateError> for PreviewError {
    fn from(error: RateError) -> PreviewError {
        PreviewError::Settlement(error.into())
    }
}

/// The settlement that this request would lead to.
///
/// # Errors
/// [`PreviewError`].
pub fn preview(request: PreviewRequest, context: &PreviewContext<'_>) -> Result<PreviewAnswer, PreviewError> {
    known_suppliers(&request, context)?;
    let rates = request.rates.as_deref().map(rate_table).transpose()?;
    let mid = |base: Currency, quote: Currency| match &rates {
        Some(table) => find_rate(table, base, quote),
        None => (context.mid)(base, quote),
    };
    let own = request.fees.map(FeeBook::of);
    let fees = own.as_ref().unwrap_or(context.fees);
    let mut charge = Charge {
        gateway: &context.account.gateway,
        account: &context.account.name,
        method: request.method.as_deref(),
        market: request.market.map(Country::code),
        payer_country: request.payer_country.map(Country::code),
        date: request.date.unwrap_or(context.today),
        gross: request.amount,
    };
    if let Some(target) = request.gross_up {
        if target.currency() != request.amount.currency() || !target.is_positive() {
            return Err(PreviewError::GrossUp(target));
        }
        charge.gross = gross_up(fees, &charge, target)?;
    }
    let terms = Terms {
        splits: request.splits,
        split_policy: request.split_policy,
        fee_bearer: request.fee_bearer,
        platform_fee: request.platform_fee,
        items: request.items,
    };
    let agreement = Agreement::try_new(terms, charge.gross)?;
    let assessed = fees.assess(&charge)?;
    let received = received(context.account, charge.gross, &assessed, &mid)?;
    let shared = received.map_or(charge.gross, |(received, _)| received).currency();
    let exchanges = exchanges(&agreement, shared, fees.markup(&charge)?, context, &mid);
    let settlement = settle(&SettlementInput {
        contract: &Contract::of(context.merchant, context.account),
        agreement: &agreement,
        fee: GatewayFee::Accrued(assessed),
        received,
        received_mid: received.map(|(_, rate)| rate),
        commission: fees.commission(&charge),
        exchanges: &exchanges,
    })?;
    Ok(PreviewAnswer { gross: settlement.gross, lines: settlement.lines })
}

fn known_suppliers(request: &PreviewRequest, context: &PreviewContext<'_>) -> Result<(), PreviewError> {
    let splits = request.splits.iter().enumerate();
    let splits = splits.map(|(index, split)| (format!("splits[{index}].supplier"), Some(split.supplier)));
    let items = request.items.iter().enumerate();
    let items = items.map(|(index, item)| (format!("items[{index}].supplier"), item.supplier));
    for (param, supplier) in splits.chain(items) {
        if let Some(supplier) = supplier.filter(|&supplier| (context.supplier)(supplier).is_none()) {
            return Err(PreviewError::UnknownSupplier { param, supplier });
        }
    }
    Ok(())
}

/// What the gateway would credit, where the account does not hold the payment's currency and a rate is to be had.
fn received(
    account: &GatewayAccount,
    gross: Money,
    fees: &[crate::domain::fees::FeeLine],
    mid: &dyn Fn(Currency, Currency) -> Option<Rate>,
) -> Result<Option<(Money, Rate)>, PreviewError> {
    let Some(&held) = account.holds.first().filter(|_| account.converts(gross.currency())) else {
        return Ok(None);
    };
    let Some(rate) = mid(gross.currency(), held) else { return Ok(None) };
    let fee = Money::sum(gross.currency(), fees.iter().map(|line| line.amount))?;
    Ok(Some((rate.convert(gross.checked_sub(fee)?)?.round(Rounding::HalfUp), rate)))
}

fn exchanges(
    agreement: &Agreement,
    shared: Currency,
    spread: BasisPoints,
    context: &PreviewContext<'_>,
    mid: &dyn Fn(Currency, Currency) -> Option<Rate>,
) -> BTreeMap<SupplierId, Exchange> {
    let settles_in = |supplier| Some((supplier, (context.supplier)(supplier)?));
    let exchange = |currency| Exchange { currency, mid: mid(shared, currency), spread };
    let suppliers = agreement.suppliers().into_iter().filter_map(settles_in);
    suppliers.map(|(supplier, currency)| (supplier, exchange(currency))).collect()
}

fn rate_table(rates: &[RateInput]) -> Result<Vec<Rate>, PreviewError> {
    let read = |(index, input): (usize, &RateInput)| {
        Rate::parse(input.base, input.quote, &input.rate)
            .map_err(|source| PreviewError::Rate { index, source })
    };
    rates.iter().enumerate().map(read).collect()
}

/// The rate itself, else over a common base, else the inverse of the opposite rate.
fn find_rate(table: &[Rate], base: Currency, quote: Currency) -> Option<Rate> {
    let direct = |from: Currency, to: Currency| {
        table.iter().copied().find(|rate| rate.base() == from && rate.quote() == to)
    };
    let over = |pivot: Currency| Rate::cross(direct(pivot, base)?, direct(pivot, quote)?).ok();
    let inverse = || Rate::cross(direct(quote, base)?, Rate::identity(quote)).ok();
    direct(base, quote).or_else(|| table.iter().find_map(|rate| over(rate.base()))).or_else(inverse)
}
