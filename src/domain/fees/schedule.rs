//! Schedules of rules, which of them apply to a charge, and the files they come from.

use std::sync::LazyLock;

use aws_lc_rs::digest;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};

use crate::money::{BasisPoints, Currency, Money};

use super::charge::Charge;
use super::error::FeeError;
use super::figure::Denomination;
use super::rule::{FeeKind, FeeRule};

/// Rules that belong together: one contract, one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeeSchedule {
    /// Its name.
    pub name: String,
    /// Its rules.
    #[serde(rename = "rule", default)]
    pub rules: Vec<FeeRule>,
    /// The day on which it is asked, whatever is charged when: of a draft that is tried before it is in force. Never kept.
    #[serde(skip)]
    pub asked_on: Option<NaiveDate>,
}

/// Every schedule in force.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FeeBook(Vec<FeeSchedule>);

static SHIPPED: LazyLock<FeeBook> = LazyLock::new(|| {
    // A test proves that the compiled-in files read; without them nothing is priced.
    FeeBook::read(SHIPPED_FILES).unwrap_or_default()
});

const SHIPPED_FILES: &[(&str, &str)] = &[
    ("config/fees/paypal.toml", include_str!("../../../config/fees/paypal.toml")),
    ("config/fees/grabpay-sg.toml", include_str!("../../../config/fees/grabpay-sg.toml")),
    ("config/fees/grabpay-my.toml", include_str!("../../../config/fees/grabpay-my.toml")),
    ("config/fees/grabpay-th.toml", include_str!("../../../config/fees/grabpay-th.toml")),
    ("config/fees/grabpay-ph.toml", include_str!("../../../config/fees/grabpay-ph.toml")),
    ("config/fees/grabpay-id.toml", include_str!("../../../config/fees/grabpay-id.toml")),
    ("config/fees/conversion.toml", include_str!("../../../config/fees/conversion.toml")),
];

impl FeeSchedule {
    /// Reads a file; every rule of it names its source and trust, and its figures fit the currency it applies to.
    ///
    /// # Errors
    /// [`FeeError::Unreadable`] with the place, [`FeeError::Unsourced`], [`FeeError::Markup`].
    pub fn read(file: &str, text: &str) -> Result<FeeSchedule, FeeError> {
        let schedule: FeeSchedule = toml::from_str(text).map_err(|error| {
            let rule = unreadable_rule(text).map_or(String::new(), |rule| format!("rule `{rule}`: "));
            FeeError::Unreadable { file: file.to_owned(), why: format!("{rule}{error}") }
        })?;
        for rule in &schedule.rules {
            for (key, value) in [("source", &rule.source), ("trust", &rule.trust)] {
                if value.is_none() {
                    let (file, rule) = (file.to_owned(), rule.name.clone());
                    return Err(FeeError::Unsourced { file, rule, key });
                }
            }
            if rule.kind == FeeKind::FxMarkup {
                spread(rule)?;
            }
            check(rule)
                .map_err(|error| FeeError::Unreadable { file: file.to_owned(), why: error.to_string() })?;
        }
        Ok(schedule)
    }

    fn matching(&self, kind: FeeKind, charge: &Charge<'_>) -> impl Iterator<Item = &FeeRule> {
        self.applying(charge).filter(move |rule| rule.kind == kind)
    }

    fn applying(&self, charge: &Charge<'_>) -> impl Iterator<Item = &FeeRule> {
        let charge = Charge { date: self.asked_on.unwrap_or(charge.date), ..*charge };
        self.rules.iter().filter(move |rule| rule.when.matches(&charge))
    }
}

