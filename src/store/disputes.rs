//! Disputes, and what we said in them.

use chrono::{DateTime, Utc};
use sqlx::any::AnyRow;

use crate::domain::disputes::{Answer, AnswerOutcome, Dispute, DisputeState};
use crate::domain::orders::Payment;
use crate::ids::{DisputeAnswerId, DisputeId, GatewayAccountId, MerchantId, PaymentId};

use super::row::Row;
use super::{Change, Column, Seek, Store, StoreError, Table, Value, Versioned};

/// Disputes; one for each of an account's at its gateway.
pub static DISPUTE: Table = Table {
    name: "dispute",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("payment_id"),
        Column::text("gateway_account_id"),
        Column::text("gateway"),
        Column::text("gateway_ref"),
        Column::text("capture_ref"),
        Column::int("amount"),
        Column::text("currency"),
        Column::text("reason"),
        Column::text("stage"),
        Column::text("state"),
        Column::text("word"),
        Column::int("deadline"),
        Column::text("money"),
        Column::int("opened_at"),
        Column::int("updated_at"),
        Column::int("closed_at"),
    ],
    unique: &[&[1, 3, 5]],
};

/// What we said in disputes.
pub static DISPUTE_ANSWER: Table = Table {
    name: "dispute_answer",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("dispute_id"),
        Column::text("said"),
        Column::text("outcome"),
        Column::int("created_at"),
    ],
    unique: &[],
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, merchant_id, payment_id, gateway_account_id, gateway, gateway_ref, capture_ref, amount, ",
            "currency, reason, stage, state, word, deadline, money, opened_at, updated_at, closed_at, version ",
            "FROM dispute ",
            $rest
        )
    };
}

macro_rules! answers {
    ($rest:literal) => {
        concat!(
            "SELECT id, merchant_id, dispute_id, said, outcome, created_at, version FROM dispute_answer ",
            $rest
        )
    };
}

/// Which disputes of a merchant.
#[derive(Debug, Clone, Default)]
pub struct DisputeFilter {
    /// In this state, `open` for all that are not decided.
    pub state: Option<String>,
    /// About this payment.
    pub payment: Option<PaymentId>,
    /// From where.
    pub seek: Seek<DisputeId>,
    /// At most this many.
    pub limit: u32,
}

impl Change {
    /// Writes a new dispute down.
    pub fn insert_dispute(&mut self, dispute: &Dispute) -> &mut Change {
        let mut values = vec![
            Value::text(dispute.id),
            Value::text(dispute.merchant),
            Value::text(dispute.payment),
            Value::text(dispute.account),
            dispute.gateway.as_str().into(),
            dispute.gateway_ref.as_str().into(),
            dispute.capture_ref.as_str().into(),
        ];
        values.extend(news(dispute).into_iter().map(|(_, value)| value));
        values.insert(15, dispute.opened_at.into());
        self.insert(&DISPUTE, values)
    }

    /// Writes what a dispute has become.
    pub fn update_dispute(&mut self, dispute: &Dispute, version: i64) -> &mut Change {
        self.update(&DISPUTE, dispute.id, version, news(dispute))
    }

    /// Writes down what we are about to say.
    pub fn insert_answer(&mut self, answer: &Answer) -> &mut Change {
        self.insert(
            &DISPUTE_ANSWER,
            vec![
                Value::text(answer.id),
                Value::text(answer.merchant),
                Value::text(answer.dispute),
                // Plain data: serialising it to a string cannot fail.
                Value::Text(serde_json::to_string(&answer.kind).unwrap_or_default()),
                answer.outcome.as_str().into(),
                answer.created_at.into(),
            ],
        )
    }

    /// Writes what came of it.
    pub fn settle_answer(&mut self, answer: &Versioned<Answer>, outcome: AnswerOutcome) -> &mut Change {
        let set = vec![("outcome", outcome.as_str().into())];
        self.update(&DISPUTE_ANSWER, answer.value.id, answer.version, set)
    }
}

/// What changes, in the order of the columns.
fn news(dispute: &Dispute) -> Vec<(&'static str, Value)> {
    vec![
        ("amount", dispute.amount.minor().into()),
        ("currency", dispute.amount.currency().code().into()),
        ("reason", dispute.reason.as_str().into()),
        ("stage", dispute.stage.clone().into()),
        ("state", dispute.state.as_str().into()),
        ("word", dispute.word.as_str().into()),
        ("deadline", dispute.deadline.into()),
        // Plain data: serialising it to a string cannot fail.
        ("money", serde_json::to_string(&dispute.money).unwrap_or_default().into()),
        ("updated_at", dispute.updated_at.into()),
        ("closed_at", dispute.closed_at.into()),
    ]
}

