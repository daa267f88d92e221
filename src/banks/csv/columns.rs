//! Which column of a bank's CSV is what, and how it writes dates and numbers.

use crate::banks::text::shown;

/// Which column is what. The default names are those that banks use most; what has no name is not looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    /// The booking date.
    pub date: Vec<String>,
    /// The value date, where there is one.
    pub value_date: Vec<String>,
    /// How dates are written, in `chrono`'s letters.
    pub date_format: String,
    /// A signed amount; else `credit` and `debit`.
    pub amount: Vec<String>,
    /// Whether `amount` is a credit or a debit, where its sign does not say.
    pub direction: Vec<String>,
    /// What came in.
    pub credit: Vec<String>,
    /// What went out.
    pub debit: Vec<String>,
    /// The currency of the line: the account's, or the file is refused.
    pub currency: Vec<String>,
    /// The balance after the line.
    pub balance: Vec<String>,
    /// The bank's reference.
    pub reference: Vec<String>,
    /// What the line says.
    pub text: Vec<String>,
    /// What the bank kept.
    pub charges: Vec<String>,
    /// `.` or `,`; `None`: nobody said, and it is `.`.
    pub decimal: Option<char>,
    /// `,`, `;`, tab or `|`.
    pub separator: char,
}

impl Default for Columns {
    fn default() -> Columns {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect();
        Columns {
            date: names(&["date", "booking date", "transaction date", "posting date"]),
            value_date: names(&["value date"]),
            date_format: "%Y-%m-%d".to_owned(),
            amount: names(&["amount"]),
            direction: names(&[
                "debit/credit",
                "credit/debit",
                "debit or credit",
                "dr/cr",
                "cr/dr",
                "d/c",
                "c/d",
                "direction",
            ]),
            credit: names(&["credit", "deposit", "paid in"]),
            debit: names(&["debit", "withdrawal", "paid out"]),
            currency: names(&["currency", "currency code", "ccy"]),
            balance: names(&["balance", "running balance"]),
            reference: names(&["reference", "bank reference", "transaction id"]),
            text: names(&["description", "details", "narrative", "remarks"]),
            charges: names(&["charges", "bank charges"]),
            decimal: None,
            separator: ',',
        }
    }
}

impl Columns {
    /// Changes the mapping by `name=value` parts with semicolons between them: `date=Buchungstag;date_format=%d.%m.%Y`.
    /// `currency=` looks for no such column.
    ///
    /// # Errors
    /// What part cannot be read.
    pub fn with(mut self, text: &str) -> Result<Columns, String> {
        for part in text.split(';').filter(|part| !part.trim().is_empty()) {
            let (name, value) =
                part.split_once('=').ok_or_else(|| format!("`{}` is no name=value", shown(part)))?;
            let (name, value) = (name.trim(), value.trim());
            if let Some(column) = self.column(name) {
                *column = Some(value.to_lowercase()).filter(|value| !value.is_empty()).into_iter().collect();
                continue;
            }
            match name {
                "date_format" => self.date_format = value.to_owned(),
                "decimal" => {
                    self.decimal = match value {
                        "." => Some('.'),
                        "," => Some(','),
                        other => return Err(format!("`{}` is no decimal sign; write . or ,", shown(other))),
                    };
                }
                "separator" => {
                    self.separator = match value {
                        "comma" | "," => ',',
                        "semicolon" => ';',
                        "tab" => '\t',
                        "pipe" | "|" => '|',
                        other => {
                            return Err(format!(
                                "`{}` separates nothing; write comma, semicolon, tab or pipe",
                                shown(other)
                            ));
                        }
                    };
                }
                other => return Err(format!("there is no column `{}`", shown(other))),
            }
        }
        Ok(self)
    }

    fn column(&mut self, name: &str) -> Option<&mut Vec<String>> {
        Some(match name {
            "date" => &mut self.date,
            "value_date" => &mut self.value_date,
            "amount" => &mut self.amount,
            "direction" => &mut self.direction,
            "credit" => &mut self.credit,
            "debit" => &mut self.debit,
            "currency" => &mut self.currency,
            "balance" => &mut self.balance,
            "reference" => &mut self.reference,
            "text" => &mut self.text,
            "charges" => &mut self.charges,
            _ => return None,
        })
    }
}

/// Whether a word says debit; `None` where it says neither.
pub(super) fn is_debit(text: &str) -> Option<bool> {
    match text.trim_end_matches('.').to_lowercase().as_str() {
        "debit" | "d" | "dr" | "db" | "dbit" | "out" | "withdrawal" | "paid out" | "money out" | "-"
        | "soll" | "s" | "af" => Some(true),
        "credit" | "c" | "cr" | "crdt" | "in" | "deposit" | "paid in" | "money in" | "+" | "haben" | "h"
        | "bij" => Some(false),
        _ => None,
    }
}
