//! The rules as a file, and which of them act for this shop.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use chrono::NaiveDate;
use serde::Deserialize;

use super::rule::TaxRule;
use super::text::TaxText;

/// Every rule of one version.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaxTable {
    version: String,
    #[serde(rename = "rule", default)]
    rules: Vec<TaxRule>,
}

/// A table that is refused at load.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaxTableError {
    /// Not TOML, an unknown key, a word that is none.
    #[error("{file}: {why}")]
    Unreadable {
        /// The file.
        file: String,
        /// Where and why.
        why: String,
    },
    /// A figure that does not hold.
    #[error("{file}: rule `{rule}`, key `{key}`: {why}")]
    Rule {
        /// The file.
        file: String,
        /// The rule.
        rule: String,
        /// The key.
        key: &'static str,
        /// What is wrong and what to write.
        why: String,
    },
    /// An authority appoints this shop of which the table knows nothing.
    #[error("`{0}` has no rule in the table; it has rules of {1}")]
    NoRule(String, String),
}

static SHIPPED: LazyLock<TaxTable> = LazyLock::new(|| {
    // A test proves that the compiled-in file reads.
    TaxTable::read("config/withholding.toml", include_str!("../../../config/withholding.toml"))
        .unwrap_or_default()
});

impl TaxTable {
    /// The table compiled into the program.
    pub fn shipped() -> &'static TaxTable {
        &SHIPPED
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`TaxTableError`] with file, rule, key and why.
    pub fn read(file: &str, text: &str) -> Result<TaxTable, TaxTableError> {
        let table: TaxTable = toml::from_str(text)
            .map_err(|error| TaxTableError::Unreadable { file: file.to_owned(), why: error.to_string() })?;
        for (place, rule) in table.rules.iter().enumerate() {
            let refuse = |key, why: String| TaxTableError::Rule {
                file: file.to_owned(),
                rule: rule.name.clone(),
                key,
                why,
            };
            rule.check().map_err(|(key, why)| refuse(key, why))?;
            let earlier = table.rules[..place].iter().filter(|other| other.name == rule.name);
            for other in earlier {
                if other.overlaps(rule) {
                    return Err(refuse(
                        "from",
                        "another rule of this name is in force on the same days".into(),
                    ));
                }
                if (&other.authority, &other.country, other.period)
                    != (&rule.authority, &rule.country, rule.period)
                {
                    let why =
                        "a later text of a rule keeps authority, country and period; else it is another rule";
                    return Err(refuse("name", why.into()));
                }
            }
        }
        Ok(table)
    }

    /// In the order of the file.
    pub fn rules(&self) -> &[TaxRule] {
        &self.rules
    }

    /// The file's version.
    pub fn version(&self) -> &str {
        &self.version
    }
}

/// The rules that act for this shop.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TaxRules(Vec<TaxRule>);

impl TaxRules {
    /// The rules of the authorities that appoint this shop.
    ///
    /// # Errors
    /// [`TaxTableError::NoRule`].
    pub fn appointed(table: &TaxTable, by: &[String]) -> Result<TaxRules, TaxTableError> {
        let known: BTreeSet<&str> = table.rules.iter().map(|rule| rule.authority.as_str()).collect();
        if let Some(stranger) = by.iter().find(|name| !known.contains(name.as_str())) {
            let known: Vec<&str> = known.into_iter().collect();
            return Err(TaxTableError::NoRule(stranger.clone(), known.join(", ")));
        }
        Ok(TaxRules(table.rules.iter().filter(|rule| by.contains(&rule.authority)).cloned().collect()))
    }

    /// Whether nothing is ever withheld.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether any rule is about suppliers of a country, now or later.
    pub fn are_about(&self, country: &str, day: NaiveDate) -> bool {
        let lasts = |rule: &&TaxRule| rule.until.is_none_or(|until| day <= until);
        self.0.iter().filter(lasts).any(|rule| rule.country == country)
    }

    /// The first day of a rule's first text.
    pub fn begins(&self, name: &str) -> Option<NaiveDate> {
        self.0.iter().filter(|rule| rule.name == name).map(|rule| rule.from).min()
    }

