//! Reading the books. Nothing here writes: the writer posts.

mod accounts;
mod arrivals;
mod entries;
mod items;
mod left;
mod nobodys;
mod transactions;

pub use accounts::AsOf;
pub use arrivals::Arrival;
pub use entries::{EXPORT_PAGE, Extent};
pub(in crate::store) use items::ITEM;
pub use nobodys::Nobodys;
pub use transactions::TransactionFilter;

use sqlx::any::AnyRow;

use crate::domain::ledger::{Account, AccountCode, Layer, Owner};
use crate::money::{Currency, Money};

use super::StoreError;
use super::row::Row;

/// `$first, …`: as many binds as there are values.
fn binds(first: usize, count: usize) -> String {
    (first..first + count).map(|place| format!("${place}")).collect::<Vec<_>>().join(", ")
}

/// The account of a row with the columns `code` and `owner`.
fn account_of(row: &Row<'_>) -> Result<Account, StoreError> {
    let number = row.int("code")?;
    let code = u16::try_from(number).ok().and_then(|number| AccountCode::find(number).ok());
    let code = code.ok_or_else(|| row.unreadable("code", format!("{number} is not in the chart")))?;
    Ok(Account::new(code, Owner::of(row.text("owner")?)))
}

fn layer_of(row: &Row<'_>) -> Result<Layer, StoreError> {
    let number = row.int("layer")?;
    Layer::from_number(number).ok_or_else(|| row.unreadable("layer", format!("{number} is no layer")))
}

fn money_of(row: &Row<'_>, column: &'static str) -> Result<Money, StoreError> {
    Ok(Money::from_minor(row.int(column)?, row.parse::<Currency>("currency")?))
}

fn rows_of<T>(
    table: &'static str,
    rows: &[AnyRow],
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    rows.iter().map(|row| read(&Row::of(table, row))).collect()
}
