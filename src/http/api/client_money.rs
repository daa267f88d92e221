//! `/v1/ledger/client-money`: whether what is held for others covers what is owed to them.

use actix_web::web;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::domain::ledger::{Chart, ClientMoney};
use crate::flows::client_money::CheckError;
use crate::http::caller::Caller;
use crate::http::extract::Query;
use crate::http::problem::{Answer, Problem};
use crate::http::service::Service;
use crate::http::wire;
use crate::money::{Currency, Money};

use super::ledger::{read_moment, zone_of};

/// Which moment.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Parameters {
    /// As the books stood at this moment or at the end of this day (UTC); without it, now.
    #[param(format = DateTime, example = "2026-11-23T00:00:00Z")]
    as_of: Option<String>,
}

/// The check.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientMoneyReport {
    #[schema(format = DateTime)]
    as_of: String,
    /// Whether nothing is missing in any currency. Never part of `verify`: the books are right either way.
    covered: bool,
    currencies: Vec<CurrencyCheck>,
}

/// One currency's check.
#[derive(Debug, Serialize, ToSchema)]
pub struct CurrencyCheck {
    currency: Currency,
    covered: bool,
    /// 1010 + 1100 + 1110 + 1120 + 1140 + 1150.
    held: Money,
    /// 2000 + 2010 + 2020 + 2100 to 2150 + 2210.
    owed: Money,
    /// Held less owed.
    difference: Money,
    /// What has to be added from own money today: `1010 || 1000`.
    top_up: Money,
    /// 3000, above zero when long: beside the check, no part of it.
    position: Money,
    /// 1200: what suppliers owe, beside the check.
    supplier_receivable: Money,
    /// 2900: money that may turn out to be anybody's, beside the check.
    suspense: Money,
    /// What each account adds.
    accounts: Vec<ClientMoneyAccount>,
}

/// What an account of the chart adds.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClientMoneyAccount {
    code: u16,
    /// Its name in the chart.
    #[schema(required)]
    name: Option<&'static str>,
    /// On its normal side.
    amount: Money,
}

impl From<CheckError> for Problem {
    fn from(error: CheckError) -> Problem {
        match error {
            CheckError::Store(error) => error.into(),
            CheckError::Commit(error) => error.into(),
            CheckError::Money(error) => Problem::internal(error),
        }
    }
}

/// Held for others against owed to them, per currency, with the top-up that is needed.
#[utoipa::path(get, path = "/v1/ledger/client-money", tag = "ledger", params(Parameters), responses((status = 200, description = "The check", body = ClientMoneyReport)))]
pub async fn report(service: web::Data<Service>, caller: Caller, query: Query<Parameters>) -> Answer {
    let zone = zone_of(&service, caller.merchant()).await?;
    let at = query.0.as_of.as_deref().map(|text| read_moment(text, zone)).transpose()?;
    let checks = service.client_money.report(caller.merchant(), at).await?;
    let currencies = checks.iter().map(shown).collect::<Result<Vec<_>, _>>().map_err(CheckError::from)?;
    let as_of = wire::time(at.unwrap_or_else(|| service.clock.now()));
    let covered = currencies.iter().all(|check| check.covered);
    crate::http::json(200, &ClientMoneyReport { as_of, covered, currencies })
}

fn shown(check: &ClientMoney) -> Result<CurrencyCheck, crate::money::MoneyError> {
    let top_up = check.top_up()?;
    let account = |(code, amount): &(crate::domain::ledger::AccountCode, Money)| ClientMoneyAccount {
        code: code.number(),
        name: Chart::shipped().get(*code).map(|row| row.name.as_str()),
        amount: *amount,
    };
    Ok(CurrencyCheck {
        currency: top_up.currency(),
        covered: top_up.is_zero(),
        held: check.held,
        owed: check.owed,
        difference: check.difference()?,
        top_up,
        position: check.position,
        supplier_receivable: check.receivable,
        suspense: check.suspense,
        accounts: check.accounts.iter().map(account).collect(),
    })
}
