//! A market deal: what the bank, or a gateway at our word, changed for us.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::ledger::journal::{self, Fact, Movement};
use crate::domain::ledger::{Account, AccountCode, JournalEvent, LedgerError, LedgerTransaction, Owner};
use crate::domain::merchants::BankAccountKind;
use crate::ids::{BankAccountId, FxDealId, GatewaySettlementId, MerchantId, TransactionId, UserId};
use crate::money::{Money, MoneyError};

use super::closing::Closed;
use super::lot::Lot;
use super::pair::Pair;

/// A deal, as it was recorded. It is never changed: a wrong one is undone by its opposite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FxDeal {
    /// Its id, the source of its transactions.
    pub id: FxDealId,
    /// Whose book.
    pub merchant: MerchantId,
    /// Who changed it.
    pub kind: DealKind,
    /// What was given.
    pub sold: Money,
    /// What was got.
    pub bought: Money,
    /// Where `sold` came from; the amounts come to it.
    pub paid_from: Vec<Leg>,
    /// Where `bought` went.
    pub paid_into: Vec<Leg>,
    /// What the bank took for it, apart.
    pub charge: Option<Leg>,
    /// When the money moved, a day in the merchant's zone.
    pub value_date: NaiveDate,
    /// The bank's own reference, once for each merchant.
    pub bank_ref: String,
    /// Whether it closed what it named, or the oldest first.
    pub named: bool,
    /// What of its base closed something, above zero.
    pub closed_base: Money,
    /// The part of its quote that went with that.
    pub closed_quote: Money,
    /// Its transaction.
    pub transaction: TransactionId,
    /// Who recorded it.
    pub recorded_by: UserId,
    /// When.
    pub recorded_at: DateTime<Utc>,
}

/// Who changed the money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DealKind {
    /// A bank.
    Market,
    /// A gateway, within its own balance.
    Gateway,
}

/// Which side of a deal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// `paid_from`.
    From,
    /// `paid_into`.
    Into,
}

/// One account's part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// Where.
    pub place: Place,
    /// How much, above zero.
    pub amount: Money,
}

/// Where money of a deal is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "at", rename_all = "snake_case")]
pub enum Place {
    /// A bank account: 1010 or 1000.
    Bank {
        /// Which.
        id: BankAccountId,
        /// Its name in the books.
        name: String,
        /// Whose money.
        kind: BankAccountKind,
    },
    /// What a gateway sent and the bank changed on arrival: 1140.
    InTransit {
        /// Which payout of the gateway.
        settlement: GatewaySettlementId,
        /// The gateway account's name.
        gateway_account: String,
    },
    /// The balance at a gateway: 1110.
    Gateway {
        /// The gateway account's name.
        gateway_account: String,
    },
    /// A bank's line that nobody could explain until the deal was recorded: 2900.
    Suspense {
        /// Which bank account.
        id: BankAccountId,
        /// Its name in the books.
        name: String,
        /// The line.
        line: crate::ids::BankLineId,
    },
}

impl Place {
    /// The account of the books.
    pub fn account(&self) -> Account {
        let (code, owner) = match self {
            Place::Bank { name, kind: BankAccountKind::Client, .. } => (AccountCode::BANK_CLIENT, name),
            Place::Bank { name, kind: BankAccountKind::Own, .. } => (AccountCode::BANK_OPERATING, name),
            Place::InTransit { gateway_account, .. } => (AccountCode::CASH_IN_TRANSIT, gateway_account),
            Place::Gateway { gateway_account } => (AccountCode::GATEWAY_BALANCE, gateway_account),
            Place::Suspense { name, .. } => (AccountCode::SUSPENSE, name),
        };
        Account::new(code, Owner::of(owner))
    }
}