    /// The text of a rule that holds on a day.
    pub fn in_force(&self, name: &str, day: NaiveDate) -> Option<&TaxRule> {
        self.0.iter().find(|rule| rule.name == name && rule.in_force(day))
    }

    /// The figures of a text by its version, whether or not it still holds; `None` where the table has it no more.
    pub fn text(&self, version: &str) -> Option<TaxText> {
        self.0.iter().find(|rule| rule.version() == version).map(TaxRule::text)
    }

    /// The rules in force on a day for suppliers of a country.
    pub fn of<'a>(&'a self, country: &'a str, day: NaiveDate) -> impl Iterator<Item = &'a TaxRule> {
        self.0.iter().filter(move |rule| rule.country == country && rule.in_force(day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_table_reads_and_nothing_of_it_acts_unasked() {
        let text = include_str!("../../../config/withholding.toml");
        let table = TaxTable::read("config/withholding.toml", text).unwrap();
        assert_eq!(table.rules().len(), 4);
        assert!(TaxRules::appointed(&table, &[]).unwrap().is_empty());
        let vietnam = TaxRules::appointed(&table, &["VN-TAX".into()]).unwrap();
        let day = |text: &str| text.parse().unwrap();
        let names =
            |on: &str| -> Vec<String> { vietnam.of("VN", day(on)).map(|rule| rule.name.clone()).collect() };
        assert_eq!(names("2026-11-01"), ["vn-vat-goods", "vn-income-goods"]);
        assert!(names("2025-06-30").is_empty() && vietnam.are_about("VN", day("2025-06-30")));
        assert!(!vietnam.are_about("PH", day("2026-11-01")));
        let error = TaxRules::appointed(&table, &["IRS".into()]).unwrap_err();
        assert_eq!(error.to_string(), "`IRS` has no rule in the table; it has rules of BIR, DJP, VN-TAX");
    }

    #[test]
    fn what_does_not_hold_is_refused_with_rule_and_key() {
        let rule = |edit: &str| {
            let lines = [
                "name = \"a\"",
                "authority = \"BIR\"",
                "country = \"PH\"",
                "percent = \"1\"",
                "period = \"month\"",
                "from = \"2026-01-01\"",
                "source = \"s\"",
                "trust = \"t\"",
            ];
            let key = edit.split(' ').next().unwrap_or_default();
            let kept = lines.iter().filter(|line| line.split(' ').next() != Some(key));
            let body: Vec<&str> = kept.copied().chain([edit]).collect();
            format!("[[rule]]\n{}\n", body.join("\n"))
        };
        let later = rule("from = \"2026-06-01\"");
        let table: Vec<(String, &str)> = vec![
            (rule("country = \"XX\""), "key `country`: `XX` is no country"),
            (rule("percent = \"101\""), "key `percent`"),
            (rule("percent = \"0\""), "key `percent`"),
            (rule("share_of_base = \"1.5\""), "key `share_of_base`"),
            (rule("share_of_base = \"0\""), "key `share_of_base`"),
            (rule("until = \"2025-12-31\""), "key `until`"),
            (rule("authority = \"B,IR\""), "key `authority`"),
            (rule("name = \"\""), "key `name`"),
            (rule("suppliers = [\"exempt\"]"), "key `suppliers`"),
            (rule("source = \" \""), "key `source`"),
            (format!("{}{later}", rule("until = \"2026-06-01\"")), "key `from`: another rule of this name"),
            (
                format!("{}{}", rule("until = \"2026-05-31\""), later.replace("month", "quarter")),
                "key `name`",
            ),
            (rule("rate = \"1\""), "unknown field"),
        ];
        for (text, why) in table {
            let error =
                TaxTable::read("own.toml", &format!("version = \"1\"\n{text}")).unwrap_err().to_string();
            assert!(error.starts_with("own.toml: ") && error.contains(why), "{text}: {error}");
        }
        let both = format!("version = \"1\"\n{}{later}", rule("until = \"2026-05-31\""));
        assert!(TaxTable::read("own.toml", &both).is_ok());
    }
}
