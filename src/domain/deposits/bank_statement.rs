//! A bank's statement, whatever it was written in, and its lines as they are kept.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{
    BankAccountId, BankLineId, BankStatementId, FeeChargeId, FxDealId, GatewaySettlementId, MerchantId,
    PayoutId, RemittanceId,
};
use crate::money::{Currency, Money, MoneyError};

/// One statement of one account in one currency, as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadStatement {
    /// The bank's own name of it; may be empty.
    pub reference: String,
    /// The account as the bank names it; empty where the file names none.
    pub account: String,
    /// The currency.
    pub currency: Currency,
    /// The booked balance before the first line.
    pub opening: Option<Money>,
    /// The booked balance after the last line.
    pub closing: Option<Money>,
    /// The lines in the bank's order.
    pub lines: Vec<ReadLine>,
}

/// One movement at the bank, as read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadLine {
    /// The bank's own reference of it, where it gives one.
    pub reference: Option<String>,
    /// Above zero: credited.
    pub amount: Money,
    /// When the bank booked it.
    pub booked_on: NaiveDate,
    /// From when it counts.
    pub value_on: NaiveDate,
    /// Announced, not booked: no balance knows of it.
    pub pending: bool,
    /// It takes an earlier line back.
    pub reversal: bool,
    /// What the bank kept of the money before it credited the rest; zero or above.
    pub charges: Money,
    /// References that others gave it.
    pub names: Vec<String>,
    /// What else it says.
    pub text: String,
    /// The line as an earlier program read it, where that tells it apart otherwise: it may be kept so. None of a kept one.
    pub former: Option<Box<ReadLine>>,
}

/// Why lines are no statement.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StatementFault {
    /// The lines do not lead from one balance to the other.
    #[error("the statement does not foot: {opening} and its lines come to {reached}, it says {closing}")]
    DoesNotFoot {
        /// The first balance.
        opening: Money,
        /// Where its lines lead.
        reached: Money,
        /// What it says.
        closing: Money,
    },
    /// A line or balance of another currency.
    #[error("{what} is of another currency than the statement's: {found}, not {own}")]
    Currency {
        /// Which line or balance.
        what: String,
        /// Its currency.
        found: Currency,
        /// The statement's.
        own: Currency,
    },
    /// Beyond what amounts may be.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl ReadStatement {
    /// Opening and booked lines lead to closing, where the bank says both.
    ///
    /// # Errors
    /// [`StatementFault`].
    pub fn check(&self) -> Result<(), StatementFault> {
        if let Some((what, found)) = self.of_another_currency() {
            return Err(StatementFault::Currency { what, found, own: self.currency });
        }
        let (Some(opening), Some(closing)) = (self.opening, self.closing) else { return Ok(()) };
        let booked = self.lines.iter().filter(|line| !line.pending).map(|line| line.amount);
        let reached = Money::sum(self.currency, booked.chain([opening]))?;
        if reached != closing {
            return Err(StatementFault::DoesNotFoot { opening, reached, closing });
        }
        Ok(())
    }

    /// The first balance or line of another currency, and which that is.
    fn of_another_currency(&self) -> Option<(String, Currency)> {
        let other = |amount: Money| Some(amount.currency()).filter(|found| *found != self.currency);
        let balances = [("the opening balance", self.opening), ("the closing balance", self.closing)];
        for (what, balance) in balances {
            if let Some(found) = balance.and_then(other) {
                return Some((what.to_owned(), found));
            }
        }
        self.lines.iter().enumerate().find_map(|(place, line)| {
            let found = other(line.amount).or_else(|| other(line.charges))?;
            Some((format!("line {}", place + 1), found))
        })
    }
}

impl ReadLine {
    /// Whether it names this reference, of one word or of several. An empty one is none.
    pub fn tells_of(&self, reference: &str) -> bool {
        let words = |text: &str| text.split_whitespace().fold(" ".to_owned(), |all, word| all + word + " ");
        let meant = words(reference);
        !meant.trim().is_empty()
            && (self.reference.as_deref() == Some(reference)
                || self.names.iter().any(|name| name == reference)
                || words(&self.text).contains(&meant))
    }

    /// Whether one of two lines names what the other is called.
    pub fn shares_reference(&self, other: &ReadLine) -> bool {
        let called = |line: &ReadLine| line.reference.iter().chain(&line.names).cloned().collect::<Vec<_>>();
        called(other).iter().any(|name| self.tells_of(name))
            || called(self).iter().any(|name| other.tells_of(name))
    }