/// Why amounts are no deal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DealError {
    /// Nothing is changed.
    #[error("`sold` and `bought` are both {0}; a deal changes one currency for another")]
    OneCurrency(crate::money::Currency),
    /// An amount of nothing.
    #[error("`{0}` must be above zero")]
    NotPositive(&'static str),
    /// The parts do not come to the whole.
    #[error("`{side}` comes to {parts} and the deal is over {whole}")]
    Parts {
        /// Which side.
        side: &'static str,
        /// What the parts come to.
        parts: Money,
        /// What they should.
        whole: Money,
    },
    /// A part in another currency.
    #[error("`{side}[{nth}]` is in {found}; this side of the deal is in {wanted}")]
    Currency {
        /// Which side.
        side: &'static str,
        /// Which part.
        nth: usize,
        /// What it is.
        found: crate::money::Currency,
        /// What it should be.
        wanted: crate::money::Currency,
    },
    /// The sums do not fit.
    #[error(transparent)]
    Money(#[from] MoneyError),
}

impl FxDeal {
    /// The pair of two amounts that are changed.
    ///
    /// # Errors
    /// [`DealError`].
    pub fn pair_of(sold: Money, bought: Money) -> Result<Pair, DealError> {
        for (name, amount) in [("sold", sold), ("bought", bought)] {
            if !amount.is_positive() {
                return Err(DealError::NotPositive(name));
            }
        }
        Pair::of(sold.currency(), bought.currency()).ok_or(DealError::OneCurrency(sold.currency()))
    }

    /// Its pair.
    pub fn pair(&self) -> Pair {
        Pair::of(self.sold.currency(), self.bought.currency()).unwrap_or(Pair::alone(self.sold.currency()))
    }

    /// Whether the parts of a side come to its whole.
    ///
    /// # Errors
    /// [`DealError`].
    pub fn check_parts(side: &'static str, legs: &[Leg], whole: Money) -> Result<(), DealError> {
        let wanted = whole.currency();
        for (nth, leg) in legs.iter().enumerate() {
            let found = leg.amount.currency();
            if found != wanted {
                return Err(DealError::Currency { side, nth, found, wanted });
            }
            if !leg.amount.is_positive() {
                return Err(DealError::NotPositive(side));
            }
        }
        let parts = Money::sum(wanted, legs.iter().map(|leg| leg.amount))?;
        if parts == whole { Ok(()) } else { Err(DealError::Parts { side, parts, whole }) }
    }

    /// Whether a gateway changed it within one balance of its own.
    pub fn kind_of(paid_from: &[Leg], paid_into: &[Leg]) -> DealKind {
        let mut accounts = paid_from.iter().chain(paid_into).map(|leg| match &leg.place {
            Place::Gateway { gateway_account } => Some(gateway_account),
            _ => None,
        });
        let first = accounts.next().flatten();
        match first {
            Some(first) if accounts.all(|account| account == Some(first)) => DealKind::Gateway,
            _ => DealKind::Market,
        }
    }

    /// What it is on the position account, before it closes anything.
    pub fn lot(&self) -> Lot {
        let pair = self.pair();
        let (got, gave) = (self.bought, self.sold.negated());
        let (base, quote) = if got.currency() == pair.base() { (got, gave) } else { (gave, got) };
        Lot {
            transaction: self.transaction,
            number: i64::MAX,
            event: self.event(),
            source: self.id.to_string(),
            subject: Some(self.id.to_string()),
            pair,
            base,
            quote,
            at: self.recorded_at,
        }
    }

    fn event(&self) -> JournalEvent {
        match self.kind {
            DealKind::Market => JournalEvent::ConvertedMarket,
            DealKind::Gateway => JournalEvent::ConvertedByGateway,
        }
    }

    /// Its transactions: the conversion, the result where there is one, the bank's charge where there is one.
    ///
    /// # Errors
    /// [`LedgerError`].
    pub fn book(&self, fact: &Fact<'_>, closed: &Closed) -> Result<Vec<LedgerTransaction>, LedgerError> {
        let movements = |legs: &[Leg], of: fn(Account, Money) -> Movement| -> Vec<Movement> {
            legs.iter().map(|leg| of(leg.place.account(), leg.amount)).collect()
        };
        let from = movements(&self.paid_from, Movement::credit);
        let into = movements(&self.paid_into, Movement::debit);
        let event = self.event();
        let mut transactions = vec![journal::converted_market(
            fact,
            self.transaction,
            event,
            (self.sold, from),
            (self.bought, into),
        )?];
        let results = closed.results().map_err(|_| LedgerError::TooLarge(JournalEvent::Realized))?;
        let results: Vec<(String, Money, Money)> =
            results.into_iter().map(|(pair, gain, loss)| (pair.to_string(), gain, loss)).collect();
        transactions.extend(journal::realized(fact, &results)?);
        if let Some(charge) = &self.charge {
            transactions.extend(journal::bank_charged(fact, &charge.place.account(), charge.amount)?);
        }
        Ok(transactions)
    }
}
