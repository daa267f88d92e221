//! The computation: gateway's fee, division, conversions, lines. Pure; nothing is posted here.

use std::collections::BTreeMap;

use crate::domain::fees::{Bearer, Commission, FeeKind, FeeLine};
use crate::domain::merchants::{FundsFlow, FxPoint, Recharge};
use crate::domain::splits::{Agreement, Division, Pot, Share, SplitError};
use crate::ids::SupplierId;
use crate::money::{Money, MoneyError, Rate, RateError, Rounding};

use super::contract::Contract;
use super::conversion::{Conversion, Exchange};
use super::line::{Converted, Line, LineKind, PLATFORM};
use super::settled::{GatewayConversion, Settlement};

/// The gateway's fee of one capture.
#[derive(Debug, Clone)]
pub enum GatewayFee {
    /// The capture names it (PayPal).
    Charged {
        /// What was charged.
        amount: Money,
        /// What the contract expected: what suppliers bear where the account recharges by schedule.
        scheduled: Vec<FeeLine>,
    },
    /// Known only by contract until a report comes (GrabPay): what `FeeBook::assess` says.
    Accrued(Vec<FeeLine>),
}

/// Everything a settlement follows from.
#[derive(Debug)]
pub struct SettlementInput<'a> {
    /// The merchant's terms, and those of where the money was captured.
    pub contract: &'a Contract,
    /// What was charged, and who gets what.
    pub agreement: &'a Agreement,
    /// The gateway's fee.
    pub fee: GatewayFee,
    /// What the gateway credited after converting itself, and its rate.
    pub received: Option<(Money, Rate)>,
    /// Mid of the gateway's conversion, to disclose its spread.
    pub received_mid: Option<Rate>,
    /// Commission by the fee rules, for agreements that name none.
    pub commission: Commission,
    /// Suppliers that settle in a currency of their own.
    pub exchanges: &'a BTreeMap<SupplierId, Exchange>,
}

/// Why a payment cannot be settled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettlementError {
    /// The division.
    #[error(transparent)]
    Split(#[from] SplitError),
    /// A conversion.
    #[error(transparent)]
    Rate(#[from] RateError),
    /// A sum.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// The gateway pays suppliers itself: booking their shares as owed by us would pay them twice.
    #[error(
        "gateway account `{0}` does not collect for the platform (funds_flow); its payments are not settled here"
    )]
    FundsFlow(String),
}

/// What the gateway's fee comes to, and who bears it.
pub(super) struct Cost {
    lines: Vec<Line>,
    fee: Money,
    tax: Money,
    expected: Money,
    pub suppliers_bear: Money,
    pub payer_bears: Money,
    payer_tax: Money,
}

/// Divides a captured payment.
///
/// # Errors
/// [`SettlementError`]; an agreement that was made can still fail here when the fee is greater than what it comes off.
pub fn settle(input: &SettlementInput<'_>) -> Result<Settlement, SettlementError> {
    if input.contract.funds_flow != FundsFlow::PlatformCollects {
        return Err(SettlementError::FundsFlow(input.contract.account.clone()));
    }
    let gross = input.agreement.amount();
    let cost = cost(input)?;
    let taken = cost.fee.checked_add(cost.tax)?;
    let pot = Pot {
        charged: gross,
        fee: taken,
        suppliers_bear: cost.suppliers_bear,
        payer_bears: cost.payer_bears,
        payer_tax: cost.payer_tax,
        received: input.received,
    };
    let commission = input.agreement.commission(input.commission.clone());
    let division = input.agreement.divide(&pot, &commission)?;
    let shared = input.received.map_or(gross, |(received, _)| received);
    let shares = division.shares.iter().map(|(_, amount, _)| *amount);
    let mut kept = shared.checked_sub(Money::sum(shared.currency(), shares)?)?;
    if input.received.is_none() {
        kept = kept.checked_sub(taken)?;
    }
    let version = input.agreement.version();
    let received = input.received.map(|(to, rate)| {
        Ok::<_, MoneyError>(GatewayConversion { from: gross.checked_sub(taken)?, to, rate: rate.value() })
    });
    let received = received.transpose()?;
    // Converted once by the gateway, never a second time at capture: such a share waits in what was received.
    let (conversions, pending_conversions) = match received {
        Some(_) => (vec![], vec![]),
        None => convert(&division, input.exchanges)?,
    };

    let mut lines = cost.lines;
    if let Some(converted) = &received {
        lines.push(gateway_line(input, converted, &version)?);
    }
    lines.push(platform_line(input, &division, kept, &version)?);
    for (supplier, amount, explain) in &division.shares {
        let mut explain = explain.clone();
        if pending_conversions.contains(supplier) {
            explain.push_str(match input.contract.fx_point {
                FxPoint::Capture => "; conversion waits for a rate",
                FxPoint::Available => "; converted when it becomes available",
                FxPoint::Payout => "; converted when it is paid out",
            });
        }
        lines.push(Line {
            kind: LineKind::Share,
            to: supplier.to_string(),
            amount: *amount,
            rule: share_rule(input.agreement, *supplier),
            rule_version: version.clone(),
            explain,
            converted: None,
        });
    }
    lines.extend(conversions.iter().map(|conversion| conversion.line(&version, input.contract.fx_point)));
    Ok(Settlement {
        gross,
        lines,
        parts: division.parts,
        fee: cost.fee,
        fee_tax: cost.tax,
        fee_expected: cost.expected,
        fee_accrued: matches!(input.fee, GatewayFee::Accrued(_)),
        fee_bearer: if cost.suppliers_bear.is_positive() {
            Bearer::Suppliers
        } else if cost.payer_bears.is_positive() {
            Bearer::Payer
        } else {
            Bearer::Platform
        },
        received,
        conversions,
        pending_conversions,
        role: input.contract.role,
        recognise: input.contract.recognise,
        jurisdiction: input.contract.jurisdiction.clone(),
        engine: concat!("straits ", env!("CARGO_PKG_VERSION")).to_owned(),
    })
}