impl FeeBook {
    /// The schedules compiled into the program.
    pub fn shipped() -> &'static FeeBook {
        &SHIPPED
    }

    /// Reads files given as (name, text).
    ///
    /// # Errors
    /// As [`FeeSchedule::read`].
    pub fn read(files: &[(&str, &str)]) -> Result<FeeBook, FeeError> {
        files.iter().map(|(file, text)| FeeSchedule::read(file, text)).collect::<Result<_, _>>().map(FeeBook)
    }

    /// These rules and no others: a preview's own.
    pub fn of(rules: Vec<FeeRule>) -> FeeBook {
        FeeBook(vec![FeeSchedule { name: "request".to_owned(), rules, asked_on: None }])
    }

    /// Adds schedules; one of a name that is already there replaces it.
    #[must_use]
    pub fn with(mut self, other: FeeBook) -> FeeBook {
        self.0.retain(|schedule| other.0.iter().all(|newer| newer.name != schedule.name));
        self.0.extend(other.0);
        self
    }

    /// The same, asked on a day whatever is charged when.
    #[must_use]
    pub fn asked_on(mut self, day: Option<NaiveDate>) -> FeeBook {
        for schedule in &mut self.0 {
            schedule.asked_on = day;
        }
        self
    }

    /// The latest day on which one of its rules begins.
    pub fn latest_from(&self) -> Option<NaiveDate> {
        self.0.iter().flat_map(|schedule| &schedule.rules).filter_map(|rule| rule.when.from).max()
    }

    /// Whether any of its rules is about a charge, of whatever kind.
    pub fn is_about(&self, charge: &Charge<'_>) -> bool {
        self.0.iter().any(|schedule| schedule.applying(charge).next().is_some())
    }

    /// Every schedule.
    pub fn schedules(&self) -> &[FeeSchedule] {
        &self.0
    }

    /// The book as it is kept beside what was settled by it, and its name: the SHA-256 of that text.
    pub fn kept(&self) -> (String, String) {
        // Names, figures and dates: nothing in it cannot be written.
        let text = serde_json::to_string(self).unwrap_or_default();
        let hash = digest::digest(&digest::SHA256, text.as_bytes());
        (hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(), text)
    }

    /// The spread of our own conversions; zero where no rule names one.
    ///
    /// # Errors
    /// [`FeeError::Markup`].
    pub fn markup(&self, charge: &Charge<'_>) -> Result<BasisPoints, FeeError> {
        self.select(FeeKind::FxMarkup, charge)
            .into_iter()
            .try_fold(BasisPoints(0), |sum, (_, rule)| Ok(BasisPoints(sum.0 + spread(rule)?.0)))
    }

    /// Prices every rule once in its own currency, so that a bad figure is found at start and not at a capture. A rule
    /// that names none applies to every currency, so its figures must fit each.
    ///
    /// # Errors
    /// The first [`FeeError`]; [`FeeError::NoCurrency`] where naming one would mend it.
    pub fn check(&self) -> Result<(), FeeError> {
        self.0.iter().flat_map(|schedule| &schedule.rules).try_for_each(check)
    }

    /// The rules of `kind` that apply, best rank only, each with its schedule.
    pub(super) fn select(&self, kind: FeeKind, charge: &Charge<'_>) -> Vec<(&FeeSchedule, &FeeRule)> {
        let matching: Vec<_> = self
            .0
            .iter()
            .flat_map(|schedule| schedule.matching(kind, charge).map(move |rule| (schedule, rule)))
            .collect();
        let best = matching.iter().map(|(_, rule)| rule.when.rank()).max();
        let ranked: Vec<_> =
            matching.into_iter().filter(|(_, rule)| Some(rule.when.rank()) == best).collect();
        let superseded = |name: &str, from: Option<NaiveDate>| {
            ranked.iter().any(|(_, other)| other.name == name && other.when.from > from)
        };
        ranked.iter().copied().filter(|(_, rule)| !superseded(&rule.name, rule.when.from)).collect()
    }
}

/// The name of the first rule that does not read, or its place in the file.
fn unreadable_rule(text: &str) -> Option<String> {
    let file: toml::Table = text.parse().ok()?;
    let rules = file.get("rule")?.as_array()?;
    let (place, rule) =
        rules.iter().enumerate().find(|(_, rule)| (*rule).clone().try_into::<FeeRule>().is_err())?;
    let name = rule.get("name").and_then(toml::Value::as_str).map(str::to_owned);
    Some(name.unwrap_or_else(|| format!("number {}", place + 1)))
}

