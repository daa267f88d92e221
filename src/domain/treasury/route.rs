//! Routes: by which rail, from which currency, into which corridor, at what price, until when, in how many days.
//!
//! Data with a date, a version, a source and a trust level (`config/routes.toml`). "Lowest cost" always means: under the
//! route table of that version; charges outside it are named, not priced.

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::domain::merchants::PayoutAccountKind;
use crate::money::{Currency, Money, MoneyError, Percent, Rounding};

/// Who bears a route's charges (ISO 20022 `ChrgBr`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = RouteBearer)]
pub enum Bearer {
    /// The platform: the supplier's amount leaves us whole.
    #[serde(rename = "DEBT")]
    Debtor,
    /// The supplier: the largest amount is sent that, with its fee, the balance holds.
    #[serde(rename = "CRED")]
    Creditor,
    /// Shared: the platform its own fee, the supplier what is deducted on the way.
    #[serde(rename = "SHAR")]
    Shared,
}

/// CNY has two prices under one code; a market says which is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Market {
    /// Inside the currency's own country.
    Onshore,
    /// Elsewhere: CNH.
    Offshore,
}

/// What the fee's percentage is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RouteFeeBase)]
pub enum FeeBase {
    /// What is sent (J19).
    #[default]
    Sent,
    /// What the supplier is owed, fee inside (F15).
    Gross,
}

/// From this amount on, these figures in place of the route's own: "free above 1,000".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Band {
    /// The source amount from which it holds.
    pub from: String,
    /// The fixed fee then.
    #[serde(default)]
    pub fixed: Option<String>,
    /// The percentage then.
    #[serde(default)]
    pub percent: Option<Percent>,
}

/// One route. Figures are decimals in the source currency; item limits in the target currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// Unique.
    pub name: String,
    /// `paypal_payouts`, `pain001`, `xendit`, `csv`: a word of the rails.
    pub rail: String,
    /// What the account is debited in.
    pub source_currency: Currency,
    /// What the supplier is paid in.
    pub target_currency: Currency,
    /// ISO 3166 countries of the payee's account; empty for every one.
    #[serde(default)]
    pub countries: Vec<String>,
    /// Kinds of payee accounts; empty for every one.
    #[serde(default)]
    pub reaches: Vec<PayoutAccountKind>,
    /// A bank's: it wants the town of the payee's address, and carries Latin letters only.
    #[serde(default)]
    pub needs_town: bool,
    /// Its price is not known: it is taken only where no route with a price is a way.
    #[serde(default)]
    pub last_resort: bool,
    /// Onshore or offshore, where the currency has both.
    #[serde(default)]
    pub market: Option<Market>,
    /// A fixed fee per item.
    #[serde(default)]
    pub fixed: Option<String>,
    /// A percentage of the source amount.
    #[serde(default)]
    pub percent: Option<Percent>,
    /// The least fee.
    #[serde(default)]
    pub minimum: Option<String>,
    /// The most.
    #[serde(default)]
    pub cap: Option<String>,
    /// What correspondents take on the way, per item.
    #[serde(default)]
    pub lifting_fee: Option<String>,
    /// Thresholds, in rising order.
    #[serde(default)]
    pub bands: Vec<Band>,
    /// How the percentage is rounded.
    #[serde(default)]
    pub rounding: Rounding,
    /// What the percentage is of.
    #[serde(default)]
    pub fee_of: FeeBase,
    /// The rail's own conversion: basis points off mid.
    #[serde(default)]
    pub spread_bps: u32,
    /// The least amount of an item.
    #[serde(default)]
    pub minimum_item: Option<String>,
    /// The most. What is above it goes out as several items; so does what costs less that way.
    #[serde(default)]
    pub maximum_item: Option<String>,
    /// What every item is a multiple of, where the rail carries less of the currency than banks do.
    #[serde(default)]
    pub step: Option<String>,
    /// Items of one batch.
    #[serde(default)]
    pub batch_size: Option<u32>,
    /// What each batch costs.
    #[serde(default)]
    pub batch_fee: Option<String>,
    /// What the items of one batch come to at most, where a batch costs nothing by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_batch: Option<String>,
    /// The latest moment of a day, in `zone`.
    pub cut_off: NaiveTime,
    /// The zone of the cut-off.
    #[serde(with = "zone_name")]
    pub zone: Tz,
    /// Days to settle, good in both currencies.
    pub days: u32,
    /// Who bears the charges.
    pub bearer: Bearer,
    /// The payee's purpose code is needed.
    #[serde(default)]
    pub purpose_required: bool,
    /// The currency can be delivered there.
    #[serde(default = "yes")]
    pub deliverable: bool,
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    #[serde(default)]
    pub until: Option<NaiveDate>,
    /// Where the figures come from.
    pub source: String,
    /// `contract`, `published`, `sample`, `unverified`.
    pub trust: String,
}

