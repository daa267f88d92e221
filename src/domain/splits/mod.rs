//! Who gets what of a payment.
//!
//! [`Terms`] are what a payment carries, as the API writes them; [`Agreement`] is the same, checked against the amount;
//! [`Agreement::divide`] gives [`Part`]s: one for each split, or for each item, each of which sums to what the payer
//! was charged for it. Parts are frozen with the settlement, so that a refund can mirror them to the cent.
//!
//! | share | gets |
//! |---|---|
//! | `fixed` | exactly that, never a rounding cent more or less |
//! | `percent` of `net` | of gross − commission and its tax − what the suppliers bear of the gateway's fee |
//! | `percent` of `gross` | of what was charged, whoever bears the fee |
//! | `percent` of `received` | of what the gateway credits |
//! | `remainder` | what the others leave of `net` |
//!
//! *Rounding.* With a remainder, the percentages and the remainder divide what the fixed shares leave, by
//! `split_policy`. Without one, the percentages together get the whole minor units of their sum, divided by the same
//! policy; the platform keeps the rest. A share at its cap or minimum counts as fixed.
//!
//! *Items.* Each supplier's items are a payment of their own: commission and percentages on its goods, shipping and
//! tax in full to it. A supplier without a split gets all that is left of its items. Items of no supplier are the
//! platform's own sale.
//!
//! *Who bears the gateway's fee.* `suppliers`: it comes off `net`; with items each bears by what its items leave, and
//! the platform bears the part of its own goods. Where shares of `gross` then exceed `net`, they are cut by weight to
//! what is there. `payer`: the charged amount contains the fee; the sale is the amount less the fee, and nobody's
//! share or commission is taken of a surcharge. When the *gateway* converts, its fee is off before anything is shared:
//! `gross` and `received` then both mean what was received.

mod agreement;
mod allocation;
mod by_item;
mod divide;
mod error;
mod terms;

pub use agreement::Agreement;
pub use divide::{Division, Part, Pot};
pub use error::SplitError;
pub use terms::{Item, ItemKind, PlatformFee, Share, ShareBase, Split, Terms};
