//! Payments: what gateways report, and the state machine that decides what it means.

pub mod report;
pub mod conflict;
pub mod state;
mod taken;
pub mod payment;
pub mod intent;
pub mod ladder;
pub mod refund;

pub use conflict::{Asked, Conflict};
pub use intent::{Holder, Intent, IntentKind, Lease, Outcome};
pub use ladder::{Ladder, Ladders, LaddersError, Standing, Watched};
pub use payment::{Customer, Payment, SealedSecrets, TimelineEntry};
pub use report::{
    Capture, Exchanged, MoneyReport, PaymentReport, RefundReport, RefundStatus, ReportKind, ReportSource,
};
pub use state::{PaymentState, Transition};
pub use taken::{Held, Received, Taken};
