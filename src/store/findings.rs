//! Findings: rows that wait for a decision.

use sqlx::AssertSqlSafe;
use sqlx::any::AnyRow;

use crate::domain::findings::{Finding, FindingKind, FindingState};
use crate::ids::{FindingId, MerchantId, PaymentId};
use crate::money::Money;

use super::row::Row;
use super::{Change, Column, Seek, Store, StoreError, Table, Value, Versioned};

/// Findings; one of a kind about one fact.
pub static FINDING: Table = Table {
    name: "finding",
    columns: &[
        Column::text("id"),
        Column::text("merchant_id"),
        Column::text("kind"),
        Column::text("gateway_account"),
        Column::text("payment_id"),
        Column::text("fact"),
        Column::int("amount"),
        Column::text("currency"),
        Column::text("detail"),
        Column::text("state"),
        Column::text("decision"),
        Column::int("opened_at"),
    ],
    unique: &[&[1, 2, 5]],
};

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, merchant_id, kind, gateway_account, payment_id, fact, amount, currency, detail, decision, ",
            "opened_at, version FROM finding ",
            $rest
        )
    };
}

/// Which findings; by default all.
#[derive(Debug, Clone, Copy, Default)]
pub struct FindingFilter {
    /// `open`, `proposed` or `resolved`.
    pub state: Option<&'static str>,
    /// Of one kind.
    pub kind: Option<FindingKind>,
    /// About one payment.
    pub payment: Option<PaymentId>,
}

impl Change {
    /// Opens a finding. A second one of the same kind about the same fact is a lost update: it is open already.
    pub fn open_finding(&mut self, finding: &Finding) -> &mut Change {
        self.insert(
            &FINDING,
            vec![
                Value::text(finding.id),
                Value::text(finding.merchant),
                finding.kind.as_str().into(),
                finding.gateway_account.as_str().into(),
                finding.payment.clone().into(),
                finding.fact.as_str().into(),
                finding.amount.map(Money::minor).into(),
                finding.amount.map(|amount| amount.currency().code()).into(),
                finding.detail.as_str().into(),
                finding.state.as_str().into(),
                decision(&finding.state),
                finding.opened_at.into(),
            ],
        )
    }

    /// Writes a proposal or decision.
    pub fn decide_finding(&mut self, finding: &Versioned<Finding>, state: &FindingState) -> &mut Change {
        self.decide_finding_of(finding, state, None)
    }

    /// The same, where the decision says which payment it is about from now on.
    pub fn decide_finding_of(
        &mut self,
        finding: &Versioned<Finding>,
        state: &FindingState,
        payment: Option<PaymentId>,
    ) -> &mut Change {
        let mut set = vec![("state", state.as_str().into()), ("decision", decision(state))];
        set.extend(payment.map(|payment| ("payment_id", Value::text(payment))));
        self.update(&FINDING, finding.value.id, finding.version, set)
    }

    /// Opens a decided finding again with what is seen now: its amount and detail.
    pub fn open_finding_again(&mut self, finding: &Versioned<Finding>) -> &mut Change {
        let Finding { id, amount, detail, .. } = &finding.value;
        let state = FindingState::Open;
        let set = vec![
            ("state", state.as_str().into()),
            ("decision", decision(&state)),
            ("amount", amount.map(Money::minor).into()),
            ("currency", amount.map(|amount| amount.currency().code()).into()),
            ("detail", detail.as_str().into()),
        ];
        self.update(&FINDING, *id, finding.version, set)
    }

    /// Nobody decides the finding while this is written.
    pub fn require_finding(&mut self, finding: &Versioned<Finding>) -> &mut Change {
        self.require(&FINDING, finding.value.id, finding.version)
    }
}

fn decision(state: &FindingState) -> Value {
    // The state is plain data: serialising it to a string cannot fail.
    Value::Text(serde_json::to_string(state).unwrap_or_default())
}

