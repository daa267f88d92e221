//! Manual journals: what no machine books, drafted by one user and booked by another.
//!
//! Its lines name accounts of the chart only. Accounts on which money rests while something is open (deposits, refunds and
//! payouts on their way, clearing, shares that wait or are held, what is owed back, suspense, positions in currencies,
//! withheld tax) are kept by the flows that open and close it, and are not posted to by hand: their balances are held
//! against what is open, and a finding's decision moves what stands under its own fact, whatever a hand has posted beside
//! it. A journal is never changed: a wrong one is undone by another.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::ledger::account::Class;
use crate::domain::ledger::journal::Movement;
use crate::domain::ledger::{Account, AccountCode, Chart, Direction, Owner, Posting};
use crate::ids::{JournalId, MerchantId, SupplierId, TransactionId, UserId};
use crate::money::{Currency, Money};

/// Accounts that flows keep: each amount on them belongs to an object that says so.
const KEPT_BY_FLOWS: [AccountCode; 11] = [
    AccountCode::CASH_IN_TRANSIT,
    AccountCode::SUPPLIER_PENDING,
    AccountCode::SUPPLIER_HELD,
    AccountCode::FX_POSITION,
    AccountCode::ORDER_CLEARING,
    AccountCode::CUSTOMER_REFUNDABLE,
    AccountCode::REFUND_IN_TRANSIT,
    AccountCode::PAYOUT_IN_TRANSIT,
    AccountCode::PAYOUT_UNCLAIMED,
    AccountCode::TAX_WITHHELD,
    AccountCode::SUSPENSE,
];

/// A manual journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// Its id, the source of its transaction.
    pub id: JournalId,
    /// Whose book.
    pub merchant: MerchantId,
    /// From which template it was made.
    pub template: &'static str,
    /// Why.
    pub reason: String,
    /// When it happened, a day in the merchant's zone.
    pub value_date: NaiveDate,
    /// What it posts.
    pub lines: Vec<JournalLine>,
    /// The journal it undoes.
    pub reverses: Option<JournalId>,
    /// How far it is.
    pub state: JournalState,
    /// Who drafted it.
    pub proposed_by: UserId,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// How far a journal is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum JournalState {
    /// It waits for another user.
    Draft,
    /// In the books.
    Booked {
        /// Who approved it.
        by: UserId,
        /// When.
        at: DateTime<Utc>,
        /// As which transaction.
        transaction: TransactionId,
    },
    /// Not booked, for good.
    Rejected {
        /// Who rejected it.
        by: UserId,
        /// When.
        at: DateTime<Utc>,
    },
}

impl JournalState {
    /// The word of the API and the store.
    pub fn as_str(&self) -> &'static str {
        match self {
            JournalState::Draft => "draft",
            JournalState::Booked { .. } => "booked",
            JournalState::Rejected { .. } => "rejected",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct JournalLine {
    /// A code of the chart.
    #[schema(example = 1010)]
    pub account: u16,
    /// The chart's dimensions of it, in order, joined by a comma; empty where it has none.
    #[serde(default)]
    #[schema(example = "usd", max_length = 200)]
    pub owner: String,
    /// Which side.
    pub direction: LineSide,
    /// How much, above zero.
    pub amount: Money,
}

/// A side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineSide {
    /// Left.
    Debit,
    /// Right.
    Credit,
}

/// What a journal is made from.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, utoipa::ToSchema)]
#[serde(tag = "template", rename_all = "snake_case", deny_unknown_fields)]
pub enum Template {
    /// Lines as given.
    Lines {
        /// They balance in every currency.
        #[schema(min_items = 2, max_items = 100)]
        lines: Vec<JournalLine>,
    },
    /// Own money into the client account: `1010 || 1000`.
    TopUp {
        /// The bank account, in both.
        bank: String,
        /// How much.
        amount: Money,
    },
    /// Expected loss on what a supplier owes: `5060 || 1290`.
    Allowance {
        /// Who owes.
        supplier: SupplierId,
        /// How much.
        amount: Money,
    },
    /// What a supplier owes is lost: the allowance first, then `5060`, against `1200`.
    WriteOff {
        /// Who owes.
        supplier: SupplierId,
        /// How much.
        amount: Money,
    },
    /// Something of what was written off came after all: `1000 || 5060`.
    Recovery {
        /// Who paid.
        supplier: SupplierId,
        /// Into which bank account.
        bank: String,
        /// How much.
        amount: Money,
    },
    /// A booked journal is undone.
    Reversal {
        /// Which.
        journal: JournalId,
    },
}

impl Template {
    /// The stored word.
    pub fn as_str(&self) -> &'static str {
        match self {
            Template::Lines { .. } => "lines",
            Template::TopUp { .. } => "top_up",
            Template::Allowance { .. } => "allowance",
            Template::WriteOff { .. } => "write_off",
            Template::Recovery { .. } => "recovery",
            Template::Reversal { .. } => "reversal",
        }
    }