    /// Whether two lines say the same, and anything at all.
    pub fn says_the_same(&self, other: &ReadLine) -> bool {
        !self.text.trim().is_empty() && self.text.split_whitespace().eq(other.text.split_whitespace())
    }

    /// Its former reading, where that has another key.
    pub(crate) fn read_before(mut self, former: ReadLine) -> ReadLine {
        let is_other = former.key(0) != self.key(0);
        self.former = is_other.then(|| Box::new(ReadLine { former: None, ..former }));
        self
    }

    /// What tells a line apart from every other of its account, wherever it is printed again: day, amount and the bank's
    /// reference, else all that it says, and the how manieth of its like it is: a batch's lines may share a reference.
    pub fn key(&self, nth: usize) -> String {
        let amount = self.amount.minor();
        match (&self.reference, nth) {
            (Some(reference), 0) => format!("{}/{amount}/{reference}", self.booked_on),
            // No reference holds a line's end: none looks like another's second line.
            (Some(reference), nth) => format!("{}/{amount}/{reference}\n#{nth}", self.booked_on),
            (None, nth) => {
                format!("{}/{amount}/{}/{}#{nth}", self.booked_on, self.names.join(" "), self.text)
            }
        }
    }

    /// The key of an MT940 line of which the bank said `//NONREF`, from when that was taken for its reference.
    pub fn former_key(&self) -> String {
        format!("{}/{}/NONREF", self.booked_on, self.amount.minor())
    }
}

/// A line of a bank, kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BankLine {
    /// Its id.
    pub id: BankLineId,
    /// Whose book.
    pub merchant: MerchantId,
    /// At which account.
    pub bank_account: BankAccountId,
    /// The statement it was first read in.
    pub statement: BankStatementId,
    /// What it says.
    pub line: ReadLine,
    /// What came of it.
    pub state: LineState,
    /// When it was written down.
    pub recorded_at: DateTime<Utc>,
}

/// What came of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum LineState {
    /// It is what these payouts sent.
    Matched {
        /// The payouts.
        settlements: Vec<GatewaySettlementId>,
    },
    /// It is one side of a transfer between the merchant's own accounts.
    Transferred {
        /// The other side.
        with: BankLineId,
    },
    /// It is what these payouts sent, or what came back of one, or what the bank charged for one.
    PaidOut {
        /// The payouts.
        payouts: Vec<PayoutId>,
    },
    /// It is one side of a market deal.
    Converted {
        /// The deal.
        deal: FxDealId,
    },
    /// It debited a payment to a tax authority.
    Remitted {
        /// The payment.
        remittance: RemittanceId,
    },
    /// It paid what a gateway invoiced.
    FeePaid {
        /// The charge.
        charge: FeeChargeId,
    },
    /// It stands in suspense (2900) with a finding.
    Suspense,
    /// The books cannot hold it yet: they miss what came before it. Nothing is booked; a finding says so.
    Unbooked,
    /// Two persons decided about it.
    Resolved,
    /// The bank took it back, or brought back what it paid: what was booked of it is undone.
    Reversed {
        /// The line that took it back.
        by: BankLineId,
        /// The payouts that it was.
        #[serde(default)]
        settlements: Vec<GatewaySettlementId>,
    },
    /// It takes an earlier line back, or brings back what that paid.
    Reversing {
        /// That line.
        of: BankLineId,
    },
}

impl LineState {
    /// Every word.
    pub const WORDS: [&'static str; 11] = [
        "matched",
        "paid_out",
        "transferred",
        "converted",
        "remitted",
        "fee_paid",
        "suspense",
        "unbooked",
        "resolved",
        "reversed",
        "reversing",
    ];

    /// The stored word.
    pub fn as_str(&self) -> &'static str {
        match self {
            LineState::Matched { .. } => "matched",
            LineState::PaidOut { .. } => "paid_out",
            LineState::Transferred { .. } => "transferred",
            LineState::Converted { .. } => "converted",
            LineState::Remitted { .. } => "remitted",
            LineState::FeePaid { .. } => "fee_paid",
            LineState::Suspense => "suspense",
            LineState::Unbooked => "unbooked",
            LineState::Resolved => "resolved",
            LineState::Reversed { .. } => "reversed",
            LineState::Reversing { .. } => "reversing",
        }
    }

    /// The other line that it has to do with.
    pub fn counterpart(&self) -> Option<BankLineId> {
        match self {
            LineState::Transferred { with } => Some(*with),
            LineState::Reversed { by, .. } => Some(*by),
            LineState::Reversing { of } => Some(*of),
            _ => None,
        }
    }
}
