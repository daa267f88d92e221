//! The route table as a file: every route of one version, and what is paid over a rail in a currency that no route prices.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

use crate::domain::merchants::PayoutAccountKind;
use crate::money::{Currency, Percent, Rounding};

use super::calendar::Calendars;
use super::route::{Bearer, FeeBase, Market, Route, zone_name};

/// Every route of one version.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RouteTable {
    /// Printed on every plan.
    pub version: String,
    /// Currencies that have two markets under one code: the countries inside. An account elsewhere is offshore.
    #[serde(default)]
    pub onshore: BTreeMap<Currency, BTreeSet<String>>,
    /// Currencies whose rules keep positions apart unless counsel says otherwise: they are never netted.
    #[serde(default = "kept_apart")]
    pub not_netted: BTreeSet<Currency>,
    /// In the order of the file.
    #[serde(rename = "route", default)]
    pub routes: Vec<Route>,
    /// Over these rails every currency is paid, at a price that nobody has told.
    #[serde(default)]
    pub any_currency: Vec<AnyCurrency>,
}

/// What a table that says nothing of it keeps apart (unverified, off by default).
fn kept_apart() -> BTreeSet<Currency> {
    ["IDR", "VND", "MYR", "KRW", "TWD", "INR"].map(Currency::known).into()
}

/// A rail whose price in a currency is not known. In each currency it is a [`Route`] of the last resort.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnyCurrency {
    /// Unique; its routes are called `name-usd`, `name-jpy`, …
    pub name: String,
    /// The word of the rail.
    pub rail: String,
    /// As [`Route::reaches`].
    pub reaches: Vec<PayoutAccountKind>,
    /// As [`Route::needs_town`].
    #[serde(default)]
    pub needs_town: bool,
    /// What is known of its price.
    #[serde(default)]
    pub percent: Option<Percent>,
    /// Currencies that it carries without decimals, though others have them.
    #[serde(default)]
    pub whole: Vec<Currency>,
    /// Items of one batch.
    #[serde(default)]
    pub batch_size: Option<u32>,
    /// The latest moment of a day, in `zone`.
    pub cut_off: NaiveTime,
    /// The zone of the cut-off.
    #[serde(with = "zone_name")]
    pub zone: Tz,
    /// Days to settle.
    pub days: u32,
    /// Who bears the charges.
    pub bearer: Bearer,
    /// First day.
    pub from: NaiveDate,
    /// Where the figures come from.
    pub source: String,
    /// `contract`, `published`, `sample`, `unverified`.
    pub trust: String,
}

/// The dated tables that plans are made under.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tables {
    /// Routes and their prices.
    pub routes: RouteTable,
    /// Days without payments.
    pub holidays: Calendars,
}

impl Tables {
    /// Those compiled into the program.
    pub fn shipped() -> Tables {
        Tables { routes: RouteTable::shipped().clone(), holidays: Calendars::shipped().clone() }
    }

    /// The day on which a route takes what is handed over at a moment: behind the cut-off, or where a bank does not work,
    /// it is a later one. `currency` is what is paid; none where the table does not know the route then.
    pub fn taken_on(&self, route: &str, currency: Currency, at: DateTime<Utc>) -> Option<NaiveDate> {
        let days = self.routes.called(route, currency).filter_map(|route| {
            let day = self.holidays.value_date(&route, at)?.instructed;
            route.in_force(day).then_some(day)
        });
        days.min()
    }
}

/// A route table that is refused at load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// Not TOML, an unknown key, a word that is none.
    #[error("{file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// Where and why.
        why: String,
    },
    /// A figure that does not hold.
    #[error("{file}: route `{route}`, key `{key}`: {why}")]
    Route {
        /// The file.
        file: String,
        /// The route.
        route: String,
        /// The key.
        key: &'static str,
        /// What is wrong and what to write.
        why: String,
    },
}

static SHIPPED: LazyLock<RouteTable> = LazyLock::new(|| {
    // A test proves that the compiled-in file reads; without it nothing can be planned.
    RouteTable::read("config/routes.toml", include_str!("../../../config/routes.toml")).unwrap_or_default()
});

