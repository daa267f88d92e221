//! What was withheld is paid to the authority: proposed by one user, booked by another, never more than is owed to it. What
//! the bank brings back is owed again, and is proposed anew.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::access::{Hand, NotSecond};
use crate::ids::{BankAccountId, BankLineId, MerchantId, RemittanceId, SupplierId, UserId};
use crate::money::{Currency, Money, MoneyError};

use super::period::TaxPeriod;

/// A payment to an authority of what was withheld in one period.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remittance {
    /// Its id.
    pub id: RemittanceId,
    /// Whose book.
    pub merchant: MerchantId,
    /// To whom.
    pub authority: String,
    /// For which period.
    pub period: TaxPeriod,
    /// In which currency.
    pub currency: Currency,
    /// From which client account.
    pub bank_account: BankAccountId,
    /// Its name in the ledger.
    pub bank: String,
    /// The bank's or the authority's own reference.
    pub reference: String,
    /// Whose tax.
    pub lines: Vec<RemittanceLine>,
    /// How far it is.
    pub state: RemittanceState,
    /// The bank's line that debited it, once a statement has it.
    pub bank_line: Option<BankLineId>,
    /// Who proposed it.
    pub proposed_by: UserId,
    /// When.
    pub created_at: DateTime<Utc>,
}

/// One supplier's tax under one rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RemittanceLine {
    /// Whose.
    pub supplier: SupplierId,
    /// By which rule.
    pub rule: String,
    /// How much.
    pub amount: Money,
}

/// How far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum RemittanceState {
    /// It waits for another user.
    Proposed,
    /// In the books.
    Booked {
        /// Who approved it.
        by: UserId,
        /// When.
        at: DateTime<Utc>,
    },
    /// It was in the books, and the bank brought the money back: the tax is owed again.
    Returned {
        /// Who had approved it.
        by: UserId,
        /// When.
        at: DateTime<Utc>,
        /// The bank's line that brought it back.
        line: BankLineId,
        /// When that was booked.
        returned_at: DateTime<Utc>,
        /// Who said that the line is it; `None` where the line says so itself.
        said_by: Option<UserId>,
    },
    /// Given up.
    Rejected {
        /// Who rejected it.
        by: UserId,
        /// When.
        at: DateTime<Utc>,
    },
}

impl RemittanceState {
    /// The word of the API and the store.
    pub fn as_str(&self) -> &'static str {
        match self {
            RemittanceState::Proposed => "proposed",
            RemittanceState::Booked { .. } => "booked",
            RemittanceState::Returned { .. } => "returned",
            RemittanceState::Rejected { .. } => "rejected",
        }
    }
}

/// What was withheld under one rule in one period, and what of it was paid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// From whom.
    pub supplier: SupplierId,
    /// By which rule.
    pub rule: String,
    /// How much.
    pub withheld: Money,
    /// Paid so far.
    pub remitted: Money,
    /// In how many rows: payments, and what came back of them.
    pub payments: i64,
}

