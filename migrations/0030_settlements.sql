-- How captured payments were divided, what went back, and what does not agree.

CREATE TABLE settlement (
  id           TEXT PRIMARY KEY,
  merchant_id  TEXT NOT NULL,
  payment_id   TEXT NOT NULL UNIQUE,
  gross        BIGINT NOT NULL,
  currency     TEXT NOT NULL,
  -- the answer of GET /v1/payments/{id}/settlement, as computed
  lines        TEXT NOT NULL,
  -- the frozen numbers that refunds and deliveries mirror
  frozen       TEXT NOT NULL,
  -- suppliers whose conversion waits for a rate, JSON; NULL when none waits
  waiting      TEXT,
  -- how much of the deferred commission is earned, JSON
  delivered    TEXT NOT NULL,
  -- the rates it used: source, times and hash of the provider's answer, JSON
  rates        TEXT NOT NULL,
  fee_version  TEXT NOT NULL,
  engine       TEXT NOT NULL,
  created_at   BIGINT NOT NULL,
  version      BIGINT NOT NULL
);
CREATE INDEX settlement_waiting ON settlement(created_at) WHERE waiting IS NOT NULL;

CREATE TABLE refund (
  id           TEXT PRIMARY KEY,
  merchant_id  TEXT NOT NULL,
  payment_id   TEXT NOT NULL,
  -- 'settlement' mirrors a settlement; 'suspense' and 'duplicate' send unmatched money back; the id is the reference sent
  kind         TEXT NOT NULL,
  state        TEXT NOT NULL,
  amount       BIGINT NOT NULL,
  currency     TEXT NOT NULL,
  reason       TEXT NOT NULL,
  capture_ref  TEXT NOT NULL,
  refund_ref   TEXT,
  -- what was decided: lines of the answer, and the numbers later refunds build on
  decided      TEXT NOT NULL,
  failure      TEXT,
  created_at   BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL,
  version      BIGINT NOT NULL
);
CREATE INDEX refund_payment ON refund(payment_id, id);
CREATE INDEX refund_open ON refund(updated_at) WHERE state IN ('pending', 'awaiting_funds');

CREATE TABLE finding (
  id               TEXT PRIMARY KEY,
  merchant_id      TEXT NOT NULL,
  kind             TEXT NOT NULL,
  gateway_account  TEXT NOT NULL,
  payment_id       TEXT,
  fact             TEXT NOT NULL,
  amount           BIGINT,
  currency         TEXT,
  detail           TEXT NOT NULL,
  state            TEXT NOT NULL,
  -- proposal and decision, JSON
  decision         TEXT NOT NULL,
  opened_at        BIGINT NOT NULL,
  version          BIGINT NOT NULL,
  -- one finding of a kind about one fact
  UNIQUE (merchant_id, kind, fact)
);
CREATE INDEX finding_state ON finding(merchant_id, state, id);
