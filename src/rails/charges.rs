//! Who bears the charges of a transfer, in the words of banks (ISO 20022 `ChrgBr`).

use secrecy::ExposeSecret;

use crate::domain::merchants::Iban;
use crate::domain::payouts::FeeBearer;
use crate::gateways::{Debtor, PayoutOrder};

/// Countries of the SEPA schemes, by the letters their IBANs begin with: who joined since 2024 is told as any other
/// country, which every bank takes.
const SEPA: [&str; 37] = [
    "AD", "AT", "BE", "BG", "CH", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GB", "GI", "GR", "HR",
    "HU", "IE", "IS", "IT", "LI", "LT", "LU", "LV", "MC", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI",
    "SK", "SM", "VA",
];

/// What a bank is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charges {
    /// `DEBT`: all are ours, the payee gets the whole.
    Debtor,
    /// `SHAR`: ours at our bank, what is taken on the way the payee's.
    Shared,
    /// `SLEV` under the service level SEPA, which knows nothing else: each pays its own bank, and the whole arrives.
    Sepa,
}

impl Charges {
    /// Of one payment. A fee inside the supplier's balance has come off the amount already, and our bank charges it to us:
    /// that is `SHAR`. `CRED` would have the bank take it out of the amount once more, so it is never written.
    pub(super) fn of(debtor: &Debtor, order: &PayoutOrder) -> Charges {
        let reached = |number: &str| Iban::read(number).is_ok_and(|iban| SEPA.contains(&iban.country()));
        let sepa = order.amount.currency().code() == "EUR"
            && reached(debtor.number.expose_secret())
            && reached(order.creditor.number.expose_secret());
        match order.bearer {
            None => Charges::Debtor,
            Some(_) if sepa => Charges::Sepa,
            Some(FeeBearer::Platform) => Charges::Debtor,
            Some(FeeBearer::Supplier | FeeBearer::Shared) => Charges::Shared,
        }
    }

    /// The code.
    pub(super) fn code(self) -> &'static str {
        match self {
            Charges::Debtor => "DEBT",
            Charges::Shared => "SHAR",
            Charges::Sepa => "SLEV",
        }
    }
}
