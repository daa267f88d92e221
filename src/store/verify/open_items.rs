//! Accounts on which money only rests while something is open: what lies there belongs to an item that says so.

use sqlx::AssertSqlSafe;

use crate::domain::ledger::audit::Check;
use crate::store::ledger::ITEM;
use crate::store::{Store, StoreError};

/// Name, what is seen when all is well, and a query for one account whose money has no open item.
const CHECKS: [(&str, &str, &str); 6] = [
    (
        "clearing",
        "2000: every captured payment is divided or has an open finding",
        "SELECT a.code, a.owner, a.currency, CAST(SUM(e.amount) AS BIGINT), COALESCE(t.subject, t.source)
         FROM ledger_account a
         JOIN ledger_entry e ON e.account_id = a.id
         JOIN ledger_transaction t ON t.number = e.transaction_number
         WHERE a.code = 2000 AND a.layer = 1 AND a.balance <> 0 AND NOT EXISTS (
             SELECT 1 FROM finding f
             WHERE f.merchant_id = t.merchant_id AND f.payment_id = t.subject AND f.state <> 'resolved')
         GROUP BY a.code, a.owner, a.currency, COALESCE(t.subject, t.source)
         HAVING SUM(e.amount) <> 0 LIMIT 1",
    ),
    (
        "expected",
        "pending layer: whatever is expected belongs to a payment that is pending",
        "SELECT a.code, a.owner, a.currency, CAST(SUM(e.amount) AS BIGINT), COALESCE(t.subject, t.source)
         FROM ledger_account a
         JOIN ledger_entry e ON e.account_id = a.id
         JOIN ledger_transaction t ON t.number = e.transaction_number
         WHERE a.layer = 0 AND a.balance <> 0 AND NOT EXISTS (
             SELECT 1 FROM payment p
             WHERE p.id = t.subject AND p.merchant_id = t.merchant_id AND p.state = 'pending')
         GROUP BY a.code, a.owner, a.currency, COALESCE(t.subject, t.source)
         HAVING SUM(e.amount) <> 0 LIMIT 1",
    ),
    (
        "cash_in_transit",
        "1140: what is on its way is what gateways have sent and no bank has credited",
        "SELECT a.code, MIN(a.owner), a.currency, CAST(SUM(a.balance) AS BIGINT), a.merchant_id
         FROM ledger_account a WHERE a.code = 1140 AND a.layer = 1
         GROUP BY a.code, a.merchant_id, a.currency
         HAVING SUM(a.balance) <> COALESCE((
             SELECT SUM(g.net) FROM gateway_settlement g WHERE g.merchant_id = a.merchant_id
             AND g.currency = a.currency AND g.state = 'in_transit'), 0)
         LIMIT 1",
    ),
    (
        "refunds_in_transit",
        "2020: what is on its way back is what the open refunds come to",
        "SELECT a.code, MIN(a.owner), a.currency, CAST(SUM(a.balance) AS BIGINT), a.merchant_id
         FROM ledger_account a WHERE a.code = 2020 AND a.layer = 1
         GROUP BY a.code, a.merchant_id, a.currency
         HAVING SUM(a.balance) <> -COALESCE((
             SELECT SUM(r.amount) FROM refund r WHERE r.merchant_id = a.merchant_id AND r.currency = a.currency
             AND r.state IN ('pending', 'awaiting_funds')), 0)
         LIMIT 1",
    ),
    (
        "payouts_in_transit",
        "2140: what is on its way to suppliers is what the open payouts come to",
        "SELECT a.code, MIN(a.owner), a.currency, CAST(SUM(a.balance) AS BIGINT), a.merchant_id
         FROM ledger_account a WHERE a.code = 2140 AND a.layer = 1
         GROUP BY a.code, a.merchant_id, a.currency
         HAVING SUM(a.balance) <> -COALESCE((
             SELECT SUM(p.amount) FROM payout p WHERE p.merchant_id = a.merchant_id AND p.currency = a.currency
             AND p.state IN ('held', 'sent', 'unknown')), 0)
         LIMIT 1",
    ),
    (
        "payouts_unclaimed",
        "2150: what suppliers have not taken is what the unclaimed payouts come to",
        "SELECT a.code, MIN(a.owner), a.currency, CAST(SUM(a.balance) AS BIGINT), a.merchant_id
         FROM ledger_account a WHERE a.code = 2150 AND a.layer = 1
         GROUP BY a.code, a.merchant_id, a.currency
         HAVING SUM(a.balance) <> -COALESCE((
             SELECT SUM(p.amount) FROM payout p WHERE p.merchant_id = a.merchant_id AND p.currency = a.currency
             AND p.state = 'unclaimed'), 0)
         LIMIT 1",
    ),
];

