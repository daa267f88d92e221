//! Where whoever pays has its seat.

/// Where whoever pays has its seat, as a bank is told it; each part is left out where it is not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DebtorAddress {
    /// Street and number.
    pub street: Option<String>,
    /// Post code.
    pub post_code: Option<String>,
    /// Town.
    pub town: Option<String>,
}