fn check(rule: &FeeRule) -> Result<(), FeeError> {
    let price = |currency: Currency| {
        rule.price(Money::from_minor(100, currency), Denomination::of(currency)).map(|_| ())
    };
    if let Some(currency) = rule.when.currency {
        return price(currency);
    }
    Currency::all().try_for_each(|currency| {
        price(currency).map_err(|error| match error {
            FeeError::Figure { rule, source } => FeeError::NoCurrency { rule, currency, source },
            other => other,
        })
    })
}

fn spread(rule: &FeeRule) -> Result<BasisPoints, FeeError> {
    let refuse = || FeeError::Markup(rule.name.clone());
    let points = rule.percent.ok_or_else(refuse)?.value() * Decimal::ONE_HUNDRED;
    if !points.fract().is_zero() || points >= Decimal::from(10_000_u32) || rule.fixed.is_some() {
        return Err(refuse());
    }
    points.to_i32().map(BasisPoints).ok_or_else(refuse)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_files_read_and_price() {
        let book = FeeBook::read(SHIPPED_FILES).expect("every file reads");
        assert_eq!(book.schedules().len(), SHIPPED_FILES.len());
        book.check().expect("every figure fits its currency");
        assert_eq!(&book, FeeBook::shipped());
    }

    #[test]
    fn a_file_says_where_its_numbers_come_from_and_knows_every_key() {
        let file = |rule: &str| format!("name = \"x\"\n[[rule]]\nname = \"r\"\nkind = \"gateway\"\n{rule}");
        let read = |rule: &str| FeeSchedule::read("x.toml", &file(rule));
        assert!(read("source = \"s\"\ntrust = \"contract\"").is_ok());
        let lacks = |key| Err(FeeError::Unsourced { file: "x.toml".into(), rule: "r".into(), key });
        assert_eq!(read("source = \"s\""), lacks("trust"));
        assert_eq!(read("trust = \"contract\""), lacks("source"));
        for bad in ["percnt = \"1\"", "percent = 1", "when = { country = \"SG\" }", "fixed = \"-1\""] {
            let error = read(&format!("{bad}\nsource = \"s\"\ntrust = \"t\"")).expect_err(bad);
            assert!(matches!(error, FeeError::Unreadable { .. }), "{bad}: {error}");
        }
    }

    #[test]
    fn a_condition_that_could_never_match_is_refused_by_file_rule_and_key() {
        let file = |when: &str| {
            format!(
                "name = \"x\"\n[[rule]]\nname = \"good\"\nkind = \"tax\"\nsource = \"s\"\ntrust = \"t\"\n\
                 [[rule]]\nname = \"bad\"\nkind = \"gateway\"\nsource = \"s\"\ntrust = \"t\"\nwhen = {{ {when} }}"
            )
        };
        for good in ["currency = \"SGD\"", "market = \"SG\"", "payer_country = \"VN\""] {
            assert!(FeeSchedule::read("x.toml", &file(good)).is_ok(), "{good}");
        }
        for (key, given) in [
            ("currency", "sgd"),
            ("currency", "SG"),
            ("currency", ""),
            ("market", "sg"),
            ("market", "SGP"),
            ("payer_country", "Singapor"),
            ("payer_country", "XX"),
        ] {
            let error = FeeSchedule::read("x.toml", &file(&format!("{key} = \"{given}\""))).expect_err(given);
            let words = error.to_string();
            for part in ["x.toml", "rule `bad`", key, &format!("`{given}`")] {
                assert!(words.contains(part), "{key} = {given}: {words} lacks {part}");
            }
            let preview = format!(r#"[{{"name":"r","kind":"gateway","when":{{"{key}":"{given}"}}}}]"#);
            assert!(serde_json::from_str::<Vec<FeeRule>>(&preview).is_err(), "{preview}");
        }
    }

    #[test]
    fn a_figure_without_a_currency_fits_every_currency_or_is_refused() {
        let check = |rule: &str| {
            let rule =
                serde_json::from_str(&format!(r#"{{"name":"r","kind":"gateway",{rule}}}"#)).expect(rule);
            FeeBook::of(vec![rule]).check()
        };
        for good in [r#""percent":"3.4""#, r#""fixed":"1""#, r#""percent":"1","minimum":"2","cap":"5""#] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        assert_eq!(check(r#""fixed":"0.50","when":{"currency":"SGD"}"#), Ok(()));
        for bad in [r#""fixed":"0.50""#, r#""cap":"1.25""#, r#""tiers":[{"from":"0.5","percent":"1"}]"#] {
            let error = check(bad).expect_err(bad);
            assert!(matches!(error, FeeError::NoCurrency { .. }), "{bad}: {error}");
            assert!(error.to_string().contains("when.currency"), "{error}");
        }
        assert_eq!(check(r#""minimum":"5","cap":"2""#), Err(FeeError::MinimumAboveCap("r".into())));
    }

    #[test]
    fn the_most_conditions_win_and_the_later_of_one_name() {
        let rule = |name: &str, when: &str| format!(r#"{{"name":"{name}","kind":"gateway","when":{when}}}"#);
        type Rules<'a> = &'a [(&'a str, &'a str)];
        let table: &[(Rules<'_>, &[&str])] = &[
            (&[("any", "{}"), ("here", r#"{"market":"SG"}"#)], &["here"]),
            (&[("any", "{}"), ("there", r#"{"market":"MY"}"#)], &["any"]),
            (&[("a", "{}"), ("b", "{}")], &["a", "b"]),
            (&[("a", r#"{"from":"2026-01-01"}"#), ("a", r#"{"from":"2026-02-01"}"#)], &["a"]),
            (&[("a", r#"{"from":"2027-01-01"}"#)], &[]),
            (&[("a", r#"{"until":"2026-11-22"}"#)], &[]),
            (&[("a", r#"{"until":"2026-11-23"}"#)], &["a"]),
            (&[("account", r#"{"gateway":"grabpay-sg"}"#), ("any", "{}")], &["account"]),
            (&[("gateway", r#"{"gateway":"grabpay","currency":"SGD"}"#)], &["gateway"]),
            (&[("method", r#"{"method":"card"}"#)], &[]),
        ];
        for (rules, expected) in table {
            let json: Vec<String> = rules.iter().map(|(name, when)| rule(name, when)).collect();
            let rules = serde_json::from_str(&format!("[{}]", json.join(","))).expect("rules");
            let book = FeeBook::of(rules);
            let charge = Charge {
                gateway: "grabpay",
                account: "grabpay-sg",
                method: None,
                market: Some("SG"),
                payer_country: None,
                date: NaiveDate::from_ymd_opt(2026, 11, 23).expect("a day"),
                gross: Money::from_minor(100, Currency::find("SGD").expect("in the table")),
            };
            let selected = book.select(FeeKind::Gateway, &charge);
            let names: Vec<&str> = selected.iter().map(|(_, rule)| rule.name.as_str()).collect();
            assert_eq!(&names, expected, "{json:?}");
        }
    }

    #[test]
    fn a_spread_is_whole_basis_points() {
        let spread_of = |percent: &str| {
            spread(
                &serde_json::from_str(&format!(r#"{{"name":"s","kind":"fx_markup"{percent}}}"#))
                    .expect("a rule"),
            )
        };
        assert_eq!(spread_of(r#","percent":"0.5""#), Ok(BasisPoints(50)));
        for bad in ["", r#","percent":"0.005""#, r#","percent":"100""#, r#","percent":"1","fixed":"1""#] {
            assert_eq!(spread_of(bad), Err(FeeError::Markup("s".into())), "{bad}");
        }
    }
}
