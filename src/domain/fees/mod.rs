//! What a payment costs: dated fee rules as data, and the one arithmetic that reads them.
//!
//! A rule says when it applies, how much it is and who bears it; it has the same keys in `config/fees/*.toml` and in
//! the API. Every assessed line carries the rule's name, its version (a hash of the rule) and its arithmetic in words.
//!
//! | question | answer |
//! |---|---|
//! | several rules match | kinds add up. Within a kind the rules with the most conditions win; those of equal rank add up, except that of two with one name the later `from` wins |
//! | `tiers` | price bands: the band with the greatest `from` that the base reaches prices the whole amount |
//! | order | percent + fixed, then `minimum`, then `cap`, then one rounding |
//! | `of = net` | gross less the gateway's fees assessed before it; for commission: gross less what the suppliers bear of them |
//! | `kind = tax` | tax on the gateway's fees of its own schedule; where there are none, on that schedule's commission |
//! | `kind = fx_markup` | the spread of our own conversions, in whole basis points; no fee of a payment |
//! | `kind = payout` | priced when a payout is planned, never at capture |
//!
//! Tax on a gateway's fee is input tax, not cost: it is not passed on to suppliers (scenario J02).

mod agreed;
mod assess;
mod charge;
mod error;
mod figure;
mod gross_up;
mod rule;
mod schedule;

pub use agreed::AgreedFee;
pub use assess::{Commission, FeeLine};
pub use charge::Charge;
pub use error::FeeError;
pub use figure::{Denomination, Figure, FigureError};
pub use gross_up::gross_up;
pub use rule::{Bearer, FeeBase, FeeKind, FeeRule, Tier, When};
pub use schedule::{FeeBook, FeeSchedule};
