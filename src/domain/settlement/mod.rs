//! One captured payment, divided: its lines, its postings, its delivery.
//!
//! [`settle`] computes, [`Settlement::book`] journals; a preview is the first without the second. The settlement is
//! frozen when the payment is captured and stored whole: refunds and deliveries mirror its parts.
//!
//! *Lines.* `gateway_fee`, `platform_fee` and `share` lines sum to the gross. The one `platform_fee` line says what the
//! platform keeps when all is paid: commission with its tax, rest and own sales, less the fee it bears; negative when
//! it pays more than it keeps. A `conversion` line says what a supplier gets in its own currency and stands outside
//! that sum. Where the gateway converted, lines sum per currency: its fee and what it converted to the gross, shares
//! and `platform_fee` to what was received. Minor units that rounding leaves over go where the split policy says, so
//! that no line of their own is needed.
//!
//! *Conversion.* The supplier gets mid less the spread, rounded down (in favour of the liquidity account); the
//! position takes mid, rounded half up; the difference is the markup, posted. Without a rate, or before the moment whose
//! rate binds (`fx_point`), the share stays in the payment's currency and is named in `pending_conversions`. What the
//! gateway converted at capture is not converted again: the share stays in what was received.

mod book;
mod contract;
mod conversion;
mod deliver;
mod document;
mod inputs;
mod line;
mod pending;
mod preview;
mod proceeds;
mod settle;
mod settled;
mod trial;

pub use contract::Contract;
pub use conversion::{Conversion, Exchange};
pub use deliver::{Delivery, DeliveryError, deliver, earned_again};
pub use document::{BookedEntry, StoredSettlement, document_fault};
pub use inputs::{Inputs, InputsError, LaterConversion, Mid, Received};
pub use line::{Converted, Line, LineKind};
pub use preview::{PreviewAnswer, PreviewContext, PreviewError, PreviewRequest, RateInput, preview};
pub use proceeds::{Proceeds, Whose};
pub use settle::{GatewayFee, SettlementError, SettlementInput, settle};
pub use settled::{GatewayConversion, Settlement};
pub use trial::check_divisible;