/// Events whose entries are of their own item, and explain no other's.
const OWN: &str = "'captured_unmatched', 'suspense_booked', 'suspense_resolved', 'refund_decided', 'refund_confirmed',
    'refund_failed', 'reversed', 'charged_back', 'chargeback_reversed', 'bank_unexplained', 'bank_credited', 'bank_matched',
    'bank_borne', 'payout_confirmed', 'payout_unclaimed', 'payout_claimed'";

/// Suspense, item by item: whatever does not come to nothing has a finding of its own that somebody still has to decide,
/// about it or about the payment that has it in review. What a person, a deal, a top-up or a line that takes another back
/// booked there explains some other item: beside such entries only what no finding is about has to come to nothing.
fn suspense() -> String {
    format!(
        "WITH part AS (
             SELECT a.id, a.merchant_id, a.code, a.owner, a.currency, e.amount, {ITEM} AS item,
                    CASE WHEN t.event IN ({OWN}) THEN 0 ELSE 1 END AS explains
             FROM ledger_account a
             JOIN ledger_entry e ON e.account_id = a.id
             JOIN ledger_transaction t ON t.number = e.transaction_number
             WHERE a.code = 2900 AND a.layer = 1),
         whole AS (
             SELECT id, merchant_id, code, owner, currency, item, SUM(amount) AS amount, MAX(explains) AS explains
             FROM part GROUP BY id, merchant_id, code, owner, currency, item HAVING SUM(amount) <> 0),
         unfound AS (
             SELECT w.* FROM whole w WHERE NOT EXISTS (
                 SELECT 1 FROM finding f WHERE f.merchant_id = w.merchant_id AND f.state <> 'resolved'
                 AND f.kind NOT IN ('fee_drift', 'bill_duplicate')
                 AND (f.fact = w.item OR f.payment_id = w.item OR EXISTS (
                     SELECT 1 FROM finding g WHERE g.merchant_id = w.merchant_id AND g.kind = 'paid_unknown_here'
                     AND g.fact = w.item AND g.payment_id = f.payment_id) OR EXISTS (
                     SELECT 1 FROM payment p WHERE p.id = f.payment_id AND p.state = 'in_review'
                     AND p.state_detail LIKE '%\"capture_ref\":\"' || w.item || '\"%')))),
         account AS (
             SELECT id, SUM(amount) AS amount, MAX(explains) AS explains FROM unfound GROUP BY id)
         SELECT u.code, u.owner, u.currency, CAST(u.amount AS BIGINT), u.item
         FROM unfound u JOIN account a ON a.id = u.id
         WHERE a.explains = 0 OR a.amount <> 0 ORDER BY u.explains, u.item LIMIT 1"
    )
}

impl Store {
    /// Every check of this kind.
    pub(super) async fn check_open_items(&self) -> Result<Vec<Check>, StoreError> {
        let mut checks = Vec::with_capacity(CHECKS.len() + 1);
        let suspense =
            ("suspense", "2900: every unexplained amount has an open finding of its own", suspense());
        let checks_of = CHECKS.map(|(name, seen, query)| (name, seen, query.to_owned()));
        for (name, seen, query) in checks_of.into_iter().chain([suspense]) {
            let row = sqlx::query_as::<_, (i64, String, String, i64, String)>(AssertSqlSafe(query))
                .fetch_optional(self.walks())
                .await?;
            let fault = row.map(|(code, owner, currency, amount, whose)| {
                format!(
                    "{code}[{owner}] holds {amount} minor units of {currency} of {whose}, and what is open is not that"
                )
            });
            checks.push(Check::new(name, seen, fault));
        }
        Ok(checks)
    }
}
