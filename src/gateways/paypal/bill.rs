//! PayPal's bills: Transaction Search, asked for page by page, and the settlement report (STL), a file.
//!
//! Both name the same movements by the same ids and T-codes. The search is what is pulled every day: it needs no SFTP
//! account, and shows a movement up to three hours late. The file proves itself by its counts and totals.
//!
//! Sources: Reporting 1.9 of PayPal's OpenAPI files; PayPal's settlement report specification, and a published sample of
//! its first rows. Unverified, therefore a refusal rather than a guess where it differs: the order of the numbers in
//! `SF` and `RF`, and that `FF` counts all body rows. PayPal's text says that 10,000 yen and $100.00 are both `10000`:
//! amounts are read with PayPal's own decimals (HUF, JPY and TWD have none).

mod codes;
mod search;
mod settlement;

use std::io::BufRead;

use async_trait::async_trait;
use chrono::NaiveDate;
use chrono_tz::Tz;

use super::PayPal;
use crate::gateways::GatewayError;
use crate::gateways::bills::{BillError, BillLines, BillPage, Bills, Bookmark, Way};
use crate::money::Money;

/// PayPal's reports are cut by the account's zone; by default that of its home.
pub const DEFAULT_ZONE: Tz = Tz::America__Los_Angeles;

#[async_trait]
impl Bills for PayPal {
    fn zone(&self) -> Tz {
        self.bill_zone
    }

    fn way(&self) -> Way {
        Way::Pages
    }

    fn read<'a>(&'a self, source: Box<dyn BufRead + Send + 'a>) -> BillLines<'a> {
        Box::new(settlement::Report::new(source, &self.merchant_id))
    }

    async fn balances(&self) -> Result<Option<Vec<Money>>, GatewayError> {
        self.told_balances().await.map(Some)
    }

    async fn page(&self, day: NaiveDate, from: Option<Bookmark>) -> Result<BillPage, BillError> {
        self.search(day, from).await
    }
}
