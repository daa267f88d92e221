//! GrabPay's settlement report: one file a day, with a row for each charge and refund and one for the payout.
//!
//! Grab publishes no column names, so the account says which they are (setting `report`, see [`columns`]); what is left
//! out is as our own far side writes it. Delivered by SFTP or the merchant portal: a person brings the file, unless
//! `report_url` names where it is fetched, with `{day}` in it.
//!
//! Source: the fact sheet's digest (pipe-delimited, T+1, cut-off 23:59:59 local). Unverified: everything about columns.

mod columns;
mod report;

use std::io::BufRead;

use async_trait::async_trait;
use chrono::NaiveDate;
use chrono_tz::Tz;
use tokio::io::AsyncWrite;

pub use columns::Columns;

use super::GrabPay;
use crate::gateways::bills::{BillError, BillLines, Bills, Way};

#[async_trait]
impl Bills for GrabPay {
    fn zone(&self) -> Tz {
        self.bill_zone
    }

    fn way(&self) -> Way {
        if self.report_url.is_some() { Way::File } else { Way::ByHand }
    }

    /// Which of Grab's ids the report has is not published; a partner's transaction id is charged once.
    fn renames_captures(&self) -> bool {
        true
    }

    fn read<'a>(&'a self, source: Box<dyn BufRead + Send + 'a>) -> BillLines<'a> {
        Box::new(report::Report::new(source, &self.columns, &self.merchant_id, self.bill_zone))
    }

    async fn download(
        &self,
        day: NaiveDate,
        into: &mut (dyn AsyncWrite + Send + Unpin),
    ) -> Result<u64, BillError> {
        let Some(address) = &self.report_url else {
            return Err(BillError::Broken("the account's `report_url` is not set".into()));
        };
        let address = address.replace("{day}", &day.format("%Y-%m-%d").to_string());
        Ok(self.api.file(&address, into).await?)
    }
}
