//! Payments: what gateways report, and the state machine that decides what it means.

pub mod report;

pub use report::{Capture, MoneyReport, PaymentReport, RefundReport, RefundStatus, ReportKind, ReportSource};
