//! Tax that authorities have a platform withhold from its suppliers (M12).
//!
//! ```text
//! released sale, refund ─► Turnover, a running total ─► payout: what of it is not yet accounted for ─► Withheld
//!                                                                     certificate, remittance ◄─ 2210 ◄─┘
//!                                                            brought back by the bank: owed again ─► 2210
//! ```
//!
//! The base is the gross sale: what shoppers were charged for a supplier's part, before fees and commission. Withheld is
//! at the payout, for the period of the payout: a sale counts once it may be paid out, in the period in which it is. So a
//! period that is over never changes: a refund lowers the base of the period in which it is accounted for, and what that
//! makes too much is a credit against what is withheld next. It gives back what its own sale bore, under the text that its sale
//! was taxed under; the refund of a sale that bore nothing lowers nothing.

mod accounted;
mod certificate;
mod due;
mod period;
mod remittance;
mod rule;
mod table;
mod text;
mod turnover;

pub use accounted::{Accounted, Basis, OfPeriod, Refunded};
pub use certificate::{Certificate, CertificateId, Entry};
pub use due::{Withheld, accrue};
pub use period::{Cycle, TaxPeriod, TaxPeriodError};
pub use remittance::{Owed, Remittance, RemittanceError, RemittanceLine, RemittanceState};
pub use rule::{SupplierClass, TaxRule};
pub use table::{TaxRules, TaxTable, TaxTableError};
pub use text::TaxText;
pub use turnover::{Counted, Gross, SaleKind, Turnover, gross_of};
