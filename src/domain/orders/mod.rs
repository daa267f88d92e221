//! Payments: what gateways report, and the state machine that decides what it means.

pub mod report;
pub mod refund;

pub use report::{Capture, MoneyReport, PaymentReport, RefundReport, RefundStatus, ReportKind, ReportSource};
