//! A CSV of payouts by a template: which columns, in which order, under which names. For banks and services that take no
//! better file.
//!
//! A person opens it in a spreadsheet before the bank has it: a text that would be run there (OWASP "CSV Injection") gets an
//! apostrophe before it, as in statements. No payee's name or account at a bank begins like that. Numbers do, and stay as they
//! are, also in the groups in which people write them: a bank reads `'+66 81234` as another account than `+66 81234`, and
//! digits alone run nothing in a spreadsheet.

use rust_decimal::Decimal;
use secrecy::ExposeSecret;

use super::charges::Charges;
use crate::domain::statements::harmless;
use crate::gateways::{PayoutBatchRequest, PayoutOrder};

/// Columns that a template may name.
pub const COLUMNS: [&str; 14] = [
    "payout",
    "batch",
    "date",
    "name",
    "number",
    "bank_code",
    "country",
    "town",
    "amount",
    "currency",
    "purpose",
    "note",
    "charges",
    "from_account",
];
/// Those that are for who asks.
const ASKED_FOR: [&str; 2] = ["charges", "from_account"];

/// Which columns, and what they are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    columns: Vec<(&'static str, String)>,
}

/// There is no file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// A column that is none.
    #[error("`{0}` is none of {columns}", columns = COLUMNS.join(", "))]
    Column(String),
    /// A template that names no payout or no amount.
    #[error("a template names `payout`, `number` and `amount`")]
    Needed,
}

impl Default for Template {
    /// Every column under its own name but those that are for who asks.
    fn default() -> Template {
        let all = COLUMNS.iter().filter(|name| !ASKED_FOR.contains(name));
        Template { columns: all.map(|name| (*name, (*name).to_owned())).collect() }
    }
}

impl Template {
    /// `number=Account,name=Beneficiary,amount,currency,payout=Reference`.
    ///
    /// # Errors
    /// [`SheetError`].
    pub fn read(text: &str) -> Result<Template, SheetError> {
        let column = |part: &str| {
            let (name, title) = part.split_once('=').unwrap_or((part, part));
            let known = COLUMNS.iter().find(|known| **known == name.trim());
            let known = known.ok_or_else(|| SheetError::Column(name.trim().to_owned()))?;
            Ok((*known, title.trim().to_owned()))
        };
        let columns = text.split(',').map(column).collect::<Result<Vec<_>, _>>()?;
        let has = |name: &str| columns.iter().any(|(known, _)| *known == name);
        if ["payout", "number", "amount"].into_iter().all(has) {
            Ok(Template { columns })
        } else {
            Err(SheetError::Needed)
        }
    }
}

/// The file: a head, a row for each payout, and a row `#END` with count and sum. The batches are of one paying account and one
/// currency: else the sum is of nothing.
///
/// # Errors
/// [`SheetError`]; none for a template that was read.
pub fn write(template: &Template, batches: &[PayoutBatchRequest]) -> Result<String, SheetError> {
    let mut text = String::new();
    let mut row = |fields: Vec<String>| {
        let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
        text.push_str(&fields.join(","));
        text.push_str("\r\n");
    };
    row(template.columns.iter().map(|(_, title)| title.clone()).collect());
    let (mut count, mut sum) = (0_usize, Decimal::ZERO);
    for batch in batches {
        for order in &batch.orders {
            row(template.columns.iter().map(|(name, _)| field(name, batch, order)).collect());
            (count, sum) = (count + 1, sum + order.amount.amount());
        }
    }
    row(vec!["#END".to_owned(), count.to_string(), sum.to_string()]);
    Ok(text)
}

fn field(name: &str, batch: &PayoutBatchRequest, order: &PayoutOrder) -> String {
    let payee = &order.creditor;
    match name {
        "payout" => order.payout.to_string(),
        "batch" => batch.request_ref.clone(),
        "date" => batch.execute_on.to_string(),
        "name" => payee.name.clone(),
        "number" => payee.number.expose_secret().to_owned(),
        "bank_code" => payee.bank_code.clone().unwrap_or_default(),
        "country" => payee.country.clone(),
        "town" => payee.town.clone().unwrap_or_default(),
        "amount" => order.amount.amount().to_string(),
        "currency" => order.amount.currency().to_string(),
        "purpose" => order.purpose.clone().unwrap_or_default(),
        "charges" => batch.debtor.as_ref().map_or("", |debtor| Charges::of(debtor, order).code()).to_owned(),
        "from_account" => batch.debtor.as_ref().map_or("", |debtor| debtor.number.expose_secret()).to_owned(),
        _ => order.note.clone(),
    }
}

/// Harmless to a spreadsheet; RFC 4180: quoted where it must be.
fn quoted(field: &str) -> String {
    let field = if is_number(field) { field.to_owned() } else { harmless(field) };
    if field.contains(['"', ',', '\r', '\n']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field }
}

/// An amount behind its sign, or a number behind `+`, whose groups may have blanks and hyphens between them.
fn is_number(field: &str) -> bool {
    let made_of = |digits: &str, between: &[u8]| {
        let is_digit = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_digit);
        is_digit(digits.as_bytes().first())
            && is_digit(digits.as_bytes().last())
            && digits.bytes().all(|byte| byte.is_ascii_digit() || between.contains(&byte))
    };
    match field.split_at_checked(1) {
        Some(("+", number)) => made_of(number, b". -"),
        Some(("-", amount)) => made_of(amount, b"."),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_names_known_columns_and_no_cell_is_run() {
        assert!(Template::read("payout=Ref,number,amount").is_ok());
        assert_eq!(Template::read("payout,amount"), Err(SheetError::Needed));
        assert_eq!(Template::read("payout,iban"), Err(SheetError::Column("iban".into())));
        for plain in ["+66812345678", "+66 81234", "+66-81-234 56", "-1", "-1.50", "'O", "a=b", "00 12-3", ""]
        {
            assert_eq!(quoted(plain), plain);
        }
        for run in [
            "=1+1",
            "+",
            "-2+3",
            "-2-3",
            "+-1",
            "+1+1",
            "+66 A1",
            "+66 81=1",
            "+6681|cmd",
            "@name",
            "\t=1",
            "＝1",
        ] {
            assert_eq!(quoted(run), format!("'{run}"));
        }
        assert_eq!(quoted("\r=1"), "\"'\r=1\"");
        assert_eq!(quoted("=HYPERLINK(\"a\",1)"), "\"'=HYPERLINK(\"\"a\"\",1)\"");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