/// Why it is not booked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RemittanceError {
    /// Nothing is owed.
    #[error("nothing that was withheld for {authority} in {period} in {currency} is left to be paid")]
    NothingOwed {
        /// To whom.
        authority: String,
        /// When.
        period: TaxPeriod,
        /// In which currency.
        currency: Currency,
    },
    /// Whoever decides is no second person beside the proposer.
    #[error(transparent)]
    NotSecond(#[from] NotSecond),
    /// It is decided.
    #[error("the payment is `{0}`")]
    Decided(&'static str),
    /// What is not booked does not come back, and comes back once.
    #[error("the payment is `{0}`: only one that is booked comes back")]
    NotBooked(&'static str),
    /// Nobody knows that the money had left.
    #[error("no statement has the payment's debit: read the one that has it first")]
    NotSeen,
    /// A line of the bank that cannot be it.
    #[error("{line} did not bring the payment back: {why}")]
    NotItsReturn {
        /// The line.
        line: BankLineId,
        /// Why not.
        why: String,
    },
    /// It was paid meanwhile.
    #[error("{0} has less left to be paid by now: reject this payment and propose it anew")]
    Changed(SupplierId),
    /// A sum does not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl Owed {
    /// What is left to be paid.
    ///
    /// # Errors
    /// [`MoneyError`] when it does not fit.
    pub fn left(&self) -> Result<Money, MoneyError> {
        self.withheld.checked_sub(self.remitted)
    }
}

impl Remittance {
    /// Lines of one payment, each a transaction of the change that books it; what is beyond is for another one.
    pub const MOST_LINES: usize = 1_000;

    /// What is left of what is owed, of the first so many suppliers and rules.
    ///
    /// # Errors
    /// [`MoneyError`] when a sum does not fit.
    pub fn lines_of(owed: &[Owed]) -> Result<Vec<RemittanceLine>, MoneyError> {
        let mut lines = Vec::new();
        for one in owed {
            let amount = one.left()?;
            if amount.is_positive() && lines.len() < Remittance::MOST_LINES {
                lines.push(RemittanceLine { supplier: one.supplier, rule: one.rule.clone(), amount });
            }
        }
        Ok(lines)
    }

    /// What is paid.
    ///
    /// # Errors
    /// [`MoneyError`] when it does not fit.
    pub fn total(&self) -> Result<Money, MoneyError> {
        Money::sum(self.currency, self.lines.iter().map(|line| line.amount))
    }

    /// Another user books it: the lines with how many payments came before each. `issuers`: who else made keys of the
    /// proposer's.
    ///
    /// # Errors
    /// [`RemittanceError`].
    pub fn book(
        &self,
        hand: Hand,
        issuers: &[UserId],
        owed: &[Owed],
    ) -> Result<Vec<(&RemittanceLine, i64)>, RemittanceError> {
        self.open()?;
        hand.is_second(&[self.proposed_by], issuers)?;
        let owed: BTreeMap<(SupplierId, &str), &Owed> =
            owed.iter().map(|one| ((one.supplier, one.rule.as_str()), one)).collect();
        let mut booked = Vec::with_capacity(self.lines.len());
        for line in &self.lines {
            match owed.get(&(line.supplier, line.rule.as_str())) {
                Some(one) if one.left()?.minor() >= line.amount.minor() => booked.push((line, one.payments)),
                _ => return Err(RemittanceError::Changed(line.supplier)),
            }
        }
        Ok(booked)
    }

    /// What was paid for each supplier, under whichever rules.
    ///
    /// # Errors
    /// [`MoneyError`] when a sum does not fit.
    pub fn by_supplier(&self) -> Result<BTreeMap<SupplierId, Money>, MoneyError> {
        let mut sums = BTreeMap::new();
        for line in &self.lines {
            let sum = sums.entry(line.supplier).or_insert(Money::zero(self.currency));
            *sum = sum.checked_add(line.amount)?;
        }
        Ok(sums)
    }

    /// The bank brought it back with `line` at `returned_at`, as the line says or `said_by` does.
    ///
    /// # Errors
    /// [`RemittanceError::NotBooked`].
    pub fn returned(
        &self,
        line: BankLineId,
        returned_at: DateTime<Utc>,
        said_by: Option<UserId>,
    ) -> Result<RemittanceState, RemittanceError> {
        match self.state {
            RemittanceState::Booked { by, at } => {
                Ok(RemittanceState::Returned { by, at, line, returned_at, said_by })
            }
            _ => Err(RemittanceError::NotBooked(self.state.as_str())),
        }
    }

    /// Whether nothing is left of the tax that `returned` had paid once this one is booked against `owed`.
    ///
    /// # Errors
    /// [`MoneyError`] when a sum does not fit.
    pub fn makes_up_for(&self, returned: &Remittance, owed: &[Owed]) -> Result<bool, MoneyError> {
        let mut left = BTreeMap::new();
        for one in owed {
            left.insert((one.supplier, one.rule.as_str()), one.left()?);
        }
        let paid =
            |line: &&RemittanceLine| left.get(&(line.supplier, line.rule.as_str())) == Some(&line.amount);
        let whole: BTreeSet<(SupplierId, &str)> =
            self.lines.iter().filter(paid).map(|line| (line.supplier, line.rule.as_str())).collect();
        Ok(returned.lines.iter().all(|line| whole.contains(&(line.supplier, line.rule.as_str()))))
    }

    /// Whether it still waits.
    ///
    /// # Errors
    /// [`RemittanceError::Decided`].
    pub fn open(&self) -> Result<(), RemittanceError> {
        match self.state {
            RemittanceState::Proposed => Ok(()),
            RemittanceState::Booked { .. }
            | RemittanceState::Returned { .. }
            | RemittanceState::Rejected { .. } => Err(RemittanceError::Decided(self.state.as_str())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::Id;

    fn php(minor: i64) -> Money {
        Money::from_minor(minor, Currency::find("PHP").unwrap())
    }

    fn owed(supplier: u128, rule: &str, withheld: i64, remitted: i64) -> Owed {
        let supplier = SupplierId::from_bits(supplier);
        Owed { supplier, rule: rule.into(), withheld: php(withheld), remitted: php(remitted), payments: 0 }
    }

    #[test]
    fn a_payment_has_so_many_lines_of_what_is_left() {
        let mut all: Vec<Owed> = (0..1_200).map(|nth| owed(nth, "a", 100, 0)).collect();
        for one in &mut all[..150] {
            one.remitted = one.withheld;
        }
        let lines = Remittance::lines_of(&all).unwrap();
        assert_eq!((lines.len(), lines[0].supplier), (Remittance::MOST_LINES, SupplierId::from_bits(150)));
        for one in &mut all[150..1_150] {
            one.remitted = php(60);
        }
        let lines = Remittance::lines_of(&all[150..]).unwrap();
        assert_eq!((lines.len(), lines[0].amount), (1_000, php(40)));
        assert_eq!(Remittance::lines_of(&all[1_100..]).unwrap().len(), 100);
        assert_eq!(Remittance::lines_of(&all[..150]), Ok(vec![]));
    }

    #[test]
    fn a_line_is_booked_against_its_own_supplier_and_rule() {
        let lines =
            Remittance::lines_of(&[owed(1, "a", 100, 40), owed(1, "b", 30, 0), owed(2, "a", 5, 0)]).unwrap();
        let (maker, checker) = (UserId::from_bits(1), UserId::from_bits(2));
        let remittance = Remittance {
            id: RemittanceId::from_bits(1),
            merchant: MerchantId::from_bits(1),
            authority: "BIR".into(),
            period: "2026-Q4".parse().unwrap(),
            currency: php(0).currency(),
            bank_account: BankAccountId::from_bits(1),
            bank_line: None,
            bank: "bpi".into(),
            reference: String::new(),
            lines,
            state: RemittanceState::Proposed,
            proposed_by: maker,
            created_at: DateTime::UNIX_EPOCH,
        };
        let book = |owed: &[Owed]| {
            let booked = remittance.book(Hand::own(checker), &[], owed)?;
            Ok(booked.into_iter().map(|(line, earlier)| (line.amount.minor(), earlier)).collect::<Vec<_>>())
        };
        let mut now = vec![owed(2, "a", 5, 0), owed(1, "b", 30, 0), owed(1, "a", 100, 40)];
        now[2].payments = 3;
        assert_eq!(book(&now), Ok(vec![(60, 3), (30, 0), (5, 0)]));
        let changed = |supplier| Err(RemittanceError::Changed(SupplierId::from_bits(supplier)));
        now[1].remitted = php(1);
        assert_eq!(book(&now), changed(1));
        assert_eq!(book(&now[1..]), changed(1));
        now[1].remitted = php(0);
        assert_eq!(book(&now[1..]), changed(2));
    }

    #[test]
    fn what_is_booked_comes_back_once_and_is_made_up_for_by_the_rest_of_its_tax() {
        let (checker, other) = (UserId::from_bits(2), UserId::from_bits(3));
        let remittance = |owed: &[Owed], state| Remittance {
            id: RemittanceId::from_bits(1),
            merchant: MerchantId::from_bits(1),
            authority: "BIR".into(),
            period: "2026-Q4".parse().unwrap(),
            currency: php(0).currency(),
            bank_account: BankAccountId::from_bits(1),
            bank_line: None,
            bank: "bpi".into(),
            reference: String::new(),
            lines: Remittance::lines_of(owed).unwrap(),
            state,
            proposed_by: UserId::from_bits(1),
            created_at: DateTime::UNIX_EPOCH,
        };
        let (line, at) = (BankLineId::from_bits(7), DateTime::UNIX_EPOCH);
        let all = [owed(1, "a", 100, 0), owed(1, "b", 30, 0), owed(2, "a", 5, 0)];
        let mut old = remittance(&all, RemittanceState::Booked { by: checker, at });
        assert_eq!(
            old.by_supplier().unwrap().into_values().collect::<Vec<_>>(),
            [php(130), php(5)],
            "one sum for each supplier"
        );
        old.state = old.returned(line, at, Some(other)).unwrap();
        let kept = RemittanceState::Returned { by: checker, at, line, returned_at: at, said_by: Some(other) };
        assert_eq!((&old.state, old.state.as_str()), (&kept, "returned"));
        assert_eq!(old.returned(line, at, None), Err(RemittanceError::NotBooked("returned")));
        assert_eq!(old.open(), Err(RemittanceError::Decided("returned")));
        let open = remittance(&all, RemittanceState::Proposed);
        assert_eq!(open.returned(line, at, None), Err(RemittanceError::NotBooked("proposed")));

        assert_eq!(open.makes_up_for(&old, &all), Ok(true));
        assert_eq!(remittance(&all[..2], RemittanceState::Proposed).makes_up_for(&old, &all), Ok(false));
        // It was proposed before the other came back: something is left.
        let more = [owed(1, "a", 150, 0), all[1].clone(), all[2].clone()];
        assert_eq!(open.makes_up_for(&old, &more), Ok(false));
    }
}