impl RouteTable {
    /// The table compiled into the program.
    pub fn shipped() -> &'static RouteTable {
        &SHIPPED
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`RouteError`] with file, route, key and why.
    pub fn read(file: &str, text: &str) -> Result<RouteTable, RouteError> {
        let table: RouteTable = toml::from_str(text)
            .map_err(|error| RouteError::Unreadable { file: file.to_owned(), why: error.to_string() })?;
        let any = table.any_currency.iter().map(|any| any.route_in(Currency::known("USD")));
        let every: Vec<Route> = table.routes.iter().cloned().chain(any).collect();
        let country = |code: &String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        if let Some(odd) = table.onshore.values().flatten().find(|code| !country(code)) {
            let why = format!("onshore: `{odd}`: write two capital letters such as CN");
            return Err(RouteError::Unreadable { file: file.to_owned(), why });
        }
        for (place, route) in every.iter().enumerate() {
            let refuse = |key, why: String| RouteError::Route {
                file: file.to_owned(),
                route: route.name.clone(),
                key,
                why,
            };
            route.check().map_err(|(key, why)| refuse(key, why))?;
            if every[..place].iter().any(|other| other.name == route.name && other.overlaps(route)) {
                return Err(refuse("from", "another route of this name is in force on the same days".into()));
            }
        }
        Ok(table)
    }

    /// The routes into some currencies, with those of the last resort in each of them.
    #[must_use]
    pub fn into_currencies(&self, currencies: &BTreeSet<Currency>) -> RouteTable {
        let priced = self.routes.iter().filter(|route| currencies.contains(&route.target_currency)).cloned();
        let any = self.any_currency.iter();
        let any = any.flat_map(|any| currencies.iter().map(|currency| any.route_in(*currency)));
        RouteTable {
            version: self.version.clone(),
            onshore: self.onshore.clone(),
            not_netted: self.not_netted.clone(),
            routes: priced.chain(any).collect(),
            any_currency: Vec::new(),
        }
    }

    /// In which market of a currency an account in a country is; none where the currency has one.
    pub fn market(&self, currency: Currency, country: &str) -> Option<Market> {
        let inside = self.onshore.get(&currency)?;
        Some(if inside.contains(country) { Market::Onshore } else { Market::Offshore })
    }

    /// The route of a name that is in force on a day; `currency` is what is paid.
    pub fn named(&self, name: &str, currency: Currency, day: NaiveDate) -> Option<Route> {
        self.called(name, currency).find(|route| route.in_force(day))
    }

    /// Every text of the route of a name, whenever in force; `currency` is what is paid.
    fn called<'a>(&'a self, name: &'a str, currency: Currency) -> impl Iterator<Item = Route> + 'a {
        let any = self.any_currency.iter().map(move |any| any.route_in(currency));
        self.routes.iter().cloned().chain(any).filter(move |route| route.name == name)
    }

    /// A priced route by its name and the day on which it takes an item.
    pub fn on(&self, name: &str, instructed: NaiveDate) -> Option<&Route> {
        self.routes.iter().find(|route| route.name == name && route.in_force(instructed))
    }
}

impl AnyCurrency {
    /// The route in one currency.
    pub fn route_in(&self, currency: Currency) -> Route {
        Route {
            name: format!("{}-{}", self.name, currency.code().to_ascii_lowercase()),
            rail: self.rail.clone(),
            source_currency: currency,
            target_currency: currency,
            countries: Vec::new(),
            reaches: self.reaches.clone(),
            needs_town: self.needs_town,
            last_resort: true,
            market: None,
            fixed: None,
            percent: self.percent,
            minimum: None,
            cap: None,
            lifting_fee: None,
            bands: Vec::new(),
            rounding: Rounding::HalfUp,
            fee_of: FeeBase::Sent,
            spread_bps: 0,
            minimum_item: None,
            maximum_item: None,
            step: self.whole.contains(&currency).then(|| "1".to_owned()),
            batch_size: self.batch_size,
            batch_fee: None,
            maximum_batch: None,
            cut_off: self.cut_off,
            zone: self.zone,
            days: self.days,
            bearer: self.bearer,
            purpose_required: false,
            deliverable: true,
            from: self.from,
            until: None,
            source: self.source.clone(),
            trust: self.trust.clone(),
        }
    }
}