/// What an item costs from a source amount on, the cap aside: fixed and percentage, `minimum` at the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Price {
    pub from: Money,
    pub fixed: Money,
    pub percent: Decimal,
    pub minimum: Money,
}

fn yes() -> bool {
    true
}

/// Zones by their names of the tz database.
pub(super) mod zone_name {
    use chrono_tz::Tz;
    use serde::Deserialize;

    pub fn serialize<S: serde::Serializer>(zone: &Tz, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(zone.name())
    }

    pub fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(deserializer)?;
        text.parse().map_err(|_| {
            serde::de::Error::custom(format!("`{text}` is no zone; write one such as Asia/Singapore"))
        })
    }
}

impl Route {
    /// In force on a day.
    pub fn in_force(&self, day: NaiveDate) -> bool {
        self.from <= day && self.until.is_none_or(|until| day <= until)
    }

    pub(super) fn overlaps(&self, other: &Route) -> bool {
        let ends = |route: &Route| route.until.unwrap_or(NaiveDate::MAX);
        self.from <= ends(other) && other.from <= ends(self)
    }

    /// The most that one item may be, in the target currency.
    pub fn item_limit(&self) -> Option<Money> {
        figure(self.maximum_item.as_deref(), self.target_currency).ok().flatten()
    }

    /// The least.
    pub fn item_minimum(&self) -> Option<Money> {
        figure(self.minimum_item.as_deref(), self.target_currency).ok().flatten()
    }

    /// What every item is a multiple of, in the target currency's minor units; what is over stays owed.
    pub fn step(&self) -> i64 {
        let own = figure(self.step.as_deref(), self.target_currency).ok().flatten();
        own.map_or(1, Money::minor).max(carried(self.target_currency))
    }

    /// What a batch costs; nothing where the table names no fee.
    pub fn fee_of_batch(&self) -> Money {
        self.source_figure(self.batch_fee.as_deref())
    }

    /// What the items of one batch come to at most; `None`: any amount.
    pub fn batch_limit(&self) -> Option<Money> {
        figure(self.maximum_batch.as_deref(), self.source_currency).ok().flatten()
    }

    /// What correspondents take from one item.
    pub fn lifting(&self) -> Money {
        self.source_figure(self.lifting_fee.as_deref())
    }

    /// The prices of its bands, from the lowest amount on; the first one is the route's own, from zero.
    pub(super) fn prices(&self) -> Vec<Price> {
        let zero = Money::zero(self.source_currency);
        let price = |from, fixed: &Option<String>, percent: Option<Percent>, minimum| Price {
            from,
            fixed: self.source_figure(fixed.as_deref()),
            percent: percent.unwrap_or_default().value(),
            minimum,
        };
        let own = price(zero, &self.fixed, self.percent, self.source_figure(self.minimum.as_deref()));
        let bands = self
            .bands
            .iter()
            .map(|band| price(self.source_figure(Some(&band.from)), &band.fixed, band.percent, zero));
        std::iter::once(own).chain(bands).collect()
    }

    /// The most that an item costs, where there is one.
    pub(super) fn most_fee(&self) -> Option<Money> {
        self.cap.as_deref().map(|cap| self.source_figure(Some(cap)))
    }

    fn source_figure(&self, text: Option<&str>) -> Money {
        // Checked when the table was read.
        figure(text, self.source_currency).ok().flatten().unwrap_or(Money::zero(self.source_currency))
    }

