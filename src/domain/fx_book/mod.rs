//! The treasury's view of currencies: what conversions left open, what market deals closed, and at what result.
//!
//! ```text
//! conversion with a supplier, mirror of a refund ─► 3000 ─► lot (open)
//! market deal ─► 3000 ─► closes lots, oldest first ─► result, lot by lot ─► 6000 gain, 6010 loss
//! ```
//!
//! A lot is what one ledger transaction left on the position account (3000) in one pair of currencies. Lots are read off
//! the ledger and kept nowhere else; stored are only closings: which lot met which, for how much. So a pair's open lots
//! come to exactly what stands on 3000, whatever was closed before.
//!
//! **Method: first in, first out**, pair by pair; a deal that names what it covers closes exactly that. A refund's mirror
//! is a lot of the other sign and meets what it mirrors the next time a deal is recorded. Where no deal moved the
//! position there is no result. What a lot's part cost is rounded once, half up, and the last part takes the rest.
//!
//! This is the view of deals. Differences in the merchant's functional currency (IAS 21) are another question: they are
//! computed in the export to the general ledger and never posted here.

mod closing;
mod deal;
mod exposure;
mod lot;
mod pair;

pub use closing::{Closed, Closing, CoverError, Covers, DEAL_LOTS, close};
pub use deal::{DealError, DealKind, FxDeal, Leg, Place, Side};
pub use exposure::{Age, CurrencyExposure, Exposure, by_currency, exposures};
pub use lot::{Lot, lots};
pub use pair::Pair;

#[cfg(test)]
mod tests;
