-- Payments that took no money, by account and amount: a line of a bill without a reference is looked for among those of its
-- day, open or closed.
CREATE INDEX payment_unpaid ON payment (gateway_account_id, amount, created_at) WHERE capture_ref IS NULL;
