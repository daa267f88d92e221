//! What every journal event needs to know, and the lines it is written in.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::domain::ledger::{
    Account, AccountCode, AccountError, Direction, JournalEvent, Layer, LedgerError, LedgerTransaction,
    Owner, Posting,
};
use crate::domain::merchants::GatewayAccount;
use crate::ids::{IdSource, MerchantId, SupplierId};
use crate::money::Money;

/// Whose book, at which gateway, for which fact.
#[derive(Debug, Clone, Copy)]
pub struct Booking<'a> {
    /// Where transaction ids come from.
    pub ids: &'a IdSource,
    /// Whose book.
    pub merchant: MerchantId,
    /// Where the money is.
    pub account: &'a GatewayAccount,
    /// The fact, unique per event for ever: a capture's reference, a refund's id.
    pub source: &'a str,
    /// The payment, refund or finding that a reader follows.
    pub subject: &'a str,
    /// When it happened in the world.
    pub at: DateTime<Utc>,
}

/// What happened, apart from where: facts of no single gateway account are booked by it alone.
#[derive(Debug, Clone, Copy)]
pub struct Fact<'a> {
    /// Where transaction ids come from.
    pub ids: &'a IdSource,
    /// Whose book.
    pub merchant: MerchantId,
    /// The fact, unique per event for ever.
    pub source: &'a str,
    /// What a reader follows.
    pub subject: &'a str,
    /// When it happened in the world.
    pub at: DateTime<Utc>,
}

impl Fact<'_> {
    /// Posts the movements that are not zero; `None` when all are.
    ///
    /// # Errors
    /// [`LedgerError`] when they do not balance.
    pub fn post(
        &self,
        event: JournalEvent,
        movements: &[Movement],
    ) -> Result<Option<LedgerTransaction>, LedgerError> {
        self.build(Layer::Posted, event, movements)
    }

    fn build(
        &self,
        layer: Layer,
        event: JournalEvent,
        movements: &[Movement],
    ) -> Result<Option<LedgerTransaction>, LedgerError> {
        let moving = movements.iter().filter(|movement| !movement.amount.is_zero());
        let postings: Vec<Posting> = moving.map(|movement| Posting { layer, ..movement.posting() }).collect();
        if postings.is_empty() {
            return Ok(None);
        }
        let id = self.ids.mint();
        let transaction =
            LedgerTransaction::try_new(id, self.merchant, event, self.source, self.at, postings)?;
        Ok(Some(transaction.about(self.subject)))
    }
}

/// A signed movement of one account, debit minus credit: what a decision looks like before it is posted, and as it is
/// stored so that it can be undone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Movement {
    /// Which account.
    pub account: Account,
    /// Debit minus credit.
    pub amount: Money,
}

impl Movement {
    /// A debit.
    pub fn debit(account: Account, amount: Money) -> Movement {
        Movement { account, amount }
    }

    /// A credit.
    pub fn credit(account: Account, amount: Money) -> Movement {
        Movement { account, amount: amount.negated() }
    }

    /// The other way round.
    #[must_use]
    pub fn reversed(&self) -> Movement {
        Movement { account: self.account.clone(), amount: self.amount.negated() }
    }

    pub(super) fn posting(&self) -> Posting {
        if self.amount.is_negative() {
            Posting::credit(self.account.clone(), self.amount.abs())
        } else {
            Posting::debit(self.account.clone(), self.amount)
        }
    }
}

impl Booking<'_> {
    /// The same booking for another fact.
    pub fn of<'b>(&'b self, source: &'b str) -> Booking<'b> {
        Booking { source, ..*self }
    }

    /// Posts the movements that are not zero; `None` when all are.
    ///
    /// # Errors
    /// [`LedgerError`] when they do not balance.
    pub fn post(
        &self,
        event: JournalEvent,
        movements: &[Movement],
    ) -> Result<Option<LedgerTransaction>, LedgerError> {
        self.post_in(Layer::Posted, event, movements)
    }

    /// The same in the layer of what is expected: no posted balance, statement or payout knows of it.
    ///
    /// # Errors
    /// [`LedgerError`] when they do not balance.
    pub fn expect(
        &self,
        event: JournalEvent,
        movements: &[Movement],
    ) -> Result<Option<LedgerTransaction>, LedgerError> {
        self.post_in(Layer::Pending, event, movements)
    }

    fn post_in(
        &self,
        layer: Layer,
        event: JournalEvent,
        movements: &[Movement],
    ) -> Result<Option<LedgerTransaction>, LedgerError> {
        let fact = Fact {
            ids: self.ids,
            merchant: self.merchant,
            source: self.source,
            subject: self.subject,
            at: self.at,
        };
        fact.build(layer, event, movements)
    }

    /// An account that is told apart by the gateway account alone.
    pub fn at_gateway(&self, code: AccountCode) -> Account {
        Account::new(code, Owner::of(&self.account.name))
    }

    /// Where captured money stands: spendable (1110), or owed until the sweep (1100).
    pub fn landing(&self) -> Account {
        let spendable = self.account.lands_on_balance();
        self.at_gateway(if spendable {
            AccountCode::GATEWAY_BALANCE
        } else {
            AccountCode::GATEWAY_RECEIVABLE
        })
    }

    /// A bucket of a supplier.
    pub fn of_supplier(&self, code: AccountCode, supplier: SupplierId) -> Account {
        Account::new(code, Owner::of(supplier))
    }

    /// An account without dimensions.
    pub fn plain(&self, code: AccountCode) -> Account {
        Account::new(code, Owner::none())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    account: u16,
    owner: String,
    direction: String,
    amount: Money,
}

