//! The rates of one order, side by side: what the shopper was promised, what the gateway and our own conversions used,
//! and what the market paid.

use rust_decimal::Decimal;

use crate::domain::fx_book::{Closing, FxDeal, Pair};
use crate::domain::settlement::Settlement;
use crate::ids::{MerchantId, PaymentId, SupplierId};
use crate::money::{Currency, Money, Rate};

use super::{FxBook, FxBookError, broken};

/// Digits behind the point of a rate that is a quotient.
const QUOTIENT_DIGITS: u32 = 10;

/// A payment's rates. What did not happen is not there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderRates {
    /// What the shopper's price was made with.
    pub quoted: Option<QuotedRate>,
    /// What the gateway converted by at capture.
    pub captured: Option<Rate>,
    /// Our conversions with suppliers.
    pub settled: Vec<SettledRate>,
    /// What the deal came to, by the pair's own direction.
    pub paid: Option<Rate>,
}

/// A quote's rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuotedRate {
    /// The market's then.
    pub mid: Rate,
    /// What was promised.
    pub rate: Rate,
}

/// A conversion with a supplier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SettledRate {
    /// Whose.
    pub supplier: SupplierId,
    /// Mid then.
    pub mid: Rate,
    /// Mid less the spread.
    pub rate: Rate,
}

/// What one amount of money is worth of the other; `None` beyond what a rate can be.
fn between(base: Money, quote: Money) -> Option<Rate> {
    let value = quote.amount().abs().checked_div(base.amount().abs())?.round_dp(QUOTIENT_DIGITS);
    Rate::try_new(base.currency(), quote.currency(), value).ok()
}

/// The rate at which a deal was done, in its pair's direction.
pub(super) fn deal_rate(deal: &FxDeal) -> Option<Rate> {
    let lot = deal.lot();
    between(lot.base, lot.quote)
}

/// The rate at which the market closed a lot: what another lot mirrored was never paid.
fn paid(closing: &Closing) -> Option<Rate> {
    let is_market = closing.by.is_none() && !closing.pair.is_alone();
    is_market.then(|| between(closing.base, closing.by_quote)).flatten()
}

impl FxBook {
    /// The rates of a closing's order.
    pub(super) async fn rates_of(
        &self,
        merchant: MerchantId,
        closing: &Closing,
    ) -> Result<OrderRates, FxBookError> {
        let mut rates = OrderRates { paid: paid(closing), ..OrderRates::default() };
        let payment: Option<PaymentId> = closing.subject.as_deref().and_then(|subject| subject.parse().ok());
        let Some(payment) = payment else { return Ok(rates) };
        if let Some(row) = self.store.payment(payment).await?.filter(|row| row.value.merchant == merchant)
            && let Some(quote) = row.value.quote
            && let Some(quote) = self.store.quote(merchant, quote).await?
        {
            rates.quoted = Some(QuotedRate { mid: quote.value.market.rate, rate: quote.value.final_rate });
        }
        let record = self.store.settlement_of(payment).await?;
        if let Some(record) = record.filter(|record| record.value.merchant == merchant) {
            let settlement: Settlement = serde_json::from_str(&record.value.frozen).map_err(broken)?;
            rates.captured = settlement.received.as_ref().and_then(|converted| {
                Rate::try_new(converted.from.currency(), converted.to.currency(), converted.rate).ok()
            });
            let within = |from: Currency, to: Currency| Pair::of(from, to) == Some(closing.pair);
            let own = settlement.conversions.iter();
            let own = own.filter(|deal| within(deal.from.currency(), deal.paid.currency()));
            rates.settled.extend(own.filter_map(|deal| {
                let rate =
                    |value: Decimal| Rate::try_new(deal.from.currency(), deal.paid.currency(), value).ok();
                Some(SettledRate { supplier: deal.supplier, mid: rate(deal.mid)?, rate: rate(deal.rate)? })
            }));
        }
        Ok(rates)
    }
}