    /// Reads the stored word.
    pub fn word(word: &str) -> Option<&'static str> {
        ["lines", "top_up", "allowance", "write_off", "recovery", "reversal"]
            .into_iter()
            .find(|known| *known == word)
    }

    /// The lines it stands for; `allowance` is what stands on 1290 for a write-off's supplier. A reversal's are not its
    /// own.
    pub fn lines(&self, allowance: impl Fn(SupplierId, Currency) -> Money) -> Vec<JournalLine> {
        let line = |direction, code: AccountCode, owner: &dyn std::fmt::Display, amount| JournalLine {
            account: code.number(),
            owner: owner.to_string(),
            direction,
            amount,
        };
        let two = |debit, credit| vec![debit, credit];
        use LineSide::{Credit, Debit};
        match self {
            Template::Lines { lines } => lines.clone(),
            Template::TopUp { bank, amount } => two(
                line(Debit, AccountCode::BANK_CLIENT, bank, *amount),
                line(Credit, AccountCode::BANK_OPERATING, bank, *amount),
            ),
            Template::Allowance { supplier, amount } => two(
                line(Debit, AccountCode::COST_BAD_DEBT, supplier, *amount),
                line(Credit, AccountCode::SUPPLIER_RECEIVABLE_ALLOWANCE, supplier, *amount),
            ),
            Template::WriteOff { supplier, amount } => {
                let covered = allowance(*supplier, amount.currency()).minor().clamp(0, amount.minor().max(0));
                let of = |minor| Money::from_minor(minor, amount.currency());
                let mut lines = vec![
                    line(Debit, AccountCode::SUPPLIER_RECEIVABLE_ALLOWANCE, supplier, of(covered)),
                    line(Debit, AccountCode::COST_BAD_DEBT, supplier, of(amount.minor() - covered)),
                    line(Credit, AccountCode::SUPPLIER_RECEIVABLE, supplier, *amount),
                ];
                lines.retain(|line| !line.amount.is_zero());
                lines
            }
            Template::Recovery { supplier, bank, amount } => two(
                line(Debit, AccountCode::BANK_OPERATING, bank, *amount),
                line(Credit, AccountCode::COST_BAD_DEBT, supplier, *amount),
            ),
            Template::Reversal { .. } => vec![],
        }
    }
}

/// Why lines are no journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct JournalError {
    /// The field.
    pub param: String,
    /// What is wrong with it.
    pub why: String,
}

impl JournalLine {
    /// The other way round.
    #[must_use]
    pub fn reversed(&self) -> JournalLine {
        let direction = match self.direction {
            LineSide::Debit => LineSide::Credit,
            LineSide::Credit => LineSide::Debit,
        };
        JournalLine { direction, ..self.clone() }
    }

    fn posting(&self) -> Result<Posting, String> {
        let code = AccountCode::find(self.account).map_err(|error| error.to_string())?;
        if KEPT_BY_FLOWS.contains(&code) {
            return Err(format!(
                "account {code} is kept by the flows that open and close its items, not by hand"
            ));
        }
        let row = Chart::shipped().get(code).ok_or_else(|| format!("account {code} is not in the chart"))?;
        let per = &row.per;
        // Balances are told apart whole; income and cost may be told apart less finely, and by rule not at all.
        let least = match row.class {
            _ if per.first().is_some_and(|first| first == "rule") => 0,
            Class::Asset | Class::Liability => per.len(),
            Class::Position | Class::Income | Class::Expense | Class::ReportOnly => per.len().min(1),
        };
        let named: Vec<&str> = self.owner.split(',').filter(|part| !part.is_empty()).collect();
        let plain = |part: &str| part.chars().all(|c| c.is_ascii_graphic());
        if !(least..=per.len()).contains(&named.len()) || self.owner.len() > 200 || !plain(&self.owner) {
            let wanted = if per.is_empty() { "none".to_owned() } else { per.join(", ") };
            return Err(format!("account {code} is told apart by: {wanted}"));
        }
        for (dimension, part) in per.iter().zip(named) {
            if dimension == "supplier" && part.parse::<SupplierId>().is_err() {
                return Err(format!("`{part}` is no supplier's id"));
            }
        }
        let account = Account::new(code, Owner::of(&self.owner));
        Ok(match self.direction {
            LineSide::Debit => Posting::debit(account, self.amount),
            LineSide::Credit => Posting::credit(account, self.amount),
        })
    }