/// `{"account":2100,"owner":"sup_…","direction":"debit","amount":{money}}`.
impl Serialize for Movement {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let posting = self.posting();
        let direction = if posting.direction == Direction::Debit { "debit" } else { "credit" };
        Stored {
            account: posting.account.code.number(),
            owner: posting.account.owner.as_str().to_owned(),
            direction: direction.to_owned(),
            amount: posting.amount,
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Movement {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Stored::deserialize(deserializer)?;
        let code = AccountCode::find(stored.account)
            .map_err(|error: AccountError| serde::de::Error::custom(error))?;
        let account = Account::new(code, Owner::of(stored.owner));
        match stored.direction.as_str() {
            "debit" => Ok(Movement::debit(account, stored.amount)),
            "credit" => Ok(Movement::credit(account, stored.amount)),
            other => Err(serde::de::Error::custom(format!("`{other}` is neither debit nor credit"))),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::{Clock, from_micros};
    use crate::domain::merchants::{AvailableWhen, FundsFlow, FxPoint, Recharge, SettlementMode};
    use crate::money::Currency;

    /// A booking at an account called `paypal` whose money is spendable at once.
    pub fn with_booking<T>(run: impl FnOnce(&Booking<'_>) -> T) -> T {
        let clock = Clock::fixed(from_micros(1_795_000_000_000_000));
        let ids = IdSource::seeded(clock.clone(), 1);
        let merchant = ids.mint();
        let account = GatewayAccount {
            id: ids.mint(),
            merchant,
            gateway: "paypal".to_owned(),
            name: "paypal".to_owned(),
            funds_flow: FundsFlow::PlatformCollects,
            recharge: Recharge::Actual,
            unreturned_fee: None,
            available_when: AvailableWhen::GatewayAvailable,
            fx_point: FxPoint::Capture,
            settlement: SettlementMode::NetAtCapture,
            holds: vec![],
        };
        let (source, subject, at) = ("capture-1", "pay_1", clock.now());
        run(&Booking { ids: &ids, merchant, account: &account, source, subject, at })
    }

    pub fn with_fact<T>(run: impl FnOnce(&Fact<'_>) -> T) -> T {
        with_booking(|booking| {
            let Booking { ids, merchant, source, subject, at, .. } = *booking;
            run(&Fact { ids, merchant, source, subject, at })
        })
    }

    pub fn supplier(booking: &Booking<'_>) -> SupplierId {
        booking.ids.mint()
    }

    /// Any amount from nothing to the API's largest.
    pub fn amount(currency: &'static str) -> impl Strategy<Value = Money> {
        (0..Money::INPUT_LIMIT).prop_map(move |minor| {
            Money::from_minor(minor, Currency::find(currency).unwrap_or_else(|_| unreachable!()))
        })
    }

    /// `LedgerTransaction` refuses whatever does not balance, so that being built is the proof.
    pub fn assert_balances(built: Result<Option<LedgerTransaction>, LedgerError>) {
        if let Err(error) = built {
            panic!("{error}");
        }
    }

    #[test]
    fn a_movement_is_stored_above_zero_with_its_side() {
        let sgd = Currency::find("SGD").expect("in the table");
        let account = Account::new(AccountCode::SUSPENSE, Owner::of("paypal"));
        let movement = Movement::credit(account, Money::from_minor(1234, sgd));
        let text = serde_json::to_string(&movement).expect("serialises");
        assert_eq!(
            text,
            r#"{"account":2900,"owner":"paypal","direction":"credit","amount":{"amount":"12.34","currency":"SGD"}}"#
        );
        assert_eq!(serde_json::from_str::<Movement>(&text).expect("reads back"), movement);
    }
}