pub(super) fn cost(input: &SettlementInput<'_>) -> Result<Cost, SettlementError> {
    let currency = input.agreement.amount().currency();
    let zero = Money::zero(currency);
    let name = &input.contract.account;
    let without_tax = |lines: &[FeeLine]| {
        let fees = lines.iter().filter(|line| line.kind != FeeKind::Tax);
        Money::sum(currency, fees.map(|line| line.amount))
    };
    let nobody = input.agreement.suppliers().is_empty();
    let bearer = |rule: Bearer| match input.agreement.fee_bearer().unwrap_or(rule) {
        // Without suppliers nobody but the platform is there to bear it.
        Bearer::Suppliers if nobody => Bearer::Platform,
        bearer => bearer,
    };
    match &input.fee {
        GatewayFee::Charged { amount, scheduled } => {
            amount.same_currency(zero)?;
            let by_schedule = input.contract.recharge == Recharge::Schedule && !scheduled.is_empty();
            let expected = if by_schedule { without_tax(scheduled)? } else { *amount };
            let bearer = bearer(scheduled.first().map_or(Bearer::default(), |line| line.bearer));
            let line = Line {
                kind: LineKind::GatewayFee,
                to: name.clone(),
                amount: *amount,
                rule: "fee of the capture".to_owned(),
                rule_version: "as charged".to_owned(),
                explain: format!("{} as {name} charged it", amount.amount()),
                converted: None,
            };
            Ok(Cost {
                lines: if amount.is_zero() { vec![] } else { vec![line] },
                fee: *amount,
                tax: zero,
                expected,
                suppliers_bear: if bearer == Bearer::Suppliers { expected } else { zero },
                payer_bears: if bearer == Bearer::Payer { *amount } else { zero },
                payer_tax: zero,
            })
        }
        GatewayFee::Accrued(fees) => {
            let borne = |by: Bearer, tax: bool| {
                let lines = fees.iter().filter(|line| bearer(line.bearer) == by);
                let lines = lines.filter(|line| (line.kind == FeeKind::Tax) == tax);
                Money::sum(currency, lines.map(|line| line.amount))
            };
            let fee = without_tax(fees)?;
            let payer_tax = borne(Bearer::Payer, true)?;
            let lines = fees.iter().map(|fee| Line {
                kind: LineKind::GatewayFee,
                to: name.clone(),
                amount: fee.amount,
                rule: fee.rule.clone(),
                rule_version: fee.rule_version.clone(),
                explain: fee.explain.clone(),
                converted: None,
            });
            Ok(Cost {
                lines: lines.collect(),
                fee,
                tax: Money::sum(currency, fees.iter().map(|line| line.amount))?.checked_sub(fee)?,
                expected: fee,
                suppliers_bear: borne(Bearer::Suppliers, false)?,
                payer_bears: borne(Bearer::Payer, false)?.checked_add(payer_tax)?,
                payer_tax,
            })
        }
    }
}