    /// The fee of one item whose percentage is of `base`, in the source currency: fixed + percent, then `minimum`, then
    /// `cap`, rounded once.
    ///
    /// # Errors
    /// [`MoneyError`] beyond the ledger's range.
    pub fn fee(&self, base: Money) -> Result<Money, MoneyError> {
        let band = self.bands.iter().rev().find(|band| {
            figure(Some(&band.from), self.source_currency)
                .is_ok_and(|from| from.is_some_and(|from| base.minor() >= from.minor()))
        });
        let (fixed, percent) = match band {
            Some(band) => (band.fixed.as_deref(), band.percent),
            None => (self.fixed.as_deref(), self.percent),
        };
        let percentage = base.percent(percent.unwrap_or_default())?.round(self.rounding);
        let mut fee = self.source_figure(fixed).checked_add(percentage)?;
        if band.is_none() && self.minimum.is_some() {
            fee = fee.max(self.source_figure(self.minimum.as_deref()))?;
        }
        match &self.cap {
            Some(cap) => fee.min(self.source_figure(Some(cap))),
            None => Ok(fee),
        }
    }

    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        for (key, text) in [
            ("fixed", &self.fixed),
            ("minimum", &self.minimum),
            ("cap", &self.cap),
            ("lifting_fee", &self.lifting_fee),
            ("batch_fee", &self.batch_fee),
            ("maximum_batch", &self.maximum_batch),
        ] {
            figure(text.as_deref(), self.source_currency).map_err(|error| (key, error.to_string()))?;
        }
        for (key, text) in [("minimum_item", &self.minimum_item), ("maximum_item", &self.maximum_item)] {
            figure(text.as_deref(), self.target_currency).map_err(|error| (key, error.to_string()))?;
        }
        let step = figure(self.step.as_deref(), self.target_currency)
            .map_err(|error| ("step", error.to_string()))?;
        if step.is_some_and(|step| !step.is_positive() || self.step() % carried(self.target_currency) != 0) {
            return Err(("step", "above zero, and a multiple of what banks carry of the currency".into()));
        }
        let mut before = Money::zero(self.source_currency);
        for band in &self.bands {
            for text in [Some(band.from.as_str()), band.fixed.as_deref()] {
                figure(text, self.source_currency).map_err(|error| ("bands", error.to_string()))?;
            }
            let from = self.source_figure(Some(&band.from));
            if from.minor() <= before.minor() {
                return Err(("bands", "write thresholds above zero, in rising order".into()));
            }
            before = from;
        }
        for (key, text) in [("name", &self.name), ("rail", &self.rail), ("source", &self.source)] {
            if text.trim().is_empty() {
                return Err((key, "it must not be empty".into()));
            }
        }
        if !["contract", "published", "sample", "unverified", "third_party"].contains(&self.trust.as_str()) {
            return Err((
                "trust",
                format!("`{}`: write contract, published, third_party, sample or unverified", self.trust),
            ));
        }
        let country = |code: &String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        if let Some(odd) = self.countries.iter().find(|code| !country(code)) {
            return Err(("countries", format!("`{odd}`: write two capital letters such as SG")));
        }
        if self.spread_bps >= 10_000 || (self.spread_bps > 0 && self.source_currency == self.target_currency)
        {
            return Err(("spread_bps", "below 10000, and only where two currencies meet".into()));
        }
        let limits = (self.item_minimum(), self.item_limit());
        if limits.1.is_some_and(|most| most.minor() < limits.0.map_or(1, Money::minor).max(self.step())) {
            return Err(("maximum_item", "it is below the least item".into()));
        }
        if self.batch_size == Some(0) {
            return Err(("batch_size", "at least 1".into()));
        }
        if let Some(batch) = self.batch_limit() {
            self.check_batch_limit(batch).map_err(|why| ("maximum_batch", why.to_owned()))?;
        }
        if self.days > 30 {
            return Err(("days", "at most 30".into()));
        }
        if self.bearer == Bearer::Creditor && self.source_currency != self.target_currency {
            return Err((
                "bearer",
                "CRED needs source and target of one currency; write DEBT or SHAR".into(),
            ));
        }
        if self.fee_of == FeeBase::Gross && self.bearer != Bearer::Creditor {
            return Err(("fee_of", "`gross` is for fees inside the balance (bearer = \"CRED\")".into()));
        }
        if self.until.is_some_and(|until| until < self.from) {
            return Err(("until", "it ends before it begins".into()));
        }
        Ok(())
    }
}

impl Route {
    /// A batch that holds less than one item could not be sent; one with a fee is priced by how many items it holds.
    fn check_batch_limit(&self, batch: Money) -> Result<(), &'static str> {
        if self.source_currency != self.target_currency {
            return Err("only where one currency is paid");
        }
        if self.fee_of_batch().is_positive() {
            return Err("a batch with a fee is priced by its items: write batch_size, or no batch_fee");
        }
        if self.item_limit().is_none_or(|most| most.minor() > batch.minor()) {
            return Err("it holds the largest item: write a maximum_item of no more");
        }
        Ok(())
    }
}

/// Minor units of the smallest amount that banks carry: rupiah have two decimals in the books and none in payments.
pub fn carried(currency: Currency) -> i64 {
    10_i64.pow(currency.exponent().saturating_sub(currency.display_digits()))
}

fn figure(text: Option<&str>, currency: Currency) -> Result<Option<Money>, MoneyError> {
    let Some(text) = text else { return Ok(None) };
    let money = Money::parse(text, currency)?;
    if money.is_negative() { Err(MoneyError::NotANumber(text.to_owned())) } else { Ok(Some(money)) }
}
