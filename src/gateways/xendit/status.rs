//! Xendit's words for a payout, in ours: one table.

/// What a word says of the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Taken on; the payee has nothing yet.
    Waiting,
    /// The payee's bank has it.
    Paid,
    /// It never left the balance, or is in it again without having been debited.
    Refused,
    /// It had been paid and is in the balance again.
    Back,
}

/// Every word: those of the API's own list, and those that only the pages on a payout's life name.
pub const PAYOUT: &[(&str, Word)] = &[
    ("ACCEPTED", Word::Waiting),
    ("REQUESTED", Word::Waiting),
    ("LOCKED", Word::Waiting),
    ("READY", Word::Waiting),
    ("PENDING_COMPLIANCE_ASSESSMENT", Word::Waiting),
    ("SUCCEEDED", Word::Paid),
    ("FAILED", Word::Refused),
    ("CANCELLED", Word::Refused),
    ("EXPIRED", Word::Refused),
    ("COMPLIANCE_REJECTED", Word::Refused),
    ("REVERSED", Word::Back),
];

/// A word's meaning; `None`: none of the table, nothing is concluded from it.
pub(super) fn payout(word: &str) -> Option<Word> {
    PAYOUT.iter().find(|(known, _)| *known == word).map(|(_, meaning)| *meaning)
}
