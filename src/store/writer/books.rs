//! The ledger during a batch: the accounts it touches with their balances, read under the head row's lock, moved in
//! memory transaction by transaction, written once at the end.
//!
//! A change's transactions are posted together or not at all; the floor of every account they touch is checked on
//! where the account stands after the whole change.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::domain::ledger::balance::below_floor;
use crate::domain::ledger::{Account, BlockHash, JournalEvent, Layer, LedgerTransaction};
use crate::ids::MerchantId;
use crate::money::{Currency, Money};
use crate::store::{CommitError, Value};

use super::session::Session;
use super::statement::{Row, StatementError};
use super::tables;

/// What tells ledger accounts apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct AccountKey {
    pub merchant: MerchantId,
    pub account: Account,
    pub currency: Currency,
    pub layer: Layer,
}

/// Where an account stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Standing {
    pub id: i64,
    pub balance: i64,
    pub seq: i64,
}

/// An entry to be written.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub key: AccountKey,
    pub standing: Standing,
    pub amount: i64,
    pub position: i64,
}

/// A transaction to be written.
#[derive(Debug, Clone)]
pub(super) struct Booked<'a> {
    pub number: i64,
    pub transaction: &'a LedgerTransaction,
    pub entries: Vec<Entry>,
}

/// The head row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub seq: i64,
    pub hash: BlockHash,
    /// The last transaction's number.
    pub number: i64,
    /// The last account's id.
    pub accounts: i64,
    pub recorded_at: i64,
}

type Fact = (MerchantId, &'static str, String);

/// The books of a batch.
#[derive(Debug)]
pub(super) struct Books<'a> {
    pub head: Head,
    standings: HashMap<AccountKey, Standing>,
    booked: HashSet<Fact>,
    pub posted: Vec<Booked<'a>>,
    /// Accounts that existed before and move.
    pub moved: BTreeMap<i64, AccountKey>,
    /// Accounts that this batch opens.
    pub opened: BTreeMap<i64, AccountKey>,
}

impl<'a> Books<'a> {
    /// Reads the facts and accounts these transactions meet. `known` remembers account ids between batches.
    pub async fn read(
        session: &mut Session,
        head: Head,
        transactions: impl Iterator<Item = &'a LedgerTransaction> + Clone,
        known: &HashMap<AccountKey, i64>,
    ) -> Result<Books<'a>, StatementError> {
        let booked = read_facts(session, transactions.clone()).await?;
        let keys: HashSet<AccountKey> = transactions.flat_map(keys_of).collect();
        let standings = read_standings(session, keys, known).await?;
        Ok(Books {
            head,
            standings,
            booked,
            posted: Vec::new(),
            moved: BTreeMap::new(),
            opened: BTreeMap::new(),
        })
    }

    /// Where an account stands now.
    pub fn standing(&self, key: &AccountKey) -> Option<Standing> {
        self.standings.get(key).copied()
    }

    /// Posts the transactions of one change, or none of them.
    pub fn post(&mut self, transactions: &'a [LedgerTransaction]) -> Result<(), CommitError> {
        let mut moves: HashMap<AccountKey, Standing> = HashMap::new();
        let mut facts: HashSet<Fact> = HashSet::new();
        let mut head = self.head;
        let mut opened = Vec::new();
        let mut posted = Vec::with_capacity(transactions.len());
        for transaction in transactions {
            let fact = fact_of(transaction);
            let is_booked = |fact: &Fact| self.booked.contains(fact) || facts.contains(fact);
            let twice = is_booked(&fact) || told_apart(transaction).any(|other| is_booked(&other));
            if twice || !facts.insert(fact) {
                let event = transaction.event().as_str();
                return Err(CommitError::AlreadyBooked { event, fact: transaction.source().to_owned() });
            }
            head.number += 1;
            let mut entries = Vec::with_capacity(transaction.postings().len());
            for ((key, posting), position) in keys_of(transaction).zip(transaction.postings()).zip(0_i64..) {
                let before = moves.get(&key).copied().or_else(|| self.standing(&key)).unwrap_or_else(|| {
                    head.accounts += 1;
                    opened.push((head.accounts, key.clone()));
                    Standing { id: head.accounts, balance: 0, seq: 0 }
                });
                let amount = posting.signed_minor();
                let too_large = || CommitError::TooLarge { account: key.account.clone() };
                let balance = before.balance.checked_add(amount).ok_or_else(too_large)?;
                let standing = Standing { balance, seq: before.seq + 1, ..before };
                moves.insert(key.clone(), standing);
                entries.push(Entry { key, standing, amount, position });
            }
            posted.push(Booked { number: head.number, transaction, entries });
        }
        for (key, standing) in &moves {
            check_floor(key, standing.balance)?;
        }
        self.head = head;
        self.booked.extend(facts);
        self.opened.extend(opened);
        for (key, standing) in moves {
            if !self.opened.contains_key(&standing.id) {
                self.moved.insert(standing.id, key.clone());
            }
            self.standings.insert(key, standing);
        }
        self.posted.extend(posted);
        Ok(())
    }
}

