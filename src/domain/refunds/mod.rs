//! What a refund takes back, from whom, to the cent.
//!
//! A refund is not the mirror of its charge: shares, commission and tax go back in proportion, the gateway's fee only
//! as far as the gateway returns it. So a refund is decided as if nothing of the fee came back (a line `fee_kept` says
//! who bears that), and what the gateway does return is booked when it reports it ([`Refund::fee_borne`]).
//!
//! *Which parts.* By `items`, by `allocation`, or in proportion where that cannot hit the wrong supplier: when there is
//! one supplier, or when everything that is left goes back. Otherwise [`RefundError::AllocationRequired`].
//!
//! *Rounding* is cumulative: each part's amounts are computed for all that was refunded so far, and what earlier
//! refunds took is subtracted. Three thirds of an order end at exactly zero (worked example R09).
//!
//! *Who pays.* A supplier's buckets in the order given by [`Funds`]: what is left of this payment's own share, then its
//! available balance; what is missing becomes a debt in 1200. Another payment's pending share is never touched.
//!
//! *Converted shares* go back at their own rate, mid and markup alike, so that the position stands as before the
//! payment; with `fx_difference = supplier` the supplier gives what the amount is worth now. Each refund follows its own
//! rule: later ones go on from the mirror at the share's own rate, whoever bore the difference before.

mod book;
mod decide;
mod lines;
mod mirror;
mod movements;
mod request;

pub use book::{from_deferred, left, own_pending};
pub use decide::{Refund, RefundTerms, decide};
pub use lines::{RefundLine, RefundLineKind};
pub use mirror::{ConversionRefund, KeptFee, PartRefund};
pub(in crate::domain) use movements::debit_supplier;
pub use movements::{Funds, FxDifference};
pub use request::{Allocation, RefundError, RefundRequest};
