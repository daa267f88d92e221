//! A merchant's book to post into: what the store's tests have in common.

use chrono::{DateTime, Utc};
use straits::clock::{Clock, from_micros};
use straits::domain::ledger::{Account, AccountCode, JournalEvent, LedgerTransaction, Owner, Posting};
use straits::ids::{IdSource, MerchantId, PaymentId, SupplierId};
use straits::money::{Currency, Money};
use straits::store::Change;

/// Singapore dollars.
pub fn sgd(minor: i64) -> Money {
    Money::from_minor(minor, Currency::find("SGD").unwrap())
}

/// A merchant, suppliers, and ids for what happens.
pub struct Book {
    pub ids: IdSource,
    pub merchant: MerchantId,
    pub suppliers: Vec<SupplierId>,
}

impl Book {
    pub fn new(clock: &Clock, suppliers: usize) -> Book {
        let ids = IdSource::random(clock.clone());
        let merchant = ids.mint();
        let suppliers = (0..suppliers).map(|_| ids.mint()).collect();
        Book { ids, merchant, suppliers }
    }

    /// The merchant's money at its gateway.
    pub fn gateway(&self) -> Account {
        Account::new(AccountCode::GATEWAY_BALANCE, Owner::of("paypal"))
    }

    /// What a supplier has earned.
    pub fn pending(&self, supplier: usize) -> Account {
        Account::new(AccountCode::SUPPLIER_PENDING, Owner::of(self.suppliers[supplier]))
    }

    /// Money lands at the gateway and is owed to a supplier.
    pub fn earned(&self, supplier: usize, source: &str, amount: Money) -> LedgerTransaction {
        let postings =
            vec![Posting::debit(self.gateway(), amount), Posting::credit(self.pending(supplier), amount)];
        self.transaction(JournalEvent::Split, source, postings).about(self.ids.mint::<PaymentId>())
    }

    /// The way back.
    pub fn taken_back(&self, supplier: usize, source: &str, amount: Money) -> LedgerTransaction {
        let postings =
            vec![Posting::debit(self.pending(supplier), amount), Posting::credit(self.gateway(), amount)];
        self.transaction(JournalEvent::Reversed, source, postings)
    }

    pub fn transaction(
        &self,
        event: JournalEvent,
        source: &str,
        postings: Vec<Posting>,
    ) -> LedgerTransaction {
        LedgerTransaction::try_new(self.ids.mint(), self.merchant, event, source, happened(), postings)
            .unwrap()
    }
}

/// When everything in these tests happened.
pub fn happened() -> DateTime<Utc> {
    from_micros(1_794_900_000_000_000)
}

/// A change that posts one transaction.
pub fn posting(transaction: LedgerTransaction) -> Change {
    let mut change = Change::new();
    change.post(transaction);
    change
}
