//! Manual journals: one user drafts, another books or rejects.
//!
//! What is booked is exactly what was drafted. A journal is not dated into a closed period or into the future, floors hold
//! as for every posting, and a wrong journal is undone by another one, once.

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::json;

use crate::clock::Clock;
use crate::domain::access::{Hand, NotSecond};
use crate::domain::journals::{Journal, JournalError, JournalLine, JournalState, Template, movements};
use crate::domain::ledger::{AccountCode, Layer, journal};
use crate::domain::merchants::BankAccountKind;
use crate::domain::statements::Period;
use crate::ids::{IdSource, JournalId, MerchantId, SupplierId, UserId};
use crate::money::{Currency, Money};
use crate::store::journals::JOURNAL;
use crate::store::periods::PERIOD_CLOSE;
use crate::store::{Change, CommitError, Store, StoreError, Versioned};

/// The flow; clones share what it works with.
#[derive(Debug, Clone)]
pub struct Journals {
    /// Reads, and the one writer.
    pub store: Store,
    /// Ids.
    pub ids: IdSource,
    /// Business time.
    pub clock: Clock,
}

/// Why nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum JournalFlowError {
    /// No such journal of this merchant.
    #[error("there is no such journal")]
    Unknown,
    /// The lines are no journal.
    #[error(transparent)]
    Refused(#[from] JournalError),
    /// The date lies in a closed period.
    #[error("{date} lies in the period that was closed until {until}; date it later")]
    PeriodClosed {
        /// The value date.
        date: NaiveDate,
        /// The last closed day.
        until: NaiveDate,
    },
    /// Whoever decides is no second person beside the drafter.
    #[error(transparent)]
    NotSecond(#[from] NotSecond),
    /// It is decided.
    #[error("the journal is `{0}`")]
    Decided(&'static str),
    /// It cannot be undone.
    #[error("{0}")]
    NotReversible(&'static str),
    /// The writer refused: floors, races.
    #[error(transparent)]
    Commit(#[from] CommitError),
    /// The books cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Journals {
    /// Writes a draft down, with `extra`.
    ///
    /// # Errors
    /// [`JournalFlowError`]; nothing was written.
    #[expect(clippy::too_many_arguments, reason = "a draft has this many sides")]
    pub async fn draft(
        &self,
        merchant: MerchantId,
        user: UserId,
        id: JournalId,
        template: &Template,
        reason: &str,
        value_date: Option<NaiveDate>,
        extra: Change,
    ) -> Result<Journal, JournalFlowError> {
        let now = self.clock.now();
        let today = self.today(merchant).await?;
        let mut change = extra;
        let (lines, reverses) = match template {
            Template::Reversal { journal } => {
                let undone = self.undone(merchant, *journal).await?;
                // Of several that undo it at once, one is written.
                change.update(&JOURNAL, *journal, undone.version, vec![]);
                (undone.value.lines.iter().map(JournalLine::reversed).collect(), Some(*journal))
            }
            template => (self.lines_of(merchant, template).await?, None),
        };
        let journal = Journal {
            id,
            merchant,
            template: template.as_str(),
            reason: reason.to_owned(),
            value_date: value_date.unwrap_or(today.from()),
            lines,
            reverses,
            state: JournalState::Draft,
            proposed_by: user,
            created_at: now,
        };
        self.check(&journal, today).await?;
        change.insert_journal(&journal);
        self.store.commit(change).await?;
        Ok(journal)
    }

    /// Another user's word: booked, or rejected; with `extra`. Whoever drafted it may take it back.
    ///
    /// # Errors
    /// [`JournalFlowError`]; nothing was written.
    pub async fn decide(
        &self,
        merchant: MerchantId,
        hand: Hand,
        id: JournalId,
        approve: bool,
        extra: Change,
    ) -> Result<Journal, JournalFlowError> {
        let found = self.store.journal(merchant, id).await?.ok_or(JournalFlowError::Unknown)?;
        if found.value.state != JournalState::Draft {
            return Err(JournalFlowError::Decided(found.value.state.as_str()));
        }
        let mut change = extra;
        let (user, at) = (hand.user, self.clock.now());
        let state = if approve {
            let drafter = found.value.proposed_by;
            let issuers = self.store.key_makers(merchant, &[drafter]).await?;
            hand.is_second(&[drafter], &issuers)?;
            let today = self.today(merchant).await?;
            // Read before what is closed: a period with this day in it that is closed meanwhile makes this change lose.
            for proposal in self.store.proposals_over(merchant, found.value.value_date).await? {
                change.require(&PERIOD_CLOSE, proposal.value.id, proposal.version);
            }
            self.check(&found.value, today).await?;
            let transaction = self.ids.mint();
            let day = Period::try_new(found.value.value_date, found.value.value_date, today.zone());
            // Dated today it happens now: a day's first instant lies before what caused it.
            let when = match day {
                Ok(day) if day.from() != today.from() => day.begins_at(),
                _ => at,
            };
            let moved = movements(&found.value.lines)?;
            let built = journal::manual(transaction, merchant, id, when, &moved);
            let refused = |error: crate::domain::ledger::LedgerError| JournalError {
                param: "template.lines".to_owned(),
                why: error.to_string(),
            };
            change.post(built.map_err(refused)?);
            JournalState::Booked { by: user, at, transaction }
        } else {
            JournalState::Rejected { by: user, at }
        };
        change.decide_journal(&found, &state);
        self.store.commit(change).await?;
        Ok(Journal { state, ..found.value })
    }

    async fn today(&self, merchant: MerchantId) -> Result<Period, JournalFlowError> {
        let merchant = self.store.merchant(merchant).await?.ok_or(JournalFlowError::Unknown)?;
        Ok(Period::day_of(self.clock.now(), merchant.zone))
    }

    /// Whether it can be booked as it stands.
    async fn check(&self, journal: &Journal, today: Period) -> Result<(), JournalFlowError> {
        let bad = |param: &str, why: String| JournalError { param: param.to_owned(), why };
        movements(&journal.lines)?;
        if journal.value_date > today.from() {
            return Err(bad("value_date", "a journal is not dated into the future".to_owned()).into());
        }
        if let Some(closed) = self.store.last_closed(journal.merchant).await?
            && journal.value_date <= closed.value.until
        {
            let (date, until) = (journal.value_date, closed.value.until);
            return Err(JournalFlowError::PeriodClosed { date, until });
        }
        for (nth, line) in journal.lines.iter().enumerate() {
            let Some(supplier) = line.supplier() else { continue };
            if self.store.supplier(journal.merchant, supplier).await?.is_none() {
                let why = format!("there is no supplier {supplier}");
                return Err(bad(&format!("template.lines[{nth}]"), why).into());
            }
        }
        // What stands under a wrong name is undone under it.
        if journal.reverses.is_none() { self.check_places(journal).await } else { Ok(()) }
    }

    /// Money lies at accounts that exist: a name mistyped would be a place of its own, and count as clients' money. A shop
    /// that has entered no bank account of its clients' money names them as it likes.
    async fn check_places(&self, journal: &Journal) -> Result<(), JournalFlowError> {
        let banks = self.store.all_bank_accounts(journal.merchant).await?;
        let clients =
            banks.iter().map(|row| &row.account).filter(|bank| bank.kind == BankAccountKind::Client);
        let clients: Vec<(&str, Currency)> =
            clients.map(|bank| (bank.name.as_str(), bank.currency)).collect();
        let gateways = self.store.gateway_accounts().await?;
        let gateways = gateways.iter().map(|row| &row.value.account);
        let gateways = gateways.filter(|account| account.merchant == journal.merchant);
        let gateways: Vec<&str> = gateways.map(|account| account.name.as_str()).collect();
        for (nth, line) in journal.lines.iter().enumerate() {
            let refused = |why: String| JournalError { param: format!("template.lines[{nth}]"), why };
            let is_clients = line.account == AccountCode::BANK_CLIENT.number() && !clients.is_empty();
            let bank = line.named("bank_account").filter(|_| is_clients);
            if let Some(bank) = bank.filter(|bank| !clients.contains(&(bank, line.amount.currency()))) {
                let currency = line.amount.currency();
                let of_currency = clients.iter().filter(|(_, own)| *own == currency);
                let known: Vec<&str> = of_currency.map(|(name, _)| *name).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let why = format!("no bank account `{bank}` holds clients' {currency}; there is: {known}");
                return Err(refused(why).into());
            }
            let gateway = line.named("gateway_account").filter(|_| !gateways.is_empty());
            if let Some(gateway) = gateway.filter(|gateway| !gateways.contains(gateway)) {
                let why =
                    format!("there is no gateway account `{gateway}`; there is: {}", gateways.join(", "));
                return Err(refused(why).into());
            }
        }
        Ok(())
    }

    /// The lines of a template; a write-off takes what is allowed for first.
    async fn lines_of(
        &self,
        merchant: MerchantId,
        template: &Template,
    ) -> Result<Vec<JournalLine>, JournalFlowError> {
        let mut allowed: Vec<Money> = Vec::new();
        if let Template::WriteOff { supplier, .. } = template {
            let code = AccountCode::SUPPLIER_RECEIVABLE_ALLOWANCE;
            let rows = self.store.ledger_balances(merchant, code, &supplier.to_string()).await?;
            allowed.extend(rows.iter().filter(|row| row.layer == Layer::Posted).map(|row| row.shown()));
        }
        let allowance = |_: SupplierId, currency: Currency| {
            let found = allowed.iter().find(|amount| amount.currency() == currency);
            found.copied().unwrap_or(Money::zero(currency))
        };
        Ok(template.lines(allowance))
    }

    /// A booked journal that nobody has undone, or is about to.
    async fn undone(
        &self,
        merchant: MerchantId,
        id: JournalId,
    ) -> Result<Versioned<Journal>, JournalFlowError> {
        let found = self.store.journal(merchant, id).await?.ok_or(JournalFlowError::Unknown)?;
        if !matches!(found.value.state, JournalState::Booked { .. }) {
            return Err(JournalFlowError::NotReversible("only a booked journal is undone"));
        }
        let earlier: Vec<Versioned<Journal>> = self.store.reversals_of(merchant, id).await?;
        if !earlier.is_empty() {
            return Err(JournalFlowError::NotReversible("the journal is undone already, or about to be"));
        }
        Ok(found)
    }

    /// The answer of the API.
    pub fn view(journal: &Journal) -> serde_json::Value {
        let (decided_by, decided_at, transaction) = match &journal.state {
            JournalState::Draft => (None, None, None),
            JournalState::Booked { by, at, transaction } => (Some(by), Some(at), Some(transaction)),
            JournalState::Rejected { by, at } => (Some(by), Some(at), None),
        };
        let decided_at: Option<DateTime<Utc>> = decided_at.copied();
        json!({
            "id": journal.id, "object": "journal", "state": journal.state.as_str(), "template": journal.template,
            "reason": journal.reason, "value_date": journal.value_date, "lines": journal.lines,
            "reverses": journal.reverses, "proposed_by": journal.proposed_by, "decided_by": decided_by,
            "decided_at": decided_at, "transaction": transaction, "created_at": journal.created_at,
        })
    }
}