/// The shares that change currency, and the suppliers whose rate is not to be had.
fn convert(
    division: &Division,
    exchanges: &BTreeMap<SupplierId, Exchange>,
) -> Result<(Vec<Conversion>, Vec<SupplierId>), SettlementError> {
    let mut conversions = Vec::new();
    let mut pending = Vec::new();
    for &(supplier, share, _) in &division.shares {
        let Some(exchange) = exchanges.get(&supplier) else { continue };
        if exchange.currency == share.currency() || share.is_zero() {
            continue;
        }
        match exchange.mid {
            Some(mid) => conversions.push(Conversion::of(supplier, share, mid, exchange.spread)?),
            None => pending.push(supplier),
        }
    }
    Ok((conversions, pending))
}

fn gateway_line(
    input: &SettlementInput<'_>,
    converted: &GatewayConversion,
    version: &str,
) -> Result<Line, SettlementError> {
    let spread = match input.received_mid {
        Some(mid) => Some(mid.convert(converted.from)?.round(Rounding::HalfUp).checked_sub(converted.to)?),
        None => None,
    };
    let exact = converted.from.amount() * converted.rate;
    Ok(Line {
        kind: LineKind::Conversion,
        to: PLATFORM.to_owned(),
        amount: converted.to,
        rule: "conversion by the gateway".to_owned(),
        rule_version: version.to_owned(),
        explain: format!(
            "{} × {} = {} → {} as {} credited it",
            converted.from.amount(),
            converted.rate,
            exact.normalize(),
            converted.to.amount(),
            input.contract.account
        ),
        converted: Some(Converted {
            from: converted.from,
            rate: converted.rate,
            mid: input.received_mid.map(Rate::value),
            spread,
        }),
    })
}

fn platform_line(
    input: &SettlementInput<'_>,
    division: &Division,
    kept: Money,
    version: &str,
) -> Result<Line, SettlementError> {
    let currency = kept.currency();
    let named = Money::sum(currency, division.commission.iter().map(|line| line.amount))?;
    let of = |own: bool| {
        let parts = division.parts.iter().filter(|part| part.supplier.is_none() == own);
        Money::sum(currency, parts.map(|part| part.commission))
    };
    let (rest, own) = (of(false)?.checked_sub(named)?, of(true)?);
    let tax = Money::sum(currency, division.parts.iter().map(|part| part.tax))?;
    let absorbed = of(false)?.checked_add(own)?.checked_add(tax)?.checked_sub(kept)?;
    let mut explain: Vec<String> = division.commission.iter().map(|line| line.explain.clone()).collect();
    explain.extend(division.tax.iter().map(|line| format!("{}: {}", line.rule, line.explain)));
    for (what, amount) in [("what the shares leave", rest), ("own sales", own)] {
        if !amount.is_zero() {
            explain.push(format!("{what} {}", amount.amount()));
        }
    }
    if absorbed.is_positive() {
        explain.push(format!("less {} of the gateway's fee", absorbed.amount()));
    }
    if explain.is_empty() {
        explain.push("nothing is left to the platform".to_owned());
    }
    let rule = division.commission.first();
    let agreed = input.agreement.terms().platform_fee.is_some();
    Ok(Line {
        kind: LineKind::PlatformFee,
        to: PLATFORM.to_owned(),
        amount: kept,
        rule: rule.map_or_else(|| "what the shares leave".to_owned(), |line| line.rule.clone()),
        rule_version: rule
            .filter(|_| !agreed)
            .map_or_else(|| version.to_owned(), |line| line.rule_version.clone()),
        explain: match explain.as_slice() {
            [whole] if whole.ends_with(&kept.amount().to_string()) => whole.clone(),
            parts => format!("{} = {}", parts.join("; "), kept.amount()),
        },
        converted: None,
    })
}

/// What a share line quotes: `60 % of net`, `fixed`, `remainder`, `items`.
fn share_rule(agreement: &Agreement, supplier: SupplierId) -> String {
    let split = agreement.terms().splits.iter().find(|split| split.supplier == supplier);
    match split.map(|split| &split.share) {
        Some(Share::Fixed(fixed)) => format!("fixed {fixed}"),
        Some(Share::Percent { percent, of, .. }) => {
            let base = serde_json::to_value(of).unwrap_or_default();
            format!("{percent} of {}", base.as_str().unwrap_or("net"))
        }
        Some(Share::Remainder) => "remainder".to_owned(),
        None => "items".to_owned(),
    }
}