/// The balance on the account's normal side may not be below zero where the chart says so.
fn check_floor(key: &AccountKey, balance: i64) -> Result<(), CommitError> {
    match below_floor(key.account.code, Money::from_minor(balance, key.currency)) {
        Some(balance) => Err(CommitError::BelowFloor { account: key.account.clone(), balance }),
        None => Ok(()),
    }
}

fn keys_of(transaction: &LedgerTransaction) -> impl Iterator<Item = AccountKey> + '_ {
    transaction.postings().iter().map(|posting| AccountKey {
        merchant: transaction.merchant(),
        account: posting.account.clone(),
        currency: posting.amount.currency(),
        layer: posting.layer,
    })
}

fn fact_of(transaction: &LedgerTransaction) -> Fact {
    (transaction.merchant(), transaction.event().as_str(), transaction.source().to_owned())
}

/// One capture's money under another name: nobody's, or a payment's. Whoever books it second has not seen the first.
fn told_apart(transaction: &LedgerTransaction) -> impl Iterator<Item = Fact> + '_ {
    let others: &[JournalEvent] = match transaction.event() {
        JournalEvent::Captured | JournalEvent::CapturedTwice => &[JournalEvent::CapturedUnmatched],
        JournalEvent::CapturedUnmatched => &[JournalEvent::Captured, JournalEvent::CapturedTwice],
        _ => &[],
    };
    let (merchant, source) = (transaction.merchant(), transaction.source());
    others.iter().map(move |event| (merchant, event.as_str(), source.to_owned()))
}

async fn read_facts<'a>(
    session: &mut Session,
    transactions: impl Iterator<Item = &'a LedgerTransaction>,
) -> Result<HashSet<Fact>, StatementError> {
    let wanted: HashSet<Fact> = transactions.flat_map(|one| told_apart(one).chain([fact_of(one)])).collect();
    let keys: Vec<Row> = wanted
        .iter()
        .map(|(merchant, event, source)| vec![Value::text(merchant), (*event).into(), source.as_str().into()])
        .collect();
    let found: HashSet<Row> = session.look_up(&tables::FACTS, &keys).await?.into_iter().collect();
    Ok(wanted.into_iter().zip(keys).filter(|(_, key)| found.contains(key)).map(|(fact, _)| fact).collect())
}

async fn read_standings(
    session: &mut Session,
    keys: HashSet<AccountKey>,
    known: &HashMap<AccountKey, i64>,
) -> Result<HashMap<AccountKey, Standing>, StatementError> {
    let (mut by_id, strangers): (Vec<_>, Vec<_>) =
        keys.into_iter().map(|key| (known.get(&key).copied(), key)).partition(|(id, _)| id.is_some());
    let rows: Vec<Row> = strangers.iter().map(|(_, key)| key.row()).collect();
    let found: HashMap<Row, i64> = session
        .look_up(&tables::ACCOUNT_IDS, &rows)
        .await?
        .into_iter()
        .filter_map(|mut row| match row.pop() {
            Some(Value::Int(id)) => Some((row, id)),
            _ => None,
        })
        .collect();
    by_id.extend(
        strangers.into_iter().zip(rows).filter_map(|((_, key), row)| Some((Some(*found.get(&row)?), key))),
    );
    let mut ids: HashMap<i64, AccountKey> =
        by_id.into_iter().filter_map(|(id, key)| Some((id?, key))).collect();
    let mut wanted: Vec<i64> = ids.keys().copied().collect();
    wanted.sort_unstable();
    let rows: Vec<Row> = wanted.into_iter().map(|id| vec![id.into()]).collect();
    let mut standings = HashMap::with_capacity(rows.len());
    for row in session.look_up(&tables::BALANCES, &rows).await? {
        if let [Value::Int(id), Value::Int(balance), Value::Int(seq)] = *row.as_slice()
            && let Some(key) = ids.remove(&id)
        {
            standings.insert(key, Standing { id, balance, seq });
        }
    }
    Ok(standings)
}

impl AccountKey {
    /// As the columns of the account's unique key.
    pub fn row(&self) -> Row {
        vec![
            Value::text(self.merchant),
            i64::from(self.account.code.number()).into(),
            self.account.owner.as_str().into(),
            self.currency.code().into(),
            self.layer.number().into(),
        ]
    }
}