    /// What it names of a dimension of its account, where the account has that one.
    pub fn named(&self, dimension: &str) -> Option<&str> {
        let code = AccountCode::find(self.account).ok()?;
        let place = Chart::shipped().get(code)?.per.iter().position(|own| own == dimension)?;
        self.owner.split(',').nth(place).filter(|name| !name.is_empty())
    }

    /// The supplier it names, if it names one.
    pub fn supplier(&self) -> Option<SupplierId> {
        self.owner.split(',').find_map(|part| part.parse().ok())
    }
}

/// The movements of a journal's lines.
///
/// # Errors
/// [`JournalError`] at the first line that does not fit, or when they do not balance.
pub fn movements(lines: &[JournalLine]) -> Result<Vec<Movement>, JournalError> {
    let bad = |param: String, why: String| JournalError { param, why };
    if !(2..=100).contains(&lines.len()) {
        return Err(bad("template.lines".into(), "a journal has 2 to 100 lines".into()));
    }
    let mut movements = Vec::with_capacity(lines.len());
    let mut sums: std::collections::BTreeMap<Currency, i128> = std::collections::BTreeMap::new();
    for (nth, line) in lines.iter().enumerate() {
        let place = format!("template.lines[{nth}]");
        if !line.amount.is_positive() || line.amount.minor() > Money::INPUT_LIMIT {
            return Err(bad(place, "an amount is above zero and below 10^16 minor units".into()));
        }
        let posting = line.posting().map_err(|why| bad(place, why))?;
        *sums.entry(line.amount.currency()).or_default() += i128::from(posting.signed_minor());
        movements.push(match posting.direction {
            Direction::Debit => Movement::debit(posting.account, posting.amount),
            Direction::Credit => Movement::credit(posting.account, posting.amount),
        });
    }
    match sums.into_iter().find(|(_, sum)| *sum != 0) {
        Some((currency, _)) => {
            Err(bad("template.lines".into(), format!("debits and credits differ in {currency}")))
        }
        None => Ok(movements),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usd(minor: i64) -> Money {
        Money::from_minor(minor, Currency::find("USD").unwrap())
    }

    fn line(account: u16, owner: &str, direction: LineSide, minor: i64) -> JournalLine {
        JournalLine { account, owner: owner.into(), direction, amount: usd(minor) }
    }

    #[test]
    fn only_the_charts_accounts_with_their_own_dimensions_and_never_what_flows_keep() {
        use LineSide::{Credit, Debit};
        let good = line(1010, "usd", Debit, 100);
        for (other, ok) in [
            (line(1000, "usd", Credit, 100), true),
            (line(1000, "usd", Credit, 99), false),
            (line(1000, "", Credit, 100), false),
            (line(1000, "usd,eur", Credit, 100), false),
            (line(4000, "rule", Credit, 100), true),
            (line(2000, "paypal", Credit, 100), false),
            (line(2020, "paypal", Credit, 100), false),
            (line(2210, "BIR,sup_00000000000000000000000001", Credit, 100), false),
            (line(6020, "USDCNY", Credit, 100), true),
            (line(7777, "", Credit, 100), false),
            (line(1200, "A", Credit, 100), false),
            (line(1000, "usd", Credit, -100), false),
        ] {
            let built = movements(&[good.clone(), other.clone()]);
            // 6020 is in the chart and never posted: the transaction itself refuses it.
            assert_eq!(built.is_ok(), ok, "{other:?}: {built:?}");
        }
        assert!(movements(&[good]).is_err());
    }

    #[test]
    fn a_write_off_uses_the_allowance_first() {
        let supplier: SupplierId = crate::ids::Id::from_bits(1);
        let template = Template::WriteOff { supplier, amount: usd(9_000) };
        for (allowance, expected) in [
            (4_500, vec![(1290, 4_500), (5060, 4_500), (1200, 9_000)]),
            (0, vec![(5060, 9_000), (1200, 9_000)]),
            (12_000, vec![(1290, 9_000), (1200, 9_000)]),
        ] {
            let lines = template.lines(|_, _| usd(allowance));
            let seen: Vec<(u16, i64)> =
                lines.iter().map(|line| (line.account, line.amount.minor())).collect();
            assert_eq!(seen, expected);
            assert!(movements(&lines).is_ok());
        }
    }
}
