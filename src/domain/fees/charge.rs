//! What fees are assessed on.

use chrono::NaiveDate;

use crate::money::Money;

/// What is priced.
#[derive(Debug, Clone, Copy)]
pub struct Charge<'a> {
    /// `grabpay`.
    pub gateway: &'a str,
    /// The merchant's account there: `grabpay-sg`.
    pub account: &'a str,
    /// The gateway's method, where it has several.
    pub method: Option<&'a str>,
    /// The merchant's market.
    pub market: Option<&'a str>,
    /// The payer's country.
    pub payer_country: Option<&'a str>,
    /// The business day.
    pub date: NaiveDate,
    /// What the payer pays.
    pub gross: Money,
}