impl Store {
    /// One finding of a merchant.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finding(
        &self,
        merchant: MerchantId,
        id: FindingId,
    ) -> Result<Option<Versioned<Finding>>, StoreError> {
        let query = sqlx::query(select!("WHERE merchant_id = $1 AND id = $2"))
            .bind(merchant.to_string())
            .bind(id.to_string());
        self.one(query, read).await
    }

    /// The finding of a kind about a fact, if it was opened.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn finding_about(
        &self,
        merchant: MerchantId,
        kind: FindingKind,
        fact: &str,
    ) -> Result<Option<Versioned<Finding>>, StoreError> {
        let query = sqlx::query(select!("WHERE merchant_id = $1 AND kind = $2 AND fact = $3"))
            .bind(merchant.to_string())
            .bind(kind.as_str())
            .bind(fact);
        self.one(query, read).await
    }

    /// What nobody has decided about a fact, whatever its kind, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn undecided_about(
        &self,
        merchant: MerchantId,
        fact: &str,
    ) -> Result<Vec<Versioned<Finding>>, StoreError> {
        // By the index of kind and fact: a few seeks, however many findings there are.
        let kinds: Vec<String> = FindingKind::ALL.iter().map(|kind| format!("'{}'", kind.as_str())).collect();
        let select = select!("WHERE merchant_id = $1 AND fact = $2 AND state <> 'resolved' AND kind IN");
        let sql = format!("{select} ({}) ORDER BY id", kinds.join(", "));
        let query = sqlx::query(AssertSqlSafe(sql)).bind(merchant.to_string()).bind(fact.to_owned());
        self.all(query, read).await
    }

    /// What is open of a kind at one gateway or bank account, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn open_of_kind(
        &self,
        merchant: MerchantId,
        kind: FindingKind,
        account: &str,
        limit: i64,
    ) -> Result<Vec<Finding>, StoreError> {
        let select = select!(
            "WHERE merchant_id = $1 AND kind = $2 AND gateway_account = $3 AND state = 'open' ORDER BY id LIMIT $4"
        );
        let query = sqlx::query(select)
            .bind(merchant.to_string())
            .bind(kind.as_str())
            .bind(account.to_owned())
            .bind(limit);
        self.all(query, |row| read(row).map(|finding| finding.value)).await
    }

    /// What nobody has decided of a kind at one gateway or bank account, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn undecided_of_kind(
        &self,
        merchant: MerchantId,
        kind: FindingKind,
        account: &str,
    ) -> Result<Vec<Versioned<Finding>>, StoreError> {
        let select = select!(
            "WHERE merchant_id = $1 AND kind = $2 AND gateway_account = $3 AND state <> 'resolved' ORDER BY id"
        );
        let query =
            sqlx::query(select).bind(merchant.to_string()).bind(kind.as_str()).bind(account.to_owned());
        self.all(query, read).await
    }

    /// Every finding about a payment, oldest first.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn findings_of(
        &self,
        merchant: MerchantId,
        payment: PaymentId,
    ) -> Result<Vec<Versioned<Finding>>, StoreError> {
        let query = sqlx::query(select!("WHERE merchant_id = $1 AND payment_id = $2 ORDER BY id"))
            .bind(merchant.to_string())
            .bind(payment.to_string());
        self.all(query, read).await
    }

    /// A merchant's findings in reading order, newest last, as far as `only` wants them.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn findings(
        &self,
        merchant: MerchantId,
        only: FindingFilter,
        seek: Seek<FindingId>,
        limit: u32,
    ) -> Result<Vec<Finding>, StoreError> {
        let sql = match seek.is_backwards() {
            false => select!(
                "WHERE merchant_id = $1 AND ($2 = '' OR state = $2) AND ($3 = '' OR kind = $3)
                    AND ($4 = '' OR payment_id = $4) AND id > $5 ORDER BY id LIMIT $6"
            ),
            true => select!(
                "WHERE merchant_id = $1 AND ($2 = '' OR state = $2) AND ($3 = '' OR kind = $3)
                    AND ($4 = '' OR payment_id = $4) AND id < $5 ORDER BY id DESC LIMIT $6"
            ),
        };
        let query = sqlx::query(sql)
            .bind(merchant.to_string())
            .bind(only.state.unwrap_or_default())
            .bind(only.kind.map(FindingKind::as_str).unwrap_or_default())
            .bind(only.payment.map(|payment| payment.to_string()).unwrap_or_default())
            .bind(seek.key().map(ToString::to_string).unwrap_or_default())
            .bind(i64::from(limit));
        self.all(query, |row| read(row).map(|finding| finding.value)).await
    }
}

fn read(row: &AnyRow) -> Result<Versioned<Finding>, StoreError> {
    let row = Row::of("finding", row);
    let amount = match row.optional_text("currency")? {
        Some(_) => Some(row.money("amount", "currency")?),
        None => None,
    };
    let kind = row.text("kind")?;
    row.versioned(Finding {
        id: row.parse("id")?,
        merchant: row.parse("merchant_id")?,
        kind: FindingKind::find(&kind).ok_or_else(|| row.unreadable("kind", kind))?,
        gateway_account: row.text("gateway_account")?,
        payment: row.optional_text("payment_id")?,
        fact: row.text("fact")?,
        amount,
        detail: row.text("detail")?,
        state: row.json("decision")?,
        opened_at: row.time("opened_at")?,
    })
}