impl Store {
    /// One dispute of a merchant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn dispute(
        &self,
        merchant: MerchantId,
        id: DisputeId,
    ) -> Result<Option<Versioned<Dispute>>, StoreError> {
        let query = sqlx::query(select!("WHERE merchant_id = $1 AND id = $2"))
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, read).await
    }

    /// An account's dispute by the gateway's id.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn dispute_at(
        &self,
        merchant: MerchantId,
        account: GatewayAccountId,
        gateway_ref: &str,
    ) -> Result<Option<Versioned<Dispute>>, StoreError> {
        let query =
            sqlx::query(select!("WHERE merchant_id = $1 AND gateway_account_id = $2 AND gateway_ref = $3"))
                .bind(merchant.to_string())
                .bind(account.to_string())
                .bind(gateway_ref);
        self.one(query, read).await
    }

    /// Every dispute about a payment, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn disputes_of(&self, payment: PaymentId) -> Result<Vec<Versioned<Dispute>>, StoreError> {
        let query = sqlx::query(select!("WHERE payment_id = $1 ORDER BY id")).bind(payment.to_string());
        self.all(query, read).await
    }

    /// Every dispute about any of these payments, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn disputes_about(&self, payments: &[PaymentId]) -> Result<Vec<Dispute>, StoreError> {
        if payments.is_empty() {
            return Ok(vec![]);
        }
        let binds: Vec<String> = (1..=payments.len()).map(|place| format!("${place}")).collect();
        let sql = format!("{} WHERE payment_id IN ({}) ORDER BY id", select!(""), binds.join(", "));
        let query = sqlx::query(sqlx::AssertSqlSafe(sql));
        let query = payments.iter().fold(query, |query, id| query.bind(id.to_string()));
        self.all(query, |row| read(row).map(|dispute| dispute.value)).await
    }

    /// How many disputes are not decided, and when the first of those that wait for us has to be answered.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn disputes_waiting(&self) -> Result<(i64, Option<DateTime<Utc>>), StoreError> {
        let row = sqlx::query(
            "SELECT CAST(COUNT(*) AS BIGINT) AS n,
                    MIN(CASE WHEN state = 'needs_response' THEN deadline END) AS soonest
             FROM dispute WHERE closed_at IS NULL",
        )
        .fetch_one(self.reads())
        .await?;
        let row = Row::of("dispute", &row);
        Ok((row.int("n")?, row.optional_time("soonest")?))
    }

    /// Disputes that are not decided, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_disputes(
        &self,
        after: Option<DisputeId>,
        limit: u32,
    ) -> Result<Vec<Versioned<Dispute>>, StoreError> {
        let query = sqlx::query(select!("WHERE closed_at IS NULL AND id > $1 ORDER BY id LIMIT $2"))
            .bind(after.map(|id| id.to_string()).unwrap_or_default())
            .bind(i64::from(limit));
        self.all(query, read).await
    }

    /// A merchant's disputes by id, newest last; in reading order.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn disputes(
        &self,
        merchant: MerchantId,
        filter: &DisputeFilter,
    ) -> Result<Vec<Dispute>, StoreError> {
        let sql = match filter.seek.is_backwards() {
            false => select!(
                "WHERE merchant_id = $1 AND id > $2 AND ($3 = '' OR payment_id = $3)
                 AND ($4 = '' OR state = $4 OR ($4 = 'open' AND closed_at IS NULL)) ORDER BY id LIMIT $5"
            ),
            true => select!(
                "WHERE merchant_id = $1 AND id < $2 AND ($3 = '' OR payment_id = $3)
                 AND ($4 = '' OR state = $4 OR ($4 = 'open' AND closed_at IS NULL)) ORDER BY id DESC LIMIT $5"
            ),
        };
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(filter.seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(filter.payment.map(|id| id.to_string()).unwrap_or_default())
            .bind(filter.state.clone().unwrap_or_default())
            .bind(i64::from(filter.limit));
        self.all(query, |row| read(row).map(|dispute| dispute.value)).await
    }

    /// What we said in a dispute, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn answers_in(&self, dispute: DisputeId) -> Result<Vec<Versioned<Answer>>, StoreError> {
        let query = sqlx::query(answers!("WHERE dispute_id = $1 ORDER BY id")).bind(dispute.to_string());
        self.all(query, read_answer).await
    }

    /// What we said and nobody knows the end of, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn unsettled_answers(
        &self,
        after: Option<DisputeAnswerId>,
        limit: u32,
    ) -> Result<Vec<Versioned<Answer>>, StoreError> {
        let query =
            sqlx::query(answers!("WHERE outcome IN ('open', 'unknown') AND id > $1 ORDER BY id LIMIT $2"))
                .bind(after.map(|id| id.to_string()).unwrap_or_default())
                .bind(i64::from(limit));
        self.all(query, read_answer).await
    }

    /// The payment of an account that a capture belongs to.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn payment_captured_as(
        &self,
        account: GatewayAccountId,
        capture_ref: &str,
    ) -> Result<Option<Versioned<Payment>>, StoreError> {
        let row =
            sqlx::query("SELECT * FROM payment WHERE gateway_account_id = $1 AND capture_ref = $2 LIMIT 1")
                .bind(account.to_string())
                .bind(capture_ref)
                .fetch_optional(self.reads())
                .await?;
        row.as_ref().map(|row| super::payments::read(Row::of("payment", row))).transpose()
    }
}

fn read(row: &AnyRow) -> Result<Versioned<Dispute>, StoreError> {
    let row = Row::of("dispute", row);
    let state = row.text("state")?;
    row.versioned(Dispute {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        payment: row.parse("payment_id")?,
        account: row.parse("gateway_account_id")?,
        gateway: row.text("gateway")?,
        gateway_ref: row.text("gateway_ref")?,
        capture_ref: row.text("capture_ref")?,
        amount: row.money("amount", "currency")?,
        reason: row.text("reason")?,
        stage: row.optional_text("stage")?,
        state: DisputeState::find(&state).ok_or_else(|| row.unreadable("state", state))?,
        word: row.text("word")?,
        deadline: row.optional_time("deadline")?,
        money: row.json("money")?,
        opened_at: row.time("opened_at")?,
        updated_at: row.time("updated_at")?,
        closed_at: row.optional_time("closed_at")?,
    })
}

fn read_answer(row: &AnyRow) -> Result<Versioned<Answer>, StoreError> {
    let row = Row::of("dispute_answer", row);
    let outcome = row.text("outcome")?;
    row.versioned(Answer {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        dispute: row.parse("dispute_id")?,
        kind: row.json("said")?,
        outcome: AnswerOutcome::find(&outcome).ok_or_else(|| row.unreadable("outcome", outcome))?,
        created_at: row.time("created_at")?,
    })
}
